//! The kernel's requests in, replies out. Glue only: what a request means is in [`crate::fs`].
//!
//! What needs only memory is answered on the thread that read the request; what may wait for the store goes to
//! the runtime, and the reply with it. `.at` lookups, instants that must be opened again, reads of content that
//! is not in memory, syncs, and changes while too much is waiting for the store: nothing else waits.

mod convert;
mod entries;
mod files;

use std::sync::Arc;

use firn_fuse::{Filesystem, InitFlags, Offer, OpenFlags, Operation, Reply, Request, Terms};
use firn_journal::Name;
use tokio::runtime::Handle;

use self::convert::{caller, changes, name_of, send};
use crate::fs::{Fs, Located, New, Node, Space};

/// The largest write, and with it the largest read, in one request.
const MAX_REQUEST: u32 = 1 << 20;
/// Reads ahead and writes back that the kernel keeps in flight.
const MAX_BACKGROUND: u16 = 64;

/// What is asked of the kernel, where it can.
///
/// Not asked for: the write-back cache, since the history is to hold writes in the order in which they were
/// made, under the name of who made them; truncation as a part of opening, which would come before the kernel
/// finds out that the file is a running program; locks, which the kernel keeps well enough for one machine;
/// POSIX ACLs.
const WANTED: InitFlags = InitFlags::ASYNC_READ
    .union(InitFlags::ASYNC_DIO)
    .union(InitFlags::PARALLEL_DIROPS)
    .union(InitFlags::DO_READDIRPLUS)
    .union(InitFlags::READDIRPLUS_AUTO)
    .union(InitFlags::CACHE_SYMLINKS)
    // Nobody else writes: cached pages are good until an undo takes them back.
    .union(InitFlags::EXPLICIT_INVAL_DATA)
    // Or else the kernel asks for a file's capabilities before each write.
    .union(InitFlags::HANDLE_KILLPRIV_V2);

/// A filesystem as the kernel's requests reach it.
pub(crate) struct Adapter {
    fs: Arc<Fs>,
    runtime: Handle,
}

impl Filesystem for Adapter {
    fn init(&self, offer: &Offer) -> Terms {
        tracing::debug!(missing = ?WANTED.difference(offer.flags), "not known to this kernel");
        Terms {
            flags: WANTED,
            max_write: MAX_REQUEST,
            max_readahead: MAX_REQUEST,
            max_background: MAX_BACKGROUND,
            time_granularity: 1,
        }
    }

    fn forget(&self, node: u64, lookups: u64) {
        self.fs.forget(node, lookups);
    }

    fn handle(&self, request: Request) {
        let (node, caller) = (request.node(), caller(&request));
        let Ok(operation) = request.operation() else { return request.reply().error(libc::EIO) };
        match operation {
            Operation::Lookup { name } => self.lookup(node, name_of(name), request.reply()),
            Operation::GetAttr { .. } => self.attributes(node, request.reply()),
            Operation::Statx { .. } => self.statx(node, request.reply()),
            Operation::SetAttr(set) => self.set_attributes(caller, node, changes(&set), request.reply()),
            Operation::ReadLink => self.target(node, request.reply()),
            Operation::MkNod { name, mode, rdev, .. } => {
                let new = New { mode, rdev, target: None };
                self.make(caller, node, name_of(name), new, request.reply());
            }
            Operation::MkDir { name, mode, .. } => {
                self.make(caller, node, name_of(name), New::directory(mode), request.reply());
            }
            Operation::Symlink { name, target } => {
                let new = New::symlink(target.as_encoded_bytes());
                self.make(caller, node, name_of(name), new, request.reply());
            }
            Operation::Link { inode, name } => {
                let name = name_of(name);
                self.entry(request.reply(), move |fs| fs.link(caller, inode, node, name));
            }
            Operation::Unlink { name } => {
                let name = name_of(name);
                self.change(request.reply(), move |fs| fs.unlink(caller, node, name));
            }
            Operation::RmDir { name } => {
                let name = name_of(name);
                self.change(request.reply(), move |fs| fs.rmdir(caller, node, name));
            }
            Operation::Rename { name, new_parent, new_name, flags } => {
                let (from, to) = ((node, name_of(name)), (new_parent, name_of(new_name)));
                self.change(request.reply(), move |fs| fs.rename(caller, from, to, flags));
            }
            Operation::Create { name, mode, flags, .. } => {
                let exclusive = flags & libc::O_EXCL != 0;
                let name = name_of(name);
                self.created(request.reply(), move |fs| fs.create_open(caller, node, name, mode, exclusive));
            }
            Operation::TmpFile { mode, .. } => {
                self.created(request.reply(), move |fs| fs.create_unnamed_open(caller, node, mode));
            }
            Operation::SetXattr { name, value, flags } => {
                let (name, value) = (name_of(name), value.to_vec());
                self.change(request.reply(), move |fs| fs.set_xattr(caller, node, name, &value, flags));
            }
            Operation::RemoveXattr { name } => {
                let name = name_of(name);
                self.change(request.reply(), move |fs| fs.remove_xattr(caller, node, name));
            }
            Operation::GetXattr { name, size } => self.xattr(node, name_of(name), size, request.reply()),
            Operation::ListXattr { size } => self.xattr_names(node, size, request.reply()),
            Operation::StatFs => self.space(request.reply()),
            Operation::FSync { .. } | Operation::FSyncDir { .. } | Operation::SyncFs => {
                self.sync(request.reply());
            }
            _ => self.handle_open(request),
        }
    }
}

