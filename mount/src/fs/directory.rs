use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use firn_journal::Actor;
use firn_materializer::decide::Errno;

use super::Fs;
use super::actors::Caller;
use super::attr::Attr;
use super::cursor::{Cursor, Item};
use super::errno::BADF;
use super::node::Node;
use super::numbers::Place;
use super::tree::Tree;

/// A directory that is held open.
pub(super) struct Directory {
    pub node: Node,
    /// Who opened it.
    pub actor: Arc<Actor>,
    cursor: Mutex<Cursor>,
}

impl Directory {
    pub fn new(node: Node, actor: Arc<Actor>) -> Self {
        let cursor = Mutex::new(Cursor::of(&node));
        Directory { node, actor, cursor }
    }

    /// The listing: from the beginning, and of the present, if `offset` is 0.
    pub fn listing(&self, offset: u64) -> MutexGuard<'_, Cursor> {
        let mut cursor = self.cursor.lock().unwrap_or_else(PoisonError::into_inner);
        if offset == 0 {
            *cursor = Cursor::of(&self.node);
        }
        cursor
    }

    /// What `stat` tells of the lines, as of now: the kernel keeps it, so that it must not be of the time when
    /// the listing began. What is not there any more has none.
    pub fn attributes(&self, items: &[Item]) -> Vec<Option<Attr>> {
        let Node { ino: dir, ttl, place, .. } = self.node;
        self.node.tree.with(|ns| {
            let attribute = |item: &Item| match item.name.as_bytes() {
                b"." | b".." => match item.place {
                    Place::At(dir) => Attr::of_at(ns, dir).ok(),
                    place @ (Place::Present(ino) | Place::Past(_, ino)) => Attr::of(ns, ino, place, ttl).ok(),
                },
                name => {
                    let ino = ns.lookup(dir, name)?.ino;
                    Attr::of(ns, ino, place.beside(ino), ttl).ok()
                }
            };
            items.iter().map(attribute).collect()
        })
    }
}

impl Fs {
    /// Opens a directory for listing.
    ///
    /// # Errors
    /// `ESTALE` if it is gone.
    pub fn open_directory(&self, node: Node, caller: Caller) -> Result<u64, Errno> {
        if let Tree::Live(volume) = &node.tree {
            volume.opened(node.ino);
        }
        let actor = self.actors.actor(caller);
        if let Err(errno) = node.attributes() {
            self.closed(&node, &actor);
            return Err(errno);
        }
        Ok(self.directories.insert(Directory::new(node, actor)))
    }

    /// Closes a directory.
    pub fn release_directory(&self, handle: u64) {
        if let Some(directory) = self.directories.remove(handle) {
            self.closed(&directory.node, &directory.actor);
        }
    }

    /// Lists a directory from a line on, until `add` says that there is no more room. A listing from line 0 is
    /// of the directory as it is now; its later lines are of the same moment.
    ///
    /// # Errors
    /// `EBADF` for a handle that is not open.
    pub fn list(&self, handle: u64, offset: u64, mut add: impl FnMut(&Item) -> bool) -> Result<(), Errno> {
        let directory = self.directories.get(handle).ok_or(BADF)?;
        let mut cursor = directory.listing(offset);
        let mut at = offset;
        loop {
            let items = cursor.items(at);
            let Some(last) = items.last() else { return Ok(()) };
            at = last.next;
            if items.iter().any(&mut add) {
                return Ok(());
            }
        }
    }

    /// Lists a directory with what `stat` tells of each line; what is gone meanwhile is left out. The kernel is
    /// told of the lines that were added, but for `.` and `..`.
    ///
    /// # Errors
    /// `EBADF` for a handle that is not open.
    pub fn list_with_attributes(
        &self,
        handle: u64,
        offset: u64,
        mut add: impl FnMut(&Item, &Attr) -> bool,
    ) -> Result<(), Errno> {
        let directory = self.directories.get(handle).ok_or(BADF)?;
        let mut cursor = directory.listing(offset);
        let mut at = offset;
        loop {
            let items = cursor.items(at);
            let Some(last) = items.last() else { return Ok(()) };
            at = last.next;
            for (item, attr) in items.iter().zip(directory.attributes(&items)) {
                let Some(attr) = attr else { continue };
                if add(item, &attr) {
                    return Ok(());
                }
                if !matches!(item.name.as_bytes(), b"." | b"..") {
                    self.told_of(item.place);
                }
            }
        }
    }
}
