use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::sync::Arc;

use firn_journal::{Attributes, EventKind, Extent, Ino, Name, PlacedExtent};
use firn_materializer::namespace::{FileType, Inode, Loader, MAX_FILE_SIZE, Namespace, resets};

use crate::model::{Body, Dir, Meta, Model, Node};
use crate::subject::{self, Subject};

/// The invariants that hold after any event, found by looking at everything.
pub fn structure(ns: &Namespace) {
    assert!(ns.inode(Ino::ROOT).is_some_and(|root| root.is_dir() && root.home.is_none()));
    let mut links: BTreeMap<Ino, Vec<(Ino, &Name)>> = BTreeMap::new();
    for (parent, name, dirent) in ns.dirents() {
        assert!(ns.inode(parent).is_some_and(Inode::is_dir), "{name:?} lies in no directory");
        let named = ns.inode(dirent.ino).map(|inode| inode.kind);
        assert_eq!(named, Some(dirent.kind), "{name:?} names nothing, or another type");
        assert_eq!(ns.lookup(parent, name.as_bytes()), Some(dirent));
        links.entry(dirent.ino).or_default().push((parent, name));
    }
    let mut orphans = Vec::new();
    let mut allocated: BTreeMap<Ino, u64> = BTreeMap::new();
    let mut end = (Ino(0), 0);
    for (ino, PlacedExtent { offset, extent }) in ns.all_extents() {
        assert!(ns.inode(ino).is_some_and(|inode| inode.kind == FileType::Regular));
        assert!(ino > end.0 || offset >= end.1, "extents overlap");
        end = (ino, offset + u64::from(extent.len));
        assert!(extent.len > 0 && end.1 <= MAX_FILE_SIZE);
        *allocated.entry(ino).or_default() += u64::from(extent.len);
    }
    for (ino, inode) in ns.inodes() {
        let expected = links.remove(&ino).unwrap_or_default();
        assert!(!inode.is_dir() || expected.len() <= 1, "a directory with two names");
        assert!(ns.links(ino).eq(expected.iter().copied()), "links of {ino:?}");
        assert_eq!(inode.home.as_ref().map(|(parent, name)| (*parent, name)), expected.first().copied());
        if expected.is_empty() && ino != Ino::ROOT {
            orphans.push(ino);
        }
        assert_eq!(inode.allocated, allocated.get(&ino).copied().unwrap_or(0));
        assert_eq!(FileType::of_mode(inode.attributes.mode), Some(inode.kind));
        assert!(ino < ns.next_ino());
        if let Some(path) = ns.path_of(ino) {
            assert_eq!(ns.resolve(&path), Some(ino));
        }
    }
    assert!(ns.orphans().eq(orphans));
    assert_eq!(ns.totals().allocated, allocated.values().sum::<u64>());
    assert_eq!(ns.totals().inodes, ns.inodes().count() as u64);
    assert!(ns.all_xattrs().all(|(ino, _, _)| ns.inode(ino).is_some()));
}

/// The namespace shows what the model shows; orphans that are held open too.
pub fn same_tree(ns: &Namespace, model: &Model, blocks: &[Vec<u8>]) {
    let mut seen = BTreeSet::new();
    same_dir(ns, model, blocks, Ino::ROOT, &model.root, &mut seen);
    for (id, leaf) in model.leaves.iter().filter(|(id, _)| !seen.contains(*id)) {
        assert!(model.open.contains(id) && ns.is_orphan(Ino(*id)));
        same_leaf(ns, blocks, Ino(*id), &leaf.meta, &leaf.body, 0);
    }
    let orphans: BTreeSet<u64> = ns.orphans().map(|ino| ino.0).collect();
    let open = model.leaves.keys().filter(|id| !seen.contains(*id)).chain(&model.removed_dirs);
    assert_eq!(orphans, open.copied().collect());
    assert!(model.removed_dirs.iter().all(|id| ns.inode(Ino(*id)).unwrap().attributes.nlink == 0));
    assert_eq!(ns.inodes().count(), seen.len() + 1 + orphans.len());
    let checkpoints = ns.checkpoints().map(|(name, checkpoint)| (name.to_owned(), checkpoint.time.0));
    assert_eq!(checkpoints.collect::<BTreeMap<_, _>>(), model.checkpoints);
}

fn same_dir(
    ns: &Namespace,
    model: &Model,
    blocks: &[Vec<u8>],
    ino: Ino,
    dir: &Dir,
    seen: &mut BTreeSet<u64>,
) {
    let found: Vec<_> = ns.entries(ino, None).collect();
    let names: Vec<&[u8]> = found.iter().map(|(name, _)| name.as_bytes()).collect();
    assert!(names.iter().copied().eq(dir.children.keys().map(|name| name.as_bytes())), "names in {ino:?}");
    if let Some(middle) = names.get(names.len() / 2) {
        assert!(ns.entries(ino, Some(middle)).eq(found[names.len() / 2 + 1..].iter().copied()));
    }
    let subdirs = dir.children.values().filter(|node| matches!(node, Node::Dir(_))).count();
    same_meta(ns, ino, &dir.meta, FileType::Directory, (2 + subdirs as u32, 0));
    for ((_, dirent), node) in found.iter().zip(dir.children.values()) {
        assert_eq!(dirent.ino.0, model.id(node));
        let is_new = seen.insert(dirent.ino.0);
        match node {
            Node::Dir(child) => {
                assert!(is_new);
                assert_eq!(ns.parent(dirent.ino), Some(ino));
                same_dir(ns, model, blocks, dirent.ino, child, seen);
            }
            Node::Leaf(id) => {
                let leaf = &model.leaves[id];
                same_leaf(ns, blocks, dirent.ino, &leaf.meta, &leaf.body, model.links(*id) as u32);
            }
        }
    }
}

