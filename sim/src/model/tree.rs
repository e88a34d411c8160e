use std::collections::BTreeMap;
use std::rc::Rc;

use super::Content;

/// A Linux error number; the model writes them out.
pub type Number = i32;

/// The error numbers that operations of the simulation can earn.
#[allow(missing_docs, reason = "Linux documents them")]
pub mod errno {
    use super::Number;
    pub const PERM: Number = 1;
    pub const NOENT: Number = 2;
    pub const NXIO: Number = 6;
    pub const EXIST: Number = 17;
    pub const NOTDIR: Number = 20;
    pub const ISDIR: Number = 21;
    pub const INVAL: Number = 22;
    pub const FBIG: Number = 27;
    pub const NOTEMPTY: Number = 39;
    pub const NODATA: Number = 61;
}

/// The root's inode number.
pub const ROOT: u64 = 1;

/// The types of files.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A named pipe.
    Pipe,
    /// A socket.
    Socket,
    /// A character device.
    Device,
    /// A block device.
    BlockDevice,
}

/// What is in an inode.
#[derive(Clone, PartialEq, Debug)]
pub enum Body {
    /// Bytes.
    File(Content),
    /// Entries: names and inodes.
    Directory(BTreeMap<Vec<u8>, u64>),
    /// Where it points to.
    Symlink(Vec<u8>),
    /// Nothing.
    Pipe,
    /// Nothing.
    Socket,
    /// A device number.
    Device(u32),
    /// A device number.
    BlockDevice(u32),
}

/// An inode.
#[derive(Clone, PartialEq, Debug)]
pub struct Node {
    /// What is in it.
    pub body: Body,
    /// The permission bits.
    pub mode: u32,
    /// The owner.
    pub uid: u32,
    /// The group.
    pub gid: u32,
    /// Last read, changed, changed in its inode, and made: nanoseconds since 1970.
    pub atime: i64,
    /// See `atime`.
    pub mtime: i64,
    /// See `atime`.
    pub ctime: i64,
    /// See `atime`.
    pub btime: i64,
    /// Extended attributes.
    pub xattrs: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl Node {
    /// Its type.
    pub fn kind(&self) -> Kind {
        match self.body {
            Body::File(_) => Kind::File,
            Body::Directory(_) => Kind::Directory,
            Body::Symlink(_) => Kind::Symlink,
            Body::Pipe => Kind::Pipe,
            Body::Socket => Kind::Socket,
            Body::Device(_) => Kind::Device,
            Body::BlockDevice(_) => Kind::BlockDevice,
        }
    }

    /// The content of a regular file.
    pub fn content(&self) -> Option<&Content> {
        match &self.body {
            Body::File(content) => Some(content),
            _ => None,
        }
    }

    /// The entries of a directory.
    pub fn entries(&self) -> Option<&BTreeMap<Vec<u8>, u64>> {
        match &self.body {
            Body::Directory(entries) => Some(entries),
            _ => None,
        }
    }

    /// Bytes, as `stat` tells them.
    pub fn size(&self) -> u64 {
        match &self.body {
            Body::File(content) => content.size(),
            Body::Symlink(target) => target.len() as u64,
            _ => 0,
        }
    }
}

/// A name for an instant.
#[derive(Clone, PartialEq, Debug)]
pub struct Checkpoint {
    /// The instant.
    pub seq: u64,
    /// Its time.
    pub time: i64,
    /// Why.
    pub message: String,
}

/// What a user sees at one instant.
#[derive(Clone, PartialEq, Debug)]
pub struct Tree {
    /// The position of the last event.
    pub seq: u64,
    /// Its time.
    pub time: i64,
    /// By number. Those that no entry names are held open by somebody, or were when their writer ended.
    pub nodes: BTreeMap<u64, Rc<Node>>,
    /// The number of the next new inode.
    pub next: u64,
    /// Named instants.
    pub checkpoints: BTreeMap<String, Checkpoint>,
}

impl Default for Tree {
    /// A volume before its first event.
    fn default() -> Self {
        let root = Node {
            body: Body::Directory(BTreeMap::new()),
            mode: 0o755,
            uid: 0,
            gid: 0,
            atime: 0,
            mtime: 0,
            ctime: 0,
            btime: 0,
            xattrs: BTreeMap::new(),
        };
        let nodes = BTreeMap::from([(ROOT, Rc::new(root))]);
        Tree { seq: 0, time: 0, nodes, next: ROOT + 1, checkpoints: BTreeMap::new() }
    }
}

impl Tree {
    /// The next event: at `now`, but later than the last.
    pub fn tick(&mut self, now: i64) -> i64 {
        self.time = if self.seq == 0 { now } else { now.max(self.time + 1) };
        self.seq += 1;
        self.time
    }

