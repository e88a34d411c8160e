use firn_journal::{EventKind, Ino};

use super::{AttributeChanges, Context, Decision, Errno, SetTime, content, inode};
use crate::namespace::{Inode, Namespace, PERMISSION_BITS};

const SET_UID: u32 = 0o4000;
const SET_GID: u32 = 0o2000;
const GROUP_EXECUTE: u32 = 0o010;

pub(super) fn set(
    ns: &Namespace,
    ino: Ino,
    changes: &AttributeChanges,
    context: &Context<'_>,
) -> Result<Decision, Errno> {
    let before = inode(ns, ino)?;
    let mut decision = match changes.size {
        Some(size) => content::truncate(ns, ino, size)?,
        None => Decision::default(),
    };
    let AttributeChanges { uid, gid, .. } = *changes;
    let mode = changes
        .mode
        .map(|mode| mode & PERMISSION_BITS)
        .or_else(|| mode_after_chown(before, changes, context));
    let at = |time| match time {
        SetTime::Now => context.now,
        SetTime::At(time) => time,
    };
    let (atime, mtime) = (changes.atime.map(at), changes.mtime.map(at));
    if mode.is_some() || uid.is_some() || gid.is_some() || atime.is_some() || mtime.is_some() {
        decision.events.push(EventKind::AttributesSet { ino, mode, uid, gid, atime, mtime });
    }
    Ok(decision)
}

/// A new owner or group takes away from a program what made it run as the old one, unless the superuser says so.
fn mode_after_chown(inode: &Inode, changes: &AttributeChanges, context: &Context<'_>) -> Option<u32> {
    if inode.is_dir() || changes.uid.is_none() && changes.gid.is_none() || context.actor.uid == 0 {
        return None;
    }
    let before = inode.attributes.mode & PERMISSION_BITS;
    let mut after = before & !SET_UID;
    if before & GROUP_EXECUTE != 0 {
        after &= !SET_GID;
    }
    (after != before).then_some(after)
}
