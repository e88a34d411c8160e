//! Between Firn's words and fuser's.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::time::{SystemTime, UNIX_EPOCH};

use firn_clock::Timestamp;
use firn_journal::Name;
use firn_materializer::decide::{Errno, SetTime};
use firn_materializer::namespace::FileType;
use fuser::{
    FileAttr, Generation, INodeNo, ReplyAttr, ReplyCreate, ReplyData, ReplyDirectory, ReplyDirectoryPlus,
    ReplyEmpty, ReplyEntry, ReplyLseek, ReplyOpen, ReplyWrite, ReplyXattr, Request, TimeOrNow,
};

use crate::fs::{Attr, Caller, Entry};

/// Inode numbers are not reused while the kernel remembers them, so that there is one generation.
pub(super) const GENERATION: Generation = Generation(0);

/// The unit that programs do best to read and write in, in bytes.
const IO_UNIT: u32 = 4096;

/// A reply that can say no.
pub(super) trait Refuse: Send + 'static {
    /// Replies with an error number.
    fn refuse(self, errno: Errno);
}

macro_rules! refuse {
    ($($reply:ty),* $(,)?) => {
        $(impl Refuse for $reply {
            fn refuse(self, errno: Errno) {
                self.error(fuser::Errno::from_i32(errno.0));
            }
        })*
    };
}

refuse!(
    ReplyAttr,
    ReplyCreate,
    ReplyData,
    ReplyDirectory,
    ReplyDirectoryPlus,
    ReplyEmpty,
    ReplyEntry,
    ReplyLseek,
    ReplyOpen,
    ReplyWrite,
    ReplyXattr,
);

/// Replies with what came of a request.
pub(super) fn send<R: Refuse, T>(reply: R, result: Result<T, Errno>, answer: impl FnOnce(R, T)) {
    match result {
        Ok(value) => answer(reply, value),
        Err(errno) => reply.refuse(errno),
    }
}

/// Replies with what a name leads to. Number 0 says that it leads nowhere, for as long as the entry is good.
pub(super) fn send_entry(reply: ReplyEntry, entry: Result<Entry, Errno>) {
    send(reply, entry, |reply, Entry { attr, ttl }| match attr {
        Some(attr) => reply.entry_with_ttls(&attr.ttl, &ttl, &file_attr(&attr), GENERATION),
        None => reply.entry(&ttl, &NOTHING, GENERATION),
    });
}

/// Replies with a value, or with its length if that is what was asked for.
pub(super) fn send_xattr(reply: ReplyXattr, room: u32, value: Result<impl AsRef<[u8]>, Errno>) {
    send(reply, value, |reply, value| {
        let value = value.as_ref();
        match u32::try_from(value.len()) {
            Ok(len) if room == 0 => reply.size(len),
            Ok(len) if len <= room => reply.data(value),
            _ => reply.refuse(Errno::RANGE),
        }
    });
}

/// Who asks.
pub(super) fn caller(request: &Request) -> Caller {
    Caller { uid: request.uid(), gid: request.gid(), thread: request.pid() }
}

/// A name, as the kernel gives it.
pub(super) fn name_of(name: &OsStr) -> Name {
    Name::new(name.as_bytes())
}

pub(super) fn file_type(kind: FileType) -> fuser::FileType {
    match kind {
        FileType::Regular => fuser::FileType::RegularFile,
        FileType::Directory => fuser::FileType::Directory,
        FileType::Symlink => fuser::FileType::Symlink,
        FileType::CharDevice => fuser::FileType::CharDevice,
        FileType::BlockDevice => fuser::FileType::BlockDevice,
        FileType::Fifo => fuser::FileType::NamedPipe,
        FileType::Socket => fuser::FileType::Socket,
    }
}

/// What goes with the number 0.
const NOTHING: FileAttr = FileAttr {
    ino: INodeNo(0),
    size: 0,
    blocks: 0,
    atime: UNIX_EPOCH,
    mtime: UNIX_EPOCH,
    ctime: UNIX_EPOCH,
    crtime: UNIX_EPOCH,
    kind: fuser::FileType::RegularFile,
    perm: 0,
    nlink: 0,
    uid: 0,
    gid: 0,
    rdev: 0,
    blksize: IO_UNIT,
    flags: 0,
};

pub(super) fn file_attr(attr: &Attr) -> FileAttr {
    FileAttr {
        ino: INodeNo(attr.number),
        size: attr.size,
        blocks: attr.blocks,
        atime: attr.atime.into(),
        mtime: attr.mtime.into(),
        ctime: attr.ctime.into(),
        crtime: attr.btime.into(),
        kind: file_type(attr.kind),
        perm: attr.permissions as u16,
        nlink: attr.nlink,
        uid: attr.uid,
        gid: attr.gid,
        rdev: attr.rdev,
        blksize: IO_UNIT,
        flags: 0,
    }
}

/// A time to set, as fuser gives it.
pub(super) fn set_time(time: TimeOrNow) -> SetTime {
    match time {
        TimeOrNow::Now => SetTime::Now,
        TimeOrNow::SpecificTime(time) => SetTime::At(timestamp(time)),
    }
}

/// fuser takes the nanoseconds of a time before 1970 away instead of adding them (as of 0.18): the parts are the
/// kernel's, the sum is not.
fn timestamp(time: SystemTime) -> Timestamp {
    match time.duration_since(UNIX_EPOCH) {
        Ok(_) => time.into(),
        Err(before) => {
            let parts = before.duration();
            let seconds = i64::try_from(parts.as_secs()).map_or(i64::MIN, |seconds| -seconds);
            Timestamp::from_parts(seconds, parts.subsec_nanos())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn times_before_1970_have_their_nanoseconds_after_the_second() {
        // 1969-12-31T23:59:58.25Z: the kernel says -2 s and 250,000,000 ns.
        let as_fuser_gives_it = UNIX_EPOCH - Duration::new(2, 250_000_000);
        assert_eq!(timestamp(as_fuser_gives_it), Timestamp::from_parts(-2, 250_000_000));
        assert_eq!(timestamp(UNIX_EPOCH + Duration::from_nanos(7)), Timestamp(7));
    }
}
