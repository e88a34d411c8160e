use std::collections::{BTreeSet, HashMap};

use firn_journal::{EventKind, Ino, Name};
use firn_materializer::namespace::{Dirent, FileType, Namespace};

use super::PlanError;
use super::emit::Draft;
use super::scope::Scope;
use crate::diff::{ChangedExtents, compare};
use crate::path::join;

/// See [`plan_undo`](super::plan_undo); `path` is not the root.
pub(super) fn plan(past: &Namespace, present: &Namespace, path: &[u8]) -> Result<Vec<EventKind>, PlanError> {
    let mut planner = Planner {
        was: Scope::new(past, path),
        is: Scope::new(present, path),
        extents: ChangedExtents::between(past, present),
        draft: Draft::new(past, present),
        fates: HashMap::new(),
        wanted: BTreeSet::new(),
    };
    if planner.was.top.is_none() && planner.is.top.is_none() {
        return Err(PlanError::Nowhere { path: path.to_vec() });
    }
    let parent = match planner.was.top {
        Some(_) => Some(planner.anchor(path)?),
        None => None,
    };
    planner.changed_entries();
    planner.changed_inodes();
    planner.follow_wanted();
    planner.follow_dropped();
    planner.put_wanted(parent);
    Ok(planner.draft.into_events())
}

/// What becomes of an inode of the past scope.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// It is set back under its own number.
    Own,
    /// It stays what it is: it has links on both sides of the scope, and nothing changed about it.
    Shared,
    /// The scope gets a copy of it.
    Copy,
}

struct Planner<'a> {
    was: Scope<'a>,
    is: Scope<'a>,
    extents: ChangedExtents,
    draft: Draft<'a>,
    fates: HashMap<Ino, Fate>,
    /// Places of the past scope that have to be as they were.
    wanted: BTreeSet<(Ino, Name)>,
}

