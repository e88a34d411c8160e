//! What recorded events make of a tree, by rules that are written down here once more: the docs of [`EventKind`] are
//! all that they share with the namespace.

mod effects;
mod entries;

use std::collections::BTreeMap;

use bytes::Bytes;
use firn_journal::{BlockRef, Event, EventKind, PlacedExtent};

use super::Content;
use super::tree::{Body, Checkpoint, Node, ROOT, Tree};
use effects::Inode;

/// Where the bytes of blocks come from; an error is told to people.
pub type Contents<'a> = &'a dyn Fn(BlockRef) -> Result<Bytes, String>;

/// A tree that grows event by event. What an event costs does not depend on how large the tree is.
#[derive(Clone, Default, Debug)]
pub struct Replay {
    tree: Tree,
    /// How many entries name an inode, if any does.
    names: BTreeMap<u64, u32>,
    /// Events of the transaction that are still to come.
    left: u32,
}

impl Replay {
    /// The tree after the last event.
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// Whether somebody can see this instant: no transaction has begun that is not at its end.
    pub fn is_instant(&self) -> bool {
        self.left == 0
    }

    /// Takes the next event.
    ///
    /// # Errors
    /// Why this cannot have happened. The tree is of no use any more then.
    pub fn event(&mut self, event: &Event, contents: Contents<'_>) -> Result<(), String> {
        if event.seq.0 != self.tree.seq + 1 {
            return Err(format!("it comes after #{}", self.tree.seq));
        }
        self.left = self.left.saturating_sub(1);
        self.happen(event, contents)?;
        (self.tree.seq, self.tree.time) = (event.seq.0, event.time.0);
        Ok(())
    }

    fn happen(&mut self, event: &Event, contents: Contents<'_>) -> Result<(), String> {
        use EventKind::*;
        let at = event.time.0;
        match &event.kind {
            Mounted { .. } => Ok(()),
            Checkpointed { name, message } => {
                let checkpoint = Checkpoint { seq: event.seq.0, time: at, message: message.clone() };
                self.tree.checkpoints.insert(name.clone(), checkpoint);
                Ok(())
            }
            TransactionBegan { count, .. } => {
                self.left = *count;
                Ok(())
            }
            Created { ino, parent, name, mode, uid, gid, rdev, target } => {
                let inode = Inode::born(at, (*mode, *uid, *gid, *rdev), target.as_deref());
                self.create(at, ino.0, (parent.0, name.as_bytes()), inode)
            }
            Linked { ino, parent, name } => self.link(at, ino.0, (parent.0, name.as_bytes())),
            Unlinked { ino, parent, name, evict } => {
                self.unlink(at, ino.0, (parent.0, name.as_bytes()), *evict)
            }
            Renamed { ino, parent, name, new_parent, new_name, replaced } => {
                let replaced = replaced.map(|replaced| (replaced.ino.0, replaced.evict));
                let to = (new_parent.0, new_name.as_bytes());
                self.rename(at, ino.0, (parent.0, name.as_bytes()), to, replaced)
            }
            Exchanged { ino, parent, name, other, other_parent, other_name } => {
                let there = (other_parent.0, other_name.as_bytes());
                self.exchange(at, (ino.0, (parent.0, name.as_bytes())), (other.0, there))
            }
            Evicted { ino } | InodeDropped { ino } => self.end(ino.0),
            AttributesSet { ino, mode, uid, gid, atime, mtime } => {
                let node = self.inode(ino.0)?;
                node.mode = mode.unwrap_or(node.mode);
                (node.uid, node.gid) = (uid.unwrap_or(node.uid), gid.unwrap_or(node.gid));
                node.atime = atime.map_or(node.atime, |time| time.0);
                node.mtime = mtime.map_or(node.mtime, |time| time.0);
                node.ctime = at;
                Ok(())
            }
            XattrSet { ino, name, value } => self.put_xattr(ino.0, name, value, Some(at)),
            XattrRemoved { ino, name } => self.drop_xattr(ino.0, name, Some(at)),
            Written { ino, offset, len, extents } => {
                let range = range_of(*offset, *len)?;
                let runs = runs_of(extents, contents)?;
                let file = self.file(ino.0)?;
                file.zero(range.clone());
                file.replace(range, &runs);
                self.tree.touch(ino.0, at);
                Ok(())
            }
            Truncated { ino, size } => {
                let range = range_of(0, *size)?;
                self.file(ino.0)?.truncate(range.end);
                self.tree.touch(ino.0, at);
                Ok(())
            }
            InodePut { ino, attributes, target } => {
                self.put_inode(ino.0, Inode::stated(attributes, target.as_deref()))
            }
            DirentPut { parent, name, ino, replaced } => {
                let place = (parent.0, name.as_bytes());
                if let Some(replaced) = replaced {
                    self.take_entry(replaced.0, place)?;
                }
                self.put_entry(ino.0, place)
            }
            DirentDropped { parent, name, ino } => self.take_entry(ino.0, (parent.0, name.as_bytes())),
            ExtentsPut { ino, offset, len, extents } => {
                let range = range_of(*offset, *len)?;
                let runs = runs_of(extents, contents)?;
                self.file(ino.0)?.replace(range, &runs);
                Ok(())
            }
            XattrPut { ino, name, value } => self.put_xattr(ino.0, name, value, None),
            XattrDropped { ino, name } => self.drop_xattr(ino.0, name, None),
        }
    }

    fn inode(&mut self, ino: u64) -> Result<&mut Node, String> {
        match self.tree.nodes.contains_key(&ino) {
            true => Ok(self.tree.node_mut(ino)),
            false => Err(format!("there is no inode {ino}")),
        }
    }

    fn file(&mut self, ino: u64) -> Result<&mut Content, String> {
        match &mut self.inode(ino)?.body {
            Body::File(content) => Ok(content),
            _ => Err(format!("inode {ino} is no file")),
        }
    }

    fn names(&self, ino: u64) -> u32 {
        self.names.get(&ino).copied().unwrap_or(0)
    }

    /// An inode is gone.
    fn end(&mut self, ino: u64) -> Result<(), String> {
        let node = self.inode(ino)?;
        if node.entries().is_some_and(|entries| !entries.is_empty()) {
            return Err(format!("directory {ino} has entries"));
        }
        if ino == ROOT || self.names(ino) > 0 {
            return Err(format!("inode {ino} has a name"));
        }
        self.tree.nodes.remove(&ino);
        Ok(())
    }
}

fn range_of(offset: u64, len: u64) -> Result<std::ops::Range<u64>, String> {
    let end = offset.checked_add(len).filter(|end| *end <= Content::MOST);
    end.map(|end| offset..end).ok_or_else(|| format!("no file has {len} bytes at {offset}"))
}

/// The bytes that extents name, by their offset.
fn runs_of(extents: &[PlacedExtent], contents: Contents<'_>) -> Result<Vec<(u64, Vec<u8>)>, String> {
    let run = |placed: &PlacedExtent| {
        let extent = placed.extent;
        let bytes = contents(extent.block)?;
        let end = extent.skip as usize + extent.len as usize;
        let part = bytes.get(extent.skip as usize..end);
        let part = part.ok_or_else(|| format!("{:?} has {} bytes, not {end}", extent.block, bytes.len()))?;
        Ok((placed.offset, part.to_vec()))
    };
    extents.iter().map(run).collect()
}
