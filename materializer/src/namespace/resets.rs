use std::ops::Range;

use firn_journal::{EventKind, Ino, PlacedExtent};

use super::{ExtentChange, FileType, Inode, Namespace};

/// The resets that make `from` show what `to` shows: the effects of a whole-tree undo. In proportion to what
/// changed; empty if nothing did.
///
/// Applied in order each of them fits: entries that go, then inodes, entries that come, content, and last the
/// inodes that nothing names any more. What nobody can see is left as it is: orphans of `from` stay (they are
/// open), those of `to` are not revived. Checkpoints stay, and inode numbers are never given out again.
pub fn resets(from: &Namespace, to: &Namespace) -> Vec<EventKind> {
    let mut effects = Vec::new();
    drop_entries(from, to, &mut effects);
    put_inodes(from, to, &mut effects);
    put_entries(from, to, &mut effects);
    put_extents(from, to, &mut effects);
    put_xattrs(from, to, &mut effects);
    drop_inodes(from, to, &mut effects);
    effects
}

/// Whether the inode is in the tree: exists, and is no orphan.
fn is_live(namespace: &Namespace, ino: Ino) -> bool {
    namespace.inodes.contains(&ino) && !namespace.is_orphan(ino)
}

/// A directory has one entry at most, so one that moves leaves its old entry before any new one is put.
fn drop_entries(from: &Namespace, to: &Namespace, effects: &mut Vec<EventKind>) {
    for change in from.diff(to).dirents() {
        let Some(old) = change.old else { continue };
        if change.new.is_none() || old.kind == FileType::Directory {
            effects.push(EventKind::DirentDropped {
                parent: change.parent,
                name: change.name.clone(),
                ino: old.ino,
            });
        }
    }
}

fn put_entries(from: &Namespace, to: &Namespace, effects: &mut Vec<EventKind>) {
    for change in from.diff(to).dirents() {
        let Some(new) = change.new else { continue };
        let replaced = change.old.filter(|old| old.kind != FileType::Directory).map(|old| old.ino);
        let (parent, name) = (change.parent, change.name.clone());
        effects.push(EventKind::DirentPut { parent, name, ino: new.ino, replaced });
    }
}

fn put_inodes(from: &Namespace, to: &Namespace, effects: &mut Vec<EventKind>) {
    let same = |old: &Inode, new: &Inode| old.attributes == new.attributes && old.target == new.target;
    for change in from.diff(to).inodes() {
        let Some(new) = change.new else { continue };
        if is_live(to, change.key) && !change.old.is_some_and(|old| same(old, new)) {
            let (attributes, target) = (new.attributes.clone(), new.target.clone());
            effects.push(EventKind::InodePut { ino: change.key, attributes, target });
        }
    }
}

fn drop_inodes(from: &Namespace, to: &Namespace, effects: &mut Vec<EventKind>) {
    let gone = from.diff(to).inodes().map(|change| change.key);
    let gone = gone.filter(|ino| is_live(from, *ino) && !is_live(to, *ino));
    effects.extend(gone.map(|ino| EventKind::InodeDropped { ino }));
}

fn put_xattrs(from: &Namespace, to: &Namespace, effects: &mut Vec<EventKind>) {
    for change in from.diff(to).xattrs().filter(|change| is_live(to, change.ino)) {
        let (ino, name) = (change.ino, change.name.clone());
        effects.push(match change.new {
            Some(value) => EventKind::XattrPut { ino, name, value: value.clone() },
            None => EventKind::XattrDropped { ino, name },
        });
    }
}

fn put_extents(from: &Namespace, to: &Namespace, effects: &mut Vec<EventKind>) {
    let mut run: Option<Run> = None;
    for change in from.diff(to).extents().filter(|change| is_live(to, change.ino)) {
        match &mut run {
            Some(run) if run.continues(&change) => run.add(&change),
            _ => effects.extend(run.replace(Run::new(&change)).map(Run::into_event)),
        }
    }
    effects.extend(run.map(Run::into_event));
}

/// Changed extents of one file that touch each other. An unchanged extent overlaps none of them, since it lies
/// beside them in one of the two namespaces: so their hull can be stated whole.
struct Run {
    ino: Ino,
    range: Range<u64>,
    extents: Vec<PlacedExtent>,
}

impl Run {
    fn new(change: &ExtentChange) -> Self {
        let mut run = Run { ino: change.ino, range: change.offset..change.offset, extents: Vec::new() };
        run.add(change);
        run
    }

    fn continues(&self, change: &ExtentChange) -> bool {
        self.ino == change.ino && change.offset <= self.range.end
    }

    fn add(&mut self, change: &ExtentChange) {
        let len = change.old.into_iter().chain(change.new).map(|extent| u64::from(extent.len)).max();
        self.range.end = self.range.end.max(change.offset + len.unwrap_or(0));
        self.extents.extend(change.new_placed());
    }

    fn into_event(self) -> EventKind {
        let Range { start, end } = self.range;
        EventKind::ExtentsPut { ino: self.ino, offset: start, len: end - start, extents: self.extents }
    }
}
