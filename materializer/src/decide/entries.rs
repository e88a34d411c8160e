use std::sync::Arc;

use firn_journal::{Attributes, EventKind, Ino, Name};

use super::{Context, Decision, Errno, entry_name, inode, living_dir};
use crate::namespace::{FileType, Inode, Namespace, PERMISSION_BITS};

/// The most entries that can name a file. Directories have no such limit.
pub const MAX_LINKS: u32 = 65_000;
/// The longest target of a symbolic link, in bytes.
pub const MAX_TARGET: usize = 4095;

const SET_GID: u32 = 0o2000;

/// What a new inode is to be.
pub(super) struct NewInode<'a> {
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    pub rdev: u32,
    pub target: Option<&'a Arc<[u8]>>,
}

pub(super) fn create(ns: &Namespace, parent: Ino, name: &Name, new: NewInode<'_>) -> Result<Decision, Errno> {
    let dir = living_dir(ns, parent)?;
    free_name(ns, parent, name)?;
    let kind = FileType::of_mode(new.mode).ok_or(Errno::INVAL)?;
    check_target(kind, new.target)?;
    let mut permissions = new.mode & PERMISSION_BITS;
    let mut gid = new.gid;
    if dir.attributes.mode & SET_GID != 0 {
        gid = dir.attributes.gid;
        if kind == FileType::Directory {
            permissions |= SET_GID;
        }
    }
    if kind == FileType::Symlink {
        permissions = 0o777;
    }
    if kind == FileType::Directory {
        room_for_link(dir, u32::MAX)?;
    }
    let ino = ns.next_ino();
    let event = EventKind::Created {
        ino,
        parent,
        name: name.clone(),
        mode: kind.bits() | permissions,
        uid: new.uid,
        gid,
        rdev: if kind.is_device() { new.rdev } else { 0 },
        target: new.target.cloned(),
    };
    Ok(Decision { ino: Some(ino), ..event.into() })
}

/// The event states the inode whole, since there is no entry to tell of.
pub(super) fn create_unnamed(
    ns: &Namespace,
    parent: Ino,
    mode: u32,
    (uid, gid): (u32, u32),
    context: &Context<'_>,
) -> Result<Decision, Errno> {
    let dir = living_dir(ns, parent)?;
    let gid = if dir.attributes.mode & SET_GID != 0 { dir.attributes.gid } else { gid };
    let ino = ns.next_ino();
    let attributes = Attributes {
        mode: FileType::Regular.bits() | mode & PERMISSION_BITS,
        uid,
        gid,
        nlink: 0,
        rdev: 0,
        size: 0,
        atime: context.now,
        mtime: context.now,
        ctime: context.now,
        btime: context.now,
    };
    Ok(Decision { ino: Some(ino), ..EventKind::InodePut { ino, attributes, target: None }.into() })
}

fn check_target(kind: FileType, target: Option<&Arc<[u8]>>) -> Result<(), Errno> {
    match (kind, target) {
        (FileType::Symlink, Some(target)) if target.is_empty() => Err(Errno::NOENT),
        (FileType::Symlink, Some(target)) if target.len() > MAX_TARGET => Err(Errno::NAMETOOLONG),
        (FileType::Symlink, Some(_)) => Ok(()),
        (FileType::Symlink, None) | (_, Some(_)) => Err(Errno::INVAL),
        (_, None) => Ok(()),
    }
}

/// Of what has no entry any more, the kernel refuses it, but for files that never had one.
pub(super) fn link(ns: &Namespace, ino: Ino, parent: Ino, name: &Name) -> Result<Decision, Errno> {
    let linked = inode(ns, ino)?;
    living_dir(ns, parent)?;
    free_name(ns, parent, name)?;
    if linked.is_dir() {
        return Err(Errno::PERM);
    }
    room_for_link(linked, MAX_LINKS)?;
    Ok(EventKind::Linked { ino, parent, name: name.clone() }.into())
}

pub(super) fn unlink(
    ns: &Namespace,
    parent: Ino,
    name: &Name,
    context: &Context<'_>,
) -> Result<Decision, Errno> {
    let (ino, removed) = existing(ns, parent, name)?;
    if removed.is_dir() {
        return Err(Errno::ISDIR);
    }
    let evict = is_evicted(ns, ino, context);
    Ok(EventKind::Unlinked { ino, parent, name: name.clone(), evict }.into())
}

pub(super) fn rmdir(
    ns: &Namespace,
    parent: Ino,
    name: &Name,
    context: &Context<'_>,
) -> Result<Decision, Errno> {
    let (ino, removed) = existing(ns, parent, name)?;
    if !removed.is_dir() {
        return Err(Errno::NOTDIR);
    }
    if ns.entries(ino, None).next().is_some() {
        return Err(Errno::NOTEMPTY);
    }
    let evict = is_evicted(ns, ino, context);
    Ok(EventKind::Unlinked { ino, parent, name: name.clone(), evict }.into())
}

pub(super) fn evict(ns: &Namespace, ino: Ino, context: &Context<'_>) -> Decision {
    let ends = ns.is_orphan(ino) && !(context.is_open)(ino);
    if ends { EventKind::Evicted { ino }.into() } else { Decision::default() }
}

/// Whether an inode is gone at once when an entry of it goes.
pub(super) fn is_evicted(ns: &Namespace, ino: Ino, context: &Context<'_>) -> bool {
    ns.links(ino).nth(1).is_none() && !(context.is_open)(ino)
}

/// What an entry names.
pub(super) fn existing<'a>(ns: &'a Namespace, parent: Ino, name: &Name) -> Result<(Ino, &'a Inode), Errno> {
    living_dir(ns, parent)?;
    entry_name(name)?;
    let dirent = ns.lookup(parent, name.as_bytes()).ok_or(Errno::NOENT)?;
    Ok((dirent.ino, inode(ns, dirent.ino)?))
}

fn free_name(ns: &Namespace, parent: Ino, name: &Name) -> Result<(), Errno> {
    entry_name(name)?;
    match ns.lookup(parent, name.as_bytes()) {
        Some(_) => Err(Errno::EXIST),
        None => Ok(()),
    }
}

/// Whether one more link can be counted.
pub(super) fn room_for_link(inode: &Inode, limit: u32) -> Result<(), Errno> {
    if inode.attributes.nlink >= limit { Err(Errno::MLINK) } else { Ok(()) }
}
