//! Bytes to operations. Pure and total: every length is checked, and bytes beyond what is known (a newer kernel's, or
//! extensions) are passed over.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use zerocopy::{FromBytes, Immutable, KnownLayout};

use super::operation::{Forgets, Lock, Operation, SetAttr, SetTime, Time};
use crate::abi::input::{self, *};
use crate::abi::opcode::*;

/// A request that is not what the protocol says.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a request of operation {opcode} is malformed")]
pub struct Malformed {
    /// The operation's number, as in [`crate::abi::opcode`].
    pub opcode: u32,
}

/// Size of the header of an operation: where a contiguous request is to be split.
pub fn header_len(opcode: u32) -> usize {
    match opcode {
        FORGET => size_of::<ForgetIn>(),
        BATCH_FORGET => size_of::<BatchForgetIn>(),
        GETATTR => size_of::<GetattrIn>(),
        SETATTR => size_of::<SetattrIn>(),
        MKNOD => size_of::<MknodIn>(),
        MKDIR => size_of::<MkdirIn>(),
        RENAME => size_of::<RenameIn>(),
        RENAME2 => size_of::<Rename2In>(),
        LINK => size_of::<LinkIn>(),
        OPEN | OPENDIR => size_of::<OpenIn>(),
        CREATE | TMPFILE => size_of::<CreateIn>(),
        READ | READDIR | READDIRPLUS => size_of::<ReadIn>(),
        WRITE => size_of::<WriteIn>(),
        RELEASE | RELEASEDIR => size_of::<ReleaseIn>(),
        FLUSH => size_of::<FlushIn>(),
        FSYNC | FSYNCDIR => size_of::<FsyncIn>(),
        SETXATTR => size_of::<SetxattrIn>(),
        GETXATTR | LISTXATTR => size_of::<GetxattrIn>(),
        GETLK | SETLK | SETLKW => size_of::<LkIn>(),
        ACCESS => size_of::<AccessIn>(),
        INTERRUPT => size_of::<InterruptIn>(),
        FALLOCATE => size_of::<FallocateIn>(),
        LSEEK => size_of::<LseekIn>(),
        COPY_FILE_RANGE | COPY_FILE_RANGE_64 => size_of::<CopyFileRangeIn>(),
        SYNCFS => size_of::<SyncfsIn>(),
        STATX => size_of::<StatxIn>(),
        _ => 0,
    }
}

/// The part of a request after the common header, to be taken from piece by piece.
struct Reader<'a> {
    opcode: u32,
    header: &'a [u8],
    payload: &'a [u8],
}

impl<'a> Reader<'a> {
    fn malformed(&self) -> Malformed {
        Malformed { opcode: self.opcode }
    }

    fn header<T: FromBytes + KnownLayout + Immutable>(&self) -> Result<T, Malformed> {
        T::read_from_prefix(self.header).map(|(header, _)| header).map_err(|_| self.malformed())
    }

    fn name(&mut self) -> Result<&'a OsStr, Malformed> {
        let end = self.payload.iter().position(|byte| *byte == 0).ok_or_else(|| self.malformed())?;
        let (name, rest) = self.payload.split_at(end);
        self.payload = &rest[1..];
        Ok(OsStr::from_bytes(name))
    }

    fn data(&mut self, len: u64) -> Result<&'a [u8], Malformed> {
        let len = usize::try_from(len).map_err(|_| self.malformed())?;
        let (data, rest) = self.payload.split_at_checked(len).ok_or_else(|| self.malformed())?;
        self.payload = rest;
        Ok(data)
    }
}

impl<'a> Operation<'a> {
    /// Parses what follows the common header: `header` begins with the operation's own, `payload` is what comes
    /// after it.
    ///
    /// # Errors
    /// If something is missing.
    pub fn parse(opcode: u32, header: &'a [u8], payload: &'a [u8]) -> Result<Operation<'a>, Malformed> {
        let mut from = Reader { opcode, header, payload };
        match opcode {
            LOOKUP | SYMLINK | MKNOD | MKDIR | UNLINK | RMDIR | RENAME | RENAME2 | LINK | CREATE
            | TMPFILE => names(&mut from),
            OPEN | READ | WRITE | FLUSH | RELEASE | FSYNC | FALLOCATE | LSEEK | COPY_FILE_RANGE
            | COPY_FILE_RANGE_64 => files(&mut from),
            OPENDIR | READDIR | READDIRPLUS | RELEASEDIR | FSYNCDIR => directories(&from),
            GETATTR | SETATTR | STATX | ACCESS => attributes(&from),
            SETXATTR | GETXATTR | LISTXATTR | REMOVEXATTR => extended(&mut from),
            GETLK | SETLK | SETLKW => locks(&from),
            FORGET => Ok(Operation::Forget { lookups: from.header::<ForgetIn>()?.nlookup }),
            BATCH_FORGET => {
                let count = from.header::<BatchForgetIn>()?.count;
                let len = u64::from(count) * size_of::<ForgetOne>() as u64;
                Ok(Operation::BatchForget(Forgets(from.data(len)?)))
            }
            INTERRUPT => Ok(Operation::Interrupt { unique: from.header::<InterruptIn>()?.unique }),
            READLINK => Ok(Operation::ReadLink),
            STATFS => Ok(Operation::StatFs),
            SYNCFS => Ok(Operation::SyncFs),
            DESTROY => Ok(Operation::Destroy),
            opcode => Ok(Operation::Unknown { opcode }),
        }
    }
}

