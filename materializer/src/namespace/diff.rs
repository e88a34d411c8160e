use std::sync::Arc;

use firn_journal::{Extent, Ino, Name, PlacedExtent};

use super::{Change, Checkpoint, Dirent, Inode, Namespace};

/// An entry that differs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DirentChange<'a> {
    /// The directory.
    pub parent: Ino,
    /// The entry's name.
    pub name: &'a Name,
    /// What it named.
    pub old: Option<Dirent>,
    /// What it names.
    pub new: Option<Dirent>,
}

/// An extent that differs. A file's extents are compared by where they begin: one that was cut is a change
/// at its offset, with what was put beside it another.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ExtentChange {
    /// The file.
    pub ino: Ino,
    /// Where the extent begins.
    pub offset: u64,
    /// What began there.
    pub old: Option<Extent>,
    /// What begins there.
    pub new: Option<Extent>,
}

impl ExtentChange {
    /// What begins there, with its place.
    pub(crate) fn new_placed(&self) -> Option<PlacedExtent> {
        self.new.map(|extent| PlacedExtent { offset: self.offset, extent })
    }
}

/// An extended attribute that differs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct XattrChange<'a> {
    /// The inode.
    pub ino: Ino,
    /// The attribute's name.
    pub name: &'a Name,
    /// Its value before.
    pub old: Option<&'a Arc<[u8]>>,
    /// Its value after.
    pub new: Option<&'a Arc<[u8]>>,
}

/// What differs between two namespaces. Each part is an iterator in the order of its keys; for two that share
/// their past it costs what changed between them.
#[derive(Clone, Copy, Debug)]
pub struct NamespaceDiff<'a> {
    old: &'a Namespace,
    new: &'a Namespace,
}

impl Namespace {
    /// What turns `self` into `other`.
    pub fn diff<'a>(&'a self, other: &'a Namespace) -> NamespaceDiff<'a> {
        NamespaceDiff { old: self, new: other }
    }
}

impl<'a> NamespaceDiff<'a> {
    /// Inodes whose attributes, target, home or allocated bytes differ; what is written into a file always
    /// shows here too, by its ctime.
    pub fn inodes(&self) -> impl Iterator<Item = Change<Ino, &'a Inode>> + use<'a> {
        self.old.inodes.diff(&self.new.inodes).map(|change| Change {
            key: *change.key,
            old: change.old.map(|inode| &**inode),
            new: change.new.map(|inode| &**inode),
        })
    }

    /// Entries, by directory and name.
    pub fn dirents(&self) -> impl Iterator<Item = DirentChange<'a>> + use<'a> {
        self.old.dirents.diff(&self.new.dirents).map(|change| DirentChange {
            parent: change.key.ino,
            name: &change.key.name,
            old: change.old.copied(),
            new: change.new.copied(),
        })
    }

    /// Extents, by file and offset.
    pub fn extents(&self) -> impl Iterator<Item = ExtentChange> + use<'a> {
        self.old.extents.diff(&self.new.extents).map(|change| ExtentChange {
            ino: change.key.ino,
            offset: change.key.offset,
            old: change.old.copied(),
            new: change.new.copied(),
        })
    }

    /// Extended attributes, by inode and name.
    pub fn xattrs(&self) -> impl Iterator<Item = XattrChange<'a>> + use<'a> {
        self.old.xattrs.diff(&self.new.xattrs).map(|change| XattrChange {
            ino: change.key.ino,
            name: &change.key.name,
            old: change.old,
            new: change.new,
        })
    }

    /// Named instants, by name.
    pub fn checkpoints(&self) -> impl Iterator<Item = Change<&'a str, &'a Checkpoint>> + use<'a> {
        self.old.checkpoints.diff(&self.new.checkpoints).map(|change| Change {
            key: change.key.as_str(),
            old: change.old,
            new: change.new,
        })
    }
}
