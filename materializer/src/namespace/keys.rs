use std::cmp::Ordering;

use equivalent::Comparable;
use firn_journal::{Ino, Name};

/// An inode and a name within it: of an entry of a directory, or of an extended attribute.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct NameKey {
    pub ino: Ino,
    pub name: Name,
}

/// A [`NameKey`] to look for, without owning the name.
pub(super) struct NameQuery<'a>(pub Ino, pub &'a [u8]);

impl Comparable<NameKey> for NameQuery<'_> {
    fn compare(&self, key: &NameKey) -> Ordering {
        self.0.cmp(&key.ino).then_with(|| self.1.cmp(key.name.as_bytes()))
    }
}

impl equivalent::Equivalent<NameKey> for NameQuery<'_> {
    fn equivalent(&self, key: &NameKey) -> bool {
        self.compare(key).is_eq()
    }
}

/// A place in a file.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct PlaceKey {
    pub ino: Ino,
    pub offset: u64,
}

/// A link of an inode: the entry that names it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct LinkKey {
    pub ino: Ino,
    pub parent: Ino,
    pub name: Name,
}

/// Where the links of an inode begin among the [`LinkKey`]s.
pub(super) struct LinksOf(pub Ino);

impl Comparable<LinkKey> for LinksOf {
    fn compare(&self, key: &LinkKey) -> Ordering {
        self.0.cmp(&key.ino).then(Ordering::Less)
    }
}

impl equivalent::Equivalent<LinkKey> for LinksOf {
    fn equivalent(&self, _: &LinkKey) -> bool {
        false
    }
}
