use firn_clock::Timestamp;
use firn_journal::{Ino, Name, Seq};

use super::FileType;

/// Why an event does not fit the namespace that it was applied to.
#[allow(missing_docs, reason = "the messages tell what the fields are")]
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum EvolveError {
    /// Not the next event.
    #[error("expected event {expected}, found {found}")]
    OutOfOrder { expected: Seq, found: Seq },
    /// Time must advance with each event, and stand still within a transaction.
    #[error("the time of event {seq} is {found:?}, the event before it has {previous:?}")]
    TimeOutOfOrder { seq: Seq, previous: Timestamp, found: Timestamp },
    /// A transaction began within another.
    #[error("a transaction begins while {left} events of another are still to come")]
    NestedTransaction { left: u32 },
    /// The inode does not exist.
    #[error("inode {} does not exist", .0.0)]
    NoInode(Ino),
    /// The number was given out before.
    #[error("inode number {} was given out before: the next one is {}", .ino.0, .next.0)]
    StaleIno { ino: Ino, next: Ino },
    /// No inode can have this number.
    #[error("{} is no inode number", .0.0)]
    BadIno(Ino),
    /// The inode's type does not allow it.
    #[error("inode {} is a {found:?}, expected a {expected:?}", .ino.0)]
    WrongType { ino: Ino, expected: FileType, found: FileType },
    /// It cannot be done to a directory.
    #[error("inode {} is a directory", .0.0)]
    IsDirectory(Ino),
    /// It cannot be done to the root.
    #[error("it is done to the root directory")]
    IsRoot,
    /// The mode, the target, the link count or the size cannot be.
    #[error("the attributes of inode {} are impossible: {what}", .ino.0)]
    BadAttributes { ino: Ino, what: &'static str },
    /// No entry can have this name.
    #[error("{0:?} is no name")]
    BadName(Name),
    /// The entry names another inode than the event says, or there is none, or one too many.
    #[error("entry {name:?} of directory {}: expected inode {expected:?}, found {found:?}", .parent.0)]
    EntryDiffers { parent: Ino, name: Name, expected: Option<Ino>, found: Option<Ino> },
    /// The directory still has entries.
    #[error("directory {} is not empty", .0.0)]
    NotEmpty(Ino),
    /// The directory was removed.
    #[error("directory {} was removed", .0.0)]
    RemovedDirectory(Ino),
    /// Entries still name the inode.
    #[error("inode {} still has a name", .0.0)]
    StillNamed(Ino),
    /// The directory would have two entries.
    #[error("directory {} has a name already", .0.0)]
    SecondName(Ino),
    /// A directory would lie within itself.
    #[error("directory {} would lie within itself", .0.0)]
    WithinItself(Ino),
    /// The range is empty or ends beyond 2^63 - 1.
    #[error("inode {}: a range of {len} bytes at {offset} cannot be", .ino.0)]
    BadRange { ino: Ino, offset: u64, len: u64 },
    /// The extents are not ascending, overlap, are empty or lie outside the event's range.
    #[error("inode {}: the extent at {offset} is empty, out of order or outside the range", .ino.0)]
    BadExtent { ino: Ino, offset: u64 },
    /// An extended attribute's value is too large, or the attribute is not there.
    #[error("inode {}: extended attribute {name:?} {what}", .ino.0)]
    BadXattr { ino: Ino, name: Name, what: &'static str },
}
