//! Going back, by the model's own rules: what a tree must be after an undo, a redo or a restore.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::tree::{Body, Node, ROOT, Tree};

/// A tree by its paths, which begin without a slash; the root's is empty.
#[derive(Clone, Debug)]
pub struct PathTree(pub BTreeMap<Vec<u8>, u64>);

/// The entries of every directory, as a namespace shows them.
pub type Skeleton = BTreeMap<u64, BTreeMap<Vec<u8>, u64>>;

impl PathTree {
    /// All that is reached from the root.
    pub fn of(skeleton: &Skeleton) -> Self {
        let mut paths = BTreeMap::from([(Vec::new(), ROOT)]);
        let mut left = vec![(Vec::new(), ROOT)];
        while let Some((path, dir)) = left.pop() {
            for (name, ino) in skeleton.get(&dir).into_iter().flatten() {
                let below = [path.as_slice(), name.as_slice()];
                let below = if path.is_empty() { name.clone() } else { below.join(&b'/') };
                paths.insert(below.clone(), *ino);
                if skeleton.contains_key(ino) {
                    left.push((below, *ino));
                }
            }
        }
        PathTree(paths)
    }

    /// What is at `top` and below it.
    fn within<'a>(&'a self, top: &'a [u8]) -> impl Iterator<Item = (&'a [u8], u64)> {
        let paths = self.0.iter().filter(move |(path, _)| is_within(path, top));
        paths.map(|(path, ino)| (path.as_slice(), *ino))
    }
}

/// Whether `path` is `top` or lies below it.
pub fn is_within(path: &[u8], top: &[u8]) -> bool {
    top.is_empty() || path.strip_prefix(top).is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
}

/// Going back within a part of the tree.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    /// Where it happens.
    pub path: &'a [u8],
    /// Where in the past it comes from; a copy, if that is elsewhere or if `copies`.
    pub source: &'a [u8],
    /// Everything gets a new inode.
    pub copies: bool,
}

impl Tree {
    /// The entries of every directory.
    pub fn skeleton(&self) -> Skeleton {
        let entries = |(ino, node): (&u64, &Rc<Node>)| Some((*ino, node.entries()?.clone()));
        self.nodes.iter().filter_map(entries).collect()
    }

    /// The tree by its paths.
    pub fn paths(&self) -> PathTree {
        PathTree::of(&self.skeleton())
    }

    /// What the whole tree must be when it was set back to `past`, as one transaction. What is held open and not in
    /// the past stays, without a name; so does what has no name already.
    pub fn set_back(&self, past: &Tree, held: &dyn Fn(u64) -> bool) -> BTreeMap<u64, Rc<Node>> {
        let (lost_now, lost_then) = (self.orphans(), past.orphans());
        let mut nodes: BTreeMap<u64, Rc<Node>> = past.nodes.clone();
        nodes.retain(|ino, _| !lost_then.contains(ino));
        for (ino, node) in &self.nodes {
            if !nodes.contains_key(ino) && (lost_now.contains(ino) || held(*ino)) {
                nodes.insert(*ino, emptied(node));
            }
        }
        nodes
    }

