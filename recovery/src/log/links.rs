use std::collections::HashMap;

use firn_journal::{EventKind, Ino, Name};
use firn_materializer::namespace::Namespace;

/// A name in a directory.
pub(super) type Place = (Ino, Name);

/// Which names every inode had at an instant that moves back, one event after the other. What has not been
/// touched on the way is as in the view where the way began.
pub(super) struct LinksThen {
    base: Namespace,
    moved: HashMap<Ino, Vec<Place>>,
}

/// A place with its path, and the directories that the path goes through, the root last. The root has none.
#[derive(Clone, Debug)]
pub(super) struct Located {
    pub place: Option<Place>,
    pub path: Vec<u8>,
    pub above: Vec<Ino>,
}

impl LinksThen {
    pub fn new(base: Namespace) -> Self {
        LinksThen { base, moved: HashMap::new() }
    }

    /// The places of an inode, the smallest first.
    pub fn of(&self, ino: Ino) -> Vec<Place> {
        match self.moved.get(&ino) {
            Some(places) => places.clone(),
            None => self.base.links(ino).map(|(parent, name)| (parent, name.clone())).collect(),
        }
    }

    /// The first place of an inode: a directory's only one.
    fn home(&self, ino: Ino) -> Option<Place> {
        match self.moved.get(&ino) {
            Some(places) => places.first().cloned(),
            None => self.base.links(ino).next().map(|(parent, name)| (parent, name.clone())),
        }
    }

    /// The path of a place, whether or not something is there; `None` if its directory cannot be reached.
    pub fn locate(&self, place: &Place) -> Option<Located> {
        let mut names = vec![place.1.clone()];
        let mut above = vec![place.0];
        let mut at = place.0;
        while at != Ino::ROOT {
            let (parent, name) = self.home(at)?;
            // No real path comes near; a ring of directories by a foreign hand would have no end.
            if names.len() > MOST_NAMES {
                return None;
            }
            names.push(name);
            above.push(parent);
            at = parent;
        }
        names.reverse();
        let path = names.iter().map(Name::as_bytes).collect::<Vec<_>>().join(&b'/');
        Some(Located { place: Some(place.clone()), path, above })
    }

    /// The paths of an inode.
    pub fn locate_all(&self, ino: Ino) -> Vec<Located> {
        if ino == Ino::ROOT {
            return vec![Located { place: None, path: Vec::new(), above: Vec::new() }];
        }
        self.of(ino).iter().filter_map(|place| self.locate(place)).collect()
    }

    /// Goes back to before the event.
    pub fn undo(&mut self, kind: &EventKind) {
        for (place, ino) in filled(kind) {
            self.remove(ino, &place);
        }
        for (place, ino) in occupied_before(kind) {
            self.add(ino, place);
        }
        if let EventKind::Created { ino, .. } = kind {
            // No earlier event can speak of it.
            self.moved.remove(ino);
        }
    }

    fn places(&mut self, ino: Ino) -> &mut Vec<Place> {
        let base = &self.base;
        self.moved
            .entry(ino)
            .or_insert_with(|| base.links(ino).map(|(parent, name)| (parent, name.clone())).collect())
    }

    fn add(&mut self, ino: Ino, place: Place) {
        let places = self.places(ino);
        if let Err(at) = places.binary_search(&place) {
            places.insert(at, place);
        }
    }

    fn remove(&mut self, ino: Ino, place: &Place) {
        let places = self.places(ino);
        if let Ok(at) = places.binary_search(place) {
            places.remove(at);
        }
    }
}

/// More directories than this above one another are no tree that this code made.
const MOST_NAMES: usize = 100_000;

/// The places that an event fills, and with what.
pub(super) fn filled(kind: &EventKind) -> Vec<(Place, Ino)> {
    match kind {
        EventKind::Created { ino, parent, name, .. }
        | EventKind::Linked { ino, parent, name }
        | EventKind::DirentPut { parent, name, ino, .. } => vec![((*parent, name.clone()), *ino)],
        EventKind::Renamed { ino, new_parent, new_name, .. } => vec![((*new_parent, new_name.clone()), *ino)],
        EventKind::Exchanged { ino, parent, name, other, other_parent, other_name } => {
            vec![((*other_parent, other_name.clone()), *ino), ((*parent, name.clone()), *other)]
        }
        _ => Vec::new(),
    }
}

/// The places whose occupant an event takes away or replaces, and that occupant.
pub(super) fn occupied_before(kind: &EventKind) -> Vec<(Place, Ino)> {
    match kind {
        EventKind::Unlinked { ino, parent, name, .. } | EventKind::DirentDropped { parent, name, ino } => {
            vec![((*parent, name.clone()), *ino)]
        }
        EventKind::Renamed { ino, parent, name, new_parent, new_name, replaced } => {
            let replaced = replaced.map(|replaced| ((*new_parent, new_name.clone()), replaced.ino));
            [Some(((*parent, name.clone()), *ino)), replaced].into_iter().flatten().collect()
        }
        EventKind::Exchanged { ino, parent, name, other, other_parent, other_name } => {
            vec![((*parent, name.clone()), *ino), ((*other_parent, other_name.clone()), *other)]
        }
        EventKind::DirentPut { parent, name, replaced, .. } => {
            replaced.iter().map(|replaced| ((*parent, name.clone()), *replaced)).collect()
        }
        _ => Vec::new(),
    }
}

/// The inode that an event is about.
pub(super) fn subject(kind: &EventKind) -> Option<Ino> {
    match kind {
        EventKind::Mounted { .. } | EventKind::Checkpointed { .. } | EventKind::TransactionBegan { .. } => {
            None
        }
        EventKind::Created { ino, .. }
        | EventKind::Linked { ino, .. }
        | EventKind::Unlinked { ino, .. }
        | EventKind::Renamed { ino, .. }
        | EventKind::Exchanged { ino, .. }
        | EventKind::Evicted { ino }
        | EventKind::AttributesSet { ino, .. }
        | EventKind::XattrSet { ino, .. }
        | EventKind::XattrRemoved { ino, .. }
        | EventKind::Written { ino, .. }
        | EventKind::Truncated { ino, .. }
        | EventKind::InodePut { ino, .. }
        | EventKind::InodeDropped { ino }
        | EventKind::DirentPut { ino, .. }
        | EventKind::DirentDropped { ino, .. }
        | EventKind::ExtentsPut { ino, .. }
        | EventKind::XattrPut { ino, .. }
        | EventKind::XattrDropped { ino, .. } => Some(*ino),
    }
}
