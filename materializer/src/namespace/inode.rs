use std::sync::Arc;

use firn_clock::Timestamp;
use firn_journal::{Attributes, Ino, Name, Seq};

/// The bits of a mode that tell the type.
pub const TYPE_BITS: u32 = 0o170_000;
/// The bits of a mode that can be changed: permissions, set-user-ID, set-group-ID, sticky.
pub const PERMISSION_BITS: u32 = 0o7777;

/// What an inode is. Never changes in the life of an inode.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum FileType {
    /// A regular file: the only type with content.
    Regular,
    /// A directory: the only type with entries.
    Directory,
    /// A symbolic link: the only type with a target.
    Symlink,
    /// A character device.
    CharDevice,
    /// A block device.
    BlockDevice,
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
}

impl FileType {
    const ALL: [FileType; 7] = [
        FileType::Regular,
        FileType::Directory,
        FileType::Symlink,
        FileType::CharDevice,
        FileType::BlockDevice,
        FileType::Fifo,
        FileType::Socket,
    ];

    /// The type that the `S_IFMT` bits of a mode tell; `None` if they tell none.
    pub fn of_mode(mode: u32) -> Option<FileType> {
        Self::ALL.into_iter().find(|kind| kind.bits() == mode & TYPE_BITS)
    }

    /// The `S_IFMT` bits of this type.
    pub fn bits(self) -> u32 {
        match self {
            FileType::Regular => 0o100_000,
            FileType::Directory => 0o040_000,
            FileType::Symlink => 0o120_000,
            FileType::CharDevice => 0o020_000,
            FileType::BlockDevice => 0o060_000,
            FileType::Fifo => 0o010_000,
            FileType::Socket => 0o140_000,
        }
    }

    /// Whether it is a device, the only types with a device number.
    pub fn is_device(self) -> bool {
        matches!(self, FileType::CharDevice | FileType::BlockDevice)
    }
}

/// A file, a directory or anything else that an entry can name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Inode {
    /// What stat tells.
    pub attributes: Attributes,
    /// Its type, as the mode tells it.
    pub kind: FileType,
    /// Bytes of content that are not a hole.
    pub allocated: u64,
    /// The smallest (parent, name) that names it. None for the root and for an orphan.
    pub home: Option<(Ino, Name)>,
    /// Where a symbolic link points to.
    pub target: Option<Arc<[u8]>>,
}

impl Inode {
    /// Whether it is a directory.
    pub fn is_dir(&self) -> bool {
        self.kind == FileType::Directory
    }
}

/// What an entry of a directory names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Dirent {
    /// The inode.
    pub ino: Ino,
    /// The inode's type.
    pub kind: FileType,
}

/// A name for an instant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Checkpoint {
    /// The event that gave the name; the instant is the one right after it.
    pub seq: Seq,
    /// When.
    pub time: Timestamp,
    /// Why, in the words of who made it. May be empty.
    pub message: String,
}

/// Sums over the whole tree, kept with each event.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Totals {
    /// Inodes, the root and orphans too.
    pub inodes: u64,
    /// Bytes of content that are not holes, as files count them (shared blocks count for each file).
    pub allocated: u64,
}
