use std::collections::BTreeMap;
use std::rc::Rc;

use firn_journal::{Attributes, Name};

use super::super::Content;
use super::super::tree::{Body, Node};
use super::Replay;

/// An inode as an event tells of it: without bytes, entries and extended attributes.
pub(super) struct Inode {
    /// Type and permissions.
    mode: u32,
    rdev: u32,
    target: Option<Vec<u8>>,
    size: u64,
    owner: (u32, u32),
    /// atime, mtime, ctime, btime.
    times: [i64; 4],
}

impl Inode {
    /// One that is made at this time.
    pub fn born(at: i64, (mode, uid, gid, rdev): (u32, u32, u32, u32), target: Option<&[u8]>) -> Self {
        let target = target.map(<[u8]>::to_vec);
        Inode { mode, rdev, target, size: 0, owner: (uid, gid), times: [at; 4] }
    }

    /// One whose attributes are stated whole.
    pub fn stated(of: &Attributes, target: Option<&[u8]>) -> Self {
        Inode {
            mode: of.mode,
            rdev: of.rdev,
            target: target.map(<[u8]>::to_vec),
            size: of.size,
            owner: (of.uid, of.gid),
            times: [of.atime.0, of.mtime.0, of.ctime.0, of.btime.0],
        }
    }

    pub fn into_node(self) -> Result<Node, String> {
        let body = match (self.mode & 0o170_000, self.target) {
            (0o100_000, None) => {
                let mut content = Content::default();
                content.set_size(self.size);
                Body::File(content)
            }
            (0o040_000, None) => Body::Directory(BTreeMap::new()),
            (0o120_000, Some(target)) => Body::Symlink(target),
            (0o010_000, None) => Body::Pipe,
            (0o140_000, None) => Body::Socket,
            (0o020_000, None) => Body::Device(self.rdev),
            (0o060_000, None) => Body::BlockDevice(self.rdev),
            (_, target) => {
                return Err(format!("nothing has mode {:o} and the target {target:?}", self.mode));
            }
        };
        let [atime, mtime, ctime, btime] = self.times;
        let ((uid, gid), mode) = (self.owner, self.mode & 0o7777);
        Ok(Node { body, mode, uid, gid, atime, mtime, ctime, btime, xattrs: BTreeMap::new() })
    }
}

/// The number of the next inode.
pub(super) fn after(ino: u64) -> Result<u64, String> {
    ino.checked_add(1).ok_or_else(|| format!("there is no inode after {ino}"))
}

impl Replay {
    /// States an inode whole, but for what is in it; makes it if it is not there.
    pub(super) fn put_inode(&mut self, ino: u64, inode: Inode) -> Result<(), String> {
        let mut new = inode.into_node()?;
        let Ok(old) = self.inode(ino) else {
            self.tree.nodes.insert(ino, Rc::new(new));
            self.tree.next = self.tree.next.max(after(ino)?);
            return Ok(());
        };
        if old.kind() != new.kind() {
            return Err(format!("inode {ino} is a {:?}, not a {:?}", old.kind(), new.kind()));
        }
        match (&mut old.body, &mut new.body) {
            (Body::File(content), Body::File(stated)) => {
                content.set_size(stated.size());
                std::mem::swap(content, stated);
            }
            (Body::Directory(entries), Body::Directory(none)) => std::mem::swap(entries, none),
            _ => {}
        }
        std::mem::swap(&mut old.xattrs, &mut new.xattrs);
        *old = new;
        Ok(())
    }

    /// An extended attribute; its inode changes at `at`, if that is said.
    pub(super) fn put_xattr(
        &mut self,
        ino: u64,
        name: &Name,
        value: &[u8],
        at: Option<i64>,
    ) -> Result<(), String> {
        let node = self.inode(ino)?;
        node.xattrs.insert(name.as_bytes().to_vec(), value.to_vec());
        node.ctime = at.unwrap_or(node.ctime);
        Ok(())
    }

    pub(super) fn drop_xattr(&mut self, ino: u64, name: &Name, at: Option<i64>) -> Result<(), String> {
        let node = self.inode(ino)?;
        if node.xattrs.remove(name.as_bytes()).is_none() {
            return Err(format!("inode {ino} has no attribute {name:?}"));
        }
        node.ctime = at.unwrap_or(node.ctime);
        Ok(())
    }
}