fn same_leaf(ns: &Namespace, blocks: &[Vec<u8>], ino: Ino, meta: &Meta, body: &Body, nlink: u32) {
    let inode = ns.inode(ino).unwrap();
    let (kind, size) = match body {
        Body::File(bytes) => {
            let mut found = vec![None; inode.attributes.size as usize];
            for PlacedExtent { offset, extent } in ns.extents(ino, 0..u64::MAX) {
                let block =
                    &blocks[extent.block.slot as usize][extent.skip as usize..][..extent.len as usize];
                for (at, byte) in (offset as usize..).zip(block) {
                    found[at] = Some(*byte);
                }
            }
            assert_eq!(found, *bytes, "content of {ino:?}");
            assert_eq!(inode.allocated, bytes.iter().flatten().count() as u64);
            cut_extents(ns, ino, bytes);
            (FileType::Regular, bytes.len() as u64)
        }
        Body::Symlink(target) => {
            assert_eq!(inode.target.as_deref(), Some(target.as_bytes()));
            (FileType::Symlink, target.len() as u64)
        }
        Body::Fifo => (FileType::Fifo, 0),
        Body::Device => (FileType::BlockDevice, 0),
    };
    same_meta(ns, ino, meta, kind, (nlink, size));
}

/// The extents of a part of a file cover its bytes and leave out its holes.
fn cut_extents(ns: &Namespace, ino: Ino, bytes: &[Option<u8>]) {
    let (start, end) = (bytes.len() / 3, bytes.len() - bytes.len() / 4);
    let mut covered = vec![false; bytes.len()];
    for PlacedExtent { offset, extent } in ns.extents(ino, start as u64..end as u64) {
        covered[offset as usize..][..extent.len as usize].fill(true);
    }
    let expected = bytes.iter().enumerate().map(|(at, byte)| byte.is_some() && at >= start && at < end);
    assert!(covered.iter().copied().eq(expected));
}

fn same_meta(ns: &Namespace, ino: Ino, meta: &Meta, kind: FileType, (nlink, size): (u32, u64)) {
    let inode = ns.inode(ino).unwrap();
    let Attributes { mode, uid, gid, rdev, atime, mtime, ctime, btime, .. } = inode.attributes;
    assert_eq!((inode.attributes.nlink, inode.attributes.size), (nlink, size), "links and size of {ino:?}");
    assert_eq!(
        (mode, uid, gid, rdev),
        (kind.bits() | meta.permissions, meta.uid, meta.gid, meta.rdev),
        "{ino:?}"
    );
    let times = (atime.0, mtime.0, ctime.0, btime.0);
    assert_eq!(times, (meta.atime, meta.mtime, meta.ctime, meta.btime), "times of {ino:?}");
    let found = ns.xattrs(ino).map(|(name, value)| (name.as_bytes(), &**value));
    assert!(found.eq(meta.xattrs.iter().map(|(name, value)| (name.as_bytes(), value.as_slice()))));
    for (name, value) in &meta.xattrs {
        assert_eq!(ns.xattr(ino, name.as_bytes()).map(|found| &**found), Some(value.as_slice()));
    }
}

/// Every part of the difference is what comparing all keys finds.
pub fn diff_is_complete(old: &Namespace, new: &Namespace) {
    let diff = old.diff(new);
    let (inodes, dirents, extents, xattrs) = (
        diff.inodes().map(|c| (c.key, (c.old.cloned(), c.new.cloned()))),
        diff.dirents().map(|c| ((c.parent, c.name.clone()), (c.old, c.new))),
        diff.extents().map(|c| ((c.ino, c.offset), (c.old, c.new))),
        diff.xattrs().map(|c| ((c.ino, c.name.clone()), (c.old.cloned(), c.new.cloned()))),
    );
    let all_inodes = |ns: &Namespace| ns.inodes().map(|(ino, inode)| (ino, inode.clone())).collect();
    same_changes(inodes, all_inodes(old), all_inodes(new));
    let all_dirents =
        |ns: &Namespace| ns.dirents().map(|(ino, name, to)| ((ino, name.clone()), to)).collect();
    same_changes(dirents, all_dirents(old), all_dirents(new));
    let all_extents =
        |ns: &Namespace| ns.all_extents().map(|(ino, at)| ((ino, at.offset), at.extent)).collect();
    same_changes(extents, all_extents(old), all_extents(new));
    let all_xattrs = |ns: &Namespace| {
        ns.all_xattrs().map(|(ino, name, value)| ((ino, name.clone()), value.clone())).collect()
    };
    same_changes(xattrs, all_xattrs(old), all_xattrs(new));
    let checkpoints = diff.checkpoints().map(|c| (c.key.to_owned(), (c.old.cloned(), c.new.cloned())));
    let all_checkpoints =
        |ns: &Namespace| ns.checkpoints().map(|(name, to)| (name.to_owned(), to.clone())).collect();
    same_changes(checkpoints, all_checkpoints(old), all_checkpoints(new));
}

