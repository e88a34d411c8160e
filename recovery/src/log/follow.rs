use std::collections::HashSet;

use firn_journal::{EventKind, Ino};
use firn_materializer::namespace::Namespace;

use super::links::{LinksThen, Located, Place, filled, occupied_before, subject};
use crate::path::split;

/// Recognizes the events of one path, going back: of what is there, and was there before under this name or,
/// before it was moved here, another; and of everything below it.
pub(super) struct Follower {
    path: Vec<u8>,
    /// What is or was at the path.
    inodes: HashSet<Ino>,
    /// Those of them that came to replace another, as editors save: what they were before is no
    /// history of the path.
    saved: HashSet<Ino>,
    /// Where what is at the path was; what was there earlier counts too.
    places: HashSet<Place>,
}

impl Follower {
    /// Begins at `base`, where there may be nothing at `path` any more.
    pub fn new(base: &Namespace, path: &[u8]) -> Self {
        let place =
            split(path).and_then(|(above, name)| Some((base.resolve(above)?, firn_journal::Name::new(name))));
        Follower {
            path: path.to_vec(),
            inodes: base.resolve(path).into_iter().collect(),
            saved: HashSet::new(),
            places: place.into_iter().collect(),
        }
    }

    /// Whether the event is about what is followed, or about something below that; `located` are its paths.
    pub fn concerns(&self, kind: &EventKind, located: &[Located], links: &LinksThen) -> bool {
        let about = |ino: &Ino| self.inodes.contains(ino);
        subject(kind).is_some_and(|ino| about(&ino))
            || occupied_before(kind).iter().any(|(_, ino)| about(ino))
            || located.iter().any(|located| self.is_on(located))
            || self.moves_what_is_above(kind, links)
    }

    /// Whether this is a path that is followed, or one below.
    pub fn is_on(&self, located: &Located) -> bool {
        located.above.iter().any(|ino| self.inodes.contains(ino)) || self.is_place(located)
    }

    fn is_place(&self, located: &Located) -> bool {
        located.path == self.path || located.place.as_ref().is_some_and(|place| self.places.contains(place))
    }

    fn moves_what_is_above(&self, kind: &EventKind, links: &LinksThen) -> bool {
        let (EventKind::Renamed { ino, .. } | EventKind::Exchanged { ino, .. }) = kind else { return false };
        let moved =
            [Some(*ino), if let EventKind::Exchanged { other, .. } = kind { Some(*other) } else { None }];
        let followed = self.inodes.iter().flat_map(|followed| links.locate_all(*followed));
        followed.into_iter().any(|followed| moved.iter().flatten().any(|ino| followed.above.contains(ino)))
    }

    /// Goes back to before the event; `before` are the places whose occupants it took away, as they were.
    pub fn undo(&mut self, kind: &EventKind, before: &[(Located, Ino)]) {
        let filled = filled(kind);
        let replaced = occupied_before(kind);
        for (place, ino) in &filled {
            if !self.inodes.contains(ino) {
                continue;
            }
            let replaces = replaced.iter().any(|(at, old)| at == place && old != ino);
            if matches!(kind, EventKind::Renamed { .. }) && replaces {
                self.saved.insert(*ino);
            }
            if !self.saved.contains(ino) || replaces {
                self.places.insert(place.clone());
            }
        }
        for (located, ino) in before {
            if self.is_place(located) {
                self.inodes.insert(*ino);
            }
        }
    }
}
