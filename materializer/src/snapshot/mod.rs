//! Snapshot files: a whole namespace in the bucket, so that opening a volume need not replay its journal.
//!
//! **Purpose.** [`write()`] saves the namespace at the end of a segment, with the directory of packs, as six tables in
//! Parquet and a table of contents; [`read`] rebuilds it; [`list`] tells what there is. The tables have typed
//! columns, so that any tool that reads Parquet can query the tree. The format is described in
//! `docs/formats.md`, "Snapshot files".
//!
//! **Invariants.**
//! - The table of contents is written last and holds the length and checksum of each table: without it there is
//!   no snapshot file, and with it the file is whole.
//! - A namespace is rebuilt exactly. What follows from the rows (homes, orphans, allocated bytes, totals) is not
//!   saved but worked out anew, with the same checks that events go through.
//! - Objects are the same for the same namespace: whoever writes a snapshot file a second time changes nothing.
//! - Long work is done in batches, with a yield after each, so that a mount is served meanwhile.
//!
//! **Failure.** A snapshot file is never needed. Whatever does not verify is a [`SnapshotError`] that names the
//! object; whoever reads passes over it, to an older one or to the journal's beginning. Nothing in an object,
//! however hostile, makes the reader panic.

mod error;
mod objects;
mod read;
mod v1;
mod write;

use firn_journal::{JournalTip, PackSeal, SegmentNo, Seq};

pub use error::{Damage, SnapshotError};
pub use objects::list;
pub use read::{damaged_objects, read};
pub use write::write;

use crate::namespace::Namespace;

/// Which snapshot file.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct SnapshotId {
    /// The last event that it holds.
    pub seq: Seq,
    /// The segment that holds that event, or came after it.
    pub segment: SegmentNo,
}

/// What a snapshot file holds.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The tree.
    pub ns: Namespace,
    /// Where the packs are that segments up to the tip committed.
    pub packs: Vec<PackSeal>,
    /// Where replay goes on.
    pub tip: JournalTip,
}

#[cfg(test)]
mod tests;
