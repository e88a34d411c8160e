//! Inode numbers as the kernel sees them: one 64-bit space for the present, the `.at` directories and the past.
//!
//! ```text
//! present   0 | 15 bits 0    | 48 bits inode      the inode's own number
//! past      0 | 15 bits slot | 48 bits inode      an inode as it was; which instant the slot means is in Slots
//! .at       1 | 15 bits 0    | 48 bits inode      the `.at` directory of a present directory
//! ```

use std::num::NonZeroU16;

use firn_journal::Ino;
use firn_materializer::decide::Errno;

use super::errno::OVERFLOW;

const INO_BITS: u32 = 48;
const INO_MASK: u64 = (1 << INO_BITS) - 1;
const AT_BIT: u64 = 1 << 63;

/// Which of the instants that the kernel holds inodes of. From 1 to [`Slot::MAX`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Slot(NonZeroU16);

impl Slot {
    /// The highest slot.
    pub const MAX: u16 = 0x7ffe;

    /// The slot at this place of a table that begins with slot 1.
    pub fn from_index(index: usize) -> Option<Slot> {
        let raw = u16::try_from(index + 1).ok().filter(|raw| *raw <= Slot::MAX)?;
        NonZeroU16::new(raw).map(Slot)
    }

    /// Its place in that table.
    pub fn index(self) -> usize {
        usize::from(self.0.get()) - 1
    }
}

/// What an inode number of the kernel means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// An inode of the mounted tree.
    Present(Ino),
    /// The `.at` directory of a directory of the mounted tree.
    At(Ino),
    /// An inode as it was at an instant.
    Past(Slot, Ino),
}

impl Place {
    /// What `number` means. `ESTALE` if it cannot have been given out.
    pub fn from_number(number: u64) -> Result<Place, Errno> {
        let ino = Ino(number & INO_MASK);
        let slot = (number & !AT_BIT) >> INO_BITS;
        match (number & AT_BIT != 0, slot) {
            (false, 0) => Ok(Place::Present(ino)),
            (true, 0) => Ok(Place::At(ino)),
            (false, slot) => {
                Slot::from_index(slot as usize - 1).map(|slot| Place::Past(slot, ino)).ok_or(Errno::STALE)
            }
            (true, _) => Err(Errno::STALE),
        }
    }

    /// Its number. `EOVERFLOW` for an inode number above 48 bits, which no writer comes to by counting.
    pub fn number(self) -> Result<u64, Errno> {
        let (prefix, ino) = match self {
            Place::Present(ino) => (0, ino),
            Place::At(ino) => (AT_BIT, ino),
            Place::Past(slot, ino) => (u64::from(slot.0.get()) << INO_BITS, ino),
        };
        if ino.0 > INO_MASK { Err(OVERFLOW) } else { Ok(prefix | ino.0) }
    }

    /// The same place for another inode: what an entry of this directory leads to.
    pub fn beside(self, ino: Ino) -> Place {
        match self {
            Place::Present(_) | Place::At(_) => Place::Present(ino),
            Place::Past(slot, _) => Place::Past(slot, ino),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_and_places_are_the_same_thing(number: u64) {
            if let Ok(place) = Place::from_number(number) {
                prop_assert_eq!(place.number(), Ok(number));
            }
        }

        #[test]
        fn places_round_trip(ino in 1..=INO_MASK, index in 0..usize::from(Slot::MAX)) {
            let slot = Slot::from_index(index).unwrap();
            prop_assert_eq!(slot.index(), index);
            for place in [Place::Present(Ino(ino)), Place::At(Ino(ino)), Place::Past(slot, Ino(ino))] {
                prop_assert_eq!(place.number().and_then(Place::from_number), Ok(place));
            }
        }
    }

    #[test]
    fn the_ends_of_the_spaces() {
        assert_eq!(Slot::from_index(usize::from(Slot::MAX)), None);
        assert_eq!(Place::Present(Ino(INO_MASK + 1)).number(), Err(OVERFLOW));
        assert_eq!(Place::from_number(0x7fff << INO_BITS), Err(Errno::STALE));
        assert_eq!(Place::from_number(AT_BIT | 1 << INO_BITS), Err(Errno::STALE));
    }
}
