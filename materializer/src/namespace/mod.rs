//! The tree of files at one instant, in memory.
//!
//! **Purpose.** A [`Namespace`] is what the events up to one position amount to. [`Namespace::apply`] folds the
//! next event in; a live mount and a replay run this same code. It is a persistent structure: a clone is a view
//! of an instant, costs O(1) and never changes; [`Namespace::diff`] of two costs what changed between them, and
//! [`resets`] states that difference as events.
//!
//! **Invariants** (of every state, also in the middle of a transaction, and whatever the events were):
//! - The root is inode 1, a directory; no entry names it.
//! - Every entry lies in a directory that exists and names an inode that exists, with that inode's type.
//! - A directory has at most one entry that names it. So whatever is reached from the root is a tree, and a
//!   walk down ends.
//! - The links of an inode are its `home` (the smallest) and its extra links; an inode that no entry names,
//!   but the root, is an *orphan*, and is found without a search.
//! - Extents belong to regular files, do not overlap, are not empty and end at or before 2^63 - 1.
//!   `allocated` is their sum.
//! - `next_ino` is above every inode number that was ever in use.
//!
//! Link counts and sizes are what the events make them: a journal that was written by [`decide`] keeps `nlink`
//! equal to the links (for a directory 2 and its subdirectories) at the end of each transaction.
//!
//! **Failure.** An event that does not fit is an [`EvolveError`], which means that the journal was not written
//! by this code, or a bug. The namespace is then of no use any more: it may hold a part of the event. No event,
//! however hostile, makes it panic, or work more than in proportion to the event and what it removes (a
//! directory's move looks at its ancestors too).
//!
//! [`decide`]: crate::decide::decide

mod diff;
mod error;
mod evolve;
mod extents;
mod inode;
mod keys;
mod links;
mod load;
mod map;
mod read;
mod resets;

use std::fmt;
use std::sync::Arc;

use firn_clock::Timestamp;
use firn_journal::{Attributes, Extent, Ino, Seq};

pub use diff::{DirentChange, ExtentChange, NamespaceDiff, XattrChange};
pub use error::EvolveError;
pub use inode::{Checkpoint, Dirent, FileType, Inode, PERMISSION_BITS, TYPE_BITS, Totals};
pub use load::Loader;
pub use map::Change;
pub use resets::resets;

use keys::{LinkKey, NameKey, PlaceKey};
use map::Map;

/// The largest size of a file, and the end of the last byte that an extent can cover.
pub const MAX_FILE_SIZE: u64 = i64::MAX as u64;
/// The largest value of an extended attribute, in bytes.
pub const MAX_XATTR_SIZE: usize = 64 * 1024;

/// The tree of files at one instant. A clone is O(1), and later events do not touch it.
#[derive(Clone, PartialEq)]
pub struct Namespace {
    inodes: Map<Ino, Arc<Inode>>,
    dirents: Map<NameKey, Dirent>,
    /// The links that are not a home: of files with several names.
    extra_links: Map<LinkKey, ()>,
    orphans: Map<Ino, ()>,
    extents: Map<PlaceKey, Extent>,
    xattrs: Map<NameKey, Arc<[u8]>>,
    checkpoints: Map<String, Checkpoint>,
    seq: Seq,
    time: Timestamp,
    next_ino: Ino,
    allocated: u64,
    /// How many events of the transaction that has begun are still to come.
    transaction_left: u32,
}

impl Default for Namespace {
    /// The volume before its first event: an empty root directory that belongs to user 0, mode 0755.
    fn default() -> Self {
        let mut namespace = Namespace::bare();
        let attributes = Attributes {
            mode: FileType::Directory.bits() | 0o755,
            uid: 0,
            gid: 0,
            nlink: 2,
            rdev: 0,
            size: 0,
            atime: Timestamp::default(),
            mtime: Timestamp::default(),
            ctime: Timestamp::default(),
            btime: Timestamp::default(),
        };
        namespace.add_inode(Ino::ROOT, FileType::Directory, attributes, None);
        namespace
    }
}

impl Namespace {
    /// Without even a root: what a [`Loader`] begins with.
    fn bare() -> Self {
        Namespace {
            inodes: Map::default(),
            dirents: Map::default(),
            extra_links: Map::default(),
            orphans: Map::default(),
            extents: Map::default(),
            xattrs: Map::default(),
            checkpoints: Map::default(),
            seq: Seq::ZERO,
            time: Timestamp::default(),
            next_ino: Ino::ROOT,
            allocated: 0,
            transaction_left: 0,
        }
    }
}

impl fmt::Debug for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Namespace")
            .field("seq", &self.seq)
            .field("time", &self.time)
            .field("next_ino", &self.next_ino)
            .field("totals", &self.totals())
            .finish_non_exhaustive()
    }
}
