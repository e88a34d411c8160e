use std::collections::HashMap;

use firn_journal::Seq;

use super::numbers::Slot;

/// Which instant each slot of the number space means.
///
/// The kernel remembers inode numbers for as long as it likes, and tells how often it was given one and that
/// it has forgotten it. A slot keeps its instant while the kernel remembers any inode of it; after that, until
/// all slots have been given out once.
#[derive(Debug)]
pub(super) struct Slots {
    table: Vec<Held>,
    by_seq: HashMap<Seq, Slot>,
    /// At most so many slots, so that tests need not fill them all.
    limit: usize,
    /// Where the search for a slot that can be given out again goes on.
    hand: usize,
}

#[derive(Debug)]
struct Held {
    seq: Seq,
    /// How often the kernel was told of an inode of this slot and has not forgotten it.
    lookups: u64,
}

impl Slots {
    pub fn new(limit: usize) -> Self {
        Slots { table: Vec::new(), by_seq: HashMap::new(), limit: limit.min(Slot::MAX.into()), hand: 0 }
    }

    /// The slot of an instant, looked up once more. `None` if the kernel remembers inodes of all slots.
    pub fn look_up_seq(&mut self, seq: Seq) -> Option<Slot> {
        let slot = match self.by_seq.get(&seq) {
            Some(slot) => *slot,
            None => self.give_out(seq)?,
        };
        self.table[slot.index()].lookups += 1;
        Some(slot)
    }

    /// The kernel is told of one more inode of a slot that it holds an inode of.
    pub fn look_up(&mut self, slot: Slot) {
        if let Some(held) = self.table.get_mut(slot.index()) {
            held.lookups += 1;
        }
    }

    /// The kernel has forgotten an inode of which it was told so many times.
    pub fn forget(&mut self, slot: Slot, lookups: u64) {
        if let Some(held) = self.table.get_mut(slot.index()) {
            held.lookups = held.lookups.saturating_sub(lookups);
        }
    }

    /// The instant that a slot means, if it means one.
    pub fn seq(&self, slot: Slot) -> Option<Seq> {
        self.table.get(slot.index()).map(|held| held.seq)
    }

    fn give_out(&mut self, seq: Seq) -> Option<Slot> {
        let index = if self.table.len() < self.limit {
            self.table.push(Held { seq, lookups: 0 });
            self.table.len() - 1
        } else {
            let index = self.forgotten()?;
            self.by_seq.remove(&self.table[index].seq);
            self.table[index].seq = seq;
            index
        };
        let slot = Slot::from_index(index)?;
        self.by_seq.insert(seq, slot);
        Some(slot)
    }

    /// A slot that the kernel remembers nothing of; the search goes round, so that the same is not taken again.
    fn forgotten(&mut self) -> Option<usize> {
        let len = self.table.len();
        let index =
            (0..len).map(|step| (self.hand + step) % len).find(|index| self.table[*index].lookups == 0)?;
        self.hand = index + 1;
        Some(index)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_instant_has_one_slot() {
        let mut slots = Slots::new(3);
        let first = slots.look_up_seq(Seq(10)).unwrap();
        assert_eq!(slots.look_up_seq(Seq(10)), Some(first));
        assert_ne!(slots.look_up_seq(Seq(11)), Some(first));
        assert_eq!(slots.seq(first), Some(Seq(10)));
    }

    #[test]
    fn a_slot_is_given_out_again_only_when_none_is_left_and_the_kernel_forgot_it() {
        let mut slots = Slots::new(2);
        let a = slots.look_up_seq(Seq(1)).unwrap();
        slots.forget(a, 1);
        let b = slots.look_up_seq(Seq(2)).unwrap();
        assert_ne!(a, b);
        assert_eq!(slots.look_up_seq(Seq(3)), Some(a));
        assert_eq!(slots.look_up_seq(Seq(4)), None);
        slots.look_up(b);
        slots.forget(b, 1);
        assert_eq!(slots.look_up_seq(Seq(4)), None);
        slots.forget(b, 1);
        assert_eq!(slots.look_up_seq(Seq(4)), Some(b));
        assert_eq!(slots.look_up_seq(Seq(2)), None);
    }

    proptest! {
        /// What the kernel holds never changes its meaning.
        #[test]
        fn held_slots_keep_their_instant(steps in prop::collection::vec((0u64..12, any::<bool>()), 1..200)) {
            let mut slots = Slots::new(5);
            let mut held: HashMap<Slot, (Seq, u64)> = HashMap::new();
            for (n, take) in steps {
                if take {
                    if let Some(slot) = slots.look_up_seq(Seq(n)) {
                        held.entry(slot).or_insert((Seq(n), 0)).1 += 1;
                    } else {
                        prop_assert_eq!(held.len(), 5);
                    }
                } else if let Some(slot) = Slot::from_index(n as usize % 5)
                    && let Some((_, count)) = held.remove(&slot)
                {
                    slots.forget(slot, count);
                }
                for (slot, (seq, _)) in &held {
                    prop_assert_eq!(slots.seq(*slot), Some(*seq));
                }
            }
        }
    }
}
