use std::rc::Rc;

use super::super::tree::{Body, Kind, ROOT};
use super::Replay;
use super::effects::{Inode, after};

/// A directory, and a name in it.
type Place<'a> = (u64, &'a [u8]);

impl Replay {
    pub(super) fn create(&mut self, at: i64, ino: u64, place: Place<'_>, inode: Inode) -> Result<(), String> {
        if ino < self.tree.next {
            return Err(format!("inode {ino} was there before"));
        }
        self.lives(place.0)?;
        self.tree.nodes.insert(ino, Rc::new(inode.into_node()?));
        self.tree.next = after(ino)?;
        self.put_entry(ino, place)?;
        self.tree.touch(place.0, at);
        Ok(())
    }

    pub(super) fn link(&mut self, at: i64, ino: u64, place: Place<'_>) -> Result<(), String> {
        self.lives(place.0)?;
        if self.is_directory(ino)? {
            return Err(format!("directory {ino} has one name at most"));
        }
        self.put_entry(ino, place)?;
        self.inode(ino)?.ctime = at;
        self.tree.touch(place.0, at);
        Ok(())
    }

    pub(super) fn unlink(&mut self, at: i64, ino: u64, place: Place<'_>, evict: bool) -> Result<(), String> {
        self.take_entry(ino, place)?;
        self.tree.touch(place.0, at);
        let node = self.inode(ino)?;
        node.ctime = at;
        if node.entries().is_some_and(|entries| !entries.is_empty()) {
            return Err(format!("directory {ino} has entries"));
        }
        if evict { self.end(ino) } else { Ok(()) }
    }

    pub(super) fn rename(
        &mut self,
        at: i64,
        ino: u64,
        from: Place<'_>,
        to: Place<'_>,
        replaced: Option<(u64, bool)>,
    ) -> Result<(), String> {
        self.lives(to.0)?;
        self.stays_outside(ino, to.0)?;
        if let Some((other, evict)) = replaced {
            if other == ino || self.is_directory(other)? != self.is_directory(ino)? {
                return Err(format!("inode {ino} cannot take the place of {other}"));
            }
            self.unlink(at, other, to, evict)?;
        }
        self.take_entry(ino, from)?;
        self.put_entry(ino, to)?;
        self.inode(ino)?.ctime = at;
        self.tree.touch(from.0, at);
        self.tree.touch(to.0, at);
        Ok(())
    }

    pub(super) fn exchange(
        &mut self,
        at: i64,
        (ino, here): (u64, Place<'_>),
        (other, there): (u64, Place<'_>),
    ) -> Result<(), String> {
        self.stays_outside(ino, there.0)?;
        self.stays_outside(other, here.0)?;
        self.take_entry(ino, here)?;
        self.take_entry(other, there)?;
        self.put_entry(ino, there)?;
        self.put_entry(other, here)?;
        for (moved, dir) in [(ino, here.0), (other, there.0)] {
            self.inode(moved)?.ctime = at;
            self.tree.touch(dir, at);
        }
        Ok(())
    }

    /// An entry comes where there is none.
    pub(super) fn put_entry(&mut self, ino: u64, (dir, name): Place<'_>) -> Result<(), String> {
        if ino == ROOT || self.is_directory(ino)? && self.names(ino) > 0 {
            return Err(format!("directory {ino} has a place already"));
        }
        if let Some(there) = self.entry(dir, name)? {
            return Err(format!("{} in {dir} is inode {there} already", name.escape_ascii()));
        }
        self.tree.entries_mut(dir).insert(name.to_vec(), ino);
        *self.names.entry(ino).or_default() += 1;
        Ok(())
    }

    /// An entry goes that names this inode.
    pub(super) fn take_entry(&mut self, ino: u64, (dir, name): Place<'_>) -> Result<(), String> {
        let there = self.entry(dir, name)?;
        if there != Some(ino) {
            return Err(format!("{} in {dir} is {there:?}, not inode {ino}", name.escape_ascii()));
        }
        self.tree.entries_mut(dir).remove(name);
        match self.names(ino) {
            0 | 1 => self.names.remove(&ino),
            names => self.names.insert(ino, names - 1),
        };
        Ok(())
    }

    /// What a name in a directory leads to.
    fn entry(&mut self, dir: u64, name: &[u8]) -> Result<Option<u64>, String> {
        match &self.inode(dir)?.body {
            Body::Directory(entries) => Ok(entries.get(name).copied()),
            _ => Err(format!("inode {dir} is no directory")),
        }
    }

    fn is_directory(&mut self, ino: u64) -> Result<bool, String> {
        self.inode(ino).map(|node| node.kind() == Kind::Directory)
    }

    /// The directory is there and was not removed.
    fn lives(&mut self, dir: u64) -> Result<(), String> {
        match self.is_directory(dir)? && (dir == ROOT || self.names(dir) > 0) {
            true => Ok(()),
            false => Err(format!("nothing can come into {dir}: it is no directory, or a removed one")),
        }
    }

    /// No directory comes to lie within itself.
    fn stays_outside(&mut self, ino: u64, dir: u64) -> Result<(), String> {
        // Looking for parents takes long, and the root is below nothing.
        match dir != ROOT && self.is_directory(ino)? && self.tree.is_within(dir, ino) {
            true => Err(format!("directory {ino} would come to lie within itself")),
            false => Ok(()),
        }
    }
}