fn same_changes<K: Ord + Clone + Debug, V: PartialEq + Clone + Debug>(
    found: impl Iterator<Item = (K, (Option<V>, Option<V>))>,
    old: BTreeMap<K, V>,
    new: BTreeMap<K, V>,
) {
    let keys: BTreeSet<K> = old.keys().chain(new.keys()).cloned().collect();
    let all = keys.into_iter().map(|key| (key.clone(), (old.get(&key).cloned(), new.get(&key).cloned())));
    let expected: Vec<_> = all.filter(|(_, (old, new))| old != new).collect();
    assert_eq!(found.collect::<Vec<_>>(), expected);
}

/// Applying the resets, in order and as one transaction, shows what `to` shows; no more of them than needed.
pub fn resets_lead(from: &Namespace, to: &Namespace) {
    let effects = resets(from, to);
    let mut ns = from.clone();
    let time = from.time().0 + 1;
    ns.apply(&subject::event(ns.seq().0 + 1, time, subject::began(effects.len() as u32))).unwrap();
    for effect in effects {
        let seq = ns.seq().0 + 1;
        ns.apply(&subject::event(seq, time, effect)).unwrap();
    }
    structure(&ns);
    assert_eq!(Visible::of(&ns), Visible::of(to));
    let orphans: BTreeSet<Ino> = ns.orphans().collect();
    let expected = from.orphans().filter(|ino| to.inode(*ino).is_none() || to.is_orphan(*ino));
    assert_eq!(orphans, expected.collect());
    assert!(ns.checkpoints().eq(from.checkpoints()));
    assert!(ns.next_ino() >= from.next_ino());
    assert_eq!(resets(&ns, to), Vec::<EventKind>::new());
}

/// What can be seen of a tree.
#[derive(PartialEq, Debug)]
struct Visible<'a> {
    inodes: Vec<(Ino, &'a Inode)>,
    dirents: Vec<(Ino, &'a Name, Ino)>,
    extents: Vec<(Ino, u64, Extent)>,
    xattrs: Vec<(Ino, &'a Name, &'a Arc<[u8]>)>,
}

impl<'a> Visible<'a> {
    fn of(ns: &'a Namespace) -> Self {
        let live = |ino: Ino| !ns.is_orphan(ino);
        Visible {
            inodes: ns.inodes().filter(|(ino, _)| live(*ino)).collect(),
            dirents: ns.dirents().map(|(parent, name, dirent)| (parent, name, dirent.ino)).collect(),
            extents: ns
                .all_extents()
                .filter(|(ino, _)| live(*ino))
                .map(|(ino, placed)| (ino, placed.offset, placed.extent))
                .collect(),
            xattrs: ns.all_xattrs().filter(|(ino, ..)| live(*ino)).collect(),
        }
    }
}

/// All events so far, from the empty tree on, give the same tree, and pass every view as it was when it was taken.
pub fn replays(subject: &Subject) {
    let mut replayed = Namespace::default();
    let mut views = subject.views.iter().peekable();
    while views.next_if(|view| **view == replayed).is_some() {}
    for event in &subject.events {
        replayed.apply(event).unwrap();
        while views.next_if(|view| **view == replayed).is_some() {}
    }
    assert_eq!(views.count(), 0, "a view changed after it was taken");
    assert!(replayed == subject.ns, "replay gives another tree");
    for (name, checkpoint) in subject.ns.checkpoints() {
        let named = subject.events.get(checkpoint.seq.0 as usize - 1).map(|event| (&event.kind, event.time));
        let Some((EventKind::Checkpointed { name: found, .. }, time)) = named else {
            panic!("{name} names event {}", checkpoint.seq);
        };
        assert_eq!((found.as_str(), time), (name, checkpoint.time));
    }
}

/// Row by row into a new namespace, as a snapshot file does it.
pub fn saved_and_loaded(ns: &Namespace) -> Namespace {
    let mut loader = Loader::default();
    for (ino, inode) in ns.inodes() {
        loader.inode(ino, inode.attributes.clone(), inode.target.clone()).unwrap();
    }
    ns.dirents().for_each(|(parent, name, dirent)| loader.dirent(parent, name, dirent.ino).unwrap());
    ns.all_extents().for_each(|(ino, placed)| loader.extent(ino, placed).unwrap());
    ns.all_xattrs().for_each(|(ino, name, value)| loader.xattr(ino, name, value.clone()).unwrap());
    ns.checkpoints().for_each(|(name, checkpoint)| loader.checkpoint(name.to_owned(), checkpoint.clone()));
    loader.finish(ns.seq(), ns.time(), ns.next_ino()).unwrap()
}
