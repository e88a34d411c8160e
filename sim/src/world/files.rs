//! Operations on files and directories, as the kernel would ask for them.

use std::sync::Arc;

use firn_clock::Timestamp;
use firn_journal::Name;
use firn_materializer::decide::{AttributeChanges, Errno, SetTime};
use firn_mount::fs::{Attr, Entry, Found, New};

use super::World;
use super::life::{Held, Life, caller, entries, name, pick, to_name, xattr_name};
use crate::model::{Body, Changes, Content, Kind, Mode, Op, Tree, When, compare, errno};
use crate::oracle::{Failure, Oracle};
use crate::plan::Access;

/// What `stat` must say of an inode.
///
/// # Errors
/// The first difference.
pub fn stat_is(tree: &Tree, ino: u64, attr: &Attr) -> Result<(), Failure> {
    let node = tree.node(ino);
    let allocated = node.content().map_or(0, Content::allocated);
    let judge = || {
        compare::same("number", ino, attr.number)?;
        compare::same("type", node.kind(), compare::kind_of(attr.kind))?;
        compare::same("mode", node.mode, attr.permissions)?;
        compare::same("owner", (node.uid, node.gid), (attr.uid, attr.gid))?;
        compare::same("links", tree.link_counts()[&ino], attr.nlink)?;
        compare::same("size", node.size(), attr.size)?;
        compare::same("blocks", allocated.div_ceil(512), attr.blocks)?;
        let times = (attr.atime.0, attr.mtime.0, attr.ctime.0, attr.btime.0);
        compare::same("times", (node.atime, node.mtime, node.ctime, node.btime), times)
    };
    judge().map_err(|what| Oracle::Outcome.fails(format!("stat of inode {ino}: {what}")))
}

fn entry_is(tree: &Tree, ino: u64, entry: &Entry) -> Result<(), Failure> {
    let attr = entry.attr.ok_or_else(|| Oracle::Outcome.fails("what was just made is not there"))?;
    stat_is(tree, ino, &attr)
}

fn target(len: usize) -> Vec<u8> {
    b"../target/".iter().copied().cycle().take(len.max(1)).collect()
}

impl Life {
    /// Makes a file or something else; a file is held open if `open`.
    pub(super) fn make(
        &self,
        world: &World,
        actor: u8,
        (dir, named): (u16, u8),
        (kind, mode): (Kind, u16),
        open: bool,
    ) -> Result<(), Failure> {
        let tree = self.tree();
        let Some(dir) = pick(&tree.of_kind(Some(Kind::Directory)), dir) else { return Ok(()) };
        let (by, name) = (caller(actor), name(named));
        // The kernel looks first.
        self.look_up(world, dir, &name)?;
        let mode = u32::from(mode);
        let (body, new) = match kind {
            Kind::Directory => (Body::Directory(Default::default()), New::directory(mode)),
            Kind::Symlink => {
                let target = target(usize::from(named) * 17);
                (Body::Symlink(target.clone()), New::symlink(&target))
            }
            Kind::File => {
                (Body::File(Content::default()), New { mode: 0o100_000 | mode, rdev: 0, target: None })
            }
            Kind::Pipe => (Body::Pipe, New { mode: 0o010_000 | mode, rdev: 0, target: None }),
            Kind::Device => {
                (Body::Device(0x0103), New { mode: 0o020_000 | mode, rdev: 0x0103, target: None })
            }
            Kind::BlockDevice => {
                (Body::BlockDevice(0x0801), New { mode: 0o060_000 | mode, rdev: 0x0801, target: None })
            }
            Kind::Socket => (Body::Socket, New { mode: 0o140_000 | mode, rdev: 0, target: None }),
        };
        let opens = open && kind == Kind::File;
        let real = || match opens {
            true => self
                .fs
                .create_open(by, dir, to_name(&name), 0o100_000 | mode, true)
                .map(|(attr, handle)| (Entry { attr: Some(attr), ttl: attr.ttl }, Some(handle))),
            false => self.fs.create(by, dir, to_name(&name), new).map(|entry| (entry, None)),
        };
        let model = |tree: &mut Tree, now| tree.create(now, dir, &name, body, mode, (by.uid, by.gid));
        let Some(Ok(((entry, handle), ino))) = self.change(world, real, model)? else { return Ok(()) };
        if let Some(handle) = handle {
            self.holds(actor, Held { ino, handle, directory: false });
        }
        entry_is(&self.tree(), ino, &entry)
    }

