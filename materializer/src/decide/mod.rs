//! What a command means, before it happens.
//!
//! **Purpose.** [`decide`] looks at a namespace and a command, and answers the events that follow or the error
//! number that the command earns. Pure: time and what is held open come in the [`Context`].
//!
//! **Invariants.** Events that were decided apply to the namespace that they were decided on, one after the
//! other. A command that changes nothing (a rename onto itself) succeeds without events.
//!
//! **What it does not check.** Permissions, the sticky bit and `umask` are the kernel's (`default_permissions`);
//! here is the structure only.
//!
//! **Failure.** An [`Errno`], the one that Linux gives for it; nothing has happened then.

mod attributes;
mod command;
mod content;
mod entries;
mod errno;
mod rename;
mod xattrs;

use std::sync::Arc;

use firn_clock::Timestamp;
use firn_journal::{Actor, EventKind, Ino, Name};

pub use command::{AttributeChanges, Command, RenameMode, SetTime, XattrMode};
pub use content::MAX_COPY_EXTENTS;
pub use entries::{MAX_LINKS, MAX_TARGET};
pub use errno::Errno;

use crate::namespace::{FileType, Inode, Namespace};

/// What a decision depends on beside the namespace and the command.
pub struct Context<'a> {
    /// The present.
    pub now: Timestamp,
    /// Who asks.
    pub actor: &'a Arc<Actor>,
    /// Whether somebody holds an inode open, so that it outlives its last entry.
    pub is_open: &'a dyn Fn(Ino) -> bool,
}

/// What follows from a command.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Decision {
    /// The events, in order.
    pub events: Vec<EventKind>,
    /// The inode that they make.
    pub ino: Option<Ino>,
    /// How many bytes a [`Command::CopyRange`] copies, perhaps fewer than it asked for.
    pub copied: u64,
}

impl From<EventKind> for Decision {
    fn from(event: EventKind) -> Self {
        Decision { events: vec![event], ..Decision::default() }
    }
}

/// What follows from `command`.
///
/// # Errors
/// The error number that Linux gives for it.
pub fn decide(ns: &Namespace, command: &Command, context: &Context<'_>) -> Result<Decision, Errno> {
    match command {
        Command::Create { parent, name, mode, uid, gid, rdev, target } => {
            let new =
                entries::NewInode { mode: *mode, uid: *uid, gid: *gid, rdev: *rdev, target: target.as_ref() };
            entries::create(ns, *parent, name, new)
        }
        Command::CreateUnnamed { parent, mode, uid, gid } => {
            entries::create_unnamed(ns, *parent, *mode, (*uid, *gid), context)
        }
        Command::Link { ino, parent, name } => entries::link(ns, *ino, *parent, name),
        Command::Unlink { parent, name } => entries::unlink(ns, *parent, name, context),
        Command::Rmdir { parent, name } => entries::rmdir(ns, *parent, name, context),
        Command::Rename { parent, name, new_parent, new_name, mode } => {
            rename::rename(ns, (*parent, name), (*new_parent, new_name), *mode, context)
        }
        Command::SetAttributes { ino, changes } => attributes::set(ns, *ino, changes, context),
        Command::Write { ino, offset, len, extents } => content::write(ns, *ino, *offset, *len, extents),
        Command::Truncate { ino, size } => content::truncate(ns, *ino, *size),
        Command::Punch { ino, offset, len } => content::punch(ns, *ino, *offset, *len),
        Command::Zero { ino, offset, len } => content::zero(ns, *ino, *offset, *len),
        Command::Allocate { ino, offset, len } => content::allocate(ns, *ino, *offset, *len),
        Command::CopyRange { from, from_offset, to, to_offset, len } => {
            content::copy_range(ns, (*from, *from_offset), (*to, *to_offset), *len)
        }
        Command::SetXattr { ino, name, value, mode } => xattrs::set(ns, *ino, name, value, *mode),
        Command::RemoveXattr { ino, name } => xattrs::remove(ns, *ino, name),
        Command::Checkpoint { name, message } => checkpoint(name, message),
        Command::Evict { ino } => Ok(entries::evict(ns, *ino, context)),
    }
}

fn checkpoint(name: &str, message: &str) -> Result<Decision, Errno> {
    if name.is_empty() || name.contains(|c: char| c == '/' || c.is_control()) {
        return Err(Errno::INVAL);
    }
    if name.len() > Name::MAX {
        return Err(Errno::NAMETOOLONG);
    }
    Ok(EventKind::Checkpointed { name: name.to_owned(), message: message.to_owned() }.into())
}

/// An inode that the kernel knows by number: it is stale if it is not there any more.
fn inode(ns: &Namespace, ino: Ino) -> Result<&Inode, Errno> {
    ns.inode(ino).ok_or(Errno::STALE)
}

/// An inode with content.
fn file(ns: &Namespace, ino: Ino) -> Result<&Inode, Errno> {
    let inode = inode(ns, ino)?;
    match inode.kind {
        FileType::Regular => Ok(inode),
        FileType::Directory => Err(Errno::ISDIR),
        _ => Err(Errno::INVAL),
    }
}

/// A directory where entries can be; a removed one has none and gets none.
fn living_dir(ns: &Namespace, ino: Ino) -> Result<&Inode, Errno> {
    let inode = ns.inode(ino).ok_or(Errno::NOENT)?;
    if !inode.is_dir() {
        return Err(Errno::NOTDIR);
    }
    if ns.is_orphan(ino) {
        return Err(Errno::NOENT);
    }
    Ok(inode)
}

/// A name that an entry can have.
fn entry_name(name: &Name) -> Result<(), Errno> {
    if name.as_bytes().len() > Name::MAX {
        return Err(Errno::NAMETOOLONG);
    }
    if Name::is_valid_entry(name.as_bytes()) { Ok(()) } else { Err(Errno::INVAL) }
}

#[cfg(test)]
mod tests;
