//! Reads everything that is stored, and compares it with everything that it must agree with.

mod hits;
mod run;

use firn_clock::Timestamp;
use firn_journal::{Ino, JournalError, Seq};
use firn_store::StoreError;

pub use run::{Bucket, verify};

/// How far the work has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Progress {
    /// Segments that are done, with the packs and snapshot files that came with them.
    pub segments: u64,
    /// Segments that there are.
    pub of: u64,
}

/// Something that is wrong.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// The key of the object.
    pub object: String,
    /// What is wrong with it: expected, found, what to do.
    pub problem: String,
    /// Paths that are hit, by inode number; at most [`MAX_HITS`].
    pub hits: Vec<Hit>,
    /// How many paths are hit, those left out included.
    pub hit_count: u64,
}

/// How many paths a finding names.
pub const MAX_HITS: usize = 1_000;

/// A path that is hit by a finding.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hit {
    /// The inode.
    pub ino: Ino,
    /// Its path at that event. `None` if it had none, or if the tree of that time is not known.
    pub path: Option<Vec<u8>>,
    /// The first event after which it is hit.
    pub since: Seq,
    /// When.
    pub time: Timestamp,
    /// Whether the latest tree is hit.
    pub now: bool,
}

/// What was read.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Summary {
    /// Segments of the journal.
    pub segments: u64,
    /// Events in them.
    pub events: u64,
    /// Snapshot files that were compared with replay.
    pub snapshots: u64,
    /// Packs.
    pub packs: u64,
    /// Bytes of segments and packs.
    pub bytes: u64,
    /// What was wrong.
    pub findings: u64,
}

/// What a verification tells while it runs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Notice {
    /// Something is wrong. What is wrong with content comes at the end, with all paths that are hit.
    Finding(Finding),
    /// It goes on.
    Progress(Progress),
}

/// Why the verification could not go on. What was found until then counts.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The end of the journal cannot be found.
    #[error(transparent)]
    Journal(#[from] JournalError),
}