    /// Makes a file that has no name, unless it is given one later.
    pub(super) fn make_unnamed(&self, world: &World, actor: u8, dir: u16, mode: u16) -> Result<(), Failure> {
        let Some(dir) = pick(&self.tree().of_kind(Some(Kind::Directory)), dir) else { return Ok(()) };
        let (by, mode) = (caller(actor), u32::from(mode));
        let real = || self.fs.create_unnamed_open(by, dir, 0o100_000 | mode);
        let model = |tree: &mut Tree, now| tree.create_unnamed(now, dir, mode, (by.uid, by.gid));
        let Some(Ok(((attr, handle), ino))) = self.change(world, real, model)? else { return Ok(()) };
        self.holds(actor, Held { ino, handle, directory: false });
        stat_is(&self.tree(), ino, &attr)
    }

    pub(super) fn holds(&self, actor: u8, held: Held) {
        self.held.borrow_mut()[usize::from(actor)].push(held);
    }

    /// Looks for a name.
    pub(super) fn look_up(&self, world: &World, dir: u64, name: &[u8]) -> Result<(), Failure> {
        let tree = self.tree();
        let found = self.fs.lookup(&self.node(dir)?, &to_name(name));
        world.coverage.judged(Oracle::Outcome);
        match (found, tree.lookup(dir, name)) {
            (Ok(Found::Entry(Entry { attr: Some(attr), .. })), Some(ino)) => stat_is(&tree, ino, &attr),
            (Ok(Found::Entry(Entry { attr: None, .. })), None) => Ok(()),
            (found, expected) => {
                let found = match found {
                    Ok(Found::Entry(entry)) => format!("{:?}", entry.attr.map(|attr| attr.number)),
                    Ok(Found::Instant { dir }) => format!("an instant of {dir:?}"),
                    Err(errno) => errno.to_string(),
                };
                let name = name.escape_ascii();
                Err(Oracle::Outcome.fails(format!("{name} in {dir}: expected {expected:?}, found {found}")))
            }
        }
    }

    pub(super) fn link(
        &self,
        world: &World,
        actor: u8,
        inode: u16,
        dir: u16,
        named: u8,
    ) -> Result<(), Failure> {
        let tree = self.tree();
        let dir = pick(&tree.of_kind(Some(Kind::Directory)), dir);
        let (Some(ino), Some(dir)) = (pick(&tree.of_kind(None), inode), dir) else { return Ok(()) };
        let name = name(named);
        let real = || self.fs.link(caller(actor), ino, dir, to_name(&name));
        let result = self.change(world, real, |tree, now| tree.link(now, ino, dir, &name))?;
        let Some(Ok((entry, ()))) = result else { return Ok(()) };
        entry_is(&self.tree(), ino, &entry)
    }

    pub(super) fn remove(&self, world: &World, actor: u8, entry: u16, wrong: bool) -> Result<(), Failure> {
        let tree = self.tree();
        let all = entries(&tree);
        let Some(at) = pick(&(0..all.len()).collect::<Vec<_>>(), entry) else { return Ok(()) };
        let (dir, name, ino) = &all[at];
        let held = |ino| self.is_held(ino);
        if (tree.node(*ino).kind() == Kind::Directory) != wrong {
            let real = || self.fs.rmdir(caller(actor), *dir, to_name(name));
            self.change(world, real, |tree, now| tree.rmdir(now, *dir, name, &held))?;
        } else {
            let real = || self.fs.unlink(caller(actor), *dir, to_name(name));
            self.change(world, real, |tree, now| tree.unlink(now, *dir, name, &held))?;
        }
        Ok(())
    }

