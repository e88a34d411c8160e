//! FUSE requests in, FUSE replies out. Glue only: what a request means is in [`crate::fs`].
//!
//! What needs only memory is answered on the thread that read the request; what may wait for the store goes to
//! the runtime, and the reply with it. `.at` lookups, instants that must be opened again, reads of content that
//! is not in memory, syncs, and changes while too much is waiting for the store: nothing else waits.

mod convert;

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use firn_journal::Name;
use firn_materializer::decide::AttributeChanges;
use fuser::{
    BsdFileFlags, CopyFileRangeFlags, FileHandle, Filesystem, FopenFlags, INodeNo, InitFlags, KernelConfig,
    LockOwner, OpenFlags, RenameFlags, ReplyAttr, ReplyCreate, ReplyData, ReplyDirectory, ReplyDirectoryPlus,
    ReplyEmpty, ReplyEntry, ReplyLseek, ReplyOpen, ReplyStatfs, ReplyWrite, ReplyXattr, Request, TimeOrNow,
    WriteFlags,
};
use tokio::runtime::Handle;

use self::convert::{
    GENERATION, Refuse, caller, file_attr, file_type, name_of, send, send_entry, send_xattr, set_time,
};
use crate::fs::{Found, Fs, Located, New, Node, Space, Write};

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
const WANTED: [InitFlags; 8] = [
    InitFlags::FUSE_ASYNC_READ,
    InitFlags::FUSE_ASYNC_DIO,
    InitFlags::FUSE_PARALLEL_DIROPS,
    InitFlags::FUSE_DO_READDIRPLUS,
    InitFlags::FUSE_READDIRPLUS_AUTO,
    InitFlags::FUSE_CACHE_SYMLINKS,
    // Nobody else writes: cached pages are good until an undo takes them back.
    InitFlags::FUSE_EXPLICIT_INVAL_DATA,
    // Or else the kernel asks for a file's capabilities before each write.
    InitFlags::FUSE_HANDLE_KILLPRIV_V2,
];

/// A filesystem as the kernel's requests reach it.
#[derive(Clone)]
pub(crate) struct Adapter {
    fs: Arc<Fs>,
    runtime: Handle,
}

impl Adapter {
    pub fn new(fs: Arc<Fs>, runtime: Handle) -> Self {
        Adapter { fs, runtime }
    }

    /// Answers from a node: now if its tree is in memory, or when it has been opened.
    fn with_node<R: Refuse>(
        &self,
        ino: INodeNo,
        reply: R,
        answer: impl FnOnce(&Fs, Node, R) + Send + 'static,
    ) {
        match self.fs.locate(ino.0) {
            Ok(Located::Here(node)) => answer(&self.fs, node, reply),
            Ok(Located::Away(away)) => {
                let fs = self.fs.clone();
                self.runtime.spawn(async move {
                    match fs.open_instant(away).await {
                        Ok(node) => answer(&fs, node, reply),
                        Err(errno) => reply.refuse(errno),
                    }
                });
            }
            Err(errno) => reply.refuse(errno),
        }
    }

    /// Makes a change: now if there is room for what it leaves to be stored, or when there is.
    fn change<R: Refuse>(&self, reply: R, change: impl FnOnce(&Fs, R) + Send + 'static) {
        if self.fs.has_room() {
            return change(&self.fs, reply);
        }
        let fs = self.fs.clone();
        self.runtime.spawn(async move {
            fs.room().await;
            change(&fs, reply);
        });
    }

    fn sync(&self, reply: ReplyEmpty) {
        let fs = self.fs.clone();
        self.runtime.spawn(async move { send(reply, fs.sync().await, |reply, ()| reply.ok()) });
    }
}

impl Filesystem for Adapter {
    fn init(&mut self, _req: &Request, config: &mut KernelConfig) -> io::Result<()> {
        for capability in WANTED {
            if config.add_capabilities(capability).is_err() {
                tracing::debug!(?capability, "not known to this kernel");
            }
        }
        // Each answers the nearest value that it takes instead.
        let _ = config.set_max_write(MAX_REQUEST).or_else(|most| config.set_max_write(most));
        let _ = config.set_max_readahead(MAX_REQUEST).or_else(|most| config.set_max_readahead(most));
        let _ = config.set_max_background(MAX_BACKGROUND);
        Ok(())
    }

