use std::collections::HashMap;

use firn_journal::{Ino, Name};
use firn_materializer::namespace::{Dirent, FileType, Namespace};

use crate::path::split;

/// The part of a namespace that is at or below one path, which is not the root.
pub(super) struct Scope<'a> {
    pub ns: &'a Namespace,
    /// The place of the path: its directory, if that is there, and its name.
    pub place: Option<(Ino, Name)>,
    /// What is at the path.
    pub top: Option<Dirent>,
    inside: HashMap<Ino, bool>,
}

impl<'a> Scope<'a> {
    pub fn new(ns: &'a Namespace, path: &[u8]) -> Self {
        let place = split(path).and_then(|(above, name)| {
            let parent =
                ns.resolve(above).filter(|ino| ns.inode(*ino).is_some_and(|inode| inode.is_dir()))?;
            Some((parent, Name::new(name)))
        });
        let top = place.as_ref().and_then(|(parent, name)| ns.lookup(*parent, name.as_bytes()));
        let mut inside = HashMap::from([(Ino::ROOT, false)]);
        inside.extend(top.map(|dirent| (dirent.ino, true)));
        Scope { ns, place, top, inside }
    }

    /// Whether this directory is at or below the path.
    pub fn has_directory(&mut self, ino: Ino) -> bool {
        let mut above = Vec::new();
        let mut at = ino;
        let inside = loop {
            if let Some(known) = self.inside.get(&at) {
                break *known;
            }
            above.push(at);
            // A ring of directories by a foreign hand would have no end.
            match self.ns.parent(at) {
                Some(parent) if above.len() as u64 <= self.ns.totals().inodes => at = parent,
                _ => break false,
            }
        };
        self.inside.extend(above.into_iter().map(|ino| (ino, inside)));
        inside
    }

    /// Whether this place is the path's or below it.
    pub fn has_place(&mut self, parent: Ino, name: &Name) -> bool {
        let is_top = self.place.as_ref().is_some_and(|(above, top)| *above == parent && top == name);
        is_top || (self.is_directory(self.top) && self.has_directory(parent))
    }

    fn is_directory(&self, dirent: Option<Dirent>) -> bool {
        dirent.is_some_and(|dirent| dirent.kind == FileType::Directory)
    }

    /// The places of an inode within the scope.
    pub fn links_inside(&mut self, ino: Ino) -> Vec<(Ino, Name)> {
        let links: Vec<_> = self.ns.links(ino).map(|(parent, name)| (parent, name.clone())).collect();
        links.into_iter().filter(|(parent, name)| self.has_place(*parent, name)).collect()
    }

    /// Whether an entry within the scope names this inode.
    pub fn holds(&mut self, ino: Ino) -> bool {
        let ns = self.ns;
        ns.links(ino).any(|(parent, name)| self.has_place(parent, name))
    }

    /// Whether an entry outside of the scope names this inode.
    pub fn shares(&mut self, ino: Ino) -> bool {
        let ns = self.ns;
        ns.links(ino).any(|(parent, name)| !self.has_place(parent, name))
    }
}
