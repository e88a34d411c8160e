use std::sync::Arc;

use firn_clock::Timestamp;
use firn_journal::{Actor, EventKind, Ino, Seq, TransactionKind};
use firn_materializer::namespace::FileType;

/// One event, or a transaction as a whole.
#[derive(Clone, PartialEq, Debug)]
pub struct LogRow {
    /// Its position; of a transaction, that of its last event. The instant right after it.
    pub seq: Seq,
    /// Its position; of a transaction, that of its first event.
    pub first: Seq,
    /// When.
    pub time: Timestamp,
    /// Who.
    pub actor: Arc<Actor>,
    /// The inode, if it is about one.
    pub ino: Option<Ino>,
    /// Where that is after the event; of what is removed, where it was; of a transaction, its scope. `None` for
    /// what has no path: an event of the whole volume, a file that was removed while it was open.
    pub path: Option<Vec<u8>>,
    /// What.
    pub op: Op,
}

/// What happened, with what the event tells about it.
#[derive(Clone, PartialEq, Debug)]
#[allow(missing_docs, reason = "the fields are those of the events")]
pub enum Op {
    /// A writer took over.
    Mounted { host: String, pid: u32, version: String },
    /// The instant got a name.
    Checkpointed { name: String, message: String },
    /// An undo, a redo or a restore of `count` effects; `target` is the instant that it went to or took from.
    Transaction { kind: TransactionKind, target: Seq, count: u32 },
    /// A new file, directory, symbolic link or special file.
    Created { kind: Option<FileType>, mode: u32, target: Option<Arc<[u8]>> },
    /// One more name of a file.
    Linked,
    /// A name is gone: of a file, or of an empty directory.
    Unlinked,
    /// From another path; `replaced` is what was at the new one.
    Renamed { from: Option<Vec<u8>>, replaced: Option<Ino> },
    /// Two changed places: it came from `from`, and `other` went there.
    Exchanged { from: Option<Vec<u8>>, other: Ino },
    /// An open file without a name was closed.
    Evicted,
    /// Attributes were set.
    AttributesSet {
        mode: Option<u32>,
        uid: Option<u32>,
        gid: Option<u32>,
        atime: Option<Timestamp>,
        mtime: Option<Timestamp>,
    },
    /// An extended attribute was set, to `size` bytes.
    XattrSet { name: Vec<u8>, size: u64 },
    /// An extended attribute was removed.
    XattrRemoved { name: Vec<u8> },
    /// Bytes were written, or a hole was made.
    Written { offset: u64, len: u64 },
    /// The file was cut or grew.
    Truncated { size: u64 },
    /// Of a transaction: an inode was set to a state.
    InodePut { size: u64, mode: u32 },
    /// Of a transaction: an inode is gone.
    InodeDropped,
    /// Of a transaction: a name was set; `replaced` is what it named before.
    EntryPut { replaced: Option<Ino> },
    /// Of a transaction: a name is gone.
    EntryDropped,
    /// Of a transaction: bytes were set.
    ContentPut { offset: u64, len: u64 },
    /// Of a transaction: an extended attribute was set, to `size` bytes.
    XattrPut { name: Vec<u8>, size: u64 },
    /// Of a transaction: an extended attribute is gone.
    XattrDropped { name: Vec<u8> },
}

impl Op {
    /// One word for it, which stays the same in all versions.
    pub fn name(&self) -> &'static str {
        match self {
            Op::Mounted { .. } => "mount",
            Op::Checkpointed { .. } => "checkpoint",
            Op::Transaction { kind: TransactionKind::Undo, .. } => "undo",
            Op::Transaction { kind: TransactionKind::Redo, .. } => "redo",
            Op::Transaction { kind: TransactionKind::Restore, .. } => "restore",
            Op::Created { kind: Some(FileType::Directory), .. } => "mkdir",
            Op::Created { kind: Some(FileType::Symlink), .. } => "symlink",
            Op::Created { kind: Some(FileType::Regular) | None, .. } => "create",
            Op::Created { .. } => "mknod",
            Op::Linked => "link",
            Op::Unlinked => "remove",
            Op::Renamed { .. } => "rename",
            Op::Exchanged { .. } => "exchange",
            Op::Evicted => "evict",
            Op::AttributesSet { .. } => "setattr",
            Op::XattrSet { .. } => "setxattr",
            Op::XattrRemoved { .. } => "removexattr",
            Op::Written { .. } => "write",
            Op::Truncated { .. } => "truncate",
            Op::InodePut { .. } => "put-inode",
            Op::InodeDropped => "drop-inode",
            Op::EntryPut { .. } => "put-entry",
            Op::EntryDropped => "drop-entry",
            Op::ContentPut { .. } => "put-content",
            Op::XattrPut { .. } => "put-xattr",
            Op::XattrDropped { .. } => "drop-xattr",
        }
    }

    /// Where it was before, if it moved.
    pub fn from(&self) -> Option<&[u8]> {
        match self {
            Op::Renamed { from, .. } | Op::Exchanged { from, .. } => from.as_deref(),
            _ => None,
        }
    }

    /// What an event tells, but for the paths: `from` is given.
    pub(super) fn of(kind: &EventKind, from: Option<Vec<u8>>) -> Op {
        match kind.clone() {
            EventKind::Mounted { host, pid, version, .. } => Op::Mounted { host, pid, version },
            EventKind::Checkpointed { name, message } => Op::Checkpointed { name, message },
            EventKind::TransactionBegan { kind, target, count, .. } => {
                Op::Transaction { kind, target, count }
            }
            EventKind::Created { mode, target, .. } => {
                Op::Created { kind: FileType::of_mode(mode), mode, target }
            }
            EventKind::Linked { .. } => Op::Linked,
            EventKind::Unlinked { .. } => Op::Unlinked,
            EventKind::Renamed { replaced, .. } => {
                Op::Renamed { from, replaced: replaced.map(|replaced| replaced.ino) }
            }
            EventKind::Exchanged { other, .. } => Op::Exchanged { from, other },
            EventKind::Evicted { .. } => Op::Evicted,
            EventKind::AttributesSet { mode, uid, gid, atime, mtime, .. } => {
                Op::AttributesSet { mode, uid, gid, atime, mtime }
            }
            EventKind::XattrSet { name, value, .. } => {
                Op::XattrSet { name: name.as_bytes().to_vec(), size: value.len() as u64 }
            }
            EventKind::XattrRemoved { name, .. } => Op::XattrRemoved { name: name.as_bytes().to_vec() },
            EventKind::Written { offset, len, .. } => Op::Written { offset, len },
            EventKind::Truncated { size, .. } => Op::Truncated { size },
            EventKind::InodePut { attributes, .. } => {
                Op::InodePut { size: attributes.size, mode: attributes.mode }
            }
            EventKind::InodeDropped { .. } => Op::InodeDropped,
            EventKind::DirentPut { replaced, .. } => Op::EntryPut { replaced },
            EventKind::DirentDropped { .. } => Op::EntryDropped,
            EventKind::ExtentsPut { offset, len, .. } => Op::ContentPut { offset, len },
            EventKind::XattrPut { name, value, .. } => {
                Op::XattrPut { name: name.as_bytes().to_vec(), size: value.len() as u64 }
            }
            EventKind::XattrDropped { name, .. } => Op::XattrDropped { name: name.as_bytes().to_vec() },
        }
    }
}
