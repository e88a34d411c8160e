use firn_journal::{EventKind, Ino, Name, Replaced};

use super::entries::{existing, is_evicted, room_for_link};
use super::{Context, Decision, Errno, RenameMode, entry_name, living_dir};
use crate::namespace::{Inode, Namespace};

type Place<'a> = (Ino, &'a Name);

pub(super) fn rename(
    ns: &Namespace,
    from: Place<'_>,
    to: Place<'_>,
    mode: RenameMode,
    context: &Context<'_>,
) -> Result<Decision, Errno> {
    let moved = existing(ns, from.0, from.1)?;
    let new_dir = living_dir(ns, to.0)?;
    entry_name(to.1)?;
    let there = ns.lookup(to.0, to.1.as_bytes()).and_then(|dirent| Some((dirent.ino, ns.inode(dirent.ino)?)));
    match (mode, there) {
        (RenameMode::NoReplace, Some(_)) => return Err(Errno::EXIST),
        (RenameMode::Exchange, None) => return Err(Errno::NOENT),
        _ => outside(ns, moved, to.0)?,
    }
    let (ino, inode) = moved;
    let replaced = match there {
        Some((other, _)) if other == ino => return Ok(Decision::default()),
        Some(there) if mode == RenameMode::Exchange => return exchange(ns, from, to, moved, there),
        Some((other, target)) => {
            replaceable(ns, inode, other, target)?;
            Some(Replaced { ino: other, evict: is_evicted(ns, other, context) })
        }
        None => None,
    };
    if inode.is_dir() && from.0 != to.0 && replaced.is_none() {
        room_for_link(new_dir, u32::MAX)?;
    }
    let ((parent, name), (new_parent, new_name)) = (from, to);
    let (name, new_name) = (name.clone(), new_name.clone());
    Ok(EventKind::Renamed { ino, parent, name, new_parent, new_name, replaced }.into())
}

fn exchange(
    ns: &Namespace,
    from: Place<'_>,
    to: Place<'_>,
    (ino, inode): (Ino, &Inode),
    (other, target): (Ino, &Inode),
) -> Result<Decision, Errno> {
    outside(ns, (other, target), from.0)?;
    if from.0 != to.0 && inode.is_dir() != target.is_dir() {
        let grows = if inode.is_dir() { to.0 } else { from.0 };
        room_for_link(living_dir(ns, grows)?, u32::MAX)?;
    }
    let ((parent, name), (other_parent, other_name)) = (from, to);
    let (name, other_name) = (name.clone(), other_name.clone());
    Ok(EventKind::Exchanged { ino, parent, name, other, other_parent, other_name }.into())
}

/// A directory cannot come to lie within itself.
fn outside(ns: &Namespace, (ino, inode): (Ino, &Inode), new_parent: Ino) -> Result<(), Errno> {
    if inode.is_dir() && ns.is_ancestor(ino, new_parent) { Err(Errno::INVAL) } else { Ok(()) }
}

/// A directory replaces an empty directory, anything else anything but a directory.
fn replaceable(ns: &Namespace, moved: &Inode, other: Ino, target: &Inode) -> Result<(), Errno> {
    match (moved.is_dir(), target.is_dir()) {
        (true, false) => Err(Errno::NOTDIR),
        (false, true) => Err(Errno::ISDIR),
        (true, true) if ns.entries(other, None).next().is_some() => Err(Errno::NOTEMPTY),
        _ => Ok(()),
    }
}
