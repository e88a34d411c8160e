//! What lets a program run as somebody else must not survive a change of the program.
//!
//! The kernel would ask before each write whether there is anything to take away, which doubles the requests;
//! it need not, since this is done here (`FUSE_HANDLE_KILLPRIV_V2`).

use std::sync::Arc;

use firn_journal::{Actor, Ino, Name};
use firn_materializer::decide::{AttributeChanges, Command, Errno};
use firn_materializer::namespace::{FileType, Namespace, PERMISSION_BITS};
use firn_materializer::volume::Volume;

use super::Fs;
use super::numbers::Place;

const SET_UID: u32 = 0o4000;
const SET_GID: u32 = 0o2000;
const GROUP_EXECUTE: u32 = 0o010;
/// File capabilities: the privileges of a program that are not in its mode.
const CAPABILITIES: &[u8] = b"security.capability";

/// Whether set-user-ID and set-group-ID stay: the kernel leaves them to who may set them anyway.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Ids {
    Keep,
    TakeAway,
}

impl Ids {
    /// Where the kernel does not tell: the superuser may.
    pub fn of(actor: &Actor) -> Ids {
        if actor.uid == 0 { Ids::Keep } else { Ids::TakeAway }
    }
}

impl Fs {
    /// Takes away what must not survive a change of the file's content. The kernel is told, since its request
    /// was another.
    pub(super) fn take_privileges(
        &self,
        volume: &Volume,
        actor: &Arc<Actor>,
        ino: Ino,
        ids: Ids,
    ) -> Result<(), Errno> {
        let (mode, capable) = volume.with(|ns| (mode_without(ns, ino, ids), is_capable(ns, ino)));
        if mode.is_some() {
            let changes = AttributeChanges { mode, ..AttributeChanges::default() };
            volume.execute(actor, Command::SetAttributes { ino, changes })?;
        }
        if capable {
            volume.execute(actor, Command::RemoveXattr { ino, name: Name::new(CAPABILITIES) })?;
        }
        if (mode.is_some() || capable)
            && let Some(tell) = self.attributes_changed.get()
        {
            tell(Place::Present(ino).number()?);
        }
        Ok(())
    }
}

/// The permissions of a program without the right to run as its owner or its group, if it has one.
pub(super) fn mode_without(ns: &Namespace, ino: Ino, ids: Ids) -> Option<u32> {
    let inode = ns.inode(ino).filter(|inode| inode.kind == FileType::Regular && ids == Ids::TakeAway)?;
    let before = inode.attributes.mode & PERMISSION_BITS;
    // Without the group's execute bit, set-group-ID is no right to run.
    let taken = if before & GROUP_EXECUTE == 0 { SET_UID } else { SET_UID | SET_GID };
    (before & taken != 0).then_some(before & !taken)
}

fn is_capable(ns: &Namespace, ino: Ino) -> bool {
    ns.xattr(ino, CAPABILITIES).is_some()
}
