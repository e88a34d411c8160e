//! Finds blocks that are stored already, in bounded memory.

use std::collections::HashMap;

use firn_journal::{BlockRef, Hash};

/// What an entry costs at most: 45 bytes in a hash table that may have grown to twice what it holds.
pub(crate) const ENTRY_BYTES: usize = 104;

/// Checksums of committed blocks. Two generations: when the young one is full, the old one is forgotten and
/// the young one becomes old; whatever is found again is young again.
pub(crate) struct DedupIndex {
    per_generation: usize,
    young: HashMap<Hash, BlockRef>,
    old: HashMap<Hash, BlockRef>,
}

impl DedupIndex {
    /// An index that takes at most `limit` bytes.
    pub(crate) fn new(limit: usize) -> Self {
        DedupIndex { per_generation: limit / ENTRY_BYTES / 2, young: HashMap::new(), old: HashMap::new() }
    }

    /// Where these bytes are stored, if that is known.
    pub(crate) fn find(&mut self, hash: &Hash) -> Option<BlockRef> {
        if let Some(found) = self.young.get(hash) {
            return Some(*found);
        }
        let found = self.old.remove(hash)?;
        self.remember(*hash, found);
        Some(found)
    }

    /// Remembers a block of a committed pack that is no alias itself.
    pub(crate) fn remember(&mut self, hash: Hash, block: BlockRef) {
        if self.per_generation == 0 {
            return;
        }
        if self.young.len() >= self.per_generation && !self.young.contains_key(&hash) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(hash, block);
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }
}

#[cfg(test)]
mod tests {
    use firn_journal::{Epoch, PackId};

    use super::*;

    fn entry(n: u32) -> (Hash, BlockRef) {
        let pack = PackId { epoch: Epoch(1), number: n };
        (Hash::of(&n.to_le_bytes()), BlockRef { pack, slot: 0 })
    }

    #[test]
    fn the_budget_holds_and_what_is_used_stays() {
        let mut index = DedupIndex::new(100 * ENTRY_BYTES);
        let (kept, at) = entry(0);
        index.remember(kept, at);
        for n in 1..1_000 {
            let (hash, block) = entry(n);
            index.remember(hash, block);
            assert_eq!(index.find(&hash), Some(block));
            assert_eq!(index.find(&kept), Some(at), "after {n} others");
            assert!(index.len() <= 100, "{} entries", index.len());
        }
        assert_eq!(index.find(&entry(1).0), None, "what nobody asks for is forgotten");
    }

    #[test]
    fn no_budget_no_entry() {
        let mut index = DedupIndex::new(0);
        let (hash, block) = entry(0);
        index.remember(hash, block);
        assert_eq!(index.find(&hash), None);
    }
}