    /// One more event of the same command: a nanosecond later.
    pub fn tick_again(&mut self) -> i64 {
        self.tick(i64::MIN)
    }

    /// An inode that must be there.
    ///
    /// # Panics
    /// If it is not: the simulation picks what exists.
    pub fn node(&self, ino: u64) -> &Node {
        self.nodes.get(&ino).unwrap_or_else(|| panic!("the model has no inode {ino}"))
    }

    pub(super) fn node_mut(&mut self, ino: u64) -> &mut Node {
        Rc::make_mut(self.nodes.get_mut(&ino).unwrap_or_else(|| panic!("the model has no inode {ino}")))
    }

    pub(super) fn entries_mut(&mut self, ino: u64) -> &mut BTreeMap<Vec<u8>, u64> {
        match &mut self.node_mut(ino).body {
            Body::Directory(entries) => entries,
            _ => panic!("inode {ino} is no directory"),
        }
    }

    /// What a name in a directory leads to.
    pub fn lookup(&self, dir: u64, name: &[u8]) -> Option<u64> {
        self.nodes.get(&dir)?.entries()?.get(name).copied()
    }

    /// All entries: directory, name and inode.
    pub fn all_entries(&self) -> impl Iterator<Item = (u64, &[u8], u64)> {
        self.nodes.iter().flat_map(|(dir, node)| {
            let entries = node.entries().into_iter().flatten();
            entries.map(move |(name, ino)| (*dir, name.as_slice(), *ino))
        })
    }

    /// How many entries name an inode.
    pub fn names(&self, ino: u64) -> u32 {
        self.all_entries().filter(|(_, _, named)| *named == ino).count() as u32
    }

    /// Whether no entry names it any more.
    pub fn is_orphan(&self, ino: u64) -> bool {
        ino != ROOT && self.names(ino) == 0
    }

    /// Those that no entry names.
    pub fn orphans(&self) -> Vec<u64> {
        let named: std::collections::BTreeSet<u64> = self.all_entries().map(|(_, _, ino)| ino).collect();
        self.nodes.keys().copied().filter(|ino| *ino != ROOT && !named.contains(ino)).collect()
    }

    /// The link counts of all inodes, as `stat` tells them.
    pub fn link_counts(&self) -> BTreeMap<u64, u32> {
        let mut counts: BTreeMap<u64, u32> = self.nodes.keys().map(|ino| (*ino, 0)).collect();
        for (dir, _, ino) in self.all_entries() {
            *counts.entry(ino).or_default() += 1;
            if self.node(ino).kind() == Kind::Directory {
                *counts.entry(ino).or_default() += 1;
                *counts.entry(dir).or_default() += 1;
            }
        }
        *counts.entry(ROOT).or_default() += 2;
        counts
    }

    /// The directory that holds a directory.
    pub fn parent(&self, dir: u64) -> Option<u64> {
        self.all_entries().find(|(_, _, ino)| *ino == dir).map(|(parent, _, _)| parent)
    }

    /// Whether `dir` is `above` or lies below it.
    pub fn is_within(&self, dir: u64, above: u64) -> bool {
        let mut at = Some(dir);
        // What was recorded may hold a circle, which leads nowhere.
        for _ in 0..=self.nodes.len() {
            match at {
                Some(here) if here == above => return true,
                Some(here) => at = self.parent(here),
                None => return false,
            }
        }
        false
    }

    /// The inodes of one type, or of all types.
    pub fn of_kind(&self, kind: Option<Kind>) -> Vec<u64> {
        let wanted = |node: &Node| kind.is_none_or(|kind| node.kind() == kind);
        self.nodes.iter().filter(|(_, node)| wanted(node)).map(|(ino, _)| *ino).collect()
    }

    pub(super) fn touch(&mut self, ino: u64, time: i64) {
        let node = self.node_mut(ino);
        (node.mtime, node.ctime) = (time, time);
    }
}
