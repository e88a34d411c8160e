use std::collections::{BTreeMap, BTreeSet, HashMap};

use firn_journal::{Attributes, EventKind, Ino, Name, PlacedExtent};
use firn_materializer::namespace::{Dirent, FileType, MAX_FILE_SIZE, Namespace};

use crate::diff::ChangedExtents;

/// What a plan decides, before it is spelled out as events. Link counts follow from the entries.
pub(super) struct Draft<'a> {
    past: &'a Namespace,
    present: &'a Namespace,
    /// Past inodes that get another number, and which.
    copies: BTreeMap<Ino, Ino>,
    next_ino: Ino,
    /// Inodes of the past that get their attributes and content back under their own number.
    pub resets: BTreeSet<Ino>,
    /// Entries of the present that go, unless they are put.
    pub drops: BTreeSet<(Ino, Name)>,
    /// Entries as they will be; all numbers are those of the present.
    pub puts: BTreeMap<(Ino, Name), Dirent>,
}

impl<'a> Draft<'a> {
    pub fn new(past: &'a Namespace, present: &'a Namespace) -> Self {
        Draft {
            past,
            present,
            copies: BTreeMap::new(),
            next_ino: present.next_ino(),
            resets: BTreeSet::new(),
            drops: BTreeSet::new(),
            puts: BTreeMap::new(),
        }
    }

    /// The number of a past inode's copy; a new number when it is first asked for.
    pub fn copy_of(&mut self, past: Ino) -> Ino {
        *self.copies.entry(past).or_insert_with(|| {
            let ino = self.next_ino;
            self.next_ino = Ino(ino.0 + 1);
            ino
        })
    }

    /// The events, in an order in which each of them fits: entries that go, inodes, entries that come, content,
    /// and last the inodes that nothing names any more.
    pub fn into_events(self) -> Vec<EventKind> {
        let entries = self.entry_changes();
        let links = Links::count(&entries);
        let mut sources: BTreeMap<Ino, Ino> = self.resets.iter().map(|ino| (*ino, *ino)).collect();
        sources.extend(self.copies.iter().map(|(past, copy)| (*copy, *past)));
        let mut touched: BTreeSet<Ino> = sources.keys().copied().collect();
        touched.extend(links.named.keys().chain(links.subdirectories.keys()));

        let mut events = Vec::new();
        events.extend(entries.iter().filter_map(EntryChange::dropped));
        let mut gone = Vec::new();
        for ino in touched {
            match self.inode(ino, sources.get(&ino).copied(), &links) {
                Final::Gone => gone.push(EventKind::InodeDropped { ino }),
                Final::Same => {}
                Final::Put(event) => events.push(event),
            }
        }
        events.extend(entries.iter().filter_map(EntryChange::put));
        let changed = ChangedExtents::between(self.past, self.present);
        for (ino, source) in &sources {
            self.extents(*ino, *source, &changed, &mut events);
        }
        for (ino, source) in &sources {
            self.xattrs(*ino, *source, &mut events);
        }
        events.extend(gone);
        events
    }

