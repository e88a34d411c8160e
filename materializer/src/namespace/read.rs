use std::ops::{Bound, Range};
use std::sync::Arc;

use firn_clock::Timestamp;
use firn_journal::{Extent, Ino, Name, PlacedExtent, Seq};

use super::keys::{LinksOf, NameQuery};
use super::{Checkpoint, Dirent, Inode, Namespace, Totals};

impl Namespace {
    /// The position of the last event.
    pub fn seq(&self) -> Seq {
        self.seq
    }

    /// The time of the last event; the epoch before the first one.
    pub fn time(&self) -> Timestamp {
        self.time
    }

    /// How many events of the transaction that has begun are still to come: 0 wherever a view can be.
    pub fn transaction_left(&self) -> u32 {
        self.transaction_left
    }

    /// The number that the next new inode gets.
    pub fn next_ino(&self) -> Ino {
        self.next_ino
    }

    /// Sums over the whole tree.
    pub fn totals(&self) -> Totals {
        Totals { inodes: self.inodes.len() as u64, allocated: self.allocated }
    }

    /// An inode by its number.
    pub fn inode(&self, ino: Ino) -> Option<&Inode> {
        self.inodes.get(&ino).map(|inode| &**inode)
    }

    /// All inodes, by number.
    pub fn inodes(&self) -> impl Iterator<Item = (Ino, &Inode)> {
        self.inodes.iter().map(|(ino, inode)| (*ino, &**inode))
    }

    /// The inodes that no entry names, by number: removed, and open when they were.
    pub fn orphans(&self) -> impl Iterator<Item = Ino> {
        self.orphans.iter().map(|(ino, ())| *ino)
    }

    /// Whether an inode exists, and no entry names it though it is not the root.
    pub fn is_orphan(&self, ino: Ino) -> bool {
        self.orphans.contains(&ino)
    }

    /// What `name` means in the directory `parent`. Knows neither `.` nor `..`.
    pub fn lookup(&self, parent: Ino, name: &[u8]) -> Option<Dirent> {
        self.dirents.get(&NameQuery(parent, name)).copied()
    }

