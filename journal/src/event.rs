//! What can happen to a volume. An event states effects: replaying it needs nothing but the namespace before it.

use std::sync::Arc;

use firn_clock::Timestamp;

use crate::{Epoch, Ino, Name, PlacedExtent, Seq};

/// Who asked for a change, as the kernel told it with the request.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Actor {
    /// User id of the process.
    pub uid: u32,
    /// Group id of the process.
    pub gid: u32,
    /// Process id; 0 when the kernel itself asked (write-back).
    pub pid: u32,
    /// The process's command name (`/proc/PID/comm`), empty when it is not known. Any bytes.
    pub command: Vec<u8>,
}

/// A fact of the history.
#[derive(Clone, PartialEq, Debug)]
pub struct Event {
    /// Its position. Consecutive.
    pub seq: Seq,
    /// When. Strictly increasing, but for the events of one transaction, which share one time.
    pub time: Timestamp,
    /// Who.
    pub actor: Arc<Actor>,
    /// What.
    pub kind: EventKind,
}

/// The attributes of an inode that a reset states whole.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Attributes {
    /// Type (`S_IFMT`) and permission bits.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Directory entries that name it; for a directory 2 and one for each directory in it.
    pub nlink: u32,
    /// Device number of a character or block device.
    pub rdev: u32,
    /// Bytes.
    pub size: u64,
    /// Last read.
    pub atime: Timestamp,
    /// Last change of the content.
    pub mtime: Timestamp,
    /// Last change of the inode.
    pub ctime: Timestamp,
    /// Creation.
    pub btime: Timestamp,
}

/// What a rename replaced.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Replaced {
    /// The inode whose entry was replaced.
    pub ino: Ino,
    /// Whether it is gone at once: that was its last link and nothing holds it open.
    pub evict: bool,
}

/// Why a transaction was made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TransactionKind {
    /// Going back to an earlier instant.
    Undo,
    /// Taking an undo back.
    Redo,
    /// Bringing a file or a tree of the past to a path.
    Restore,
}

/// What happened. The numbers of the kinds are in `codec/kinds.rs`.
#[allow(missing_docs, reason = "the fields are told with their event")]
#[derive(Clone, PartialEq, Debug)]
pub enum EventKind {
    /// A writer took over the journal.
    Mounted { epoch: Epoch, host: String, pid: u32, version: String },
    /// This instant got a name. A name that existed moves to this instant.
    Checkpointed { name: String, message: String },
    /// The `count` events that follow are one transaction: they are applied and undone together, and lie in
    /// one segment. For an undo `target` is the instant gone back to; for a redo, the instant that is shown
    /// again; for a restore, the instant that content was taken from. `path` is its scope, the whole tree if
    /// absent. Bytes, relative to the root, without a leading slash.
    TransactionBegan { kind: TransactionKind, target: Seq, count: u32, path: Option<Vec<u8>> },

    /// A new inode and its first entry. Its four times, and its parent's mtime and ctime, are the event's time.
    /// A directory adds a link to its parent.
    Created {
        ino: Ino,
        parent: Ino,
        name: Name,
        mode: u32,
        uid: u32,
        gid: u32,
        rdev: u32,
        target: Option<Arc<[u8]>>,
    },
    /// One more entry of an inode.
    Linked { ino: Ino, parent: Ino, name: Name },
    /// An entry is gone; with `evict` its inode too. Otherwise the inode has a link less, and may have none
    /// (it is still open: an orphan, until `Evicted`).
    Unlinked { ino: Ino, parent: Ino, name: Name, evict: bool },
    /// An entry moved, and perhaps replaced another.
    Renamed { ino: Ino, parent: Ino, name: Name, new_parent: Ino, new_name: Name, replaced: Option<Replaced> },
    /// Two entries changed places: `ino` was at the first and is now at the second.
    Exchanged { ino: Ino, parent: Ino, name: Name, other: Ino, other_parent: Ino, other_name: Name },
    /// The last holder of an orphan closed it.
    Evicted { ino: Ino },

    /// Attributes were set; those absent stay. ctime becomes the event's time.
    AttributesSet {
        ino: Ino,
        mode: Option<u32>,
        uid: Option<u32>,
        gid: Option<u32>,
        atime: Option<Timestamp>,
        mtime: Option<Timestamp>,
    },
    /// An extended attribute was set. ctime becomes the event's time.
    XattrSet { ino: Ino, name: Name, value: Arc<[u8]> },
    /// An extended attribute was removed. ctime becomes the event's time.
    XattrRemoved { ino: Ino, name: Name },

    /// Bytes were written at `offset` to `offset + len`; what `extents` (ascending, within that range) leave
    /// out is a hole now. The file is at least `offset + len` long. mtime and ctime become the event's time.
    Written { ino: Ino, offset: u64, len: u64, extents: Vec<PlacedExtent> },
    /// The file is `size` bytes long now; nothing is left beyond. mtime and ctime become the event's time.
    Truncated { ino: Ino, size: u64 },

    /// Resets, the stuff of undo and restore: each states a piece of the namespace whole, and touches nothing
    /// else: no times, no link counts. An inode as it is from now on (made, if it was not there).
    InodePut { ino: Ino, attributes: Attributes, target: Option<Arc<[u8]>> },
    /// An inode with its extents and extended attributes is gone.
    InodeDropped { ino: Ino },
    /// An entry as it is from now on, and which inode it named before.
    DirentPut { parent: Ino, name: Name, ino: Ino, replaced: Option<Ino> },
    /// An entry is gone.
    DirentDropped { parent: Ino, name: Name, ino: Ino },
    /// The range holds these extents from now on and is a hole elsewhere. The size stays.
    ExtentsPut { ino: Ino, offset: u64, len: u64, extents: Vec<PlacedExtent> },
    /// An extended attribute as it is from now on.
    XattrPut { ino: Ino, name: Name, value: Arc<[u8]> },
    /// An extended attribute is gone.
    XattrDropped { ino: Ino, name: Name },
}