    fn entry_changes(&self) -> Vec<EntryChange<'_>> {
        let keys: BTreeSet<&(Ino, Name)> = self.drops.iter().chain(self.puts.keys()).collect();
        let changes = keys.into_iter().map(|key| {
            let old = self.present.lookup(key.0, key.1.as_bytes());
            EntryChange { key, old, new: self.puts.get(key).copied() }
        });
        changes.filter(|change| change.old != change.new).collect()
    }

    /// What becomes of an inode that has another content, another name or another subdirectory.
    fn inode(&self, ino: Ino, source: Option<Ino>, links: &Links) -> Final {
        let now = self.present.inode(ino);
        let Some(model) = source.map_or(now, |source| self.past.inode(source)) else { return Final::Same };
        let names = links.named.get(&ino).copied().unwrap_or(0);
        let nlink = if model.is_dir() {
            let linked = now.is_some_and(|inode| inode.home.is_some()) || ino == Ino::ROOT;
            if i64::from(linked) + names <= 0 {
                return Final::Gone;
            }
            let before = now.filter(|_| linked).map_or(2, |inode| i64::from(inode.attributes.nlink));
            before + links.subdirectories.get(&ino).copied().unwrap_or(0)
        } else {
            now.map_or(0, |inode| i64::from(inode.attributes.nlink)) + names
        };
        if nlink <= 0 {
            return Final::Gone;
        }
        let nlink = u32::try_from(nlink).unwrap_or(u32::MAX);
        let attributes = Attributes { nlink, ..model.attributes.clone() };
        if now.is_some_and(|inode| inode.attributes == attributes && inode.target == model.target) {
            return Final::Same;
        }
        Final::Put(EventKind::InodePut { ino, attributes, target: model.target.clone() })
    }

    fn extents(&self, ino: Ino, source: Ino, changed: &ChangedExtents, events: &mut Vec<EventKind>) {
        if self.present.inode(ino).is_some() {
            for range in changed.ranges(ino) {
                let extents = self.past.extents(source, range.clone()).collect();
                let len = range.end - range.start;
                events.push(EventKind::ExtentsPut { ino, offset: range.start, len, extents });
            }
            return;
        }
        let extents: Vec<PlacedExtent> = self.past.extents(source, 0..MAX_FILE_SIZE).collect();
        if let (Some(first), Some(last)) = (extents.first(), extents.last()) {
            let (offset, end) = (first.offset, last.offset + u64::from(last.extent.len));
            events.push(EventKind::ExtentsPut { ino, offset, len: end - offset, extents });
        }
    }

    fn xattrs(&self, ino: Ino, source: Ino, events: &mut Vec<EventKind>) {
        for (name, value) in self.past.xattrs(source) {
            if self.present.xattr(ino, name.as_bytes()) != Some(value) {
                events.push(EventKind::XattrPut { ino, name: name.clone(), value: value.clone() });
            }
        }
        let gone =
            self.present.xattrs(ino).filter(|(name, _)| self.past.xattr(source, name.as_bytes()).is_none());
        events.extend(gone.map(|(name, _)| EventKind::XattrDropped { ino, name: name.clone() }));
    }
}

/// What becomes of an inode.
enum Final {
    Gone,
    Same,
    Put(EventKind),
}

struct EntryChange<'a> {
    key: &'a (Ino, Name),
    old: Option<Dirent>,
    new: Option<Dirent>,
}

impl EntryChange<'_> {
    /// A directory has one entry at most, so one that moves leaves its old entry before any new one is put.
    fn dropped(&self) -> Option<EventKind> {
        let old = self.old.filter(|old| self.new.is_none() || old.kind == FileType::Directory)?;
        Some(EventKind::DirentDropped { parent: self.key.0, name: self.key.1.clone(), ino: old.ino })
    }

    fn put(&self) -> Option<EventKind> {
        let new = self.new?;
        let replaced = self.old.filter(|old| old.kind != FileType::Directory).map(|old| old.ino);
        Some(EventKind::DirentPut { parent: self.key.0, name: self.key.1.clone(), ino: new.ino, replaced })
    }
}

/// How many more entries name an inode, and how many more directories a directory holds.
#[derive(Default)]
struct Links {
    named: HashMap<Ino, i64>,
    subdirectories: HashMap<Ino, i64>,
}

impl Links {
    fn count(entries: &[EntryChange]) -> Self {
        let mut links = Links::default();
        for EntryChange { key, old, new } in entries {
            for (dirent, by) in [(old, -1), (new, 1)] {
                let Some(dirent) = dirent else { continue };
                *links.named.entry(dirent.ino).or_default() += by;
                if dirent.kind == FileType::Directory {
                    *links.subdirectories.entry(key.0).or_default() += by;
                }
            }
        }
        links
    }
}
