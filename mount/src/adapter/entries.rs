//! What is asked of inodes and names.

use firn_fuse::Reply;
use firn_journal::Name;
use firn_materializer::decide::{AttributeChanges, Errno};

use super::convert::{attr_of, entry_of, send, send_entry};
use super::{Adapter, KEEP};
use crate::fs::{Attr, Caller, Entry, Found, Fs, New};

impl Adapter {
    pub(super) fn lookup(&self, node: u64, name: Name, reply: Reply) {
        let runtime = self.runtime.clone();
        let shared = self.fs.clone();
        self.with_node(node, reply, move |fs, node, reply| match fs.lookup(&node, &name) {
            Ok(Found::Entry(entry)) => send_entry(reply, Ok(entry)),
            Ok(Found::Instant { dir }) => {
                runtime.spawn(async move { send_entry(reply, shared.enter(dir, &name).await) });
            }
            Err(errno) => reply.error(errno.0),
        });
    }

    pub(super) fn attributes(&self, node: u64, reply: Reply) {
        self.with_node(node, reply, |_, node, reply| {
            send(reply, node.attributes(), |reply, attr| reply.attr(&attr_of(&attr), attr.ttl));
        });
    }

    pub(super) fn statx(&self, node: u64, reply: Reply) {
        self.with_node(node, reply, |_, node, reply| {
            send(reply, node.attributes(), |reply, attr| reply.statx(&attr_of(&attr), attr.ttl));
        });
    }

    pub(super) fn set_attributes(&self, caller: Caller, node: u64, changes: AttributeChanges, reply: Reply) {
        self.when_there_is_room(reply, move |fs, reply| {
            let set = fs.set_attributes(caller, node, changes);
            send(reply, set, |reply, attr| reply.attr(&attr_of(&attr), attr.ttl));
        });
    }

    pub(super) fn target(&self, node: u64, reply: Reply) {
        self.with_node(node, reply, |_, node, reply| {
            send(reply, node.target(), |reply, target| reply.data(&target));
        });
    }

    pub(super) fn make(&self, caller: Caller, parent: u64, name: Name, new: New, reply: Reply) {
        self.entry(reply, move |fs| fs.create(caller, parent, name, new));
    }

    /// A change that makes a file and opens it.
    pub(super) fn created(
        &self,
        reply: Reply,
        create: impl FnOnce(&Fs) -> Result<(Attr, u64), Errno> + Send + 'static,
    ) {
        self.when_there_is_room(reply, move |fs, reply| {
            send(reply, create(fs), |reply, (attr, handle)| {
                reply.created(&entry_of(&attr, attr.ttl), handle, KEEP);
            });
        });
    }

    /// A change that is answered with the entry that it made.
    pub(super) fn entry(
        &self,
        reply: Reply,
        change: impl FnOnce(&Fs) -> Result<Entry, Errno> + Send + 'static,
    ) {
        self.when_there_is_room(reply, move |fs, reply| send_entry(reply, change(fs)));
    }

    /// A change that is answered with nothing more than that it was made.
    pub(super) fn change(
        &self,
        reply: Reply,
        change: impl FnOnce(&Fs) -> Result<(), Errno> + Send + 'static,
    ) {
        self.when_there_is_room(reply, move |fs, reply| send(reply, change(fs), |reply, ()| reply.ok()));
    }

    pub(super) fn xattr(&self, node: u64, name: Name, size: u32, reply: Reply) {
        self.with_node(node, reply, move |fs, node, reply| {
            send(reply, fs.xattr(&node, &name), |reply, value| reply.xattr(size, &value));
        });
    }

    pub(super) fn xattr_names(&self, node: u64, size: u32, reply: Reply) {
        self.with_node(node, reply, move |_, node, reply| {
            send(reply, node.xattr_names(), |reply, names| reply.xattr(size, &names));
        });
    }
}
