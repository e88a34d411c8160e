//! Between Firn's words and the kernel's.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

use firn_clock::Timestamp;
use firn_fuse::{Reply, Request, SetAttr, Time};
use firn_journal::Name;
use firn_materializer::decide::{AttributeChanges, Errno, SetTime};
use firn_materializer::namespace::FileType;

use crate::fs::{Attr, Caller, Entry};

/// Inode numbers are not reused while the kernel remembers them, so that there is one generation.
const GENERATION: u64 = 0;

/// The unit that programs do best to read and write in, in bytes.
const IO_UNIT: u32 = 4096;

/// Replies with what came of a request.
pub(super) fn send<T>(reply: Reply, result: Result<T, Errno>, answer: impl FnOnce(Reply, T)) {
    match result {
        Ok(value) => answer(reply, value),
        Err(errno) => reply.error(errno.0),
    }
}

/// Replies with what a name leads to, or that it leads nowhere, for as long as the entry is good.
pub(super) fn send_entry(reply: Reply, entry: Result<Entry, Errno>) {
    send(reply, entry, |reply, Entry { attr, ttl }| match attr {
        Some(attr) => reply.entry(&entry_of(&attr, ttl)),
        None => reply.negative(ttl),
    });
}

/// Who asks.
pub(super) fn caller(request: &Request) -> Caller {
    let firn_fuse::Caller { uid, gid, pid } = request.caller();
    Caller { uid, gid, thread: pid }
}

/// A name, as the kernel gives it.
pub(super) fn name_of(name: &OsStr) -> Name {
    Name::new(name.as_bytes())
}

pub(super) fn file_type(kind: FileType) -> firn_fuse::FileType {
    match kind {
        FileType::Regular => firn_fuse::FileType::Regular,
        FileType::Directory => firn_fuse::FileType::Directory,
        FileType::Symlink => firn_fuse::FileType::Symlink,
        FileType::CharDevice => firn_fuse::FileType::CharDevice,
        FileType::BlockDevice => firn_fuse::FileType::BlockDevice,
        FileType::Fifo => firn_fuse::FileType::Fifo,
        FileType::Socket => firn_fuse::FileType::Socket,
    }
}

pub(super) fn entry_of(attr: &Attr, ttl: Duration) -> firn_fuse::Entry {
    firn_fuse::Entry {
        node: attr.number,
        generation: GENERATION,
        attr: attr_of(attr),
        attr_ttl: attr.ttl,
        entry_ttl: ttl,
    }
}

pub(super) fn attr_of(attr: &Attr) -> firn_fuse::Attr {
    firn_fuse::Attr {
        ino: attr.number,
        size: attr.size,
        blocks: attr.blocks,
        atime: time_of(attr.atime),
        mtime: time_of(attr.mtime),
        ctime: time_of(attr.ctime),
        btime: time_of(attr.btime),
        kind: file_type(attr.kind),
        permissions: attr.permissions,
        nlink: attr.nlink,
        uid: attr.uid,
        gid: attr.gid,
        rdev: attr.rdev,
        blksize: IO_UNIT,
    }
}

/// What is to be changed.
pub(super) fn changes(set: &SetAttr) -> AttributeChanges {
    let time = |time: firn_fuse::SetTime| match time {
        firn_fuse::SetTime::Now => SetTime::Now,
        firn_fuse::SetTime::At(time) => SetTime::At(Timestamp::from_parts(time.seconds, time.nanoseconds)),
    };
    AttributeChanges {
        mode: set.mode,
        uid: set.uid,
        gid: set.gid,
        size: set.size,
        atime: set.atime.map(time),
        mtime: set.mtime.map(time),
    }
}

fn time_of(time: Timestamp) -> Time {
    let (seconds, nanoseconds) = time.parts();
    Time { seconds, nanoseconds }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_before_1970_have_their_nanoseconds_after_the_second() {
        // 1969-12-31T23:59:58.25Z: the kernel says -2 s and 250,000,000 ns.
        let time = Timestamp::from_parts(-2, 250_000_000);
        assert_eq!(time_of(time), Time { seconds: -2, nanoseconds: 250_000_000 });
        assert_eq!(time_of(Timestamp(7)), Time { seconds: 0, nanoseconds: 7 });
    }
}