    pub(super) fn rename(
        &self,
        world: &World,
        actor: u8,
        entry: u16,
        (to, named): (u16, u8),
        mode: Mode,
    ) -> Result<(), Failure> {
        let tree = self.tree();
        let all = entries(&tree);
        let to = pick(&tree.of_kind(Some(Kind::Directory)), to);
        let at = pick(&(0..all.len()).collect::<Vec<_>>(), entry);
        let (Some(at), Some(to)) = (at, to) else { return Ok(()) };
        let (from, old, _) = &all[at];
        let new = name(named);
        let flags = match mode {
            Mode::Replace => 0,
            Mode::NoReplace => 1,
            Mode::Exchange => 2,
        };
        let real = || self.fs.rename(caller(actor), (*from, to_name(old)), (to, to_name(&new)), flags);
        let held = |ino| self.is_held(ino);
        self.change(world, real, |tree, now| tree.rename(now, (*from, old), (to, &new), mode, &held))?;
        Ok(())
    }

    /// Opens an inode, and holds it open.
    pub(super) fn open(&self, actor: u8, inode: u16, access: Access) -> Result<(), Failure> {
        let kind = match access {
            Access::File => Kind::File,
            Access::Directory => Kind::Directory,
        };
        match pick(&self.tree().of_kind(Some(kind)), inode) {
            Some(ino) => self.hold(actor, ino, kind == Kind::Directory).map(drop),
            None => Ok(()),
        }
    }

    /// Opens this inode.
    pub(super) fn hold(&self, actor: u8, ino: u64, directory: bool) -> Result<Held, Failure> {
        let node = self.node(ino)?;
        let opened = match directory {
            true => self.fs.open_directory(node, caller(actor)),
            false => self.fs.open(node, caller(actor), 2),
        };
        let handle =
            opened.map_err(|errno| Oracle::Outcome.fails(format!("opening inode {ino}: {errno}")))?;
        let held = Held { ino, handle, directory };
        self.holds(actor, held);
        Ok(held)
    }

    pub(super) fn close(&self, world: &World, actor: u8, handle: u16) -> Result<(), Failure> {
        let held = self.held.borrow()[usize::from(actor)].clone();
        match pick(&held, handle) {
            Some(held) => self.let_go(world, actor, held),
            None => Ok(()),
        }
    }

    /// Closes what is held.
    pub(super) fn let_go(&self, world: &World, actor: u8, held: Held) -> Result<(), Failure> {
        self.held.borrow_mut()[usize::from(actor)].retain(|other| *other != held);
        let now = world.clock.now_ns();
        match held.directory {
            true => self.fs.release_directory(held.handle),
            false => self.fs.release(held.handle),
        }
        let mut tree = Tree::clone(&self.tree());
        if !self.is_held(held.ino) {
            tree.let_go(now, held.ino);
        }
        if tree.seq != self.volume.with(|ns| ns.seq().0) && self.challenged.get() {
            // A volume that takes no changes leaves the inode to the next writer.
            self.over.set(true);
            return Ok(());
        }
        self.follows(world, tree)
    }

    pub(super) fn set_attributes(
        &self,
        world: &World,
        actor: u8,
        ino: u64,
        changes: Changes,
    ) -> Result<(), Failure> {
        let time = |when: When| match when {
            When::Now => SetTime::Now,
            When::At(ns) => SetTime::At(Timestamp(ns)),
        };
        let real = AttributeChanges {
            mode: changes.mode,
            uid: changes.uid,
            gid: changes.gid,
            size: changes.size,
            atime: changes.atime.map(time),
            mtime: changes.mtime.map(time),
        };
        let by = caller(actor);
        let real = || self.fs.set_attributes(by, ino, real);
        let model = |tree: &mut Tree, now| tree.set_attributes(now, by.uid, ino, changes);
        let Some(Ok((attr, ()))) = self.change(world, real, model)? else { return Ok(()) };
        if changes == (Changes { atime: changes.atime, ..Changes::default() }) && changes.atime.is_some() {
            // A time of reading is no change that anybody takes back.
            self.line.borrow_mut().label(Op::Quiet);
        }
        stat_is(&self.tree(), ino, &attr)
    }

