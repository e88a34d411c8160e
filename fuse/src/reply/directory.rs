//! Lines of a directory, written straight into the buffer that goes to the kernel.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use zerocopy::IntoBytes;

use super::Reply;
use super::attributes::{Entry, FileType};
use crate::abi::output::{Dirent, DirentPlus};

/// A listing on its way. See [`Reply::directory`].
#[derive(Debug)]
#[must_use]
pub struct Directory {
    reply: Reply,
    len: usize,
}

impl Directory {
    pub(super) fn new(reply: Reply) -> Directory {
        Directory { reply, len: 0 }
    }

    /// Adds a line for [`crate::Operation::ReadDir`]. `next` is the offset that the listing goes on from after this
    /// line; it must not be 0. Answers true if there was no room for it: the listing is to end here.
    pub fn add(&mut self, ino: u64, next: u64, kind: FileType, name: &OsStr) -> bool {
        let dirent = dirent(ino, next, kind, name);
        self.append(dirent.as_bytes(), name)
    }

    /// Adds a line for [`crate::Operation::ReadDirPlus`]; as [`Directory::add`]. The kernel counts it as a look-up of
    /// `entry.node`, unless the name is `.` or `..`.
    pub fn add_plus(&mut self, next: u64, name: &OsStr, entry: &Entry) -> bool {
        let dirent = dirent(entry.attr.ino, next, entry.attr.kind, name);
        self.append(DirentPlus { entry: entry.out(), dirent }.as_bytes(), name)
    }

    fn append(&mut self, head: &[u8], name: &OsStr) -> bool {
        let name = name.as_bytes();
        let len = (head.len() + name.len()).next_multiple_of(size_of::<u64>());
        let room = self.reply.room_mut();
        let Some(line) = room.get_mut(self.len..).and_then(|rest| rest.get_mut(..len)) else { return true };
        let (before, rest) = line.split_at_mut(head.len());
        let (middle, padding) = rest.split_at_mut(name.len());
        before.copy_from_slice(head);
        middle.copy_from_slice(name);
        padding.fill(0);
        self.len += len;
        false
    }

    /// Sends the lines; none means that the listing is at its end.
    pub fn ok(self) {
        self.reply.in_place(self.len);
    }

    /// Sends an error instead. See [`Reply::error`].
    pub fn error(self, errno: i32) {
        self.reply.error(errno);
    }
}

fn dirent(ino: u64, next: u64, kind: FileType, name: &OsStr) -> Dirent {
    Dirent { ino, off: next, namelen: name.len() as u32, kind: kind.mode() >> 12 }
}