impl Adapter {
    pub fn new(fs: Arc<Fs>, runtime: Handle) -> Self {
        Adapter { fs, runtime }
    }

    /// What is asked of something that was opened, and opening it.
    fn handle_open(&self, request: Request) {
        let (node, caller) = (request.node(), caller(&request));
        let Ok(operation) = request.operation() else { return request.reply().error(libc::EIO) };
        match operation {
            Operation::Open { flags, .. } => {
                self.open(node, request.reply(), move |fs, node| fs.open(node, caller, flags));
            }
            Operation::Read { handle, offset, size, .. } => {
                self.read(handle, offset, size, request.reply());
            }
            Operation::Write { .. } => self.write(request),
            // Closing promises nothing about durability, so that there is nothing to do. Told so once, the kernel
            // goes on writing changed mapped pages at each close, and no longer asks.
            Operation::Flush { .. } => request.reply().error(libc::ENOSYS),
            Operation::Release { handle, .. } => {
                self.fs.release(handle);
                request.reply().ok();
            }
            Operation::FAllocate { handle, offset, length, mode } => {
                self.change(request.reply(), move |fs| fs.allocate(handle, caller, mode, offset, length));
            }
            Operation::LSeek { handle, offset, whence } => {
                send(request.reply(), self.fs.seek(handle, offset, whence), Reply::offset);
            }
            Operation::CopyFileRange { handle, offset, to_handle, to_offset, length, .. } => {
                let (from, to) = ((handle, offset), (to_handle, to_offset));
                self.when_there_is_room(request.reply(), move |fs, reply| {
                    send(reply, fs.copy(caller, from, to, length), |reply, len| reply.copied(len.into()));
                });
            }
            Operation::OpenDir { .. } => {
                self.open_directory(node, caller, request.reply());
            }
            Operation::ReadDir { handle, offset, .. } => self.list(handle, offset, request.reply()),
            Operation::ReadDirPlus { handle, offset, .. } => {
                self.list_with_attributes(handle, offset, request.reply());
            }
            Operation::ReleaseDir { handle, .. } => {
                self.fs.release_directory(handle);
                request.reply().ok();
            }
            _ => request.reply().error(libc::ENOSYS),
        }
    }

    /// Answers from a node: now if its tree is in memory, or when it has been opened.
    fn with_node(&self, number: u64, reply: Reply, answer: impl FnOnce(&Fs, Node, Reply) + Send + 'static) {
        match self.fs.locate(number) {
            Ok(Located::Here(node)) => answer(&self.fs, node, reply),
            Ok(Located::Away(away)) => {
                let fs = self.fs.clone();
                self.runtime.spawn(async move {
                    match fs.open_instant(away).await {
                        Ok(node) => answer(&fs, node, reply),
                        Err(errno) => reply.error(errno.0),
                    }
                });
            }
            Err(errno) => reply.error(errno.0),
        }
    }

    /// Makes a change: now if there is room for what it leaves to be stored, or when there is.
    fn when_there_is_room(&self, reply: Reply, change: impl FnOnce(&Fs, Reply) + Send + 'static) {
        if self.fs.has_room() {
            return change(&self.fs, reply);
        }
        let fs = self.fs.clone();
        self.runtime.spawn(async move {
            fs.room().await;
            change(&fs, reply);
        });
    }

    fn sync(&self, reply: Reply) {
        let fs = self.fs.clone();
        self.runtime.spawn(async move { send(reply, fs.sync().await, |reply, ()| reply.ok()) });
    }

    fn space(&self, reply: Reply) {
        let Space { total, free, inodes, free_inodes } = self.fs.space();
        reply.statfs(&firn_fuse::Space {
            blocks: total,
            free,
            available: free,
            inodes,
            free_inodes,
            unit: Space::UNIT,
            longest_name: Name::MAX as u32,
        });
    }
}

/// What is known of a file that is opened stays in the kernel's cache.
const KEEP: OpenFlags = OpenFlags::KEEP_CACHE;