    fn lookup(&self, _req: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let name = name_of(name);
        let runtime = self.runtime.clone();
        let shared = self.fs.clone();
        self.with_node(parent, reply, move |fs, node, reply| match fs.lookup(&node, &name) {
            Ok(Found::Entry(entry)) => send_entry(reply, Ok(entry)),
            Ok(Found::Instant { dir }) => {
                runtime.spawn(async move { send_entry(reply, shared.enter(dir, &name).await) });
            }
            Err(errno) => reply.refuse(errno),
        });
    }

    fn forget(&self, _req: &Request, ino: INodeNo, nlookup: u64) {
        self.fs.forget(ino.0, nlookup);
    }

    fn getattr(&self, _req: &Request, ino: INodeNo, _fh: Option<FileHandle>, reply: ReplyAttr) {
        self.with_node(ino, reply, |_, node, reply| {
            send(reply, node.attributes(), |reply, attr| reply.attr(&attr.ttl, &file_attr(&attr)));
        });
    }

    fn setattr(
        &self,
        req: &Request,
        ino: INodeNo,
        mode: Option<u32>,
        uid: Option<u32>,
        gid: Option<u32>,
        size: Option<u64>,
        atime: Option<TimeOrNow>,
        mtime: Option<TimeOrNow>,
        _ctime: Option<SystemTime>,
        _fh: Option<FileHandle>,
        _crtime: Option<SystemTime>,
        _chgtime: Option<SystemTime>,
        _bkuptime: Option<SystemTime>,
        _flags: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        let (atime, mtime) = (atime.map(set_time), mtime.map(set_time));
        let changes = AttributeChanges { mode, uid, gid, size, atime, mtime };
        let caller = caller(req);
        self.change(reply, move |fs, reply| {
            let set = fs.set_attributes(caller, ino.0, changes);
            send(reply, set, |reply, attr| reply.attr(&attr.ttl, &file_attr(&attr)));
        });
    }

    fn readlink(&self, _req: &Request, ino: INodeNo, reply: ReplyData) {
        self.with_node(ino, reply, |_, node, reply| {
            send(reply, node.target(), |reply, target| reply.data(&target));
        });
    }

    fn mknod(
        &self,
        req: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        _umask: u32,
        rdev: u32,
        reply: ReplyEntry,
    ) {
        let (caller, name) = (caller(req), name_of(name));
        let new = New { mode, rdev, target: None };
        self.change(reply, move |fs, reply| send_entry(reply, fs.create(caller, parent.0, name, new)));
    }

    fn mkdir(&self, req: &Request, parent: INodeNo, name: &OsStr, mode: u32, _umask: u32, reply: ReplyEntry) {
        let (caller, name) = (caller(req), name_of(name));
        let new = New::directory(mode);
        self.change(reply, move |fs, reply| send_entry(reply, fs.create(caller, parent.0, name, new)));
    }

    fn symlink(&self, req: &Request, parent: INodeNo, name: &OsStr, target: &Path, reply: ReplyEntry) {
        let (caller, name) = (caller(req), name_of(name));
        let new = New::symlink(target.as_os_str().as_bytes());
        self.change(reply, move |fs, reply| send_entry(reply, fs.create(caller, parent.0, name, new)));
    }

    fn link(&self, req: &Request, ino: INodeNo, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let (caller, name) = (caller(req), name_of(name));
        self.change(reply, move |fs, reply| send_entry(reply, fs.link(caller, ino.0, parent.0, name)));
    }

    fn unlink(&self, req: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        let (caller, name) = (caller(req), name_of(name));
        self.change(reply, move |fs, reply| {
            send(reply, fs.unlink(caller, parent.0, name), |reply, ()| reply.ok());
        });
    }

    fn rmdir(&self, req: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        let (caller, name) = (caller(req), name_of(name));
        self.change(reply, move |fs, reply| {
            send(reply, fs.rmdir(caller, parent.0, name), |reply, ()| reply.ok());
        });
    }

    fn rename(
        &self,
        req: &Request,
        parent: INodeNo,
        name: &OsStr,
        newparent: INodeNo,
        newname: &OsStr,
        flags: RenameFlags,
        reply: ReplyEmpty,
    ) {
        let caller = caller(req);
        let (from, to) = ((parent.0, name_of(name)), (newparent.0, name_of(newname)));
        self.change(reply, move |fs, reply| {
            send(reply, fs.rename(caller, from, to, flags.bits()), |reply, ()| reply.ok());
        });
    }

