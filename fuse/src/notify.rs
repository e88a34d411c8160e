//! Tells the kernel what changed without its doing.

use std::ffi::OsStr;
use std::io::{self, IoSlice};
use std::os::unix::ffi::OsStrExt;
use std::sync::Weak;

use rustix::io::Errno;
use zerocopy::{Immutable, IntoBytes};

use crate::abi::notification;
use crate::abi::output::{
    EXPIRE_ONLY, NotifyDeleteOut, NotifyInvalEntryOut, NotifyInvalInodeOut, NotifyStoreOut, OutHeader,
};
use crate::device::Channel;

/// Speaks to the kernel of a session, from any thread. When the session has ended, every call is `ENODEV`.
///
/// Most calls wait for requests that the kernel has in hand on the same inode or directory: they must be made neither
/// by [`crate::Filesystem::handle`] nor under a lock that answering could wait for.
#[derive(Clone, Debug)]
pub struct Notifier {
    channel: Weak<Channel>,
}

impl Notifier {
    pub(crate) fn new(channel: Weak<Channel>) -> Notifier {
        Notifier { channel }
    }

    /// Attributes of an inode are void, and the pages of `len` bytes from `offset` on: all of them from there if `len`
    /// is not positive, none if `offset` is negative. With a negative offset it waits for nothing.
    ///
    /// # Errors
    /// `ENOENT` if the kernel does not know the inode.
    pub fn inval_inode(&self, node: u64, offset: i64, len: i64) -> io::Result<()> {
        let out = NotifyInvalInodeOut { ino: node, off: offset, len };
        self.send(notification::INVAL_INODE, &out, &[])
    }

    /// A name is void, whether it led somewhere or nowhere.
    ///
    /// # Errors
    /// `ENOENT` if the kernel does not know the directory or the name.
    pub fn inval_entry(&self, parent: u64, name: &OsStr) -> io::Result<()> {
        self.entry(parent, name, 0)
    }

    /// A name is to be asked for again, but what is held below it stays. Needs
    /// [`crate::InitFlags::HAS_EXPIRE_ONLY`].
    ///
    /// # Errors
    /// As for [`Notifier::inval_entry`].
    pub fn expire_entry(&self, parent: u64, name: &OsStr) -> io::Result<()> {
        self.entry(parent, name, EXPIRE_ONLY)
    }

    fn entry(&self, parent: u64, name: &OsStr, flags: u32) -> io::Result<()> {
        let out = NotifyInvalEntryOut { parent, namelen: name.len() as u32, flags };
        self.send(notification::INVAL_ENTRY, &out, &[name.as_bytes(), b"\0"])
    }

    /// A name of `child` was removed, which watchers of the directory hear of.
    ///
    /// # Errors
    /// As for [`Notifier::inval_entry`], and `ENOTEMPTY` or `EBUSY` if the name is in use.
    pub fn delete(&self, parent: u64, child: u64, name: &OsStr) -> io::Result<()> {
        let out = NotifyDeleteOut { parent, child, namelen: name.len() as u32, padding: 0 };
        self.send(notification::DELETE, &out, &[name.as_bytes(), b"\0"])
    }

    /// Puts content into the kernel's cache.
    ///
    /// # Errors
    /// `ENOENT` if the kernel does not know the inode.
    pub fn store(&self, node: u64, offset: u64, data: &[u8]) -> io::Result<()> {
        let size = u32::try_from(data.len()).map_err(|_| Errno::FBIG)?;
        self.send(notification::STORE, &NotifyStoreOut { nodeid: node, offset, size, padding: 0 }, &[data])
    }

    fn send(&self, code: i32, out: &(impl IntoBytes + Immutable), more: &[&[u8]]) -> io::Result<()> {
        let channel = self.channel.upgrade().ok_or(Errno::NODEV)?;
        let [first, second] = [more.first(), more.get(1)].map(|part| part.copied().unwrap_or_default());
        let parts = [out.as_bytes(), first, second];
        let len = size_of::<OutHeader>() + parts.iter().map(|part| part.len()).sum::<usize>();
        let len = u32::try_from(len).map_err(|_| Errno::FBIG)?;
        let header = OutHeader { len, error: code, unique: 0 };
        let [out, first, second] = parts;
        channel.write(&[header.as_bytes(), out, first, second].map(IoSlice::new))
    }
}
