//! The public face: the writer's side, and the way into the reader's.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use firn_journal::{BlockRef, Epoch, PackHome, PackId, PackSeal, SegmentNo, VolumeId};
use firn_store::{Patience, Retrying, StoreHealth};
use object_store::ObjectStore;
use tokio::runtime::Handle;
use tokio::sync::{Notify, Semaphore};

use crate::dedup::DedupIndex;
use crate::directory::Directory;
use crate::disk::DiskCache;
use crate::memory::Memory;
use crate::pack::Place;
use crate::reader::Reader;
use crate::seal::{Kept, Packed};
use crate::staging::{Staging, Taken, part_of};
use crate::tables::{LoadedPack, Tables};
use crate::upload::{Upload, Uploader};
use crate::{BlocksConfig, BlocksError, CacheStats};

/// The blocks of a volume: new ones on their way to the store, and all others on their way back.
pub struct Blocks {
    dirty_limit: u64,
    rider_limit: u64,
    /// Staging is called from threads that belong to no runtime.
    runtime: Handle,
    staging: Mutex<Staging<Upload>>,
    /// Stored packs that are not committed yet.
    kept: Mutex<BTreeMap<PackId, Kept>>,
    uploader: Arc<Uploader>,
    room: Notify,
    reader: Arc<Reader>,
    prefetches: Arc<Semaphore>,
}

/// What was staged between two cuts; for [`Blocks::seal`].
#[must_use = "what was cut is stored by seal"]
pub struct Cut(Taken<Upload>);

/// What a segment must say, and carry, so that the blocks of a cut can be found.
#[derive(Clone, Debug, Default)]
pub struct Sealed {
    /// The packs, without their segment. All but one that rides are stored already.
    pub seals: Vec<PackSeal>,
    /// The bytes of the pack that rides; empty if none does. The journal fills in its offset.
    pub rider: Bytes,
}

impl Blocks {
    /// Opens the blocks of a volume whose root the store is. Tasks are spawned on the runtime that this runs on.
    ///
    /// # Errors
    /// [`BlocksError::Config`]. A disk cache that cannot be used is no error.
    pub async fn open(
        store: Arc<dyn ObjectStore>,
        volume: VolumeId,
        config: BlocksConfig,
        health: StoreHealth,
    ) -> Result<Arc<Blocks>, BlocksError> {
        config.check()?;
        let disk = match &config.disk_cache {
            Some(disk) => DiskCache::open(disk, volume).await,
            None => None,
        };
        let store = Retrying::new(store, health, Patience::Forever);
        let reader = Reader {
            volume,
            store: store.with_patience(Patience::UpTo(config.read_patience)),
            directory: Directory::default(),
            memory: Memory::new(config.memory_cache, config.block_size),
            tables: Tables::new(config.table_cache),
            disk,
            counters: Default::default(),
        };
        let dedup = Mutex::new(DedupIndex::new(config.dedup_limit));
        let uploader = Uploader { volume, store, dedup, permits: Semaphore::new(config.uploads_in_flight) };
        Ok(Arc::new(Blocks {
            dirty_limit: config.dirty_limit,
            rider_limit: config.rider_limit,
            runtime: Handle::current(),
            staging: Mutex::new(Staging::new(config.block_size, config.pack_target)),
            kept: Mutex::default(),
            uploader: Arc::new(uploader),
            room: Notify::new(),
            reader: Arc::new(reader),
            prefetches: Arc::new(Semaphore::new(config.readahead)),
        }))
    }

    /// Names the writer's turn that the packs to come belong to. What an earlier turn staged is dropped, since
    /// nobody can commit it any more. A reader never calls it.
    pub fn begin_epoch(&self, epoch: Epoch) {
        self.staging().begin_epoch(epoch);
        lock(&self.kept).clear();
        self.room.notify_waiters();
    }

