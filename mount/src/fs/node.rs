use std::sync::Arc;
use std::time::Duration;

use firn_journal::{Ino, Name};
use firn_materializer::decide::Errno;

use super::attr::{Attr, Entry, PRESENT};
use super::numbers::Place;
use super::tree::Tree;

/// The name by which every directory of a live mount has its past; no entry can have it.
pub(super) const AT: &[u8] = b".at";

/// An inode that the kernel names, with the tree that it is seen in.
#[derive(Clone)]
pub struct Node {
    pub(super) place: Place,
    pub(super) ino: Ino,
    pub(super) tree: Tree,
    /// How long the kernel may keep what it is told of this tree.
    pub(super) ttl: Duration,
}

/// What a name in a directory leads to.
pub enum Found {
    /// This, or nothing.
    Entry(Entry),
    /// The directory `dir` at the time that the name tells: to be opened with [`Fs::enter`](super::Fs::enter).
    Instant {
        /// The directory whose `.at` was looked into.
        dir: Ino,
    },
}

impl Node {
    fn is_at(&self) -> bool {
        matches!(self.place, Place::At(_))
    }

    /// What `stat` tells.
    ///
    /// # Errors
    /// `ESTALE` if the inode is gone.
    pub fn attributes(&self) -> Result<Attr, Errno> {
        self.tree.with(|ns| match self.place {
            Place::At(dir) => Attr::of_at(ns, dir),
            place => Attr::of(ns, self.ino, place, self.ttl),
        })
    }

    pub(super) fn lookup(&self, name: &Name) -> Result<Found, Errno> {
        let name = name.as_bytes();
        if name.len() > Name::MAX {
            return Err(Errno::NAMETOOLONG);
        }
        match (self.place, &self.tree) {
            (Place::At(dir), _) => return Ok(Found::Instant { dir }),
            (Place::Present(dir), Tree::Live(volume)) if name == AT => {
                let attr = volume.with(|ns| Attr::of_at(ns, dir))?;
                return Ok(Found::Entry(Entry { attr: Some(attr), ttl: PRESENT }));
            }
            _ => {}
        }
        self.tree.with(|ns| {
            let attr = match ns.lookup(self.ino, name) {
                Some(found) => Some(Attr::of(ns, found.ino, self.place.beside(found.ino), self.ttl)?),
                None if ns.inode(self.ino).is_none() => return Err(Errno::STALE),
                None => None,
            };
            Ok(Found::Entry(Entry { attr, ttl: self.ttl }))
        })
    }

    /// Where a symbolic link points to.
    ///
    /// # Errors
    /// `EINVAL` if it is none, `ESTALE` if it is gone.
    pub fn target(&self) -> Result<Arc<[u8]>, Errno> {
        self.tree.with(|ns| {
            let inode = ns.inode(self.ino).ok_or(Errno::STALE)?;
            inode.target.clone().filter(|_| !self.is_at()).ok_or(Errno::INVAL)
        })
    }

    pub(super) fn xattr(&self, name: &Name) -> Result<Arc<[u8]>, Errno> {
        if self.is_at() {
            return Err(Errno::NODATA);
        }
        self.tree.with(|ns| ns.xattr(self.ino, name.as_bytes()).cloned()).ok_or(Errno::NODATA)
    }

    /// The names of the extended attributes, each ended by a NUL.
    ///
    /// # Errors
    /// `ESTALE` if the inode is gone.
    pub fn xattr_names(&self) -> Result<Vec<u8>, Errno> {
        if self.is_at() {
            return Ok(Vec::new());
        }
        self.tree.with(|ns| {
            ns.inode(self.ino).ok_or(Errno::STALE)?;
            let mut list = Vec::new();
            for (name, _) in ns.xattrs(self.ino) {
                list.extend_from_slice(name.as_bytes());
                list.push(0);
            }
            Ok(list)
        })
    }
}
