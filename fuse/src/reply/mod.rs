//! What is answered.

mod attributes;
mod directory;

use std::time::Duration;

use zerocopy::{FromBytes, Immutable, IntoBytes};

pub use self::attributes::{Attr, Entry, FileType, Space};
pub use self::directory::Directory;
use crate::abi::OpenFlags;
use crate::abi::input::{FileLock, GetxattrIn, InHeader, ReadIn};
use crate::abi::opcode;
use crate::abi::output::{
    AttrOut, CopyFileRangeOut, CreateOut, GetxattrOut, LseekOut, OpenOut, StatxOut, WriteOut,
};
use crate::request::Lock;
use crate::slot::{Body, Parts, Slot};

/// Error numbers from here on are the kernel's own.
const FIRST_INTERNAL_ERRNO: i32 = 512;
/// The longest target of a symbolic link.
const LONGEST_TARGET: usize = 4095;

/// The answer to one request, from any thread and at any time. Which method fits which operation is told at
/// [`crate::Operation`]. Dropped without one, it is `EIO`.
#[derive(Debug)]
#[must_use]
pub struct Reply {
    /// `None` when it has been answered.
    slot: Option<Slot>,
    unique: u64,
    opcode: u32,
    /// Bytes that the kernel takes.
    room: usize,
}

impl Reply {
    pub(crate) fn new(mut slot: Slot, header: &InHeader) -> Reply {
        let room = slot.parts().map_or(0, |parts| room(&parts)).min(slot.payload_mut().len());
        Reply { slot: Some(slot), unique: header.unique, opcode: header.opcode, room }
    }

    pub(crate) fn parts(&self) -> Option<Parts<'_>> {
        self.slot.as_ref()?.parts()
    }

    /// Where content may be written.
    fn room_mut(&mut self) -> &mut [u8] {
        let payload = self.slot.as_mut().map(Slot::payload_mut).unwrap_or_default();
        let len = payload.len().min(self.room);
        &mut payload[..len]
    }

    fn send(mut self, error: i32, body: Body<'_>) {
        if let Some(slot) = self.slot.take() {
            slot.send(self.unique, error, body);
        }
    }

    fn in_place(self, len: usize) {
        self.send(0, Body::InPlace(len));
    }

    fn value(self, value: &(impl IntoBytes + Immutable)) {
        self.send(0, Body::Bytes(value.as_bytes()));
    }

    /// Takes the buffer back from a request that wants no answer.
    pub(crate) fn discard(mut self) {
        if let Some(slot) = self.slot.take() {
            slot.discard(self.unique);
        }
    }

    /// It cannot be done: a positive error number, as in `errno.h`. What is none of these becomes `EIO`.
    pub fn error(self, errno: i32) {
        let errno = if (1..FIRST_INTERNAL_ERRNO).contains(&errno) { errno } else { libc::EIO };
        self.send(-errno, Body::InPlace(0));
    }

    /// It was done, and there is nothing to tell.
    pub fn ok(self) {
        self.in_place(0);
    }

    /// The name leads here. The kernel counts a look-up of the node, until it forgets it.
    pub fn entry(self, entry: &Entry) {
        self.value(&entry.out());
    }

    /// The name leads nowhere, which may be kept for so long.
    pub fn negative(self, ttl: Duration) {
        self.value(&Entry::negative(ttl));
    }

    /// What `stat` tells, which may be kept for so long.
    pub fn attr(self, attr: &Attr, ttl: Duration) {
        let out: AttrOut = attr.out(ttl);
        self.value(&out);
    }

    /// What `statx` tells, with the time when the inode was made.
    pub fn statx(self, attr: &Attr, ttl: Duration) {
        let out: StatxOut = attr.statx(ttl);
        self.value(&out);
    }

    /// The file was made and opened. The kernel counts a look-up of the node.
    pub fn created(self, entry: &Entry, handle: u64, flags: OpenFlags) {
        self.value(&CreateOut { entry: entry.out(), open: open_out(handle, flags) });
    }

    /// It was opened; the handle comes back with each request on it.
    pub fn opened(self, handle: u64, flags: OpenFlags) {
        self.value(&open_out(handle, flags));
    }

    /// Content. More than was asked for is cut off.
    pub fn data(self, data: &[u8]) {
        let len = data.len().min(self.room);
        self.send(0, Body::Bytes(&data[..len]));
    }

    /// Content, written by `fill` into the buffer that goes to the kernel, which is as large as what was asked for.
    /// It answers how many bytes there are, or an error as for [`Reply::error`]. What the buffer holds before is
    /// undefined (but initialised).
    pub fn data_with(mut self, fill: impl FnOnce(&mut [u8]) -> Result<usize, i32>) {
        let room = self.room_mut();
        let most = room.len();
        match fill(room) {
            Ok(len) => self.in_place(len.min(most)),
            Err(errno) => self.error(errno),
        }
    }

    /// So many bytes were written.
    pub fn written(self, len: u32) {
        self.value(&WriteOut { size: len, padding: 0 });
    }

    /// So many bytes were copied. An older kernel's request can be told of 4 GiB at the most.
    pub fn copied(self, len: u64) {
        match self.opcode {
            opcode::COPY_FILE_RANGE_64 => self.value(&CopyFileRangeOut { bytes_copied: len }),
            _ => self.written(u32::try_from(len).unwrap_or(u32::MAX)),
        }
    }

    /// What `statfs` tells.
    pub fn statfs(self, space: &Space) {
        self.value(&space.out());
    }

    /// The size of a value or of a list of names, when that was asked for.
    pub fn size(self, size: u32) {
        self.value(&GetxattrOut { size, padding: 0 });
    }

    /// A value or a list of names, or its size if that was asked for; `ERANGE` if it is longer than asked for.
    pub fn xattr(self, asked: u32, value: &[u8]) {
        match u32::try_from(value.len()) {
            Ok(len) if asked == 0 => self.size(len),
            Ok(len) if len <= asked => self.data(value),
            _ => self.error(libc::ERANGE),
        }
    }

    /// A place in a file.
    pub fn offset(self, offset: u64) {
        self.value(&LseekOut { offset });
    }

    /// The lock that is in the way, or one of kind `F_UNLCK` if none is.
    pub fn lock(self, lock: &Lock) {
        let Lock { start, end, kind, pid } = *lock;
        self.value(&FileLock { start, end, kind: kind as u32, pid });
    }

    /// Lines of a directory.
    pub fn directory(self) -> Directory {
        Directory::new(self)
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        if let Some(slot) = self.slot.take() {
            tracing::debug!(unique = self.unique, opcode = self.opcode, "dropped without an answer");
            slot.send(self.unique, -libc::EIO, Body::InPlace(0));
        }
    }
}

fn open_out(handle: u64, flags: OpenFlags) -> OpenOut {
    OpenOut { fh: handle, open_flags: flags.bits(), backing_id: 0 }
}

/// Bytes of content that the kernel takes in answer.
fn room(parts: &Parts<'_>) -> usize {
    match parts.header.opcode {
        opcode::READ | opcode::READDIR | opcode::READDIRPLUS => {
            ReadIn::read_from_prefix(parts.operation).map_or(0, |(read, _)| read.size as usize)
        }
        opcode::GETXATTR | opcode::LISTXATTR => {
            GetxattrIn::read_from_prefix(parts.operation).map_or(0, |(get, _)| get.size as usize)
        }
        opcode::READLINK => LONGEST_TARGET,
        _ => 0,
    }
}