    /// Takes a block of 1 byte up to the block size, and says what events may call it. In memory only. `data`
    /// should own its memory, not share it with something larger: it is kept while it is useful.
    ///
    /// # Panics
    /// If no epoch was begun, or if `data` is empty or too long.
    pub fn stage(&self, data: Bytes) -> BlockRef {
        self.staging().stage(data, |full| self.uploader.start(&self.runtime, full))
    }

    /// Appends to a block, if it is the one staged last, if its pack is still open and if it does not become
    /// larger than a block. `false`: nothing was done, and a new block is to be staged.
    pub fn extend(&self, block: BlockRef, data: &[u8]) -> bool {
        self.staging().extend(block, data, |full| self.uploader.start(&self.runtime, full))
    }

    /// Bytes staged whose segment is not durable yet.
    pub fn dirty_bytes(&self) -> u64 {
        self.staging().dirty()
    }

    /// Whether more should be staged at present. Advice: staging always succeeds.
    pub fn has_room(&self) -> bool {
        self.dirty_bytes() < self.dirty_limit
    }

    /// Waits until there is room: until enough of what is staged was committed.
    pub async fn room(&self) {
        loop {
            let freed = self.room.notified();
            tokio::pin!(freed);
            // From here on no commit is missed, also one that comes before the wait.
            freed.as_mut().enable();
            if self.has_room() {
                return;
            }
            freed.await;
        }
    }

    /// Closes what was staged since the last cut.
    pub fn cut(&self) -> Cut {
        Cut(self.staging().cut())
    }

    /// Compresses what was cut and stores it, all but a last pack that is small enough to ride in the segment's
    /// object. After it, the segment may be put. To be dropped only if the cut will never be committed.
    ///
    /// # Errors
    /// [`BlocksError::Store`] if the store refuses for good; what can be repeated is repeated forever.
    pub async fn seal(&self, cut: Cut) -> Result<Sealed, BlocksError> {
        let Taken { started, last } = cut.0;
        let mut rider = Bytes::new();
        // First the pack that nobody compresses yet, while the others are under way.
        let last = match last {
            Some(staged) => Some(self.seal_last(self.uploader.pack(&staged).await, &mut rider).await?),
            None => None,
        };
        let mut kept = Vec::with_capacity(started.len() + 1);
        for upload in started {
            kept.push(upload.finish().await?);
        }
        kept.extend(last);
        let seals = kept.iter().map(|pack| pack.seal).collect();
        lock(&self.kept).extend(kept.into_iter().map(|pack| (pack.seal.pack, pack)));
        Ok(Sealed { seals, rider })
    }

    async fn seal_last(&self, mut packed: Packed, rider: &mut Bytes) -> Result<Kept, BlocksError> {
        if packed.seal.len > self.rider_limit {
            let _permit = self.uploader.permit().await?;
            return self.uploader.put(packed).await;
        }
        packed.seal.home = PackHome::Rider { offset: 0 };
        *rider = packed.bytes.clone();
        Ok(packed.keep())
    }

    /// The segment with these seals is durable: its blocks are read from the caches and from the store now, and
    /// may stand for blocks to come.
    pub fn committed(&self, seals: &[PackSeal]) {
        self.learn(seals);
        for seal in seals {
            let kept = lock(&self.kept).remove(&seal.pack);
            let staged = self.staging().closed(seal.pack);
            let (Some(kept), Some(staged)) = (kept, staged) else { continue };
            let pack = Arc::new(LoadedPack::written(seal, kept));
            self.remember(&pack);
            for (slot, block) in (0..).zip(&staged.blocks) {
                self.reader.memory.insert(BlockRef { pack: seal.pack, slot }, block.clone());
            }
            self.reader.tables.insert(pack);
            // Last, so that a reader finds the block here or there at any time.
            self.staging().release(seal.pack);
        }
        self.room.notify_waiters();
    }

