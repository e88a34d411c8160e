//! Random histories for the tests of pure parts, made by the same decide and apply as real ones.

use std::collections::BTreeMap;
use std::sync::Arc;

use firn_clock::Timestamp;
use firn_journal::{
    Actor, Attributes, BlockRef, Epoch, Event, EventKind, Extent, Ino, Name, PackId, PlacedExtent, Seq,
    TransactionKind,
};
use firn_materializer::decide::{AttributeChanges, Command, Context, RenameMode, XattrMode, decide};
use firn_materializer::namespace::{Inode, MAX_FILE_SIZE, Namespace};
use proptest::prelude::*;

const NAMES: [&str; 4] = ["a", "b", "c", "d"];

/// Something that somebody does. Numbers choose among what there is.
#[derive(Clone, Debug)]
pub enum Step {
    Mkdir(usize, usize),
    Create(usize, usize),
    Symlink(usize, usize),
    Link(usize, usize, usize),
    Remove(usize),
    RemoveTree(usize),
    Rename(usize, usize, usize),
    Exchange(usize, usize),
    Save(usize),
    Write(usize, u64, u64),
    Truncate(usize, u64),
    Chmod(usize, u32),
    Xattr(usize, usize, u8),
}

pub fn step() -> impl Strategy<Value = Step> {
    let any = || 0..1000usize;
    let name = || 0..NAMES.len();
    prop_oneof![
        3 => (any(), name()).prop_map(|(d, n)| Step::Mkdir(d, n)),
        3 => (any(), name()).prop_map(|(d, n)| Step::Create(d, n)),
        1 => (any(), name()).prop_map(|(d, n)| Step::Symlink(d, n)),
        2 => (any(), any(), name()).prop_map(|(f, d, n)| Step::Link(f, d, n)),
        2 => any().prop_map(Step::Remove),
        1 => any().prop_map(Step::RemoveTree),
        4 => (any(), any(), name()).prop_map(|(e, d, n)| Step::Rename(e, d, n)),
        1 => (any(), any()).prop_map(|(a, b)| Step::Exchange(a, b)),
        2 => any().prop_map(Step::Save),
        3 => (any(), 0..40u64, 1..20u64).prop_map(|(f, at, len)| Step::Write(f, at, len)),
        1 => (any(), 0..40u64).prop_map(|(f, size)| Step::Truncate(f, size)),
        1 => (any(), 0..0o1000u32).prop_map(|(i, mode)| Step::Chmod(i, mode)),
        1 => (any(), name(), 0..=255u8).prop_map(|(i, n, v)| Step::Xattr(i, n, v)),
    ]
}

pub fn steps(most: usize) -> impl Strategy<Value = Vec<Step>> {
    proptest::collection::vec(step(), 1..most)
}

/// A history, with the view after each of its events and transactions.
pub struct World {
    pub ns: Namespace,
    pub views: Vec<Namespace>,
    pub events: Vec<Event>,
    pub actor: Arc<Actor>,
    /// Between two events.
    pub pace: i64,
    blocks: u32,
}

impl World {
    pub fn new() -> Self {
        let ns = Namespace::default();
        let views = vec![ns.clone()];
        World { ns, views, events: Vec::new(), actor: Arc::default(), pace: 1_000, blocks: 0 }
    }

    pub fn after(steps: &[Step]) -> Self {
        let mut world = World::new();
        steps.iter().for_each(|step| world.step(step));
        world
    }

    /// Applies an event, which must fit.
    pub fn record(&mut self, time: Timestamp, kind: EventKind) {
        let event = Event { seq: self.ns.seq().next(), time, actor: self.actor.clone(), kind };
        self.ns.apply(&event).unwrap_or_else(|error| panic!("{event:?}: {error}"));
        self.events.push(event);
        if self.ns.transaction_left() == 0 {
            self.views.push(self.ns.clone());
        }
    }

    pub fn event(&mut self, kind: EventKind) {
        self.record(Timestamp(self.ns.time().0 + self.pace), kind);
    }

    /// Does it if it can be done.
    pub fn command(&mut self, command: Command) {
        let now = Timestamp(self.ns.time().0 + self.pace);
        let actor = self.actor.clone();
        let decided = decide(&self.ns, &command, &Context { now, actor: &actor, is_open: &|_| false });
        for kind in decided.map(|decision| decision.events).unwrap_or_default() {
            self.event(kind);
        }
    }

