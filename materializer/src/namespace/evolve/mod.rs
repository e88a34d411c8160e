//! One event after the other: what each of them does to the tree. The docs of [`EventKind`] tell the effects.

mod content;
mod entries;
mod resets;

use std::sync::Arc;

use firn_clock::Timestamp;
use firn_journal::{Attributes, Event, EventKind, Ino, Name, Seq};

use super::{Checkpoint, EvolveError, Namespace};
use content::Changed;
use entries::Place;

impl Namespace {
    /// Folds the next event in.
    ///
    /// # Errors
    /// The event does not fit: the journal is not what this code wrote. The namespace must not be used any
    /// more, it may hold a part of the event.
    pub fn apply(&mut self, event: &Event) -> Result<(), EvolveError> {
        self.check_order(event.seq, event.time)?;
        let left = self.transaction_left;
        if matches!(event.kind, EventKind::TransactionBegan { .. }) && left > 0 {
            return Err(EvolveError::NestedTransaction { left });
        }
        self.transaction_left = left.saturating_sub(1);
        self.happen(event)?;
        self.seq = event.seq;
        self.time = event.time;
        Ok(())
    }

    fn check_order(&self, seq: Seq, time: Timestamp) -> Result<(), EvolveError> {
        let expected = Seq(self.seq.0.saturating_add(1));
        if seq != expected {
            return Err(EvolveError::OutOfOrder { expected, found: seq });
        }
        let in_order = match self.transaction_left {
            0 => self.seq == Seq::ZERO || time > self.time,
            _ => time == self.time,
        };
        if in_order {
            Ok(())
        } else {
            Err(EvolveError::TimeOutOfOrder { seq, previous: self.time, found: time })
        }
    }

    fn happen(&mut self, event: &Event) -> Result<(), EvolveError> {
        let time = event.time;
        match &event.kind {
            EventKind::Mounted { .. } => Ok(()),
            EventKind::Checkpointed { name, message } => {
                let checkpoint = Checkpoint { seq: event.seq, time, message: message.clone() };
                self.checkpoints.insert(name.clone(), checkpoint);
                Ok(())
            }
            EventKind::TransactionBegan { count, .. } => {
                self.transaction_left = *count;
                Ok(())
            }

            EventKind::Created { ino, parent, name, mode, uid, gid, rdev, target } => {
                let attributes = newborn((*mode, *uid, *gid, *rdev), target.as_ref(), time);
                self.create(*ino, Place(*parent, name), attributes, target.clone())
            }
            EventKind::Linked { ino, parent, name } => self.link(time, *ino, Place(*parent, name)),
            EventKind::Unlinked { ino, parent, name, evict } => {
                self.unlink(time, *ino, Place(*parent, name), *evict)
            }
            EventKind::Renamed { ino, parent, name, new_parent, new_name, replaced } => {
                self.rename(time, *ino, Place(*parent, name), Place(*new_parent, new_name), *replaced)
            }
            EventKind::Exchanged { ino, parent, name, other, other_parent, other_name } => {
                self.exchange(time, (*ino, Place(*parent, name)), (*other, Place(*other_parent, other_name)))
            }
            EventKind::Evicted { ino } => self.remove_inode(*ino),

            EventKind::AttributesSet { ino, mode, uid, gid, atime, mtime } => {
                let changed = Changed { mode: *mode, uid: *uid, gid: *gid, atime: *atime, mtime: *mtime };
                self.set_attributes(time, *ino, changed)
            }
            EventKind::XattrSet { ino, name, value } => {
                self.put_xattr(*ino, name, value.clone())?;
                self.change(*ino, time)
            }
            EventKind::XattrRemoved { ino, name } => {
                self.drop_xattr(*ino, name)?;
                self.change(*ino, time)
            }
            EventKind::Written { ino, offset, len, extents } => {
                self.write(time, *ino, *offset, *len, extents)
            }
            EventKind::Truncated { ino, size } => self.truncate(time, *ino, *size),

            EventKind::InodePut { ino, attributes, target } => {
                self.put_inode(*ino, attributes.clone(), target.clone())
            }
            EventKind::InodeDropped { ino } => self.remove_inode(*ino),
            EventKind::DirentPut { parent, name, ino, replaced } => {
                self.put_dirent(*parent, name, *ino, *replaced)
            }
            EventKind::DirentDropped { parent, name, ino } => self.remove_entry(*parent, name, *ino),
            EventKind::ExtentsPut { ino, offset, len, extents } => {
                self.put_extents(*ino, *offset, *len, extents)
            }
            EventKind::XattrPut { ino, name, value } => self.put_xattr(*ino, name, value.clone()),
            EventKind::XattrDropped { ino, name } => self.drop_xattr(*ino, name),
        }
    }

    /// The inode changed, but not its content.
    fn change(&mut self, ino: Ino, time: Timestamp) -> Result<(), EvolveError> {
        self.inode_mut(ino)?.attributes.ctime = time;
        Ok(())
    }

    /// The content or the entries of an inode changed.
    fn touch(&mut self, ino: Ino, time: Timestamp) -> Result<(), EvolveError> {
        let attributes = &mut self.inode_mut(ino)?.attributes;
        (attributes.mtime, attributes.ctime) = (time, time);
        Ok(())
    }

    fn drop_xattr(&mut self, ino: Ino, name: &Name) -> Result<(), EvolveError> {
        match self.xattrs.remove(&super::keys::NameQuery(ino, name.as_bytes())) {
            Some(_) => Ok(()),
            None => Err(EvolveError::BadXattr { ino, name: name.clone(), what: "is not there" }),
        }
    }
}

/// The attributes of a new inode, without links yet.
fn newborn(
    (mode, uid, gid, rdev): (u32, u32, u32, u32),
    target: Option<&Arc<[u8]>>,
    time: Timestamp,
) -> Attributes {
    let size = target.map_or(0, |target| target.len() as u64);
    Attributes { mode, uid, gid, nlink: 0, rdev, size, atime: time, mtime: time, ctime: time, btime: time }
}
