//! A volume for tests: a store that can be watched and held up, and a journal that is no more than its seals.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use firn_journal::{BlockRef, Epoch, PackHome, PackSeal, SegmentNo, VolumeId};
use firn_store::{Key, StoreHealth};
use futures::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, ObjectStoreExt,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use tokio::sync::Semaphore;

use crate::{Blocks, BlocksConfig, Sealed};

/// What stands before a rider in its segment's object.
pub const SEGMENT_LEN: u64 = 77;

/// A volume without a journal.
pub struct World {
    pub store: Arc<Watched>,
    pub epoch: Epoch,
    pub committed: Vec<PackSeal>,
    segments: u64,
}

impl World {
    pub fn new() -> World {
        World { store: Arc::default(), epoch: Epoch(0), committed: Vec::new(), segments: 0 }
    }

    /// A writer, in an epoch of its own.
    pub async fn open(&mut self, config: BlocksConfig) -> Arc<Blocks> {
        let blocks = self.reader(config).await;
        self.epoch.0 += 1;
        blocks.begin_epoch(self.epoch);
        blocks
    }

    pub async fn reader(&self, config: BlocksConfig) -> Arc<Blocks> {
        let store: Arc<dyn ObjectStore> = self.store.clone();
        let blocks = Blocks::open(store, VolumeId([7; 16]), config, StoreHealth::default()).await.unwrap();
        blocks.learn(&self.committed);
        blocks
    }

    /// Puts the segment that commits these packs, and says what the journal says of them then.
    pub async fn put_segment(&mut self, sealed: Sealed) -> Vec<PackSeal> {
        self.segments += 1;
        let mut object = vec![0xee; SEGMENT_LEN as usize];
        object.extend_from_slice(&sealed.rider);
        self.store.put(&Key::Segment(self.segments).path(), PutPayload::from(object)).await.unwrap();
        let mut seals = sealed.seals;
        for seal in &mut seals {
            seal.segment = SegmentNo(self.segments);
            if let PackHome::Rider { offset } = &mut seal.home {
                *offset = SEGMENT_LEN;
            }
        }
        self.committed.extend_from_slice(&seals);
        seals
    }

    /// Commits everything that is staged.
    pub async fn commit(&mut self, blocks: &Blocks) -> Vec<PackSeal> {
        let sealed = blocks.seal(blocks.cut()).await.unwrap();
        let seals = self.put_segment(sealed).await;
        blocks.committed(&seals);
        seals
    }

    /// Changes an object behind everybody's back.
    pub async fn tamper(&self, key: Key, change: impl FnOnce(&mut Vec<u8>)) {
        let mut bytes = self.object(key).await;
        change(&mut bytes);
        self.store.inner.put(&key.path(), PutPayload::from(bytes)).await.unwrap();
    }

    pub async fn object(&self, key: Key) -> Vec<u8> {
        self.store.inner.get(&key.path()).await.unwrap().bytes().await.unwrap().to_vec()
    }
}

/// Small blocks and packs, so that little data makes many; no memory to hide behind.
pub fn small() -> BlocksConfig {
    BlocksConfig {
        block_size: 4096,
        pack_target: 12 << 10,
        rider_limit: 2 << 10,
        dirty_limit: 64 << 10,
        memory_cache: 0,
        table_cache: 0,
        dedup_limit: 16 << 10,
        ..BlocksConfig::default()
    }
}

/// Bytes that do not compress, the same for the same seed.
pub fn noise(seed: u64, len: usize) -> Bytes {
    let mut bytes = vec![0; len];
    blake3::Hasher::new().update(&seed.to_le_bytes()).finalize_xof().fill(&mut bytes);
    bytes.into()
}

/// Bytes that compress.
pub fn text(seed: u64, len: usize) -> Bytes {
    format!("line {seed} of many. ").into_bytes().into_iter().cycle().take(len).collect()
}

/// Runs on one thread, under a paused clock.
pub fn run<F: Future>(test: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.unwrap().block_on(test)
}

pub async fn check(blocks: &Blocks, block: BlockRef, expected: &[u8]) {
    assert!(blocks.read(block).await.unwrap() == expected, "{block:?} is another block");
}

/// A store in memory that counts, and whose puts can be held up.
#[derive(Debug)]
pub struct Watched {
    inner: InMemory,
    pub gate: Semaphore,
    pub puts: AtomicUsize,
    pub puts_in_flight: AtomicUsize,
    pub most_puts_in_flight: AtomicUsize,
    pub gets: AtomicUsize,
}

impl Default for Watched {
    fn default() -> Self {
        Watched {
            inner: InMemory::new(),
            gate: Semaphore::new(Semaphore::MAX_PERMITS / 2),
            puts: AtomicUsize::default(),
            puts_in_flight: AtomicUsize::default(),
            most_puts_in_flight: AtomicUsize::default(),
            gets: AtomicUsize::default(),
        }
    }
}

impl Watched {
    /// From now on, puts wait until permits are added to the gate.
    pub fn hold_puts(&self) {
        self.gate.forget_permits(Semaphore::MAX_PERMITS);
    }

    pub fn gets(&self) -> usize {
        self.gets.load(Ordering::SeqCst)
    }
}

impl fmt::Display for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("watched://")
    }
}

#[async_trait]
impl ObjectStore for Watched {
    async fn put_opts(&self, path: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        let in_flight = self.puts_in_flight.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_puts_in_flight.fetch_max(in_flight, Ordering::SeqCst);
        // A permit is used up; only a test that holds puts comes to the end of them.
        self.gate.acquire().await.unwrap().forget();
        let answer = self.inner.put_opts(path, payload, options).await;
        self.puts_in_flight.fetch_sub(1, Ordering::SeqCst);
        self.puts.fetch_add(1, Ordering::SeqCst);
        answer
    }

    async fn put_multipart_opts(
        &self,
        path: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(path, options).await
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        self.gets.fetch_add(1, Ordering::SeqCst);
        self.inner.get_opts(path, options).await
    }

    fn delete_stream(&self, paths: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(paths)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}
