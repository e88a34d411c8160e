//! What has arrived and is not durable yet. Pure: in memory, no IO, no tasks.
//!
//! Blocks are put into the open pack, which is closed when it is large enough or when it is cut. A closed
//! pack never changes and stays here, readable, until its segment is durable.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use firn_journal::{BlockRef, Epoch, PackId};

use crate::pack::MAX_SLOTS;

/// A closed pack.
#[derive(Debug)]
pub(crate) struct StagedPack {
    pub id: PackId,
    /// The blocks, in the order of their slots.
    pub blocks: Vec<Bytes>,
    /// Bytes of all blocks.
    pub bytes: u64,
}

/// The pack that takes new blocks.
struct OpenPack {
    id: PackId,
    blocks: Vec<Bytes>,
    /// The last block while it grows; its slot is `blocks.len()`.
    tail: Option<Vec<u8>>,
    bytes: u64,
}

/// What a cut takes: closed packs, each with the `U` that was started for it, and the one closed by the cut.
pub(crate) struct Taken<U> {
    pub started: Vec<U>,
    pub last: Option<Arc<StagedPack>>,
}

/// Staged blocks. `U` is whatever the caller starts for a pack that is full: its upload.
pub(crate) struct Staging<U> {
    block_size: u32,
    pack_target: u64,
    epoch: Option<Epoch>,
    next_number: u32,
    open: Option<OpenPack>,
    closed: BTreeMap<PackId, Arc<StagedPack>>,
    started: Vec<U>,
    dirty: u64,
}

impl<U> Staging<U> {
    pub(crate) fn new(block_size: u32, pack_target: u64) -> Self {
        Staging {
            block_size,
            pack_target,
            epoch: None,
            next_number: 0,
            open: None,
            closed: BTreeMap::new(),
            started: Vec::new(),
            dirty: 0,
        }
    }

    /// Names the packs that follow. What an earlier epoch left here is dropped: it can no longer be committed.
    pub(crate) fn begin_epoch(&mut self, epoch: Epoch) {
        let (block_size, pack_target) = (self.block_size, self.pack_target);
        *self = Staging { epoch: Some(epoch), ..Staging::new(block_size, pack_target) };
    }

    /// Bytes that are not durable yet.
    pub(crate) fn dirty(&self) -> u64 {
        self.dirty
    }

    /// Takes a block. `start` is called with a pack that has become full.
    ///
    /// # Panics
    /// If no epoch was begun, or if the block is empty or larger than a block.
    pub(crate) fn stage(&mut self, data: Bytes, start: impl FnOnce(Arc<StagedPack>) -> U) -> BlockRef {
        let epoch = self.epoch.expect("begin_epoch comes before stage");
        assert!(
            (1..=self.block_size as usize).contains(&data.len()),
            "a block has 1 to {} bytes",
            self.block_size
        );
        let open = self.open.get_or_insert_with(|| {
            let id = PackId { epoch, number: self.next_number };
            self.next_number += 1;
            OpenPack { id, blocks: Vec::new(), tail: None, bytes: 0 }
        });
        open.freeze_tail();
        let block = BlockRef { pack: open.id, slot: open.blocks.len() as u32 };
        open.bytes += data.len() as u64;
        self.dirty += data.len() as u64;
        open.blocks.push(data);
        self.close_if_full(start);
        block
    }

    /// Appends to the last block of the open pack, if it is that one and if the bytes fit.
    pub(crate) fn extend(
        &mut self,
        block: BlockRef,
        data: &[u8],
        start: impl FnOnce(Arc<StagedPack>) -> U,
    ) -> bool {
        let block_size = self.block_size as usize;
        let grown = self.open.as_mut().is_some_and(|open| open.extend(block, data, block_size));
        if grown {
            self.dirty += data.len() as u64;
            self.close_if_full(start);
        }
        grown
    }

    fn close_if_full(&mut self, start: impl FnOnce(Arc<StagedPack>) -> U) {
        let full = |open: &OpenPack| open.bytes >= self.pack_target || open.slots() >= MAX_SLOTS;
        if self.open.as_ref().is_some_and(full)
            && let Some(pack) = self.close()
        {
            self.started.push(start(pack));
        }
    }