fn names<'a>(from: &mut Reader<'a>) -> Result<Operation<'a>, Malformed> {
    Ok(match from.opcode {
        LOOKUP => Operation::Lookup { name: from.name()? },
        SYMLINK => Operation::Symlink { name: from.name()?, target: from.name()? },
        MKNOD => {
            let MknodIn { mode, rdev, umask, .. } = from.header()?;
            Operation::MkNod { name: from.name()?, mode, umask, rdev }
        }
        MKDIR => {
            let MkdirIn { mode, umask } = from.header()?;
            Operation::MkDir { name: from.name()?, mode, umask }
        }
        UNLINK => Operation::Unlink { name: from.name()? },
        RMDIR => Operation::RmDir { name: from.name()? },
        RENAME => {
            let RenameIn { newdir: new_parent } = from.header()?;
            Operation::Rename { name: from.name()?, new_parent, new_name: from.name()?, flags: 0 }
        }
        RENAME2 => {
            let Rename2In { newdir: new_parent, flags, .. } = from.header()?;
            Operation::Rename { name: from.name()?, new_parent, new_name: from.name()?, flags }
        }
        LINK => {
            let LinkIn { oldnodeid: inode } = from.header()?;
            Operation::Link { inode, name: from.name()? }
        }
        opcode => {
            let CreateIn { flags, mode, umask, open_flags } = from.header()?;
            let flags = flags as i32;
            match opcode {
                // The kernel sends a name that means nothing.
                TMPFILE => Operation::TmpFile { mode, umask, flags },
                _ => {
                    let kill_ids = open_flags & OPEN_KILL_SUIDGID != 0;
                    Operation::Create { name: from.name()?, mode, umask, flags, kill_ids }
                }
            }
        }
    })
}

fn files<'a>(from: &mut Reader<'a>) -> Result<Operation<'a>, Malformed> {
    Ok(match from.opcode {
        OPEN => {
            let OpenIn { flags, open_flags } = from.header()?;
            Operation::Open { flags: flags as i32, kill_ids: open_flags & OPEN_KILL_SUIDGID != 0 }
        }
        READ => {
            let ReadIn { fh, offset, size, read_flags, lock_owner, flags, .. } = from.header()?;
            let lock_owner = (read_flags & READ_LOCKOWNER != 0).then_some(lock_owner);
            Operation::Read { handle: fh, offset, size, flags: flags as i32, lock_owner }
        }
        WRITE => {
            let WriteIn { fh, offset, size, write_flags, lock_owner, flags, .. } = from.header()?;
            Operation::Write {
                handle: fh,
                offset,
                data: from.data(size.into())?,
                flags: flags as i32,
                cached: write_flags & WRITE_CACHE != 0,
                kill_ids: write_flags & WRITE_KILL_SUIDGID != 0,
                lock_owner: (write_flags & WRITE_LOCKOWNER != 0).then_some(lock_owner),
            }
        }
        FLUSH => {
            let FlushIn { fh, lock_owner, .. } = from.header()?;
            Operation::Flush { handle: fh, lock_owner }
        }
        RELEASE => {
            let ReleaseIn { fh, flags, release_flags, lock_owner } = from.header()?;
            let (flush, unlock) =
                (release_flags & RELEASE_FLUSH != 0, release_flags & RELEASE_FLOCK_UNLOCK != 0);
            Operation::Release { handle: fh, flags: flags as i32, flush, unlock, lock_owner }
        }
        FSYNC => {
            let FsyncIn { fh, fsync_flags, .. } = from.header()?;
            Operation::FSync { handle: fh, data_only: fsync_flags & FSYNC_FDATASYNC != 0 }
        }
        FALLOCATE => {
            let FallocateIn { fh, offset, length, mode, .. } = from.header()?;
            Operation::FAllocate { handle: fh, offset, length, mode: mode as i32 }
        }
        LSEEK => {
            let LseekIn { fh, offset, whence, .. } = from.header()?;
            Operation::LSeek { handle: fh, offset: offset as i64, whence: whence as i32 }
        }
        _ => {
            let CopyFileRangeIn { fh_in, off_in, nodeid_out, fh_out, off_out, len, flags } = from.header()?;
            Operation::CopyFileRange {
                handle: fh_in,
                offset: off_in,
                to_inode: nodeid_out,
                to_handle: fh_out,
                to_offset: off_out,
                length: len,
                flags,
            }
        }
    })
}