    /// The entries of a directory in the order of their names, those after `after` if it is given.
    pub fn entries<'a>(
        &'a self,
        parent: Ino,
        after: Option<&[u8]>,
    ) -> impl Iterator<Item = (&'a Name, Dirent)> + use<'a> {
        let from = match after {
            Some(name) => Bound::Excluded(NameQuery(parent, name)),
            None => Bound::Included(NameQuery(parent, b"")),
        };
        let of_parent = self.dirents.starting(from).take_while(move |(key, _)| key.ino == parent);
        of_parent.map(|(key, dirent)| (&key.name, *dirent))
    }

    /// All entries: directory, name, what it names; by directory, then by name.
    pub fn dirents(&self) -> impl Iterator<Item = (Ino, &Name, Dirent)> {
        self.dirents.iter().map(|(key, dirent)| (key.ino, &key.name, *dirent))
    }

    /// The entries that name an inode, the smallest first.
    pub fn links(&self, ino: Ino) -> impl Iterator<Item = (Ino, &Name)> {
        let home = self.inode(ino).and_then(|inode| inode.home.as_ref());
        let extra = self.extra_links.starting(Bound::Included(LinksOf(ino)));
        let extra =
            extra.take_while(move |(key, ())| key.ino == ino).map(|(key, ())| (key.parent, &key.name));
        home.map(|(parent, name)| (*parent, name)).into_iter().chain(extra)
    }

    /// The directory that holds the inode (`..` of a directory): the root's is the root, an orphan has none.
    pub fn parent(&self, ino: Ino) -> Option<Ino> {
        if ino == Ino::ROOT {
            return Some(ino);
        }
        self.inode(ino)?.home.as_ref().map(|(parent, _)| *parent)
    }

    /// The path of an inode's home, relative to the root and without a leading slash; the root's is empty.
    /// `None` if it cannot be reached from the root.
    pub fn path_of(&self, ino: Ino) -> Option<Vec<u8>> {
        let mut names = Vec::new();
        let mut at = ino;
        while at != Ino::ROOT {
            let (parent, name) = self.inode(at)?.home.as_ref()?;
            // A journal by another hand could hold a ring of directories that nothing above leads to.
            if names.len() >= self.inodes.len() {
                return None;
            }
            names.push(name.as_bytes());
            at = *parent;
        }
        names.reverse();
        Some(names.join(&b'/'))
    }

    /// What a path relative to the root leads to. Slashes at its ends and doubled ones do not count, `.` and
    /// `..` mean what they mean everywhere; symbolic links are not followed.
    pub fn resolve(&self, path: &[u8]) -> Option<Ino> {
        path.split(|byte| *byte == b'/').filter(|part| !part.is_empty()).try_fold(Ino::ROOT, |at, part| {
            if !self.inode(at)?.is_dir() {
                return None;
            }
            match part {
                b"." => Some(at),
                b".." => self.parent(at),
                name => self.lookup(at, name).map(|dirent| dirent.ino),
            }
        })
    }

    /// Whether `ino` is `below` itself or a directory above it.
    pub(crate) fn is_ancestor(&self, ino: Ino, below: Ino) -> bool {
        let mut at = below;
        for _ in 0..=self.inodes.len() {
            if at == ino {
                return true;
            }
            match self.parent(at) {
                Some(parent) if parent != at => at = parent,
                _ => return false,
            }
        }
        false
    }

    /// The extents of a file that touch `range`, in order, cut to it. What they leave out is a hole.
    pub fn extents(&self, ino: Ino, range: Range<u64>) -> impl Iterator<Item = PlacedExtent> {
        self.reaching(ino, &range).filter_map(move |(key, extent)| cut(key.offset, extent, &range))
    }

    /// All extents: file and what is where; by file, then by offset.
    pub fn all_extents(&self) -> impl Iterator<Item = (Ino, PlacedExtent)> {
        self.extents
            .iter()
            .map(|(key, extent)| (key.ino, PlacedExtent { offset: key.offset, extent: *extent }))
    }

    /// The value of an extended attribute.
    pub fn xattr(&self, ino: Ino, name: &[u8]) -> Option<&Arc<[u8]>> {
        self.xattrs.get(&NameQuery(ino, name))
    }

    /// The extended attributes of an inode, by name.
    pub fn xattrs(&self, ino: Ino) -> impl Iterator<Item = (&Name, &Arc<[u8]>)> {
        let of_ino = self.xattrs.starting(Bound::Included(NameQuery(ino, b"")));
        of_ino.take_while(move |(key, _)| key.ino == ino).map(|(key, value)| (&key.name, value))
    }

    /// All extended attributes: inode, name, value; by inode, then by name.
    pub fn all_xattrs(&self) -> impl Iterator<Item = (Ino, &Name, &Arc<[u8]>)> {
        self.xattrs.iter().map(|(key, value)| (key.ino, &key.name, value))
    }

    /// The instant that a name was given to.
    pub fn checkpoint(&self, name: &str) -> Option<&Checkpoint> {
        self.checkpoints.get(name)
    }

    /// All named instants, by name.
    pub fn checkpoints(&self) -> impl Iterator<Item = (&str, &Checkpoint)> {
        self.checkpoints.iter().map(|(name, checkpoint)| (name.as_str(), checkpoint))
    }
}

/// The part of an extent within `range`.
fn cut(offset: u64, extent: &Extent, range: &Range<u64>) -> Option<PlacedExtent> {
    let start = offset.max(range.start);
    let end = (offset + u64::from(extent.len)).min(range.end);
    if start >= end {
        return None;
    }
    // Both fit 32 bits: they are within the extent.
    let (skipped, len) = ((start - offset) as u32, (end - start) as u32);
    Some(PlacedExtent {
        offset: start,
        extent: Extent { len, skip: extent.skip + skipped, block: extent.block },
    })
}
