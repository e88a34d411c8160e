use firn_journal::{BlockRef, PackId};
use firn_store::{Key, StoreError};

use crate::PackError;

/// Why blocks could not be read or stored.
#[derive(Clone, Debug, thiserror::Error)]
pub enum BlocksError {
    /// A setting is out of range.
    #[error("{what} is {found}, expected {expected}")]
    Config {
        /// The setting.
        what: &'static str,
        /// Its value.
        found: u64,
        /// What it may be.
        expected: &'static str,
    },
    /// No segment that was read commits this pack.
    #[error("no segment of the journal that was read stores pack {:08x}-{:08x}", .0.epoch.0, .0.number)]
    Unknown(PackId),
    /// The pack is not where the journal says it is.
    #[error("{key} is missing, though the journal refers to pack {:08x}-{:08x} in it; restore the object from a copy of the bucket", .pack.epoch.0, .pack.number)]
    Missing {
        /// The object.
        key: Key,
        /// The pack.
        pack: PackId,
    },
    /// The object holds other bytes than were written.
    #[error("{key} is corrupt at {part}: {problem}; restore the object from a copy of the bucket")]
    Corrupt {
        /// The object.
        key: Key,
        /// Which part of the pack in it.
        part: Part,
        /// What is wrong.
        problem: PackError,
    },
    /// An event names bytes that its block does not have.
    #[error("slot {} of pack {:08x}-{:08x} has no bytes {skip}..{} (it has {len})", .block.slot, .block.pack.epoch.0, .block.pack.number, u64::from(*.skip) + u64::from(*.wanted))]
    OutOfRange {
        /// The block.
        block: BlockRef,
        /// The first byte wanted.
        skip: u32,
        /// Bytes wanted.
        wanted: u32,
        /// Bytes of the block; 0 if the pack has no such slot.
        len: u32,
    },
    /// The store did not answer, or refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The task that did the work was ended: the writer is closing, or another epoch has begun.
    #[error("the work was given up before it was done")]
    Abandoned,
}

/// A part of a pack.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// Its first bytes.
    Header,
    /// The block of a slot.
    Slot(u32),
    /// Something among the blocks.
    Body,
    /// The table or the trailer.
    Table,
}

impl std::fmt::Display for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Part::Header => f.write_str("the pack's header"),
            Part::Slot(slot) => write!(f, "the pack's slot {slot}"),
            Part::Body => f.write_str("the pack's blocks"),
            Part::Table => f.write_str("the pack's table"),
        }
    }
}