    pub(super) fn set_xattr(
        &self,
        world: &World,
        actor: u8,
        inode: u16,
        (named, len): (u8, u16),
        exists: Option<bool>,
    ) -> Result<(), Failure> {
        let Some(ino) = pick(&self.tree().of_kind(None), inode) else { return Ok(()) };
        let name = xattr_name(named);
        let value = vec![named ^ len as u8; len.into()];
        let flags = match exists {
            None => 0,
            Some(false) => 1,
            Some(true) => 2,
        };
        let real = || self.fs.set_xattr(caller(actor), ino, to_name(name), &value, flags);
        self.change(world, real, |tree, now| tree.set_xattr(now, ino, name, &value, exists))?;
        Ok(())
    }

    pub(super) fn remove_xattr(
        &self,
        world: &World,
        actor: u8,
        inode: u16,
        named: u8,
    ) -> Result<(), Failure> {
        let Some(ino) = pick(&self.tree().of_kind(None), inode) else { return Ok(()) };
        let name = xattr_name(named);
        let real = || self.fs.remove_xattr(caller(actor), ino, to_name(name));
        self.change(world, real, |tree, now| tree.remove_xattr(now, ino, name))?;
        Ok(())
    }

    /// Looks at all that can be seen of an inode but its content.
    pub(super) fn stat(&self, world: &World, inode: u16) -> Result<(), Failure> {
        let tree = self.tree();
        let Some(ino) = pick(&tree.of_kind(None), inode) else { return Ok(()) };
        let node = self.node(ino)?;
        world.coverage.judged(Oracle::Outcome);
        let attr =
            node.attributes().map_err(|errno| Oracle::Outcome.fails(format!("stat of {ino}: {errno}")))?;
        stat_is(&tree, ino, &attr)?;
        let expected = tree.node(ino);
        let link = match &expected.body {
            Body::Symlink(target) => Ok(target.clone()),
            _ => Err(errno::INVAL),
        };
        let found = node.target().map(|target| target.to_vec()).map_err(|errno| errno.0);
        let judge = || {
            compare::same("target", link, found)?;
            let names = expected.xattrs.keys().flat_map(|name| name.iter().copied().chain([0])).collect();
            compare::same("names of attributes", Ok(names), node.xattr_names())?;
            for number in 0..4 {
                let name = xattr_name(number);
                let value = expected.xattrs.get(name).cloned().ok_or(Errno(errno::NODATA));
                let found = self.fs.xattr(&node, &Name::new(name)).map(|value: Arc<[u8]>| value.to_vec());
                compare::same("attribute", value, found)?;
            }
            Ok(())
        };
        judge().map_err(|what: String| Oracle::Outcome.fails(format!("inode {ino}: {what}")))
    }

    /// Lists a directory: through a handle that the actor holds, or anew.
    pub(super) fn list(&self, world: &World, actor: u8, dir: u16) -> Result<(), Failure> {
        let tree = self.tree();
        let Some(dir) = pick(&tree.of_kind(Some(Kind::Directory)), dir) else { return Ok(()) };
        let held = self.held.borrow()[usize::from(actor)].iter().find(|held| held.ino == dir).copied();
        let listed = match held {
            Some(held) => held,
            None => self.hold(actor, dir, true)?,
        };
        let mut found = Vec::new();
        let end = self.fs.list(listed.handle, 0, |item| {
            found.push((item.name.as_bytes().to_vec(), item.number()));
            false
        });
        world.coverage.judged(Oracle::Outcome);
        let mut expected =
            vec![(b".".to_vec(), Ok(dir)), (b"..".to_vec(), Ok(tree.parent(dir).unwrap_or(dir)))];
        let entries = tree.node(dir).entries().into_iter().flatten();
        expected.extend(entries.map(|(name, ino)| (name.clone(), Ok(*ino))));
        compare::same("listing", (Ok(()), expected), (end, found))
            .map_err(|what| Oracle::Outcome.fails(format!("directory {dir}: {what}")))?;
        if held.is_none() {
            self.let_go(world, actor, listed)?;
        }
        Ok(())
    }
}
