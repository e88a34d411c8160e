//! Entries that come, go and move.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::Content;
use super::tree::{Body, Kind, Node, Number, Tree, errno};

/// What a rename does with an entry that is there.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Replaces it.
    Replace,
    /// Fails.
    NoReplace,
    /// Changes places with it.
    Exchange,
}

const SET_GID: u32 = 0o2000;
/// No entry may be called so: it is the way into the past.
const AT: &[u8] = b".at";

impl Tree {
    fn living_dir(&self, dir: u64) -> Result<&BTreeMap<Vec<u8>, u64>, Number> {
        let node = self.nodes.get(&dir).ok_or(errno::NOENT)?;
        let entries = node.entries().ok_or(errno::NOTDIR)?;
        if self.is_orphan(dir) { Err(errno::NOENT) } else { Ok(entries) }
    }

    /// Makes an inode; its owner is `by`. Answers its number.
    ///
    /// # Errors
    /// `EEXIST`, `ENOENT` in a directory that was removed.
    pub fn create(
        &mut self,
        now: i64,
        dir: u64,
        name: &[u8],
        body: Body,
        mode: u32,
        by: (u32, u32),
    ) -> Result<u64, Number> {
        if name == AT {
            return Err(errno::EXIST);
        }
        if self.living_dir(dir)?.contains_key(name) {
            return Err(errno::EXIST);
        }
        let at = self.tick(now);
        let ino = self.bear(at, dir, body, mode, by);
        self.entries_mut(dir).insert(name.to_vec(), ino);
        self.touch(dir, at);
        Ok(ino)
    }

    /// A file that no entry names; `dir` says of which group it may have to be.
    ///
    /// # Errors
    /// `ENOENT` if the directory was removed.
    pub fn create_unnamed(&mut self, now: i64, dir: u64, mode: u32, by: (u32, u32)) -> Result<u64, Number> {
        self.living_dir(dir)?;
        let at = self.tick(now);
        Ok(self.bear(at, dir, Body::File(Content::default()), mode, by))
    }

    /// A new inode that nothing names yet.
    fn bear(&mut self, at: i64, dir: u64, body: Body, mode: u32, (uid, gid): (u32, u32)) -> u64 {
        let parent = self.node(dir);
        let (mut mode, mut gid) = (mode, gid);
        if parent.mode & SET_GID != 0 {
            gid = parent.gid;
            if matches!(body, Body::Directory(_)) {
                mode |= SET_GID;
            }
        }
        if matches!(body, Body::Symlink(_)) {
            mode = 0o777;
        }
        let ino = self.next;
        self.next += 1;
        let (atime, mtime, ctime, btime) = (at, at, at, at);
        let node = Node { body, mode, uid, gid, atime, mtime, ctime, btime, xattrs: BTreeMap::new() };
        self.nodes.insert(ino, Rc::new(node));
        ino
    }

    /// One more entry for a file.
    ///
    /// # Errors
    /// `EEXIST`; `EPERM` for a directory; `ENOENT` if the directory was removed.
    pub fn link(&mut self, now: i64, ino: u64, dir: u64, name: &[u8]) -> Result<(), Number> {
        if name == AT {
            return Err(errno::EXIST);
        }
        if self.living_dir(dir)?.contains_key(name) {
            return Err(errno::EXIST);
        }
        if self.node(ino).kind() == Kind::Directory {
            return Err(errno::PERM);
        }
        let at = self.tick(now);
        self.entries_mut(dir).insert(name.to_vec(), ino);
        self.node_mut(ino).ctime = at;
        self.touch(dir, at);
        Ok(())
    }

    fn existing(&self, dir: u64, name: &[u8]) -> Result<u64, Number> {
        if name == AT {
            return Err(errno::PERM);
        }
        self.living_dir(dir)?.get(name).copied().ok_or(errno::NOENT)
    }

    fn is_empty_dir(&self, ino: u64) -> bool {
        self.node(ino).entries().is_some_and(BTreeMap::is_empty)
    }

    /// Takes an entry away; the inode stays if it has others or is held open.
    fn remove_entry(&mut self, at: i64, dir: u64, name: &[u8], held: &dyn Fn(u64) -> bool) {
        let Some(ino) = self.entries_mut(dir).remove(name) else { return };
        self.touch(dir, at);
        if self.names(ino) == 0 && !held(ino) {
            self.nodes.remove(&ino);
        } else {
            self.node_mut(ino).ctime = at;
        }
    }