    pub fn transact(
        &mut self,
        kind: TransactionKind,
        target: Seq,
        path: Option<&[u8]>,
        effects: Vec<EventKind>,
    ) {
        let time = Timestamp(self.ns.time().0 + self.pace);
        let (count, path) = (effects.len() as u32, path.map(<[u8]>::to_vec));
        self.record(time, EventKind::TransactionBegan { kind, target, count, path });
        effects.into_iter().for_each(|effect| self.record(time, effect));
    }

    pub fn step(&mut self, step: &Step) {
        let name = |n: &usize| Name::from(NAMES[*n]);
        match step {
            Step::Mkdir(d, n) => self.create(self.directory(*d), name(n), 0o040_755, None),
            Step::Create(d, n) => self.create(self.directory(*d), name(n), 0o100_644, None),
            Step::Symlink(d, n) => self.create(self.directory(*d), name(n), 0o120_777, Some(b"a/b")),
            Step::Link(f, d, n) => {
                let Some(ino) = self.file(*f) else { return };
                self.command(Command::Link { ino, parent: self.directory(*d), name: name(n) });
            }
            Step::Remove(e) => {
                let Some((parent, name, _)) = self.entry(*e) else { return };
                self.command(Command::Unlink { parent, name: name.clone() });
                self.command(Command::Rmdir { parent, name });
            }
            Step::RemoveTree(e) => {
                let Some((parent, name, ino)) = self.entry(*e) else { return };
                self.remove_tree(parent, &name, ino);
            }
            Step::Rename(e, d, n) => {
                let Some((parent, old, _)) = self.entry(*e) else { return };
                self.rename((parent, old), (self.directory(*d), name(n)), RenameMode::Replace);
            }
            Step::Exchange(a, b) => {
                let (Some(a), Some(b)) = (self.entry(*a), self.entry(*b)) else { return };
                self.rename((a.0, a.1), (b.0, b.1), RenameMode::Exchange);
            }
            Step::Save(e) => {
                let Some((parent, name, ino)) = self.entry(*e) else { return };
                if self.ns.inode(ino).is_some_and(|inode| inode.is_dir()) {
                    return;
                }
                self.create(parent, "tmp".into(), 0o100_644, None);
                let Some(saved) = self.ns.lookup(parent, b"tmp") else { return };
                self.write(saved.ino, 0, 7);
                self.rename((parent, "tmp".into()), (parent, name), RenameMode::Replace);
            }
            Step::Write(f, at, len) => {
                let Some(ino) = self.file(*f) else { return };
                self.write(ino, *at, *len);
            }
            Step::Truncate(f, size) => {
                let Some(ino) = self.file(*f) else { return };
                self.command(Command::Truncate { ino, size: *size });
            }
            Step::Chmod(i, mode) => {
                let changes = AttributeChanges { mode: Some(*mode), ..AttributeChanges::default() };
                self.command(Command::SetAttributes { ino: self.any(*i), changes });
            }
            Step::Xattr(i, n, value) => {
                let (ino, value) = (self.any(*i), Arc::from([*value]));
                self.command(Command::SetXattr { ino, name: name(n), value, mode: XattrMode::Set });
            }
        }
    }

    pub fn create(&mut self, parent: Ino, name: Name, mode: u32, target: Option<&[u8]>) {
        let target = target.map(Arc::from);
        self.command(Command::Create { parent, name, mode, uid: 0, gid: 0, rdev: 0, target });
    }

    pub fn rename(&mut self, from: (Ino, Name), to: (Ino, Name), mode: RenameMode) {
        let (parent, name, new_parent, new_name) = (from.0, from.1, to.0, to.1);
        self.command(Command::Rename { parent, name, new_parent, new_name, mode });
    }

    pub fn write(&mut self, ino: Ino, offset: u64, len: u64) {
        self.blocks += 1;
        let block = BlockRef { pack: PackId { epoch: Epoch(1), number: 0 }, slot: self.blocks };
        let extents = vec![PlacedExtent { offset, extent: Extent { len: len as u32, skip: 0, block } }];
        self.command(Command::Write { ino, offset, len, extents });
    }

    pub fn remove_tree(&mut self, parent: Ino, name: &Name, ino: Ino) {
        let below: Vec<_> =
            self.ns.entries(ino, None).map(|(name, dirent)| (name.clone(), dirent.ino)).collect();
        below.iter().for_each(|(name, child)| self.remove_tree(ino, name, *child));
        self.command(Command::Unlink { parent, name: name.clone() });
        self.command(Command::Rmdir { parent, name: name.clone() });
    }

