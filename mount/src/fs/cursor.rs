use firn_journal::{Ino, Name};
use firn_materializer::decide::Errno;
use firn_materializer::namespace::{Dirent, FileType, Namespace};

use super::node::Node;
use super::numbers::Place;

/// Entries that are taken from the tree at a time.
const BATCH: usize = 256;

/// One line of a listing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Item {
    /// The entry's name.
    pub name: Name,
    /// The type of what it names.
    pub kind: FileType,
    /// Where the listing goes on after this line.
    pub next: u64,
    pub(super) place: Place,
}

impl Item {
    /// The inode number of what it names.
    ///
    /// # Errors
    /// `EOVERFLOW` if the kernel cannot be told of it.
    pub fn number(&self) -> Result<u64, Errno> {
        self.place.number()
    }
}

/// A listing of a directory as it was when the listing began. Line 0 is `.`, line 1 is `..`.
pub(super) struct Cursor {
    dir: Ino,
    here: Place,
    parent: Place,
    /// Where to take more entries from; gone when all are taken.
    rest: Option<Namespace>,
    /// The entries so far, so that a listing can go back to any line.
    taken: Vec<(Name, Dirent)>,
}

impl Cursor {
    pub fn of(node: &Node) -> Self {
        let ns = node.tree.now();
        match node.place {
            Place::At(dir) => Cursor::new(None, dir, node.place, Place::Present(dir)),
            place => {
                let parent = place.beside(ns.parent(node.ino).unwrap_or(node.ino));
                Cursor::new(Some(ns), node.ino, place, parent)
            }
        }
    }

    fn new(rest: Option<Namespace>, dir: Ino, here: Place, parent: Place) -> Self {
        Cursor { dir, here, parent, rest, taken: Vec::new() }
    }

    /// The next lines from `offset` on: none at the end.
    pub fn items(&mut self, offset: u64) -> Vec<Item> {
        let Ok(first) = usize::try_from(offset) else { return Vec::new() };
        let end = first.saturating_add(BATCH);
        while self.taken.len() + 2 < end && self.take_more() {}
        (first..end.min(self.taken.len() + 2)).map(|line| self.item(line)).collect()
    }

    fn item(&self, line: usize) -> Item {
        let next = line as u64 + 1;
        let directory =
            |name: &str, place| Item { name: name.into(), kind: FileType::Directory, next, place };
        match line {
            0 => directory(".", self.here),
            1 => directory("..", self.parent),
            _ => {
                let (name, dirent) = &self.taken[line - 2];
                Item { name: name.clone(), kind: dirent.kind, next, place: self.here.beside(dirent.ino) }
            }
        }
    }

    /// Takes a batch from the tree; tells whether there is more.
    fn take_more(&mut self) -> bool {
        let Some(ns) = &self.rest else { return false };
        let before = self.taken.len();
        let after = self.taken.last().map(|(name, _)| name.clone());
        let entries = ns.entries(self.dir, after.as_ref().map(Name::as_bytes));
        self.taken.extend(entries.take(BATCH).map(|(name, dirent)| (name.clone(), dirent)));
        if self.taken.len() - before < BATCH {
            self.rest = None;
        }
        self.rest.is_some()
    }
}

#[cfg(test)]
mod tests;
