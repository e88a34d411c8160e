//! Changes of the tree: each is a command of the volume. Of an instant, `EROFS`.

use std::sync::Arc;

use firn_journal::{Actor, Ino, Name};
use firn_materializer::decide::{AttributeChanges, Command, Errno, RenameMode, SetTime, XattrMode};
use firn_materializer::namespace::FileType;
use firn_materializer::volume::{Outcome, Volume};

use super::actors::Caller;
use super::attr::{Attr, Entry, PRESENT};
use super::file::File;
use super::node::{AT, Node};
use super::numbers::Place;
use super::privileges::{self, Ids};
use super::tree::Tree;
use super::xattr;
use super::{Fs, Mounted};

/// A new inode, but for its place.
#[derive(Clone, Debug)]
pub struct New {
    /// Type and permissions, without what `umask` takes away.
    pub mode: u32,
    /// Device number.
    pub rdev: u32,
    /// Where a symbolic link points to.
    pub target: Option<Arc<[u8]>>,
}

impl New {
    /// A directory.
    pub fn directory(mode: u32) -> New {
        New { mode: FileType::Directory.bits() | mode, rdev: 0, target: None }
    }

    /// A symbolic link.
    pub fn symlink(target: &[u8]) -> New {
        New { mode: FileType::Symlink.bits() | 0o777, rdev: 0, target: Some(target.into()) }
    }
}

impl Fs {
    /// The present inode that `number` means, and the volume to change it in.
    fn writable(&self, number: u64) -> Result<(&Arc<Volume>, Ino), Errno> {
        match (&self.mounted, Place::from_number(number)?) {
            (Mounted::Live { volume, .. }, Place::Present(ino)) => Ok((volume, ino)),
            _ => Err(Errno::ROFS),
        }
    }

    fn entry(&self, volume: &Arc<Volume>, ino: Ino) -> Result<Entry, Errno> {
        let attr = volume.with(|ns| Attr::of(ns, ino, Place::Present(ino), PRESENT))?;
        Ok(Entry { attr: Some(attr), ttl: PRESENT })
    }

    fn make(
        &self,
        volume: &Volume,
        actor: &Arc<Actor>,
        parent: Ino,
        name: Name,
        new: New,
    ) -> Result<Ino, Errno> {
        not_at(&name, Errno::EXIST)?;
        let New { mode, rdev, target } = new;
        let command = Command::Create { parent, name, mode, uid: actor.uid, gid: actor.gid, rdev, target };
        // A creation that makes nothing would be a bug of decide.
        volume.execute(actor, command)?.ino.ok_or(Errno::IO)
    }

    /// Makes a directory, a symbolic link, a device, a pipe, a socket, or a file without opening it.
    ///
    /// # Errors
    /// What [`Command::Create`] earns.
    pub fn create(&self, caller: Caller, parent: u64, name: Name, new: New) -> Result<Entry, Errno> {
        let (volume, parent) = self.writable(parent)?;
        let ino = self.make(volume, &self.actors.actor(caller), parent, name, new)?;
        self.entry(volume, ino)
    }

    /// Makes a regular file and opens it.
    ///
    /// # Errors
    /// What [`Command::Create`] earns. `ESTALE` if there is one and `exclusive` was not asked for: the kernel
    /// did not know of it, and so looks again, checks permissions and opens it.
    pub fn create_open(
        &self,
        caller: Caller,
        parent: u64,
        name: Name,
        mode: u32,
        exclusive: bool,
    ) -> Result<(Attr, u64), Errno> {
        let (volume, parent) = self.writable(parent)?;
        let actor = self.actors.actor(caller);
        let new = New { mode, rdev: 0, target: None };
        let ino = self.make(volume, &actor, parent, name, new).map_err(|errno| match errno {
            Errno::EXIST if !exclusive => Errno::STALE,
            errno => errno,
        })?;
        self.open_new(volume, actor, ino)
    }

    /// Makes a regular file without a name, and opens it: it is gone when it is closed, unless it was linked.
    ///
    /// # Errors
    /// What [`Command::CreateUnnamed`] earns.
    pub fn create_unnamed_open(&self, caller: Caller, parent: u64, mode: u32) -> Result<(Attr, u64), Errno> {
        let (volume, parent) = self.writable(parent)?;
        let actor = self.actors.actor(caller);
        let command = Command::CreateUnnamed { parent, mode, uid: actor.uid, gid: actor.gid };
        // A creation that makes nothing would be a bug of decide.
        let ino = volume.execute(&actor, command)?.ino.ok_or(Errno::IO)?;
        self.open_new(volume, actor, ino)
    }

    fn open_new(&self, volume: &Arc<Volume>, actor: Arc<Actor>, ino: Ino) -> Result<(Attr, u64), Errno> {
        volume.opened(ino);
        let node = Node { place: Place::Present(ino), ino, tree: Tree::Live(volume.clone()), ttl: PRESENT };
        let attr = node.attributes().inspect_err(|_| volume.closed(&actor, ino))?;
        Ok((attr, self.files.insert(File::new(node, actor))))
    }

