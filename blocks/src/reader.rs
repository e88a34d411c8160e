//! The way of a committed block from wherever it is to who reads it, verified at every way in.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use firn_journal::{BlockRef, Hash, VolumeId};
use firn_store::Retrying;

use crate::directory::Directory;
use crate::disk::{DiskCache, PartKey};
use crate::memory::Memory;
use crate::objects::PackObject;
use crate::pack::{self, Place, Slot};
use crate::stats::CacheStats;
use crate::tables::{LoadedPack, Tables};
use crate::{BlocksError, Part};

/// Everything that reading takes.
pub(crate) struct Reader {
    pub volume: VolumeId,
    pub store: Retrying,
    pub directory: Directory,
    pub memory: Memory,
    pub tables: Tables,
    pub disk: Option<Arc<DiskCache>>,
    pub counters: Counters,
}

/// Since the start.
#[derive(Default)]
pub(crate) struct Counters {
    memory_hits: AtomicU64,
    disk_hits: AtomicU64,
    gets: AtomicU64,
    got_bytes: AtomicU64,
}

impl Reader {
    /// A block that is in memory.
    pub(crate) fn cached(&self, block: BlockRef) -> Option<Bytes> {
        let found = self.memory.get(block)?;
        self.counters.memory_hits.fetch_add(1, Ordering::Relaxed);
        Some(found)
    }

    /// A whole committed block.
    pub(crate) async fn block(self: &Arc<Self>, block: BlockRef) -> Result<Bytes, BlocksError> {
        if let Some(found) = self.cached(block) {
            return Ok(found);
        }
        let reader = self.clone();
        self.memory.get_or_fetch(block, async move { reader.load(block).await }).await
    }

    async fn load(self: &Arc<Self>, block: BlockRef) -> Result<Bytes, BlocksError> {
        let pack = self.tables.load(self, block.pack).await?;
        let slot = pack.slot(block)?;
        let Place::Alias(target) = slot.place else { return self.stored(&pack, block, slot).await };
        // It may be another block than the alias promises: then looking at both tables tells what is wrong.
        let promised = |found: &Bytes| found.len() == slot.raw as usize && Hash::of(found) == slot.hash;
        if let Some(found) = self.cached(target).filter(promised) {
            return Ok(found);
        }
        let other = self.aliased(&pack, block, target).await?;
        self.stored(&other, target, other.slot(target)?).await
    }

    /// The pack that holds what an alias stands for, after making sure that it is so.
    pub(crate) async fn aliased(
        self: &Arc<Self>,
        pack: &LoadedPack,
        alias: BlockRef,
        target: BlockRef,
    ) -> Result<Arc<LoadedPack>, BlocksError> {
        let other = self.tables.load(self, target.pack).await?;
        pack::check_alias(pack.slot(alias)?, other.slots().get(target.slot as usize))
            .map_err(|problem| pack.object.corrupt(Part::Slot(alias.slot), problem))?;
        Ok(other)
    }

    /// A block that is stored in this pack: from the pack if it is in memory, from the disk cache, from the store.
    async fn stored(&self, pack: &LoadedPack, block: BlockRef, slot: &Slot) -> Result<Bytes, BlocksError> {
        let corrupt = |problem| pack.object.corrupt(Part::Slot(block.slot), problem);
        let Place::Here { offset, stored, codec } = slot.place else {
            return Err(corrupt(pack::ALIAS_OF_ALIAS));
        };
        let decode = |bytes: &[u8]| pack::decode_block(bytes, slot, codec).map(Bytes::from);
        if let Some(bytes) = pack.stored(offset, stored) {
            return decode(&bytes).map_err(corrupt);
        }
        let key = PartKey::block(block);
        if let Some(disk) = &self.disk
            && let Some(bytes) = disk.get(key).await
        {
            match decode(&bytes) {
                Ok(raw) => {
                    self.counters.disk_hits.fetch_add(1, Ordering::Relaxed);
                    return Ok(raw);
                }
                Err(_) => disk.forget(key),
            }
        }
        let range = offset..offset + u64::from(stored);
        let bytes = self.get(&pack.object, range, Part::Slot(block.slot)).await?;
        let raw = decode(&bytes).map_err(corrupt)?;
        if let Some(disk) = &self.disk {
            disk.put(key, &bytes);
        }
        Ok(raw)
    }

    /// Bytes of a pack from the store.
    pub(crate) async fn get(
        &self,
        pack: &PackObject,
        range: Range<u64>,
        part: Part,
    ) -> Result<Bytes, BlocksError> {
        let bytes = pack.read(&self.store, range, part).await?;
        self.counters.gets.fetch_add(1, Ordering::Relaxed);
        self.counters.got_bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        Ok(bytes)
    }

    pub(crate) fn stats(&self) -> CacheStats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        CacheStats {
            memory_bytes: self.memory.bytes() as u64,
            memory_capacity: self.memory.capacity() as u64,
            has_disk: self.disk.is_some(),
            memory_hits: read(&self.counters.memory_hits),
            disk_hits: read(&self.counters.disk_hits),
            store_gets: read(&self.counters.gets),
            store_bytes: read(&self.counters.got_bytes),
        }
    }
}
