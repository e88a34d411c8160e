//! Attributes, extended attributes, and what lets a program run as somebody else.

use super::tree::{Body, Kind, Number, Tree, errno};

/// A time that is set.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// The time of the event.
    Now,
    /// This: nanoseconds since 1970.
    At(i64),
}

/// What is set; the rest stays.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[allow(missing_docs, reason = "as stat(2) calls them")]
pub struct Changes {
    pub mode: Option<u32>,
    pub uid: Option<u32>,
    pub gid: Option<u32>,
    pub size: Option<u64>,
    pub atime: Option<When>,
    pub mtime: Option<When>,
}

const SET_UID: u32 = 0o4000;
const SET_GID: u32 = 0o2000;
const GROUP_EXECUTE: u32 = 0o010;
const CAPABILITIES: &[u8] = b"security.capability";

/// A mode without the right to run as somebody else.
fn harmless(mode: u32) -> u32 {
    let mode = mode & !SET_UID;
    if mode & GROUP_EXECUTE != 0 { mode & !SET_GID } else { mode }
}

impl Tree {
    /// What a change of a file's content takes away before it happens: set-user-ID and set-group-ID, if the writer
    /// may not keep them, and file capabilities in any case.
    pub fn take_privileges(&mut self, now: i64, ino: u64, take_ids: bool) {
        let node = self.node(ino);
        let mode = harmless(node.mode);
        if take_ids && node.kind() == Kind::File && mode != node.mode {
            let at = self.tick(now);
            let node = self.node_mut(ino);
            (node.mode, node.ctime) = (mode, at);
        }
        if self.node(ino).xattrs.contains_key(CAPABILITIES) {
            let at = self.tick(now);
            let node = self.node_mut(ino);
            node.xattrs.remove(CAPABILITIES);
            node.ctime = at;
        }
    }

    /// Sets attributes as `uid`, the size among them.
    ///
    /// # Errors
    /// `EISDIR`, `EINVAL` for the size of what has none; `EFBIG`.
    pub fn set_attributes(&mut self, now: i64, uid: u32, ino: u64, mut to: Changes) -> Result<(), Number> {
        let owner = to.uid.is_some() || to.gid.is_some();
        if to.size.is_some() && to.mtime == Some(When::Now) {
            to.mtime = None;
        }
        if owner || to.size.is_some() {
            let node = self.node(ino);
            let takes = owner || uid != 0;
            if to.mode.is_none() && node.kind() == Kind::File && takes && harmless(node.mode) != node.mode {
                to.mode = Some(harmless(node.mode));
            }
            self.take_privileges(now, ino, false);
        }
        if owner && to.mode.is_none() && uid != 0 && self.node(ino).kind() != Kind::Directory {
            let mode = self.node(ino).mode;
            to.mode = Some(harmless(mode)).filter(|harmless| *harmless != mode);
        }
        let mut first = None;
        if let Some(size) = to.size {
            self.has_content(ino)?;
            first = Some(self.truncate(now, ino, size)?);
        }
        if to.mode.is_none() && !owner && to.atime.is_none() && to.mtime.is_none() {
            return Ok(());
        }
        let at = if first.is_some() { self.tick_again() } else { self.tick(now) };
        // "Now" is the time of the command's first event.
        let first = first.unwrap_or(at);
        let time = |when| match when {
            When::Now => first,
            When::At(time) => time,
        };
        let node = self.node_mut(ino);
        node.mode = to.mode.unwrap_or(node.mode);
        node.uid = to.uid.unwrap_or(node.uid);
        node.gid = to.gid.unwrap_or(node.gid);
        node.atime = to.atime.map_or(node.atime, time);
        node.mtime = to.mtime.map_or(node.mtime, time);
        node.ctime = at;
        Ok(())
    }

    /// Whether an inode has bytes.
    ///
    /// # Errors
    /// `EISDIR`, `EINVAL` if it has none.
    pub fn has_content(&self, ino: u64) -> Result<(), Number> {
        match self.node(ino).kind() {
            Kind::File => Ok(()),
            Kind::Directory => Err(errno::ISDIR),
            _ => Err(errno::INVAL),
        }
    }

    /// Sets an extended attribute; with `exists`, only if it is there, or only if it is not.
    ///
    /// # Errors
    /// `EEXIST`, `ENODATA`.
    pub fn set_xattr(
        &mut self,
        now: i64,
        ino: u64,
        name: &[u8],
        value: &[u8],
        exists: Option<bool>,
    ) -> Result<(), Number> {
        match (exists, self.node(ino).xattrs.contains_key(name)) {
            (Some(false), true) => return Err(errno::EXIST),
            (Some(true), false) => return Err(errno::NODATA),
            _ => {}
        }
        let at = self.tick(now);
        let node = self.node_mut(ino);
        node.xattrs.insert(name.to_vec(), value.to_vec());
        node.ctime = at;
        Ok(())
    }

    /// Removes an extended attribute.
    ///
    /// # Errors
    /// `ENODATA`.
    pub fn remove_xattr(&mut self, now: i64, ino: u64, name: &[u8]) -> Result<(), Number> {
        if !self.node(ino).xattrs.contains_key(name) {
            return Err(errno::NODATA);
        }
        let at = self.tick(now);
        let node = self.node_mut(ino);
        node.xattrs.remove(name);
        node.ctime = at;
        Ok(())
    }

    /// Changes the content of a file as one event, whose time it answers.
    pub(super) fn change_content(
        &mut self,
        now: i64,
        ino: u64,
        change: impl FnOnce(&mut super::Content),
    ) -> i64 {
        let at = self.tick(now);
        if let Body::File(content) = &mut self.node_mut(ino).body {
            change(content);
        }
        self.touch(ino, at);
        at
    }
}