    /// Gives a file one more entry.
    ///
    /// # Errors
    /// What [`Command::Link`] earns.
    pub fn link(&self, caller: Caller, number: u64, parent: u64, name: Name) -> Result<Entry, Errno> {
        let (volume, parent) = self.writable(parent)?;
        let (_, ino) = self.writable(number)?;
        not_at(&name, Errno::EXIST)?;
        volume.execute(&self.actors.actor(caller), Command::Link { ino, parent, name })?;
        self.entry(volume, ino)
    }

    fn execute(
        &self,
        caller: Caller,
        number: u64,
        command: impl FnOnce(Ino) -> Command,
    ) -> Result<Outcome, Errno> {
        let (volume, ino) = self.writable(number)?;
        volume.execute(&self.actors.actor(caller), command(ino))
    }

    /// Removes an entry that names no directory.
    ///
    /// # Errors
    /// What [`Command::Unlink`] earns.
    pub fn unlink(&self, caller: Caller, parent: u64, name: Name) -> Result<(), Errno> {
        not_at(&name, Errno::PERM)?;
        self.execute(caller, parent, |parent| Command::Unlink { parent, name }).map(drop)
    }

    /// Removes an empty directory.
    ///
    /// # Errors
    /// What [`Command::Rmdir`] earns.
    pub fn rmdir(&self, caller: Caller, parent: u64, name: Name) -> Result<(), Errno> {
        not_at(&name, Errno::PERM)?;
        self.execute(caller, parent, |parent| Command::Rmdir { parent, name }).map(drop)
    }

    /// Moves an entry, with the flags of renameat2(2).
    ///
    /// # Errors
    /// What [`Command::Rename`] earns.
    pub fn rename(
        &self,
        caller: Caller,
        from: (u64, Name),
        to: (u64, Name),
        flags: u32,
    ) -> Result<(), Errno> {
        let ((parent, name), (new_parent, new_name)) = (from, to);
        not_at(&name, Errno::PERM)?;
        not_at(&new_name, Errno::PERM)?;
        let mode = RenameMode::from_flags(flags)?;
        let (_, new_parent) = self.writable(new_parent)?;
        let command = |parent| Command::Rename { parent, name, new_parent, new_name, mode };
        self.execute(caller, parent, command).map(drop)
    }

    /// Sets attributes, the size among them. A program that changes its content or its owner loses what let it
    /// run as somebody else.
    ///
    /// # Errors
    /// What [`Command::SetAttributes`] earns.
    pub fn set_attributes(
        &self,
        caller: Caller,
        number: u64,
        mut changes: AttributeChanges,
    ) -> Result<Attr, Errno> {
        let (volume, ino) = self.writable(number)?;
        let actor = self.actors.actor(caller);
        let ids = match changes {
            AttributeChanges { uid: None, gid: None, size: None, .. } => None,
            AttributeChanges { uid: None, gid: None, .. } => Some(Ids::of(&actor)),
            _ => Some(Ids::TakeAway),
        };
        if changes.size.is_some() && changes.mtime == Some(SetTime::Now) {
            // Truncating says as much.
            changes.mtime = None;
        }
        if let Some(ids) = ids {
            changes.mode = changes.mode.or_else(|| volume.with(|ns| privileges::mode_without(ns, ino, ids)));
            self.take_privileges(volume, &actor, ino, Ids::Keep)?;
        }
        volume.execute(&actor, Command::SetAttributes { ino, changes })?;
        volume.with(|ns| Attr::of(ns, ino, Place::Present(ino), PRESENT))
    }

    /// Sets an extended attribute, with the flags of setxattr(2).
    ///
    /// # Errors
    /// What [`Command::SetXattr`] earns; `EPERM` for names that Firn keeps to itself.
    pub fn set_xattr(
        &self,
        caller: Caller,
        number: u64,
        name: Name,
        value: &[u8],
        flags: i32,
    ) -> Result<(), Errno> {
        xattr::not_reserved(&name)?;
        let mode = XattrMode::from_flags(flags)?;
        self.execute(caller, number, |ino| Command::SetXattr { ino, name, value: value.into(), mode })
            .map(drop)
    }

    /// Removes an extended attribute.
    ///
    /// # Errors
    /// What [`Command::RemoveXattr`] earns; `EPERM` for names that Firn keeps to itself.
    pub fn remove_xattr(&self, caller: Caller, number: u64, name: Name) -> Result<(), Errno> {
        xattr::not_reserved(&name)?;
        self.execute(caller, number, |ino| Command::RemoveXattr { ino, name }).map(drop)
    }
}

/// The way into the past is not an entry: it cannot be made, moved or removed.
fn not_at(name: &Name, errno: Errno) -> Result<(), Errno> {
    if name.as_bytes() == AT { Err(errno) } else { Ok(()) }
}
