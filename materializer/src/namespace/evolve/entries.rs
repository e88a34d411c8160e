use std::sync::Arc;

use firn_clock::Timestamp;
use firn_journal::{Attributes, Ino, Name, Replaced};

use super::super::load::check_inode;
use super::super::{EvolveError, FileType, Namespace};

/// Where an entry is: its directory and its name.
#[derive(Clone, Copy, PartialEq)]
pub(super) struct Place<'a>(pub Ino, pub &'a Name);

impl Namespace {
    pub(super) fn create(
        &mut self,
        ino: Ino,
        at: Place<'_>,
        mut attributes: Attributes,
        target: Option<Arc<[u8]>>,
    ) -> Result<(), EvolveError> {
        if ino < self.next_ino {
            return Err(EvolveError::StaleIno { ino, next: self.next_ino });
        }
        let kind = check_inode(ino, &attributes, target.as_deref())?;
        let time = attributes.btime;
        attributes.nlink = if kind == FileType::Directory { 2 } else { 1 };
        self.require_living_dir(at.0)?;
        self.add_inode(ino, kind, attributes, target);
        self.add_entry(at.0, at.1, ino)?;
        if kind == FileType::Directory {
            self.count_link(at.0, 1)?;
        }
        self.touch(at.0, time)
    }

    pub(super) fn link(&mut self, time: Timestamp, ino: Ino, at: Place<'_>) -> Result<(), EvolveError> {
        if self.require(ino)?.is_dir() {
            return Err(EvolveError::IsDirectory(ino));
        }
        self.require_living_dir(at.0)?;
        self.add_entry(at.0, at.1, ino)?;
        self.count_link(ino, 1)?;
        self.change(ino, time)?;
        self.touch(at.0, time)
    }

    pub(super) fn unlink(
        &mut self,
        time: Timestamp,
        ino: Ino,
        at: Place<'_>,
        evict: bool,
    ) -> Result<(), EvolveError> {
        self.remove_entry(at.0, at.1, ino)?;
        if self.require(ino)?.is_dir() {
            self.count_link(at.0, -1)?;
        }
        self.lose_link(time, ino, evict)?;
        self.touch(at.0, time)
    }

    pub(super) fn rename(
        &mut self,
        time: Timestamp,
        ino: Ino,
        from: Place<'_>,
        to: Place<'_>,
        replaced: Option<Replaced>,
    ) -> Result<(), EvolveError> {
        self.require_living_dir(to.0)?;
        self.require_outside(ino, to.0)?;
        self.require_entry(to.0, to.1, replaced.map(|replaced| replaced.ino))?;
        let is_dir = self.require(ino)?.is_dir();
        if let Some(Replaced { ino: other, evict }) = replaced {
            if other == ino || self.require(other)?.is_dir() != is_dir {
                let (parent, name) = (to.0, to.1.clone());
                return Err(EvolveError::EntryDiffers {
                    parent,
                    name,
                    expected: Some(ino),
                    found: Some(other),
                });
            }
            self.unlink(time, other, to, evict)?;
        }
        self.remove_entry(from.0, from.1, ino)?;
        self.add_entry(to.0, to.1, ino)?;
        if is_dir && from.0 != to.0 {
            self.count_link(from.0, -1)?;
            self.count_link(to.0, 1)?;
        }
        self.change(ino, time)?;
        self.touch(from.0, time)?;
        self.touch(to.0, time)
    }

    pub(super) fn exchange(
        &mut self,
        time: Timestamp,
        (ino, at): (Ino, Place<'_>),
        (other, other_at): (Ino, Place<'_>),
    ) -> Result<(), EvolveError> {
        self.require_outside(ino, other_at.0)?;
        self.require_outside(other, at.0)?;
        self.remove_entry(at.0, at.1, ino)?;
        self.remove_entry(other_at.0, other_at.1, other)?;
        self.add_entry(other_at.0, other_at.1, ino)?;
        self.add_entry(at.0, at.1, other)?;
        for (moved, from, to) in [(ino, at, other_at), (other, other_at, at)] {
            if self.require(moved)?.is_dir() && from.0 != to.0 {
                self.count_link(from.0, -1)?;
                self.count_link(to.0, 1)?;
            }
            self.change(moved, time)?;
            self.touch(from.0, time)?;
        }
        Ok(())
    }

    /// The directory exists and has not been removed.
    fn require_living_dir(&self, ino: Ino) -> Result<(), EvolveError> {
        self.require_type(ino, FileType::Directory)?;
        if self.is_orphan(ino) { Err(EvolveError::RemovedDirectory(ino)) } else { Ok(()) }
    }

    /// A directory does not come to lie within itself.
    fn require_outside(&self, ino: Ino, new_parent: Ino) -> Result<(), EvolveError> {
        if self.require(ino)?.is_dir() && self.is_ancestor(ino, new_parent) {
            return Err(EvolveError::WithinItself(ino));
        }
        Ok(())
    }

    /// What is left of an inode when one of its entries is gone.
    fn lose_link(&mut self, time: Timestamp, ino: Ino, evict: bool) -> Result<(), EvolveError> {
        self.require_empty(ino)?;
        if evict {
            return self.remove_inode(ino);
        }
        let inode = self.inode_mut(ino)?;
        if inode.is_dir() {
            inode.attributes.nlink = 0;
        } else {
            self.count_link(ino, -1)?;
        }
        self.change(ino, time)
    }

    fn count_link(&mut self, ino: Ino, by: i32) -> Result<(), EvolveError> {
        let attributes = &mut self.inode_mut(ino)?.attributes;
        let nlink = attributes.nlink.checked_add_signed(by);
        attributes.nlink =
            nlink.ok_or(EvolveError::BadAttributes { ino, what: "its link count cannot be" })?;
        Ok(())
    }
}
