use std::path::PathBuf;
use std::time::Duration;

use crate::BlocksError;
use crate::pack::MAX_BLOCK;

/// What the user may tune. The default is meant for a developer's machine and an object store.
#[derive(Clone, Debug)]
pub struct BlocksConfig {
    /// Bytes of a whole block, uncompressed: 4 KiB to 8 MiB. The volume's manifest decides it.
    pub block_size: u32,
    /// Bytes, uncompressed, at which a pack is closed and its upload begins.
    pub pack_target: u64,
    /// The longest pack, in bytes as stored, that rides in its segment's object.
    pub rider_limit: u64,
    /// Bytes that are not durable yet, above which writers should wait.
    pub dirty_limit: u64,
    /// Bytes of uncompressed blocks kept in memory.
    pub memory_cache: usize,
    /// Bytes of pack tables, and of whole small packs, kept in memory.
    pub table_cache: usize,
    /// A cache on disk, if there is to be one.
    pub disk_cache: Option<DiskCacheConfig>,
    /// Bytes of memory for finding blocks that are stored already. 0: only duplicates in one pack are found.
    pub dedup_limit: usize,
    /// Blocks that are read ahead at the same time.
    pub readahead: usize,
    /// Packs that are compressed and uploaded at the same time.
    pub uploads_in_flight: usize,
    /// How long a read goes on trying a store that does not answer.
    pub read_patience: Duration,
}

/// A cache of stored blocks in a directory, which may be deleted at any time.
#[derive(Clone, Debug)]
pub struct DiskCacheConfig {
    /// The directory. Volumes may share it; of several processes with one volume, the first has the cache.
    pub dir: PathBuf,
    /// Its limit in bytes, at least [`DiskCacheConfig::LEAST`].
    pub bytes: u64,
}

impl DiskCacheConfig {
    /// The smallest cache, in bytes. Below it, there is no cache on disk.
    pub const LEAST: u64 = 64 << 20;
}

impl Default for BlocksConfig {
    fn default() -> Self {
        BlocksConfig {
            block_size: 1 << 20,
            pack_target: 16 << 20,
            rider_limit: 1 << 20,
            dirty_limit: 256 << 20,
            memory_cache: 256 << 20,
            table_cache: 32 << 20,
            disk_cache: None,
            dedup_limit: 64 << 20,
            readahead: 8,
            uploads_in_flight: 4,
            read_patience: Duration::from_secs(30),
        }
    }
}

impl BlocksConfig {
    /// The smallest block size, in bytes.
    pub const LEAST_BLOCK: u32 = 4096;

    pub(crate) fn check(&self) -> Result<(), BlocksError> {
        let refuse = |what, found: u64, expected| Err(BlocksError::Config { what, found, expected });
        if !(Self::LEAST_BLOCK..=MAX_BLOCK).contains(&self.block_size) {
            return refuse("block_size", self.block_size.into(), "4096 to 8388608 bytes");
        }
        if self.pack_target == 0 || self.pack_target > 1 << 30 {
            return refuse("pack_target", self.pack_target, "1 byte to 1 GiB");
        }
        if self.dirty_limit == 0 {
            return refuse("dirty_limit", 0, "at least 1 byte");
        }
        if self.uploads_in_flight == 0 {
            return refuse("uploads_in_flight", 0, "at least 1");
        }
        Ok(())
    }
}