    /// What the tree must be when a part of it was set back to `past`, or copied from there. Which inodes are new is
    /// the planner's to choose: `found` tells them, and everything else is judged.
    ///
    /// # Errors
    /// What is not as it must be.
    pub fn set_back_within(
        &self,
        past: &Tree,
        scope: Scope<'_>,
        found: &Skeleton,
        held: &dyn Fn(u64) -> bool,
    ) -> Result<BTreeMap<u64, Rc<Node>>, String> {
        let (is, was, now) = (self.paths(), past.paths(), PathTree::of(found));
        let came: BTreeMap<Vec<u8>, u64> = was
            .within(scope.source)
            .map(|(path, ino)| ([scope.path, &path[scope.source.len()..]].concat(), ino))
            .collect();
        let inside: BTreeMap<&[u8], u64> = now.within(scope.path).collect();
        if let Some(path) = came.keys().find(|path| !inside.contains_key(path.as_slice())) {
            return Err(format!("{} was there then, and has not come back", path.escape_ascii()));
        }
        if let Some(path) = inside.keys().find(|path| !came.contains_key(**path)) {
            return Err(format!("{} was not there then, and is there", path.escape_ascii()));
        }
        one_to_one(came.iter().map(|(path, then)| (*then, inside[path.as_slice()])))?;

        let mut nodes = BTreeMap::new();
        let mut outside = BTreeSet::new();
        for (path, ino) in now.0.iter().filter(|(path, _)| !is_within(path, scope.path)) {
            let node = match (is.0.get(path), was.0.get(path)) {
                (Some(before), _) if before == ino => self.node(*ino),
                (None, Some(then)) if is_within(scope.path, path) => past.node(*then),
                _ => return Err(format!("{} is outside, and is another inode now", path.escape_ascii())),
            };
            outside.insert(*ino);
            nodes.insert(*ino, with_entries(node, found.get(ino)));
        }
        let lost = is.0.keys().find(|path| !is_within(path, scope.path) && !now.0.contains_key(*path));
        if let Some(path) = lost {
            return Err(format!("{} is outside, and is gone", path.escape_ascii()));
        }
        for (path, then) in &came {
            let ino = inside[path.as_slice()];
            let node = past.node(*then);
            if scope.copies && self.nodes.contains_key(&ino) {
                return Err(format!("{} is no copy: inode {ino} was there before", path.escape_ascii()));
            }
            if outside.contains(&ino) {
                same_to_a_user(self.node(ino), node)
                    .map_err(|what| format!("{} has links outside, and {what}", path.escape_ascii()))?;
            } else {
                nodes.insert(ino, with_entries(node, found.get(&ino)));
            }
        }
        let lost = self.orphans();
        for (ino, node) in &self.nodes {
            if !nodes.contains_key(ino) && (lost.contains(ino) || held(*ino)) {
                nodes.insert(*ino, emptied(node));
            }
        }
        Ok(nodes)
    }
}

/// Files that were one are one, and files that were two are two.
fn one_to_one(pairs: impl Iterator<Item = (u64, u64)>) -> Result<(), String> {
    let (mut there, mut back) = (BTreeMap::new(), BTreeMap::new());
    for (then, now) in pairs {
        let (to, from) = (*there.entry(then).or_insert(now), *back.entry(now).or_insert(then));
        if to != now || from != then {
            return Err(format!("inode {then} of then is {to} and {now}; inode {now} was {from} and {then}"));
        }
    }
    Ok(())
}

fn with_entries(node: &Node, entries: Option<&BTreeMap<Vec<u8>, u64>>) -> Rc<Node> {
    let mut node = node.clone();
    if let (Body::Directory(own), Some(entries)) = (&mut node.body, entries) {
        own.clone_from(entries);
    }
    Rc::new(node)
}

/// A directory without a name has no entries.
fn emptied(node: &Rc<Node>) -> Rc<Node> {
    match node.body {
        Body::Directory(_) => with_entries(node, Some(&BTreeMap::new())),
        _ => node.clone(),
    }
}

/// But for the times of its inode.
fn same_to_a_user(a: &Node, b: &Node) -> Result<(), &'static str> {
    let same = [
        (a.body == b.body, "its content is not what it was"),
        (a.mode == b.mode, "its mode is not what it was"),
        ((a.uid, a.gid) == (b.uid, b.gid), "its owner is not what it was"),
        (a.xattrs == b.xattrs, "its extended attributes are not what they were"),
        (a.mtime == b.mtime, "its time of change is not what it was"),
    ];
    same.iter().find(|(same, _)| !same).map_or(Ok(()), |(_, what)| Err(*what))
}
