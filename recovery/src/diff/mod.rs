//! What differs between two views, as paths.

mod compare;
mod entries;
mod patch;
mod rows;
#[cfg(test)]
mod tests;

use firn_journal::Ino;
use firn_materializer::namespace::FileType;

pub(crate) use compare::{ChangedExtents, compare};
pub use patch::{PATCH_LIMIT, patch};
pub use rows::diff;

/// How a path differs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Change {
    /// It was there, and is not.
    Removed,
    /// It is there, and was not.
    Added,
    /// It was there and is there, with something else in it or about it.
    Modified,
    /// It was at another path, and may be modified too.
    Renamed,
}

impl Change {
    /// The word for it: `removed`, `added`, `modified`, `renamed`.
    pub fn name(self) -> &'static str {
        match self {
            Change::Removed => "removed",
            Change::Added => "added",
            Change::Modified => "modified",
            Change::Renamed => "renamed",
        }
    }
}

/// What is different about a path that is there before and after.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Aspects {
    /// The bytes of a file, as far as the references to them tell; its size.
    pub content: bool,
    /// Permission bits.
    pub mode: bool,
    /// User or group.
    pub owner: bool,
    /// The time of the last change of the content.
    pub times: bool,
    /// Extended attributes.
    pub xattrs: bool,
    /// Where a symbolic link points to.
    pub target: bool,
    /// The number of a device.
    pub device: bool,
}

impl Aspects {
    /// Whether nothing is different.
    pub fn is_empty(self) -> bool {
        self == Aspects::default()
    }

    /// The words for what is different: `content`, `mode`, `owner`, `times`, `xattrs`, `target`, `device`.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        let all = [
            (self.content, "content"),
            (self.mode, "mode"),
            (self.owner, "owner"),
            (self.times, "times"),
            (self.xattrs, "xattrs"),
            (self.target, "target"),
            (self.device, "device"),
        ];
        all.into_iter().filter_map(|(differs, name)| differs.then_some(name))
    }
}

/// A path that differs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DiffRow {
    /// How.
    pub change: Change,
    /// Where it is in the new view; of a removed one, where it was. Bytes, relative to the root.
    pub path: Vec<u8>,
    /// Where it was, if that is another path: of a renamed one, and of one below a renamed directory.
    pub from: Option<Vec<u8>>,
    /// Its inode in the old view; none of an added one.
    pub old: Option<Ino>,
    /// Its inode in the new view; none of a removed one.
    pub new: Option<Ino>,
    /// Its type.
    pub kind: FileType,
    /// What is different about it; empty of an added or removed one.
    pub aspects: Aspects,
}

impl DiffRow {
    /// Its inode, in the new view if it is there.
    pub fn ino(&self) -> Option<Ino> {
        self.new.or(self.old)
    }

    /// Where it was in the old view.
    pub fn old_path(&self) -> &[u8] {
        self.from.as_deref().unwrap_or(&self.path)
    }
}

/// How many rows of each kind.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Counts {
    /// [`Change::Added`].
    pub added: u64,
    /// [`Change::Removed`].
    pub removed: u64,
    /// [`Change::Modified`].
    pub modified: u64,
    /// [`Change::Renamed`].
    pub renamed: u64,
}

impl Counts {
    /// Counts these rows.
    pub fn of(rows: &[DiffRow]) -> Self {
        let mut counts = Counts::default();
        for row in rows {
            *match row.change {
                Change::Added => &mut counts.added,
                Change::Removed => &mut counts.removed,
                Change::Modified => &mut counts.modified,
                Change::Renamed => &mut counts.renamed,
            } += 1;
        }
        counts
    }
}
