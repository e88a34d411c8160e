//! Uncompressed blocks in memory.

use std::future::Future;

use bytes::Bytes;
use firn_journal::BlockRef;
use foyer::{Cache, CacheBuilder};

use crate::BlocksError;

/// What an entry costs besides its bytes.
const ENTRY_BYTES: usize = 256;

/// Blocks that were verified on their way in, as many as the budget allows.
pub(crate) struct Memory(Cache<BlockRef, Bytes>);

impl Memory {
    pub(crate) fn new(capacity: usize, block_size: u32) -> Self {
        let builder = CacheBuilder::new(capacity)
            .with_name("firn-memory")
            .with_shards(shards(capacity, block_size as usize))
            .with_weighter(|_: &BlockRef, bytes: &Bytes| ENTRY_BYTES + bytes.len());
        Memory(builder.build())
    }

    pub(crate) fn get(&self, block: BlockRef) -> Option<Bytes> {
        self.0.get(&block).map(|entry| entry.value().clone())
    }

    pub(crate) fn contains(&self, block: BlockRef) -> bool {
        self.0.contains(&block)
    }

    pub(crate) fn insert(&self, block: BlockRef, bytes: Bytes) {
        self.0.insert(block, bytes);
    }

    /// The block from memory or from `fetch`, which runs once for all who ask meanwhile, and to its end even
    /// if they go away.
    pub(crate) async fn get_or_fetch<F>(&self, block: BlockRef, fetch: F) -> Result<Bytes, BlocksError>
    where
        F: Future<Output = Result<Bytes, BlocksError>> + Send + 'static,
    {
        match self.0.get_or_fetch(&block, || fetch).await {
            Ok(entry) => Ok(entry.value().clone()),
            Err(error) => Err(error.downcast_ref().cloned().unwrap_or(BlocksError::Abandoned)),
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.0.usage()
    }

    pub(crate) fn capacity(&self) -> usize {
        self.0.capacity()
    }
}

/// As many parts as leave room for several of the largest entries in each: every part has a budget of its own.
pub(crate) fn shards(capacity: usize, largest: usize) -> usize {
    (capacity / (16 * largest).max(1)).clamp(1, 8)
}
