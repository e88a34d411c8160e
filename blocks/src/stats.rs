/// How the block caches do. Counts are since the volume was opened.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct CacheStats {
    /// Bytes that the memory cache holds.
    pub memory_bytes: u64,
    /// Bytes that it may hold.
    pub memory_capacity: u64,
    /// Whether there is a cache on disk.
    pub has_disk: bool,
    /// Blocks that were found in memory.
    pub memory_hits: u64,
    /// Blocks that were found in the cache on disk.
    pub disk_hits: u64,
    /// Requests for parts of packs that the store answered.
    pub store_gets: u64,
    /// Bytes that it sent.
    pub store_bytes: u64,
}
