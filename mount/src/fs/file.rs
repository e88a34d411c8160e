use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use firn_journal::{Actor, Ino, PlacedExtent};
use firn_materializer::content;
use firn_materializer::decide::{Command, Errno};
use firn_materializer::namespace::Namespace;

use super::Fs;
use super::actors::Caller;
use super::errno::{BADF, NXIO, XDEV};
use super::node::Node;
use super::privileges::Ids;
use super::readahead::Readahead;
use super::tree::Tree;

/// A file that is held open.
pub(super) struct File {
    pub node: Node,
    /// Who opened it: whoever that is writes the pages that the kernel writes by itself.
    pub actor: Arc<Actor>,
    readahead: Mutex<Readahead>,
}

impl File {
    pub fn new(node: Node, actor: Arc<Actor>) -> Self {
        File { node, actor, readahead: Mutex::default() }
    }

    /// The tree to read from. An undo can take a file away under its reader.
    fn view(&self) -> Result<Namespace, Errno> {
        let ns = self.node.tree.now();
        if ns.inode(self.node.ino).is_some() { Ok(ns) } else { Err(Errno::STALE) }
    }
}

/// A write, but for its bytes.
#[derive(Clone, Copy, Debug)]
pub struct Write {
    /// Into which open file.
    pub handle: u64,
    /// Where, in bytes from the beginning.
    pub offset: u64,
    /// Who asked; absent if the kernel writes back pages that were changed through a mapping.
    pub caller: Option<Caller>,
    /// To the end of the file, wherever the kernel believes that to be.
    pub append: bool,
    /// Set-user-ID and set-group-ID of a program are to be taken away.
    pub take_ids: bool,
}

impl Fs {
    fn file(&self, handle: u64) -> Result<Arc<File>, Errno> {
        self.files.get(handle).ok_or(BADF)
    }

    /// Opens a file. `flags` as open(2) has them; the kernel has checked permissions, and truncates by itself.
    ///
    /// # Errors
    /// `EROFS` for writing into an instant; `ESTALE` if the file is gone.
    pub fn open(&self, node: Node, caller: Caller, flags: i32) -> Result<u64, Errno> {
        match &node.tree {
            Tree::Fixed(_) if flags & libc::O_ACCMODE != libc::O_RDONLY => return Err(Errno::ROFS),
            Tree::Fixed(_) => {}
            // Held first, looked at then: whoever removes it in between leaves it to us.
            Tree::Live(volume) => volume.opened(node.ino),
        }
        let actor = self.actors.actor(caller);
        if let Err(errno) = node.attributes() {
            self.closed(&node, &actor);
            return Err(errno);
        }
        Ok(self.files.insert(File::new(node, actor)))
    }

    /// The last descriptor of an open file was closed.
    pub fn release(&self, handle: u64) {
        if let Some(file) = self.files.remove(handle) {
            self.closed(&file.node, &file.actor);
        }
    }

    pub(super) fn closed(&self, node: &Node, actor: &Arc<Actor>) {
        if let Tree::Live(volume) = &node.tree {
            volume.closed(actor, node.ino);
        }
    }

    /// Bytes of an open file, if they are in memory; fewer than `len` only at the end of the file. What a
    /// sequential reader will ask for next is fetched meanwhile.
    ///
    /// # Errors
    /// `ESTALE` if the file is gone.
    pub fn try_read(&self, handle: u64, offset: u64, len: u32) -> Result<Option<Bytes>, Errno> {
        let file = self.file(handle)?;
        let ns = file.view()?;
        let ahead = {
            let mut readahead = file.readahead.lock().unwrap_or_else(PoisonError::into_inner);
            readahead.note(offset..offset.saturating_add(len.into()))
        };
        if let Some(range) = ahead {
            self.fetch_ahead(&ns, file.node.ino, range);
        }
        Ok(content::try_read(&ns, &self.blocks, file.node.ino, offset, len as usize))
    }

    fn fetch_ahead(&self, ns: &Namespace, ino: Ino, range: Range<u64>) {
        let blocks = content::upcoming(ns, ino, range);
        if !blocks.is_empty() {
            self.blocks.prefetch(blocks);
        }
    }

    /// Bytes of an open file, from wherever they are.
    ///
    /// # Errors
    /// `EIO`, with the reason in the log, if they cannot be had.
    pub async fn read(&self, handle: u64, offset: u64, len: u32) -> Result<Bytes, Errno> {
        let file = self.file(handle)?;
        let ns = file.view()?;
        content::read(&ns, &self.blocks, file.node.ino, offset, len as usize).await.map_err(|error| {
            tracing::error!(ino = file.node.ino.0, offset, %error, "content cannot be read");
            Errno::IO
        })
    }