    fn create(
        &self,
        req: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        _umask: u32,
        flags: i32,
        reply: ReplyCreate,
    ) {
        let (caller, name) = (caller(req), name_of(name));
        let exclusive = flags & libc::O_EXCL != 0;
        self.change(reply, move |fs, reply| {
            let created = fs.create_open(caller, parent.0, name, mode, exclusive);
            send(reply, created, |reply, (attr, handle)| {
                let keep = FopenFlags::FOPEN_KEEP_CACHE;
                reply.created(&attr.ttl, &file_attr(&attr), GENERATION, FileHandle(handle), keep);
            });
        });
    }

    fn open(&self, req: &Request, ino: INodeNo, flags: OpenFlags, reply: ReplyOpen) {
        let caller = caller(req);
        self.with_node(ino, reply, move |fs, node, reply| {
            send(reply, fs.open(node, caller, flags.0), |reply, handle| {
                reply.opened(FileHandle(handle), FopenFlags::FOPEN_KEEP_CACHE);
            });
        });
    }

    fn read(
        &self,
        _req: &Request,
        _ino: INodeNo,
        fh: FileHandle,
        offset: u64,
        size: u32,
        _flags: OpenFlags,
        _lock_owner: Option<LockOwner>,
        reply: ReplyData,
    ) {
        match self.fs.try_read(fh.0, offset, size) {
            Ok(Some(data)) => reply.data(&data),
            Ok(None) => {
                let fs = self.fs.clone();
                self.runtime.spawn(async move {
                    send(reply, fs.read(fh.0, offset, size).await, |reply, data| reply.data(&data));
                });
            }
            Err(errno) => reply.refuse(errno),
        }
    }

    fn write(
        &self,
        req: &Request,
        _ino: INodeNo,
        fh: FileHandle,
        offset: u64,
        data: &[u8],
        write_flags: WriteFlags,
        flags: OpenFlags,
        _lock_owner: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        let asked = !write_flags.contains(WriteFlags::FUSE_WRITE_CACHE);
        let append = flags.0 & libc::O_APPEND != 0;
        let take_ids = write_flags.contains(WriteFlags::FUSE_WRITE_KILL_SUIDGID);
        let write = Write { handle: fh.0, offset, caller: asked.then(|| caller(req)), append, take_ids };
        let len = data.len() as u32;
        if self.fs.has_room() {
            return send(reply, self.fs.write(&write, data), |reply, ()| reply.written(len));
        }
        let (fs, data) = (self.fs.clone(), data.to_vec());
        self.runtime.spawn(async move {
            fs.room().await;
            send(reply, fs.write(&write, &data), |reply, ()| reply.written(len));
        });
    }

    /// Closing promises nothing about durability, so that there is nothing to do. Told so once, the kernel goes
    /// on writing changed mapped pages at each close, and no longer asks.
    fn flush(
        &self,
        _req: &Request,
        _ino: INodeNo,
        _fh: FileHandle,
        _lock_owner: LockOwner,
        reply: ReplyEmpty,
    ) {
        reply.error(fuser::Errno::ENOSYS);
    }

    fn release(
        &self,
        _req: &Request,
        _ino: INodeNo,
        fh: FileHandle,
        _flags: OpenFlags,
        _lock_owner: Option<LockOwner>,
        _flush: bool,
        reply: ReplyEmpty,
    ) {
        self.fs.release(fh.0);
        reply.ok();
    }

    fn fsync(&self, _req: &Request, _ino: INodeNo, _fh: FileHandle, _datasync: bool, reply: ReplyEmpty) {
        self.sync(reply);
    }

    fn opendir(&self, req: &Request, ino: INodeNo, _flags: OpenFlags, reply: ReplyOpen) {
        let caller = caller(req);
        self.with_node(ino, reply, move |fs, node, reply| {
            send(reply, fs.open_directory(node, caller), |reply, handle| {
                reply.opened(FileHandle(handle), FopenFlags::empty());
            });
        });
    }

