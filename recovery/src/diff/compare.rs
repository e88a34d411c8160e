use std::collections::BTreeMap;
use std::ops::Range;

use firn_journal::{BlockRef, Ino};
use firn_materializer::namespace::{FileType, MAX_FILE_SIZE, Namespace, PERMISSION_BITS};

use super::Aspects;

/// What is different between an inode of one view and an inode of another, both there. Of a directory, what
/// follows from its entries (size, times, links) is not told.
///
/// Content is compared by reference: the same bytes that were stored twice count as different.
pub(crate) fn compare(
    old: (&Namespace, Ino),
    new: (&Namespace, Ino),
    changed: &ChangedExtents,
) -> Option<Aspects> {
    let (was, is) = (old.0.inode(old.1)?, new.0.inode(new.1)?);
    let (a, b) = (&was.attributes, &is.attributes);
    let directory = is.kind == FileType::Directory;
    Some(Aspects {
        content: !directory
            && was.target == is.target
            && (a.size != b.size || !same_content(old, new, changed)),
        mode: a.mode & PERMISSION_BITS != b.mode & PERMISSION_BITS,
        owner: (a.uid, a.gid) != (b.uid, b.gid),
        times: !directory && a.mtime != b.mtime,
        xattrs: !old.0.xattrs(old.1).eq(new.0.xattrs(new.1)),
        target: was.target != is.target,
        device: a.rdev != b.rdev,
    })
}

fn same_content(old: (&Namespace, Ino), new: (&Namespace, Ino), changed: &ChangedExtents) -> bool {
    if old.1 == new.1 {
        return changed.ranges(old.1).all(|range| same_range(old, new, range.clone()));
    }
    same_range(old, new, 0..MAX_FILE_SIZE)
}

fn same_range(old: (&Namespace, Ino), new: (&Namespace, Ino), range: Range<u64>) -> bool {
    stretches(old, range.clone()).eq(stretches(new, range))
}

/// A run of bytes of one block, however it is cut into extents.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stretch {
    offset: u64,
    len: u64,
    skip: u64,
    block: BlockRef,
}

fn stretches((ns, ino): (&Namespace, Ino), range: Range<u64>) -> impl Iterator<Item = Stretch> {
    let mut extents = ns.extents(ino, range).map(|placed| Stretch {
        offset: placed.offset,
        len: placed.extent.len.into(),
        skip: placed.extent.skip.into(),
        block: placed.extent.block,
    });
    let mut next = extents.next();
    std::iter::from_fn(move || {
        let mut stretch = next.take()?;
        for following in extents.by_ref() {
            let continues = following.block == stretch.block
                && following.offset == stretch.offset + stretch.len
                && following.skip == stretch.skip + stretch.len;
            if !continues {
                next = Some(following);
                break;
            }
            stretch.len += following.len;
        }
        Some(stretch)
    })
}

/// The parts of files whose extents differ between two views. Outside of them the extents are the same ones.
#[derive(Default)]
pub(crate) struct ChangedExtents(BTreeMap<Ino, Vec<Range<u64>>>);

impl ChangedExtents {
    /// Changed extents that touch each other are one range. An unchanged extent overlaps none of them, since it
    /// lies beside them in one of the two views.
    pub fn between(old: &Namespace, new: &Namespace) -> Self {
        let mut files: BTreeMap<Ino, Vec<Range<u64>>> = BTreeMap::new();
        for change in old.diff(new).extents() {
            let len = change.old.into_iter().chain(change.new).map(|extent| u64::from(extent.len)).max();
            let end = change.offset + len.unwrap_or(0);
            let ranges = files.entry(change.ino).or_default();
            match ranges.last_mut() {
                Some(last) if change.offset <= last.end => last.end = last.end.max(end),
                _ => ranges.push(change.offset..end),
            }
        }
        ChangedExtents(files)
    }

    /// The changed parts of one file, ascending.
    pub fn ranges(&self, ino: Ino) -> impl Iterator<Item = &Range<u64>> {
        self.0.get(&ino).into_iter().flatten()
    }

    /// The files that have any, by number.
    pub fn files(&self) -> impl Iterator<Item = Ino> {
        self.0.keys().copied()
    }
}
