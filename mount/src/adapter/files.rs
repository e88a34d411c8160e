//! What is asked of open files and directories.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use firn_fuse::{OpenFlags, Operation, Reply, Request};
use firn_materializer::decide::Errno;

use super::convert::{caller, entry_of, file_type, send};
use super::{Adapter, KEEP};
use crate::fs::{Caller, Fs, Node, Write};

impl Adapter {
    pub(super) fn open(
        &self,
        node: u64,
        reply: Reply,
        open: impl FnOnce(&Fs, Node) -> Result<u64, Errno> + Send + 'static,
    ) {
        self.with_node(node, reply, move |fs, node, reply| {
            send(reply, open(fs, node), |reply, handle| reply.opened(handle, KEEP));
        });
    }

    pub(super) fn read(&self, handle: u64, offset: u64, size: u32, reply: Reply) {
        match self.fs.try_read(handle, offset, size) {
            Ok(Some(data)) => reply.data(&data),
            Ok(None) => {
                let fs = self.fs.clone();
                self.runtime.spawn(async move {
                    send(reply, fs.read(handle, offset, size).await, |reply, data| reply.data(&data));
                });
            }
            Err(errno) => reply.error(errno.0),
        }
    }

    pub(super) fn write(&self, request: Request) {
        if self.fs.has_room() {
            return write(&self.fs, request);
        }
        let fs = self.fs.clone();
        self.runtime.spawn(async move {
            fs.room().await;
            write(&fs, request);
        });
    }

    pub(super) fn open_directory(&self, node: u64, caller: Caller, reply: Reply) {
        self.with_node(node, reply, move |fs, node, reply| {
            let opened = fs.open_directory(node, caller);
            send(reply, opened, |reply, handle| reply.opened(handle, OpenFlags::empty()));
        });
    }

    pub(super) fn list(&self, handle: u64, offset: u64, reply: Reply) {
        let mut lines = reply.directory();
        let listed = self.fs.list(handle, offset, |item| match item.number() {
            Ok(number) => {
                let name = OsStr::from_bytes(item.name.as_bytes());
                lines.add(number, item.next, file_type(item.kind), name)
            }
            // The kernel cannot be told of it; looking it up says why.
            Err(_) => false,
        });
        match listed {
            Ok(()) => lines.ok(),
            Err(errno) => lines.error(errno.0),
        }
    }

    pub(super) fn list_with_attributes(&self, handle: u64, offset: u64, reply: Reply) {
        let mut lines = reply.directory();
        let listed = self.fs.list_with_attributes(handle, offset, |item, attr| {
            lines.add_plus(item.next, OsStr::from_bytes(item.name.as_bytes()), &entry_of(attr, attr.ttl))
        });
        match listed {
            Ok(()) => lines.ok(),
            Err(errno) => lines.error(errno.0),
        }
    }
}

/// The bytes are taken from where the request left them.
fn write(fs: &Fs, request: Request) {
    let Ok(Operation::Write { handle, offset, data, flags, cached, kill_ids, .. }) = request.operation()
    else {
        return request.reply().error(libc::EIO);
    };
    let write = Write {
        handle,
        offset,
        caller: (!cached).then(|| caller(&request)),
        append: flags & libc::O_APPEND != 0,
        take_ids: kill_ids,
    };
    let len = data.len() as u32;
    let written = fs.write(&write, data);
    send(request.reply(), written, |reply, ()| reply.written(len));
}
