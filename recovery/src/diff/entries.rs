use std::collections::{HashMap, HashSet};

use firn_journal::{Ino, Name};
use firn_materializer::namespace::{Dirent, FileType, Namespace};

use crate::path::Paths;

/// An entry that is in one of two views only, or names something else in the other.
pub(super) struct End {
    pub key: (Ino, Name),
    pub path: Vec<u8>,
    pub dirent: Dirent,
}

/// The changed entries of two views, and which of them belong together.
pub(super) struct Entries {
    pub gone: Vec<End>,
    pub come: Vec<End>,
}

impl Entries {
    pub fn between(old: &Namespace, new: &Namespace, old_paths: &mut Paths, new_paths: &mut Paths) -> Self {
        let (mut gone, mut come) = (Vec::new(), Vec::new());
        for change in old.diff(new).dirents() {
            let end = |paths: &mut Paths, dirent, ends: &mut Vec<End>| {
                let path = paths.entry(change.parent, change.name.as_bytes());
                ends.extend(path.map(|path| End { key: (change.parent, change.name.clone()), path, dirent }));
            };
            if let Some(dirent) = change.old {
                end(old_paths, dirent, &mut gone);
            }
            if let Some(dirent) = change.new {
                end(new_paths, dirent, &mut come);
            }
        }
        Entries { gone, come }
    }

    /// Which gone entry each come one is to people. A directory is itself wherever it goes; then what is in
    /// the same place is the same thing (a save by writing another file and renaming it); then a file is itself.
    pub fn pair(&self) -> Pairs {
        let mut pairs =
            Pairs { of_come: vec![None; self.come.len()], gone_taken: vec![false; self.gone.len()] };
        let is_dir = |end: &End| end.dirent.kind == FileType::Directory;
        self.pair_by(&mut pairs, |end| is_dir(end).then_some(end.dirent.ino));
        self.pair_by(&mut pairs, |end| Some((&end.key, end.dirent.kind)));
        self.pair_by(&mut pairs, |end| Some((&end.path, end.dirent.kind)));
        self.pair_by(&mut pairs, |end| (!is_dir(end)).then_some(end.dirent.ino));
        pairs
    }

    fn pair_by<'a, K: std::hash::Hash + Eq>(&'a self, pairs: &mut Pairs, key: impl Fn(&'a End) -> Option<K>) {
        let mut waiting: HashMap<K, Vec<usize>> = HashMap::new();
        for (at, end) in self.gone.iter().enumerate().rev() {
            if !pairs.gone_taken[at]
                && let Some(key) = key(end)
            {
                waiting.entry(key).or_default().push(at);
            }
        }
        for (at, end) in self.come.iter().enumerate() {
            if pairs.of_come[at].is_some() {
                continue;
            }
            let Some(found) = key(end).and_then(|key| waiting.get_mut(&key)?.pop()) else { continue };
            pairs.of_come[at] = Some(found);
            pairs.gone_taken[found] = true;
        }
    }

    /// The places of the entries that have come.
    pub fn come_keys(&self) -> HashSet<&(Ino, Name)> {
        self.come.iter().map(|end| &end.key).collect()
    }
}

/// Indexes into [`Entries`].
pub(super) struct Pairs {
    /// For each entry that has come, the gone one that it was.
    pub of_come: Vec<Option<usize>>,
    /// For each entry that is gone, whether it has come as another.
    pub gone_taken: Vec<bool>,
}