fn directories<'a>(from: &Reader<'a>) -> Result<Operation<'a>, Malformed> {
    Ok(match from.opcode {
        OPENDIR => Operation::OpenDir { flags: from.header::<OpenIn>()?.flags as i32 },
        RELEASEDIR => {
            let ReleaseIn { fh, flags, .. } = from.header()?;
            Operation::ReleaseDir { handle: fh, flags: flags as i32 }
        }
        FSYNCDIR => {
            let FsyncIn { fh, fsync_flags, .. } = from.header()?;
            Operation::FSyncDir { handle: fh, data_only: fsync_flags & FSYNC_FDATASYNC != 0 }
        }
        opcode => {
            let ReadIn { fh: handle, offset, size, .. } = from.header()?;
            match opcode {
                READDIR => Operation::ReadDir { handle, offset, size },
                _ => Operation::ReadDirPlus { handle, offset, size },
            }
        }
    })
}

fn attributes<'a>(from: &Reader<'a>) -> Result<Operation<'a>, Malformed> {
    Ok(match from.opcode {
        GETATTR => {
            let GetattrIn { getattr_flags, fh, .. } = from.header()?;
            Operation::GetAttr { handle: (getattr_flags & GETATTR_FH != 0).then_some(fh) }
        }
        STATX => {
            let StatxIn { getattr_flags, fh, sx_flags, sx_mask, .. } = from.header()?;
            let handle = (getattr_flags & GETATTR_FH != 0).then_some(fh);
            Operation::Statx { handle, flags: sx_flags, mask: sx_mask }
        }
        ACCESS => Operation::Access { mask: from.header::<AccessIn>()?.mask },
        _ => Operation::SetAttr(set_attr(&from.header()?)),
    })
}

fn set_attr(set: &SetattrIn) -> SetAttr {
    let has = |flag| set.valid & flag != 0;
    let at = |seconds: u64, nanoseconds| Time { seconds: seconds as i64, nanoseconds };
    let time = |flag, now, seconds, nanoseconds| match (has(flag), has(now)) {
        (false, _) => None,
        (true, true) => Some(SetTime::Now),
        (true, false) => Some(SetTime::At(at(seconds, nanoseconds))),
    };
    SetAttr {
        mode: has(fattr::MODE).then_some(set.mode),
        uid: has(fattr::UID).then_some(set.uid),
        gid: has(fattr::GID).then_some(set.gid),
        size: has(fattr::SIZE).then_some(set.size),
        atime: time(fattr::ATIME, fattr::ATIME_NOW, set.atime, set.atimensec),
        mtime: time(fattr::MTIME, fattr::MTIME_NOW, set.mtime, set.mtimensec),
        ctime: has(fattr::CTIME).then(|| at(set.ctime, set.ctimensec)),
        handle: has(fattr::FH).then_some(set.fh),
        lock_owner: has(fattr::LOCKOWNER).then_some(set.lock_owner),
        kill_ids: has(fattr::KILL_SUIDGID),
    }
}

fn extended<'a>(from: &mut Reader<'a>) -> Result<Operation<'a>, Malformed> {
    Ok(match from.opcode {
        SETXATTR => {
            let SetxattrIn { size, flags } = from.header()?;
            Operation::SetXattr { name: from.name()?, value: from.data(size.into())?, flags: flags as i32 }
        }
        GETXATTR => {
            let GetxattrIn { size, .. } = from.header()?;
            Operation::GetXattr { name: from.name()?, size }
        }
        LISTXATTR => Operation::ListXattr { size: from.header::<GetxattrIn>()?.size },
        _ => Operation::RemoveXattr { name: from.name()? },
    })
}

fn locks<'a>(from: &Reader<'a>) -> Result<Operation<'a>, Malformed> {
    let LkIn { fh: handle, owner, lk, lk_flags, .. } = from.header()?;
    let input::FileLock { start, end, kind, pid } = lk;
    let lock = Lock { start, end, kind: kind as i32, pid };
    Ok(match from.opcode {
        GETLK => Operation::GetLock { handle, owner, lock },
        opcode => {
            let (flock, wait) = (lk_flags & LK_FLOCK != 0, opcode == SETLKW);
            Operation::SetLock { handle, owner, lock, flock, wait }
        }
    })
}