    fn remember(&self, pack: &LoadedPack) {
        let mut dedup = lock(&self.uploader.dedup);
        for (number, slot) in (0..).zip(pack.slots()) {
            if matches!(slot.place, Place::Here { .. }) && slot.raw as usize >= crate::seal::LEAST_SHARED {
                dedup.remember(slot.hash, BlockRef { pack: pack.object.pack, slot: number });
            }
        }
    }

    /// Learns where packs are: from segments that were replayed, or from a snapshot file.
    pub fn learn(&self, seals: &[PackSeal]) {
        self.reader.directory.learn(seals);
    }

    /// The packs that segments up to `up_to` commit, as far as they were learned, in the order of their ids.
    pub fn known_packs(&self, up_to: SegmentNo) -> Vec<PackSeal> {
        self.reader.directory.up_to(up_to)
    }

    /// A whole block, if that takes no IO: a staged one as it is now, or one in the memory cache.
    pub fn read_cached(&self, block: BlockRef) -> Option<Bytes> {
        let staged = self.staging().read(block, 0, None);
        match staged {
            Some(found) => found.ok(),
            None => self.reader.cached(block),
        }
    }

    /// `len` bytes of a block, from `skip` on, if that takes no IO and if it has them. Of a block that still
    /// grows, only these bytes are copied; of others, none.
    pub fn read_cached_range(&self, block: BlockRef, skip: u32, len: u32) -> Option<Bytes> {
        let staged = self.staging().read(block, skip, Some(len));
        match staged {
            Some(found) => found.ok(),
            None => part_of(&self.reader.cached(block)?, skip, Some(len)).ok(),
        }
    }

    /// A whole block, verified.
    ///
    /// # Errors
    /// See [`BlocksError`]: unknown, missing or corrupt packs are named.
    pub async fn read(&self, block: BlockRef) -> Result<Bytes, BlocksError> {
        let staged = self.staging().read(block, 0, None);
        match staged {
            Some(found) => found.map_err(|len| BlocksError::OutOfRange { block, skip: 0, wanted: 0, len }),
            None => self.reader.block(block).await,
        }
    }

    /// `len` bytes of a block, from `skip` on, verified.
    ///
    /// # Errors
    /// As [`Blocks::read`], and [`BlocksError::OutOfRange`].
    pub async fn read_range(&self, block: BlockRef, skip: u32, len: u32) -> Result<Bytes, BlocksError> {
        let staged = self.staging().read(block, skip, Some(len));
        let found = match staged {
            Some(found) => found,
            None => part_of(&self.reader.block(block).await?, skip, Some(len)),
        };
        found.map_err(|has| BlocksError::OutOfRange { block, skip, wanted: len, len: has })
    }

    /// Begins to read blocks that will be wanted soon. Best effort: what would be too much at once is left out.
    pub fn prefetch(&self, blocks: Vec<BlockRef>) {
        for block in blocks {
            if self.reader.memory.contains(block) || self.staging().holds(block.pack) {
                continue;
            }
            let Ok(permit) = self.prefetches.clone().try_acquire_owned() else { return };
            let reader = self.reader.clone();
            self.runtime.spawn(async move {
                if let Err(error) = reader.block(block).await {
                    tracing::debug!(?block, %error, "reading ahead failed");
                }
                drop(permit);
            });
        }
    }

    /// How the caches do.
    pub fn cache_stats(&self) -> CacheStats {
        self.reader.stats()
    }

    /// Reads a whole pack from the store, past all caches, and compares its header, its table and every block
    /// with their checksums.
    ///
    /// # Errors
    /// The first thing that is missing or corrupt, by key and part.
    pub async fn verify_pack(&self, seal: &PackSeal) -> Result<(), BlocksError> {
        self.reader.verify(seal).await
    }

    /// Waits until the disk cache, if there is one, has written what it was given. For a warm start next time.
    pub async fn flush_cache(&self) {
        if let Some(disk) = &self.reader.disk {
            disk.flush().await;
        }
    }

    fn staging(&self) -> MutexGuard<'_, Staging<Upload>> {
        lock(&self.staging)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