    fn close(&mut self) -> Option<Arc<StagedPack>> {
        let mut open = self.open.take()?;
        open.freeze_tail();
        let pack = Arc::new(StagedPack { id: open.id, blocks: open.blocks, bytes: open.bytes });
        self.closed.insert(pack.id, pack.clone());
        Some(pack)
    }

    /// Closes the open pack, and takes what was closed since the last cut.
    pub(crate) fn cut(&mut self) -> Taken<U> {
        Taken { last: self.close(), started: std::mem::take(&mut self.started) }
    }

    /// A closed pack that is not released yet.
    pub(crate) fn closed(&self, pack: PackId) -> Option<Arc<StagedPack>> {
        self.closed.get(&pack).cloned()
    }

    /// Whether this pack is open, or closed and not released.
    pub(crate) fn holds(&self, pack: PackId) -> bool {
        self.open.as_ref().is_some_and(|open| open.id == pack) || self.closed.contains_key(&pack)
    }

    /// Forgets a pack, which is durable.
    pub(crate) fn release(&mut self, pack: PackId) {
        if let Some(pack) = self.closed.remove(&pack) {
            self.dirty -= pack.bytes;
        }
    }

    /// Bytes of a staged block, from `skip` on: `len` of them, or all that there are. Copies only what a block
    /// that may still grow is asked for. `Err` is the block's length, if it does not reach so far.
    pub(crate) fn read(&self, block: BlockRef, skip: u32, len: Option<u32>) -> Option<Result<Bytes, u32>> {
        let slot = block.slot as usize;
        if let Some(open) = self.open.as_ref().filter(|open| open.id == block.pack) {
            return match (open.blocks.get(slot), &open.tail) {
                (Some(frozen), _) => Some(part_of(frozen, skip, len)),
                (None, Some(tail)) if slot == open.blocks.len() => {
                    Some(range_in(tail.len(), skip, len).map(|range| Bytes::copy_from_slice(&tail[range])))
                }
                _ => Some(Err(0)),
            };
        }
        let pack = self.closed.get(&block.pack)?;
        Some(pack.blocks.get(slot).map_or(Err(0), |frozen| part_of(frozen, skip, len)))
    }
}

impl OpenPack {
    fn slots(&self) -> usize {
        self.blocks.len() + usize::from(self.tail.is_some())
    }

    fn extend(&mut self, block: BlockRef, data: &[u8], block_size: usize) -> bool {
        let is_last = block.pack == self.id && block.slot as usize + 1 == self.slots();
        let len = self.tail.as_ref().map(Vec::len).or_else(|| self.blocks.last().map(Bytes::len));
        let fits = len.and_then(|len| len.checked_add(data.len())).is_some_and(|end| end <= block_size);
        if !is_last || !fits {
            return false;
        }
        // Of a block that nobody else reads at this moment, the memory is taken over without a copy.
        let mut tail = self.tail.take().or_else(|| self.blocks.pop().map(Vec::from)).unwrap_or_default();
        let end = tail.len() + data.len();
        if end > tail.capacity() {
            // Doubled, as a Vec does, but never beyond the block size.
            tail.reserve_exact((2 * end).min(block_size) - tail.len());
        }
        tail.extend_from_slice(data);
        self.bytes += data.len() as u64;
        self.tail = Some(tail);
        true
    }

    fn freeze_tail(&mut self) {
        if let Some(mut tail) = self.tail.take() {
            tail.shrink_to_fit();
            self.blocks.push(Bytes::from(tail));
        }
    }
}

/// `skip..skip + len` in something of `total` bytes; an error is `total`.
pub(crate) fn range_in(total: usize, skip: u32, len: Option<u32>) -> Result<std::ops::Range<usize>, u32> {
    let skip = skip as usize;
    let end = len.map_or(total, |len| skip.saturating_add(len as usize));
    if skip > end || end > total {
        return Err(total as u32);
    }
    Ok(skip..end)
}

/// A range of frozen bytes, without a copy.
pub(crate) fn part_of(bytes: &Bytes, skip: u32, len: Option<u32>) -> Result<Bytes, u32> {
    range_in(bytes.len(), skip, len).map(|range| bytes.slice(range))
}