impl Planner<'_> {
    /// The directory that `path` lies in, in the present; what is missing of it comes back.
    fn anchor(&mut self, path: &[u8]) -> Result<Ino, PlanError> {
        let names: Vec<&[u8]> = path.split(|byte| *byte == b'/').collect();
        let (mut at, mut then, mut above) = (Ino::ROOT, Ino::ROOT, Vec::new());
        for name in names.iter().take(names.len() - 1) {
            above = join(&above, name);
            let not_then = || PlanError::NotThen { path: path.to_vec() };
            then = self.was.ns.lookup(then, name).ok_or_else(not_then)?.ino;
            at = match self.is.ns.lookup(at, name) {
                Some(Dirent { ino, kind: FileType::Directory }) => ino,
                Some(_) => return Err(PlanError::NotADirectory { path: above }),
                None => self.bring_back(at, Name::new(name), then),
            };
        }
        Ok(at)
    }

    /// Puts a directory of the past, empty, where there is none now.
    fn bring_back(&mut self, parent: Ino, name: Name, then: Ino) -> Ino {
        let elsewhere = self.is.ns.inode(then).is_some_and(|inode| inode.home.is_some());
        let ino = if elsewhere { self.draft.copy_of(then) } else { then };
        if !elsewhere {
            self.draft.resets.insert(then);
        }
        self.draft.puts.insert((parent, name), Dirent { ino, kind: FileType::Directory });
        ino
    }

    fn changed_entries(&mut self) {
        for change in self.was.ns.diff(self.is.ns).dirents() {
            if change.old.is_some() && self.was.has_place(change.parent, change.name) {
                self.wanted.insert((change.parent, change.name.clone()));
            }
            if change.new.is_some() && self.is.has_place(change.parent, change.name) {
                self.draft.drops.insert((change.parent, change.name.clone()));
            }
        }
        // The path can mean another directory now although no entry at it or below it changed.
        if self.was.top.is_some() {
            self.wanted.extend(self.was.place.clone());
        }
        if self.is.top.is_some() {
            self.draft.drops.extend(self.is.place.clone());
        }
    }

    fn changed_inodes(&mut self) {
        let mut changed: BTreeSet<Ino> = self.extents.files().collect();
        changed.extend(self.was.ns.diff(self.is.ns).inodes().map(|change| change.key));
        changed.extend(self.was.ns.diff(self.is.ns).xattrs().map(|change| change.ino));
        for ino in changed {
            if !self.was.holds(ino) {
                continue;
            }
            match self.fate(ino) {
                Fate::Own => drop(self.draft.resets.insert(ino)),
                Fate::Copy => self.wanted.extend(self.was.links_inside(ino)),
                Fate::Shared => {}
            }
        }
    }

    /// Of an inode of the past scope.
    fn fate(&mut self, ino: Ino) -> Fate {
        if let Some(known) = self.fates.get(&ino) {
            return *known;
        }
        let fate = match self.is.ns.inode(ino) {
            Some(inode) if inode.is_dir() => match inode.home {
                Some(_) if !self.is.has_directory(ino) => Fate::Copy,
                _ => Fate::Own,
            },
            Some(_) if self.is.shares(ino) => {
                let same = compare((self.was.ns, ino), (self.is.ns, ino), &self.extents);
                let same = same.is_some_and(|aspects| aspects.is_empty());
                if same && (self.was.shares(ino) || self.is.holds(ino)) { Fate::Shared } else { Fate::Copy }
            }
            _ => Fate::Own,
        };
        self.fates.insert(ino, fate);
        fate
    }

    /// A copy needs all its places, and a copied directory all that was in it: there is nothing in it yet.
    fn follow_wanted(&mut self) {
        let mut queue: Vec<(Ino, Name)> = self.wanted.iter().cloned().collect();
        let mut followed = BTreeSet::new();
        while let Some((parent, name)) = queue.pop() {
            let Some(dirent) = self.was.ns.lookup(parent, name.as_bytes()) else { continue };
            if self.fate(dirent.ino) != Fate::Copy || !followed.insert(dirent.ino) {
                continue;
            }
            let mut places = self.was.links_inside(dirent.ino);
            places.extend(self.was.ns.entries(dirent.ino, None).map(|(name, _)| (dirent.ino, name.clone())));
            queue.extend(places.into_iter().filter(|place| self.wanted.insert(place.clone())));
        }
    }

    /// A directory that was moved in goes with all that is in it.
    fn follow_dropped(&mut self) {
        let mut queue: Vec<(Ino, Name)> = self.draft.drops.iter().cloned().collect();
        while let Some((parent, name)) = queue.pop() {
            let Some(dirent) = self.is.ns.lookup(parent, name.as_bytes()) else { continue };
            if dirent.kind != FileType::Directory || self.was.has_directory(dirent.ino) {
                continue;
            }
            for (name, _) in self.is.ns.entries(dirent.ino, None) {
                let place = (dirent.ino, name.clone());
                if self.draft.drops.insert(place.clone()) {
                    queue.push(place);
                }
            }
        }
    }

    fn put_wanted(&mut self, parent: Option<Ino>) {
        for (directory, name) in std::mem::take(&mut self.wanted) {
            let Some(dirent) = self.was.ns.lookup(directory, name.as_bytes()) else { continue };
            let is_top = self.was.place.as_ref().is_some_and(|(at, top)| *at == directory && *top == name);
            let into = match parent {
                Some(parent) if is_top => parent,
                _ => self.number(directory),
            };
            let ino = self.number(dirent.ino);
            self.draft.puts.insert((into, name), Dirent { ino, kind: dirent.kind });
        }
    }

    /// The number that an inode of the past scope has in the present.
    fn number(&mut self, ino: Ino) -> Ino {
        match self.fate(ino) {
            Fate::Copy => self.draft.copy_of(ino),
            Fate::Own | Fate::Shared => ino,
        }
    }
}