    /// Makes a file or, with a slash at its end, a directory, and the directories above it.
    pub fn make(&mut self, path: &str) -> Ino {
        let mut at = Ino::ROOT;
        let (above, name) =
            path.trim_end_matches('/').rsplit_once('/').unwrap_or(("", path.trim_end_matches('/')));
        for part in above.split('/').filter(|part| !part.is_empty()) {
            if self.ns.lookup(at, part.as_bytes()).is_none() {
                self.create(at, part.into(), 0o040_755, None);
            }
            at = self.ns.lookup(at, part.as_bytes()).unwrap().ino;
        }
        self.create(at, name.into(), if path.ends_with('/') { 0o040_755 } else { 0o100_644 }, None);
        self.ns.lookup(at, name.as_bytes()).unwrap().ino
    }

    /// Moves what is at a path to another, whose directory exists.
    pub fn mv(&mut self, from: &str, to: &str) {
        let (from, to) = (self.place(from), self.place(to));
        self.rename(from, to, RenameMode::Replace);
    }

    pub fn rm(&mut self, path: &str) {
        let (parent, name) = self.place(path);
        let ino = self.ns.lookup(parent, name.as_bytes()).unwrap().ino;
        self.remove_tree(parent, &name, ino);
    }

    pub fn place(&self, path: &str) -> (Ino, Name) {
        let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
        (self.ns.resolve(above.as_bytes()).unwrap(), name.into())
    }

    fn directory(&self, choice: usize) -> Ino {
        let all: Vec<Ino> =
            self.ns.inodes().filter(|(_, inode)| inode.is_dir()).map(|(ino, _)| ino).collect();
        all[choice % all.len()]
    }

    fn file(&self, choice: usize) -> Option<Ino> {
        let all: Vec<Ino> =
            self.ns.inodes().filter(|(_, inode)| !inode.is_dir()).map(|(ino, _)| ino).collect();
        (!all.is_empty()).then(|| all[choice % all.len()])
    }

    fn any(&self, choice: usize) -> Ino {
        let all: Vec<Ino> = self.ns.inodes().map(|(ino, _)| ino).collect();
        all[choice % all.len()]
    }

    fn entry(&self, choice: usize) -> Option<(Ino, Name, Ino)> {
        let all: Vec<_> =
            self.ns.dirents().map(|(parent, name, dirent)| (parent, name.clone(), dirent.ino)).collect();
        (!all.is_empty()).then(|| all[choice % all.len()].clone())
    }
}

/// All that can be seen of an inode, without its number. A file's bytes are named by where they are stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Seen {
    pub attributes: Attributes,
    pub target: Option<Arc<[u8]>>,
    pub bytes: Vec<(u64, BlockRef, u32)>,
    pub xattrs: Vec<(Name, Arc<[u8]>)>,
}

impl Seen {
    pub fn of(ns: &Namespace, ino: Ino) -> Seen {
        let Inode { attributes, target, .. } = ns.inode(ino).unwrap().clone();
        let bytes = ns.extents(ino, 0..MAX_FILE_SIZE).flat_map(|placed| {
            let PlacedExtent { offset, extent } = placed;
            (0..extent.len).map(move |i| (offset + u64::from(i), extent.block, extent.skip + i))
        });
        let xattrs = ns.xattrs(ino).map(|(name, value)| (name.clone(), value.clone()));
        Seen { attributes, target, bytes: bytes.collect(), xattrs: xattrs.collect() }
    }

    /// Without what may differ of a file that is linked elsewhere too.
    pub fn but_links(mut self) -> Seen {
        (self.attributes.nlink, self.attributes.ctime, self.attributes.atime) = Default::default();
        self
    }
}

/// Every path at or below `path`, and the inode there.
pub fn tree(ns: &Namespace, path: &[u8]) -> BTreeMap<Vec<u8>, Ino> {
    let mut paths = BTreeMap::new();
    let mut queue: Vec<(Vec<u8>, Ino)> =
        ns.resolve(path).map(|ino| (path.to_vec(), ino)).into_iter().collect();
    while let Some((path, ino)) = queue.pop() {
        queue.extend(
            ns.entries(ino, None)
                .map(|(name, dirent)| (crate::path::join(&path, name.as_bytes()), dirent.ino)),
        );
        paths.insert(path, ino);
    }
    paths
}

/// Link counts are what the entries say.
pub fn assert_sound(ns: &Namespace) {
    for (ino, inode) in ns.inodes() {
        let links = ns.links(ino).count() as u32;
        let subdirectories =
            ns.entries(ino, None).filter(|(_, dirent)| ns.inode(dirent.ino).unwrap().is_dir());
        let expected = if inode.is_dir() { 2 + subdirectories.count() as u32 } else { links };
        assert!(links > 0 || ino == Ino::ROOT, "{ino:?} is left without a name");
        assert_eq!(inode.attributes.nlink, expected, "links of {ino:?}");
    }
}
