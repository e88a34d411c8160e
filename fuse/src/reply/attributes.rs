//! What `stat`, `statx` and `statfs` tell.

use std::time::Duration;

use crate::abi::output::{AttrOut, AttrStruct, EntryOut, StatfsOut, StatxOut, StatxStruct, SxTime};
use crate::request::Time;

/// Kinds of inodes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[allow(missing_docs, reason = "they are what they are called")]
pub enum FileType {
    Fifo,
    CharDevice,
    Directory,
    BlockDevice,
    Regular,
    Symlink,
    Socket,
}

impl FileType {
    /// As in `st_mode`.
    pub fn mode(self) -> u32 {
        match self {
            FileType::Fifo => libc::S_IFIFO,
            FileType::CharDevice => libc::S_IFCHR,
            FileType::Directory => libc::S_IFDIR,
            FileType::BlockDevice => libc::S_IFBLK,
            FileType::Regular => libc::S_IFREG,
            FileType::Symlink => libc::S_IFLNK,
            FileType::Socket => libc::S_IFSOCK,
        }
    }

    /// From `st_mode`; `None` for a type that there is not.
    pub fn of_mode(mode: u32) -> Option<FileType> {
        Some(match mode & libc::S_IFMT {
            libc::S_IFIFO => FileType::Fifo,
            libc::S_IFCHR => FileType::CharDevice,
            libc::S_IFDIR => FileType::Directory,
            libc::S_IFBLK => FileType::BlockDevice,
            libc::S_IFREG => FileType::Regular,
            libc::S_IFLNK => FileType::Symlink,
            libc::S_IFSOCK => FileType::Socket,
            _ => return None,
        })
    }
}

/// What `stat` tells of an inode.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Attr {
    /// Number.
    pub ino: u64,
    /// Length in bytes.
    pub size: u64,
    /// Room taken, in units of 512 bytes.
    pub blocks: u64,
    /// Last access.
    pub atime: Time,
    /// Last change of content.
    pub mtime: Time,
    /// Last change.
    pub ctime: Time,
    /// When it was made, which only `statx` tells.
    pub btime: Time,
    /// What it is.
    pub kind: FileType,
    /// The lower twelve bits of `st_mode`.
    pub permissions: u32,
    /// Names.
    pub nlink: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// The device, of device files, as the kernel packs it.
    pub rdev: u32,
    /// The unit that it is best read and written in, in bytes.
    pub blksize: u32,
}

impl Attr {
    fn mode(&self) -> u32 {
        self.kind.mode() | self.permissions & 0o7777
    }

    pub(super) fn raw(&self) -> AttrStruct {
        AttrStruct {
            ino: self.ino,
            size: self.size,
            blocks: self.blocks,
            atime: self.atime.seconds,
            mtime: self.mtime.seconds,
            ctime: self.ctime.seconds,
            atimensec: self.atime.nanoseconds,
            mtimensec: self.mtime.nanoseconds,
            ctimensec: self.ctime.nanoseconds,
            mode: self.mode(),
            nlink: self.nlink,
            uid: self.uid,
            gid: self.gid,
            rdev: self.rdev,
            blksize: self.blksize,
            flags: 0,
        }
    }

    pub(super) fn out(&self, ttl: Duration) -> AttrOut {
        AttrOut { attr_valid: ttl.as_secs(), attr_valid_nsec: ttl.subsec_nanos(), dummy: 0, attr: self.raw() }
    }

    pub(super) fn statx(&self, ttl: Duration) -> StatxOut {
        let time = |time: Time| SxTime { tv_sec: time.seconds, tv_nsec: time.nanoseconds, reserved: 0 };
        let stat = StatxStruct {
            mask: libc::STATX_BASIC_STATS | libc::STATX_BTIME,
            blksize: self.blksize,
            nlink: self.nlink,
            uid: self.uid,
            gid: self.gid,
            mode: self.mode() as u16,
            ino: self.ino,
            size: self.size,
            blocks: self.blocks,
            atime: time(self.atime),
            btime: time(self.btime),
            ctime: time(self.ctime),
            mtime: time(self.mtime),
            rdev_major: self.rdev >> 8 & 0xfff,
            rdev_minor: self.rdev & 0xff | self.rdev >> 12 & 0xfff00,
            ..StatxStruct::default()
        };
        let (attr_valid, attr_valid_nsec) = (ttl.as_secs(), ttl.subsec_nanos());
        StatxOut { attr_valid, attr_valid_nsec, stat, ..StatxOut::default() }
    }
}

/// What a name leads to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Entry {
    /// How requests are to call the inode: mostly the number of `attr`. Never 0.
    pub node: u64,
    /// Another one each time that the same `node` is used for another inode.
    pub generation: u64,
    /// What `stat` tells.
    pub attr: Attr,
    /// How long `attr` may be kept.
    pub attr_ttl: Duration,
    /// How long the name may be kept.
    pub entry_ttl: Duration,
}

impl Entry {
    pub(super) fn out(&self) -> EntryOut {
        EntryOut {
            nodeid: self.node,
            generation: self.generation,
            entry_valid: self.entry_ttl.as_secs(),
            attr_valid: self.attr_ttl.as_secs(),
            entry_valid_nsec: self.entry_ttl.subsec_nanos(),
            attr_valid_nsec: self.attr_ttl.subsec_nanos(),
            attr: self.attr.raw(),
        }
    }

    /// That a name leads nowhere.
    pub(super) fn negative(ttl: Duration) -> EntryOut {
        EntryOut { entry_valid: ttl.as_secs(), entry_valid_nsec: ttl.subsec_nanos(), ..EntryOut::default() }
    }
}

/// What `statfs` tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Space {
    /// Units that there are.
    pub blocks: u64,
    /// Units that are free.
    pub free: u64,
    /// Units that are free for users.
    pub available: u64,
    /// Inodes that there can be.
    pub inodes: u64,
    /// Inodes that can still be made.
    pub free_inodes: u64,
    /// The unit, in bytes.
    pub unit: u32,
    /// The longest name, in bytes.
    pub longest_name: u32,
}

impl Space {
    pub(super) fn out(&self) -> StatfsOut {
        StatfsOut {
            blocks: self.blocks,
            bfree: self.free,
            bavail: self.available,
            files: self.inodes,
            ffree: self.free_inodes,
            bsize: self.unit,
            namelen: self.longest_name,
            frsize: self.unit,
            ..StatfsOut::default()
        }
    }
}