    /// Writes into an open file. In memory: ask [`Fs::has_room`] before.
    ///
    /// # Errors
    /// As [`Volume::write`](firn_materializer::volume::Volume::write).
    pub fn write(&self, write: &Write, data: &[u8]) -> Result<(), Errno> {
        let file = self.file(write.handle)?;
        let Tree::Live(volume) = &file.node.tree else { return Err(Errno::ROFS) };
        let ino = file.node.ino;
        let actor = match write.caller {
            Some(caller) if caller.thread != 0 => self.actors.actor(caller),
            _ => file.actor.clone(),
        };
        let ids = if write.take_ids { Ids::TakeAway } else { Ids::Keep };
        self.take_privileges(volume, &actor, ino, ids)?;
        let mut offset = write.offset;
        if write.append && write.caller.is_some() {
            // The kernel's idea of the end may be from before an undo.
            offset =
                volume.with(|ns| ns.inode(ino).map(|inode| inode.attributes.size)).ok_or(Errno::STALE)?;
        }
        volume.write(&actor, ino, offset, data)
    }

    /// fallocate(2): `mode` as it has it.
    ///
    /// # Errors
    /// `EOPNOTSUPP` for collapsing and inserting ranges; `EROFS`; `EFBIG`.
    pub fn allocate(
        &self,
        handle: u64,
        caller: Caller,
        mode: i32,
        offset: u64,
        len: u64,
    ) -> Result<(), Errno> {
        let file = self.file(handle)?;
        let Tree::Live(volume) = &file.node.tree else { return Err(Errno::ROFS) };
        let ino = file.node.ino;
        let keep_size = mode & libc::FALLOC_FL_KEEP_SIZE != 0;
        let command = match mode & !libc::FALLOC_FL_KEEP_SIZE {
            // Space is never reserved, so that without a new size nothing happens.
            0 if keep_size => return Ok(()),
            0 => Command::Allocate { ino, offset, len },
            libc::FALLOC_FL_PUNCH_HOLE if keep_size => Command::Punch { ino, offset, len },
            libc::FALLOC_FL_ZERO_RANGE if keep_size => Command::Punch { ino, offset, len },
            libc::FALLOC_FL_ZERO_RANGE => Command::Zero { ino, offset, len },
            _ => return Err(Errno::OPNOTSUPP),
        };
        let actor = self.actors.actor(caller);
        self.take_privileges(volume, &actor, ino, Ids::of(&actor))?;
        volume.execute(&actor, command)?;
        Ok(())
    }

    /// Copies a range from one open file to another, by reference. Answers how many bytes.
    ///
    /// # Errors
    /// `EXDEV` from an instant, upon which the kernel copies the bytes; `EROFS` into one.
    pub fn copy(
        &self,
        caller: Caller,
        (from, from_offset): (u64, u64),
        (to, to_offset): (u64, u64),
        len: u64,
    ) -> Result<u32, Errno> {
        let (from, to) = (self.file(from)?, self.file(to)?);
        let Tree::Live(volume) = &to.node.tree else { return Err(Errno::ROFS) };
        let Tree::Live(_) = &from.node.tree else { return Err(XDEV) };
        let (from, to) = (from.node.ino, to.node.ino);
        // The answer has 32 bits.
        let len = len.min(u64::from(u32::MAX >> 12 << 12));
        let command = Command::CopyRange { from, from_offset, to, to_offset, len };
        let actor = self.actors.actor(caller);
        self.take_privileges(volume, &actor, to, Ids::of(&actor))?;
        let outcome = volume.execute(&actor, command)?;
        u32::try_from(outcome.copied).map_err(|_| Errno::IO)
    }

    /// lseek(2) with `SEEK_DATA` or `SEEK_HOLE`.
    ///
    /// # Errors
    /// `ENXIO` at or beyond the end, and if no data follows; `EINVAL` for another `whence`.
    pub fn seek(&self, handle: u64, offset: i64, whence: i32) -> Result<u64, Errno> {
        let file = self.file(handle)?;
        file.node.tree.with(|ns| {
            let size = ns.inode(file.node.ino).ok_or(Errno::STALE)?.attributes.size;
            let from = u64::try_from(offset).ok().filter(|from| *from < size).ok_or(NXIO)?;
            let extents = ns.extents(file.node.ino, from..size);
            match whence {
                libc::SEEK_DATA => next_data(extents).ok_or(NXIO),
                libc::SEEK_HOLE => Ok(next_hole(extents, from)),
                _ => Err(Errno::INVAL),
            }
        })
    }
}

/// Where the first of the extents begins.
fn next_data(mut extents: impl Iterator<Item = PlacedExtent>) -> Option<u64> {
    extents.next().map(|placed| placed.offset)
}

/// Where the extents leave out a byte at or after `from`.
fn next_hole(extents: impl Iterator<Item = PlacedExtent>, from: u64) -> u64 {
    let mut end = from;
    for placed in extents {
        if placed.offset > end {
            break;
        }
        end = placed.offset + u64::from(placed.extent.len);
    }
    end
}
