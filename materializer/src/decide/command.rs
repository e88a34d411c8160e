use std::sync::Arc;

use firn_clock::Timestamp;
use firn_journal::{Ino, Name, PlacedExtent};

use super::Errno;

/// What somebody wants to change. Names need not be valid: [`decide`](super::decide) checks them.
#[derive(Clone, PartialEq, Debug)]
pub enum Command {
    /// Makes an inode of the type that `mode` tells, with an entry. In a set-group-ID directory it gets the
    /// directory's group. `rdev` counts for devices only.
    Create {
        /// The directory.
        parent: Ino,
        /// The entry's name.
        name: Name,
        /// Type and permissions.
        mode: u32,
        /// Owner.
        uid: u32,
        /// Group.
        gid: u32,
        /// Device number.
        rdev: u32,
        /// Where a symbolic link points to; absent for the other types.
        target: Option<Arc<[u8]>>,
    },
    /// Makes a regular file without an entry, which is gone when nobody holds it any more unless it has been given one.
    CreateUnnamed {
        /// The directory that decides about its group, as if it had its entry there.
        parent: Ino,
        /// Permissions.
        mode: u32,
        /// Owner.
        uid: u32,
        /// Group.
        gid: u32,
    },
    /// Gives a file one more entry, or its first.
    Link {
        /// The file.
        ino: Ino,
        /// The new entry's directory.
        parent: Ino,
        /// The new entry's name.
        name: Name,
    },
    /// Removes an entry that names no directory.
    Unlink {
        /// The directory.
        parent: Ino,
        /// The entry's name.
        name: Name,
    },
    /// Removes an empty directory.
    Rmdir {
        /// The directory that holds it.
        parent: Ino,
        /// Its name.
        name: Name,
    },
    /// Moves an entry.
    Rename {
        /// The directory.
        parent: Ino,
        /// The entry's name.
        name: Name,
        /// The directory it goes to.
        new_parent: Ino,
        /// The name it gets.
        new_name: Name,
        /// What happens to an entry that is there already.
        mode: RenameMode,
    },
    /// Sets attributes. With a size it truncates too.
    SetAttributes {
        /// The inode.
        ino: Ino,
        /// What to set.
        changes: AttributeChanges,
    },
    /// Makes a range of a file hold these extents, and holes elsewhere.
    Write {
        /// The file.
        ino: Ino,
        /// Where the range begins, in bytes.
        offset: u64,
        /// How long it is, in bytes.
        len: u64,
        /// Ascending, within the range.
        extents: Vec<PlacedExtent>,
    },
    /// Gives a file a size. Its times change even if it had that size.
    Truncate {
        /// The file.
        ino: Ino,
        /// Bytes.
        size: u64,
    },
    /// Makes a range of a file a hole. The size stays.
    Punch {
        /// The file.
        ino: Ino,
        /// Where the range begins, in bytes.
        offset: u64,
        /// How long it is, in bytes.
        len: u64,
    },
    /// Makes a range of a file zeros, beyond its end too: the file grows then.
    Zero {
        /// The file.
        ino: Ino,
        /// Where the range begins, in bytes.
        offset: u64,
        /// How long it is, in bytes.
        len: u64,
    },
    /// Makes a file at least `offset + len` long. Reserves nothing.
    Allocate {
        /// The file.
        ino: Ino,
        /// Where the range begins, in bytes.
        offset: u64,
        /// How long it is, in bytes.
        len: u64,
    },
    /// Copies a range by reference: both files name the same blocks then. Ends at the source's end, or earlier
    /// after very many extents; [`Decision::copied`](super::Decision::copied) tells.
    CopyRange {
        /// The file to copy from.
        from: Ino,
        /// Where the range begins there, in bytes.
        from_offset: u64,
        /// The file to copy to; may be the same, if the ranges do not overlap.
        to: Ino,
        /// Where the range begins there, in bytes.
        to_offset: u64,
        /// How long it is, in bytes.
        len: u64,
    },
    /// Sets an extended attribute.
    SetXattr {
        /// The inode.
        ino: Ino,
        /// The attribute's name, with its namespace (`user.`).
        name: Name,
        /// Its value.
        value: Arc<[u8]>,
        /// Whether it may, must or must not be there.
        mode: XattrMode,
    },
    /// Removes an extended attribute.
    RemoveXattr {
        /// The inode.
        ino: Ino,
        /// The attribute's name.
        name: Name,
    },
    /// Gives the instant right after this command a name; an instant that has the name loses it.
    Checkpoint {
        /// The name.
        name: String,
        /// Why, in the words of who asks.
        message: String,
    },
    /// Ends an inode that no entry names, if nobody holds it open. Nothing happens otherwise.
    Evict {
        /// The inode.
        ino: Ino,
    },
}

/// Attributes to set; those absent stay.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct AttributeChanges {
    /// Permission bits; the type's bits are not looked at.
    pub mode: Option<u32>,
    /// Owner.
    pub uid: Option<u32>,
    /// Group.
    pub gid: Option<u32>,
    /// Bytes.
    pub size: Option<u64>,
    /// Last read.
    pub atime: Option<SetTime>,
    /// Last change of the content.
    pub mtime: Option<SetTime>,
}

/// A time to set.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SetTime {
    /// The present.
    Now,
    /// This time.
    At(Timestamp),
}

/// What a rename does if its target exists.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum RenameMode {
    /// Replaces it.
    #[default]
    Replace,
    /// Fails.
    NoReplace,
    /// The two change places. The target must exist.
    Exchange,
}

impl RenameMode {
    /// From the flags of renameat2.
    ///
    /// # Errors
    /// `EINVAL` for flags that contradict each other or are not known (`RENAME_WHITEOUT`).
    pub fn from_flags(flags: u32) -> Result<RenameMode, Errno> {
        match flags {
            0 => Ok(RenameMode::Replace),
            1 => Ok(RenameMode::NoReplace),
            2 => Ok(RenameMode::Exchange),
            _ => Err(Errno::INVAL),
        }
    }
}

/// Whether an extended attribute may be there already.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum XattrMode {
    /// Either way.
    #[default]
    Set,
    /// It must not be.
    Create,
    /// It must be.
    Replace,
}

impl XattrMode {
    /// From the flags of setxattr.
    ///
    /// # Errors
    /// `EINVAL` for flags that contradict each other or are not known.
    pub fn from_flags(flags: i32) -> Result<XattrMode, Errno> {
        match flags {
            0 => Ok(XattrMode::Set),
            1 => Ok(XattrMode::Create),
            2 => Ok(XattrMode::Replace),
            _ => Err(Errno::INVAL),
        }
    }
}