    fn readdir(&self, _req: &Request, _ino: INodeNo, fh: FileHandle, offset: u64, mut reply: ReplyDirectory) {
        let listed = self.fs.list(fh.0, offset, |item| match item.number() {
            Ok(number) => {
                let name = OsStr::from_bytes(item.name.as_bytes());
                reply.add(INodeNo(number), item.next, file_type(item.kind), name)
            }
            // The kernel cannot be told of it; looking it up says why.
            Err(_) => false,
        });
        send(reply, listed, |reply, ()| reply.ok());
    }

    fn readdirplus(
        &self,
        _req: &Request,
        _ino: INodeNo,
        fh: FileHandle,
        offset: u64,
        mut reply: ReplyDirectoryPlus,
    ) {
        let listed = self.fs.list_with_attributes(fh.0, offset, |item, attr| {
            let name = OsStr::from_bytes(item.name.as_bytes());
            reply.add(INodeNo(attr.number), item.next, name, &attr.ttl, &file_attr(attr), GENERATION)
        });
        send(reply, listed, |reply, ()| reply.ok());
    }

    fn releasedir(
        &self,
        _req: &Request,
        _ino: INodeNo,
        fh: FileHandle,
        _flags: OpenFlags,
        reply: ReplyEmpty,
    ) {
        self.fs.release_directory(fh.0);
        reply.ok();
    }

    fn fsyncdir(&self, _req: &Request, _ino: INodeNo, _fh: FileHandle, _datasync: bool, reply: ReplyEmpty) {
        self.sync(reply);
    }

    fn statfs(&self, _req: &Request, _ino: INodeNo, reply: ReplyStatfs) {
        let Space { total, free, inodes, free_inodes } = self.fs.space();
        reply.statfs(total, free, free, inodes, free_inodes, Space::UNIT, Name::MAX as u32, Space::UNIT);
    }

    fn setxattr(
        &self,
        req: &Request,
        ino: INodeNo,
        name: &OsStr,
        value: &[u8],
        flags: i32,
        _position: u32,
        reply: ReplyEmpty,
    ) {
        let (caller, name, value) = (caller(req), name_of(name), value.to_vec());
        self.change(reply, move |fs, reply| {
            send(reply, fs.set_xattr(caller, ino.0, name, &value, flags), |reply, ()| reply.ok());
        });
    }

    fn getxattr(&self, _req: &Request, ino: INodeNo, name: &OsStr, size: u32, reply: ReplyXattr) {
        let name = name_of(name);
        self.with_node(ino, reply, move |fs, node, reply| send_xattr(reply, size, fs.xattr(&node, &name)));
    }

    fn listxattr(&self, _req: &Request, ino: INodeNo, size: u32, reply: ReplyXattr) {
        self.with_node(ino, reply, move |_, node, reply| send_xattr(reply, size, node.xattr_names()));
    }

    fn removexattr(&self, req: &Request, ino: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        let (caller, name) = (caller(req), name_of(name));
        self.change(reply, move |fs, reply| {
            send(reply, fs.remove_xattr(caller, ino.0, name), |reply, ()| reply.ok());
        });
    }

    fn fallocate(
        &self,
        req: &Request,
        _ino: INodeNo,
        fh: FileHandle,
        offset: u64,
        length: u64,
        mode: i32,
        reply: ReplyEmpty,
    ) {
        let caller = caller(req);
        self.change(reply, move |fs, reply| {
            send(reply, fs.allocate(fh.0, caller, mode, offset, length), |reply, ()| reply.ok());
        });
    }

    fn lseek(
        &self,
        _req: &Request,
        _ino: INodeNo,
        fh: FileHandle,
        offset: i64,
        whence: i32,
        reply: ReplyLseek,
    ) {
        send(reply, self.fs.seek(fh.0, offset, whence), |reply, offset| reply.offset(offset));
    }

    fn copy_file_range(
        &self,
        req: &Request,
        _ino_in: INodeNo,
        fh_in: FileHandle,
        offset_in: u64,
        _ino_out: INodeNo,
        fh_out: FileHandle,
        offset_out: u64,
        len: u64,
        _flags: CopyFileRangeFlags,
        reply: ReplyWrite,
    ) {
        let caller = caller(req);
        self.change(reply, move |fs, reply| {
            let copied = fs.copy(caller, (fh_in.0, offset_in), (fh_out.0, offset_out), len);
            send(reply, copied, |reply, len| reply.written(len));
        });
    }
}
