//! The path of file content: into blocks, and into an event that names them.

use std::sync::Arc;

use bytes::Bytes;
use firn_journal::{Actor, BlockRef, EventKind, Extent, Ino, PlacedExtent};

use super::live::{Live, Volume};
use crate::decide::{Command, Context, Errno, decide};
use crate::namespace::Namespace;

/// The open end of a sequential write.
pub(super) struct Tail {
    /// The namespace without the event.
    before: Namespace,
    ino: Ino,
    /// Bytes from the beginning of the file: where the next write continues.
    end: u64,
    /// Where the last block may not grow beyond: the next multiple of the block size.
    limit: u64,
    block: BlockRef,
}

impl Volume {
    /// Writes bytes into a file. In memory only: callers that can wait ask [`Volume::has_room`] first.
    ///
    /// # Errors
    /// `ENOENT`, `EISDIR`, `EINVAL` (not a regular file), `EFBIG`, `EROFS`.
    pub fn write(&self, actor: &Arc<Actor>, ino: Ino, offset: u64, data: &[u8]) -> Result<(), Errno> {
        let mut live = self.lock();
        live.writable()?;
        if data.is_empty() {
            return Ok(());
        }
        let written = self.grow_tail(&mut live, actor, ino, offset, data)?;
        if written < data.len() {
            self.write_blocks(&mut live, actor, ino, offset + written as u64, &data[written..])?;
        }
        drop(live);
        self.pending.notify_one();
        Ok(())
    }

    /// Puts as much as fits into the last event's block, if this write continues it. Answers how much.
    fn grow_tail(
        &self,
        live: &mut Live,
        actor: &Arc<Actor>,
        ino: Ino,
        offset: u64,
        data: &[u8],
    ) -> Result<usize, Errno> {
        let Some(tail) = live.tail.as_ref() else { return Ok(0) };
        let Some(last) = live.pending.last() else { return Ok(0) };
        if tail.ino != ino || tail.end != offset || last.actor != *actor {
            return Ok(0);
        }
        let take = data.len().min((tail.limit - tail.end) as usize);
        if take == 0 || !self.blocks.extend(tail.block, &data[..take]) {
            return Ok(0);
        }
        let Some(mut event) = live.pending.pop() else { return Ok(0) };
        live.pending_bytes -= event.most_bytes();
        event.time = live.tick(&*self.clock);
        if let EventKind::Written { len, extents, .. } = &mut event.kind {
            *len += take as u64;
            if let Some(placed) = extents.last_mut() {
                placed.extent.len += take as u32;
            }
        }
        let Some(mut tail) = live.tail.take() else { return Ok(0) };
        tail.end += take as u64;
        live.ns = tail.before.clone();
        live.record(event.time, actor, event.kind)?;
        live.tail = Some(tail);
        Ok(take)
    }

    /// Writes as one new event, in blocks that end at multiples of the block size, and leaves its end open.
    fn write_blocks(
        &self,
        live: &mut Live,
        actor: &Arc<Actor>,
        ino: Ino,
        offset: u64,
        data: &[u8],
    ) -> Result<(), Errno> {
        live.close_tail();
        let size = u64::from(self.history.manifest().block_size);
        let end = offset
            .checked_add(data.len() as u64)
            .filter(|end| i64::try_from(*end).is_ok())
            .ok_or(Errno::FBIG)?;
        let time = live.tick(&*self.clock);
        // Decided without content first, so that a refused write stages nothing.
        let refused_or_not = Command::Write { ino, offset, len: data.len() as u64, extents: Vec::new() };
        {
            let Live { ns, open, .. } = &*live;
            let is_open = |ino: Ino| open.contains_key(&ino);
            decide(ns, &refused_or_not, &Context { now: time, actor, is_open: &is_open })?;
        }
        let mut extents = Vec::with_capacity(data.len() / size as usize + 2);
        let mut at = offset;
        while at < end {
            let stop = end.min(at - at % size + size);
            let piece = &data[(at - offset) as usize..(stop - offset) as usize];
            let block = self.blocks.stage(Bytes::copy_from_slice(piece));
            extents.push(PlacedExtent {
                offset: at,
                extent: Extent { len: piece.len() as u32, skip: 0, block },
            });
            at = stop;
        }
        let Some(last) = extents.last().copied() else { return Ok(()) };
        let before = live.ns.clone();
        live.record(time, actor, EventKind::Written { ino, offset, len: data.len() as u64, extents })?;
        let limit = last.offset - last.offset % size + size;
        live.tail = Some(Tail { before, ino, end, limit, block: last.extent.block });
        Ok(())
    }
}
