use std::collections::{BTreeMap, BTreeSet};

/// Where something is: the names from the root on.
pub type Path = Vec<String>;
/// Linux error numbers, written out.
pub type Number = i32;

pub const EPERM: Number = 1;
pub const ENOENT: Number = 2;
pub const EEXIST: Number = 17;
pub const ENOTDIR: Number = 20;
pub const EISDIR: Number = 21;
pub const EINVAL: Number = 22;
pub const ENOTEMPTY: Number = 39;
pub const ENODATA: Number = 61;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Meta {
    pub id: u64,
    pub permissions: u32,
    pub uid: u32,
    pub gid: u32,
    pub rdev: u32,
    pub atime: i64,
    pub mtime: i64,
    pub ctime: i64,
    pub btime: i64,
    pub xattrs: BTreeMap<String, Vec<u8>>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// A byte, or a hole.
    File(Vec<Option<u8>>),
    Symlink(String),
    Fifo,
    Device,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Leaf {
    pub meta: Meta,
    pub body: Body,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    Dir(Dir),
    /// By id, since it may have several names.
    Leaf(u64),
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dir {
    pub meta: Meta,
    pub children: BTreeMap<String, Node>,
}

/// A tree of names, plain and slow.
#[derive(Clone, Debug)]
pub struct Model {
    pub root: Dir,
    pub leaves: BTreeMap<u64, Leaf>,
    pub next: u64,
    /// Held open: ids of leaves and of directories.
    pub open: BTreeSet<u64>,
    /// Directories that were removed while they were open.
    pub removed_dirs: BTreeSet<u64>,
    /// When a name was given last.
    pub checkpoints: BTreeMap<String, i64>,
}

impl Default for Model {
    fn default() -> Self {
        let meta = Meta { id: 1, permissions: 0o755, ..Meta::default() };
        Model {
            root: Dir { meta, children: BTreeMap::new() },
            leaves: BTreeMap::new(),
            next: 2,
            open: BTreeSet::new(),
            removed_dirs: BTreeSet::new(),
            checkpoints: BTreeMap::new(),
        }
    }
}

impl Model {
    pub fn dir(&mut self, path: &[String]) -> &mut Dir {
        path.iter().fold(&mut self.root, |dir, name| match dir.children.get_mut(name) {
            Some(Node::Dir(child)) => child,
            other => panic!("{path:?} is no directory: {other:?}"),
        })
    }

    /// The directories, the root first.
    pub fn dirs(&self) -> Vec<Path> {
        let mut found = vec![Path::new()];
        walk(&self.root, &mut Path::new(), &mut |path, node| {
            if matches!(node, Node::Dir(_)) {
                found.push(path.to_vec());
            }
        });
        found
    }

    /// Everything that has a name.
    pub fn entries(&self) -> Vec<(Path, Node)> {
        let mut found = Vec::new();
        walk(&self.root, &mut Path::new(), &mut |path, node| found.push((path.to_vec(), node.clone())));
        found
    }

    pub fn links(&self, id: u64) -> usize {
        self.entries().iter().filter(|(_, node)| *node == Node::Leaf(id)).count()
    }

    /// Forgets leaves that have no name and that nobody holds open.
    pub fn sweep(&mut self) {
        let named: BTreeSet<u64> = self.entries().iter().map(|(_, node)| self.id(node)).collect();
        self.leaves.retain(|id, _| named.contains(id) || self.open.contains(id));
        self.removed_dirs.retain(|id| self.open.contains(id));
        self.open.retain(|id| {
            *id == 1 || named.contains(id) || self.leaves.contains_key(id) || self.removed_dirs.contains(id)
        });
    }

    pub fn id(&self, node: &Node) -> u64 {
        match node {
            Node::Dir(dir) => dir.meta.id,
            Node::Leaf(id) => *id,
        }
    }

    /// Shows what `then` showed. What has no name, then or now, is left as it is now.
    pub fn go_back(&mut self, then: &Model) {
        let named_now: BTreeSet<u64> = self.entries().iter().map(|(_, node)| self.id(node)).collect();
        let named_then: BTreeSet<u64> = then.entries().iter().map(|(_, node)| self.id(node)).collect();
        let gone: Vec<u64> = named_now.difference(&named_then).copied().collect();
        self.root = then.root.clone();
        self.leaves.retain(|id, _| !gone.contains(id));
        self.open.retain(|id| !gone.contains(id));
        for id in named_then {
            self.removed_dirs.remove(&id);
            if let Some(leaf) = then.leaves.get(&id) {
                self.leaves.insert(id, leaf.clone());
            }
        }
    }
}

fn walk(dir: &Dir, path: &mut Path, visit: &mut impl FnMut(&[String], &Node)) {
    for (name, node) in &dir.children {
        path.push(name.clone());
        visit(path, node);
        if let Node::Dir(child) = node {
            walk(child, path, visit);
        }
        path.pop();
    }
}