    /// Removes an entry that names no directory.
    ///
    /// # Errors
    /// `ENOENT`, `EISDIR`, `EPERM` for the way into the past.
    pub fn unlink(
        &mut self,
        now: i64,
        dir: u64,
        name: &[u8],
        held: &dyn Fn(u64) -> bool,
    ) -> Result<(), Number> {
        let ino = self.existing(dir, name)?;
        if self.node(ino).kind() == Kind::Directory {
            return Err(errno::ISDIR);
        }
        let at = self.tick(now);
        self.remove_entry(at, dir, name, held);
        Ok(())
    }

    /// Removes an empty directory.
    ///
    /// # Errors
    /// `ENOENT`, `ENOTDIR`, `ENOTEMPTY`, `EPERM` for the way into the past.
    pub fn rmdir(
        &mut self,
        now: i64,
        dir: u64,
        name: &[u8],
        held: &dyn Fn(u64) -> bool,
    ) -> Result<(), Number> {
        let ino = self.existing(dir, name)?;
        if self.node(ino).kind() != Kind::Directory {
            return Err(errno::NOTDIR);
        }
        if !self.is_empty_dir(ino) {
            return Err(errno::NOTEMPTY);
        }
        let at = self.tick(now);
        self.remove_entry(at, dir, name, held);
        Ok(())
    }

    /// Moves an entry.
    ///
    /// # Errors
    /// What rename(2) says.
    pub fn rename(
        &mut self,
        now: i64,
        (from, name): (u64, &[u8]),
        (to, new_name): (u64, &[u8]),
        mode: Mode,
        held: &dyn Fn(u64) -> bool,
    ) -> Result<(), Number> {
        if name == AT || new_name == AT {
            return Err(errno::PERM);
        }
        let ino = self.existing(from, name)?;
        let there = self.living_dir(to)?.get(new_name).copied();
        if mode == Mode::NoReplace && there.is_some() {
            return Err(errno::EXIST);
        }
        if mode == Mode::Exchange && there.is_none() {
            return Err(errno::NOENT);
        }
        let is_dir = |ino: u64| self.node(ino).kind() == Kind::Directory;
        if is_dir(ino) && self.is_within(to, ino) {
            return Err(errno::INVAL);
        }
        let Some(other) = there else {
            let at = self.tick(now);
            self.move_entry(at, (from, name), (to, new_name), ino);
            return Ok(());
        };
        if other == ino {
            return Ok(());
        }
        if mode == Mode::Exchange {
            if is_dir(other) && self.is_within(from, other) {
                return Err(errno::INVAL);
            }
            let at = self.tick(now);
            self.entries_mut(to).insert(new_name.to_vec(), ino);
            self.entries_mut(from).insert(name.to_vec(), other);
            for (moved, dir) in [(ino, from), (other, to)] {
                self.node_mut(moved).ctime = at;
                self.touch(dir, at);
            }
            return Ok(());
        }
        match (is_dir(ino), is_dir(other)) {
            (true, false) => return Err(errno::NOTDIR),
            (false, true) => return Err(errno::ISDIR),
            (true, true) if !self.is_empty_dir(other) => return Err(errno::NOTEMPTY),
            _ => {}
        }
        let at = self.tick(now);
        self.remove_entry(at, to, new_name, held);
        self.move_entry(at, (from, name), (to, new_name), ino);
        Ok(())
    }

    fn move_entry(&mut self, at: i64, (from, name): (u64, &[u8]), (to, new_name): (u64, &[u8]), ino: u64) {
        self.entries_mut(from).remove(name);
        self.entries_mut(to).insert(new_name.to_vec(), ino);
        self.node_mut(ino).ctime = at;
        self.touch(from, at);
        self.touch(to, at);
    }

    /// The last holder of an inode is gone: so is the inode, if no entry names it.
    pub fn let_go(&mut self, now: i64, ino: u64) {
        if self.nodes.contains_key(&ino) && self.is_orphan(ino) {
            self.tick(now);
            self.nodes.remove(&ino);
        }
    }
}
