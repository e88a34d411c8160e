//! Makes a pack of staged blocks: checksums, finds duplicates, compresses.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use firn_journal::{BlockRef, Hash, PackHome, PackSeal, SegmentNo, VolumeId};
use zstd::bulk::Compressor;

use crate::dedup::DedupIndex;
use crate::pack::{self, Codec, HEADER_LEN, Owner, Place, Slot, Table};
use crate::staging::StagedPack;
use crate::tables::is_small;

const COMPRESSION_LEVEL: i32 = 1;
/// Bytes of work between two points at which other tasks may run.
const WORK_BETWEEN_YIELDS: usize = 256 << 10;
/// The smallest block that is looked for in other packs. A reader pays for an alias with another object's
/// table and range; for less than a page that is a bad bargain.
pub(crate) const LEAST_SHARED: usize = 4096;

/// A pack as it is stored.
pub(crate) struct Packed {
    /// The segment is not known yet, and the pack has a home of its own unless it is made to ride.
    pub seal: PackSeal,
    pub bytes: Bytes,
    pub table: Table,
}

/// What is kept of a pack from when it is stored until it is committed.
pub(crate) struct Kept {
    pub seal: PackSeal,
    pub table: Table,
    /// Everything before the table, if the pack is small.
    pub body: Option<Bytes>,
}

impl Packed {
    /// Lets go of the bytes, unless they are few.
    pub(crate) fn keep(self) -> Kept {
        let body_len = self.bytes.len() - self.seal.table_len as usize;
        let body = is_small(&self.seal).then(|| self.bytes.slice(..body_len));
        Kept { seal: self.seal, table: self.table, body }
    }
}

/// Compresses a closed pack, with a yield now and then: the work is done on the caller's task.
pub(crate) async fn pack(volume: VolumeId, staged: &StagedPack, dedup: &Mutex<DedupIndex>) -> Packed {
    let mut builder = Builder::new(volume, staged);
    let mut work = 0;
    for block in &staged.blocks {
        builder.add(block, dedup);
        work += block.len();
        if work >= WORK_BETWEEN_YIELDS {
            work = 0;
            tokio::task::yield_now().await;
        }
    }
    builder.finish()
}

thread_local! {
    // To make one costs more than to use it on a small block. `None` if the library could not make one: then
    // blocks are stored as they are.
    static COMPRESSOR: RefCell<Option<Compressor<'static>>> = RefCell::new(Compressor::new(COMPRESSION_LEVEL).ok());
}

struct Builder<'a> {
    staged: &'a StagedPack,
    body: Vec<u8>,
    slots: Vec<Slot>,
    /// Blocks of this pack.
    own: HashMap<Hash, u32>,
    scratch: Vec<u8>,
}

impl<'a> Builder<'a> {
    fn new(volume: VolumeId, staged: &'a StagedPack) -> Self {
        Builder {
            body: pack::header(Owner { volume, pack: staged.id }).to_vec(),
            slots: Vec::with_capacity(staged.blocks.len()),
            own: HashMap::with_capacity(staged.blocks.len()),
            scratch: Vec::new(),
            staged,
        }
    }

    fn add(&mut self, block: &Bytes, dedup: &Mutex<DedupIndex>) {
        let hash = Hash::of(block);
        let place = match self.stored_already(&hash, block.len(), dedup) {
            Some(target) => Place::Alias(target),
            None => {
                self.own.insert(hash, self.slots.len() as u32);
                self.store(block)
            }
        };
        self.slots.push(Slot { raw: block.len() as u32, hash, place });
    }

    fn stored_already(&self, hash: &Hash, len: usize, dedup: &Mutex<DedupIndex>) -> Option<BlockRef> {
        if let Some(slot) = self.own.get(hash) {
            return Some(BlockRef { pack: self.staged.id, slot: *slot });
        }
        if len < LEAST_SHARED {
            return None;
        }
        dedup.lock().unwrap_or_else(PoisonError::into_inner).find(hash)
    }

    fn store(&mut self, block: &Bytes) -> Place {
        let offset = self.body.len() as u64;
        let codec = if self.compress(block) { Codec::Zstd } else { Codec::Raw };
        let stored: &[u8] = if codec == Codec::Zstd { &self.scratch } else { block };
        self.body.extend_from_slice(stored);
        Place::Here { offset, stored: stored.len() as u32, codec }
    }

    /// Compresses into the scratch buffer; `false` if that does not make it smaller.
    fn compress(&mut self, block: &[u8]) -> bool {
        self.scratch.clear();
        self.scratch.reserve(zstd::zstd_safe::compress_bound(block.len()));
        COMPRESSOR.with_borrow_mut(|compressor| {
            let Some(compressor) = compressor else { return false };
            compressor.compress_to_buffer(block, &mut self.scratch).is_ok_and(|stored| stored < block.len())
        })
    }

    fn finish(mut self) -> Packed {
        debug_assert!(self.body.len() >= HEADER_LEN);
        let table = Table { slots: self.slots, body_hash: Hash::of(&self.body) };
        let tail = pack::encode_table(&table);
        let seal = PackSeal {
            pack: self.staged.id,
            segment: SegmentNo(0),
            home: PackHome::Object,
            len: (self.body.len() + tail.len()) as u64,
            table_len: tail.len() as u32,
            table_hash: Hash::of(&tail),
        };
        self.body.extend_from_slice(&tail);
        Packed { seal, bytes: self.body.into(), table }
    }
}
