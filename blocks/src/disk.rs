//! The cache on disk: parts of packs as they are stored. It is never trusted and never needed.
//!
//! Whoever takes a part out of it verifies the part as if it came from the store. Whatever goes wrong here is
//! a miss: a directory that is deleted, full, shared with another process or filled with garbage costs time,
//! not answers.

use std::fs::File;
use std::hash::Hash;
use std::io::{Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use firn_journal::{BlockRef, PackId, VolumeId};
use foyer::{
    BlockEngineConfig, Code, DeviceBuilder, FsDeviceBuilder, HybridCache, HybridCacheBuilder,
    HybridCachePolicy, Load, RecoverMode,
};

use crate::config::DiskCacheConfig;

/// The longest part that is kept. Also the bound for what a damaged cache can make us allocate.
const LONGEST_PART: usize = 12 << 20;

/// Which part of which pack.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct PartKey {
    pack: u64,
    /// A slot, or [`PartKey::INDEX`].
    slot: u32,
}

impl PartKey {
    const INDEX: u32 = u32::MAX;

    /// The stored form of a block.
    pub(crate) fn block(block: BlockRef) -> Self {
        PartKey { pack: block.pack.to_u64(), slot: block.slot }
    }

    /// A pack's table, or all of a small pack.
    pub(crate) fn index(pack: PackId) -> Self {
        PartKey { pack: pack.to_u64(), slot: Self::INDEX }
    }
}

/// A part's bytes as the cache keeps them.
struct PartBytes(Bytes);

/// A directory's cache.
pub(crate) struct DiskCache {
    cache: HybridCache<PartKey, PartBytes>,
    warned: AtomicBool,
    /// Held while the cache is used: two processes would overwrite each other's parts.
    _lock: File,
}

impl DiskCache {
    /// Opens what is there, or begins anew; `None`, with a warning, if the directory cannot be used.
    pub(crate) async fn open(config: &DiskCacheConfig, volume: VolumeId) -> Option<Arc<DiskCache>> {
        if config.bytes < DiskCacheConfig::LEAST {
            tracing::warn!(
                bytes = config.bytes,
                least = DiskCacheConfig::LEAST,
                "the disk cache is too small; going without"
            );
            return None;
        }
        let dir = config.dir.join(volume.to_string());
        let lock = match lock(&dir) {
            Ok(lock) => lock,
            Err(error) => {
                tracing::warn!(dir = %dir.display(), %error, "no disk cache: its directory cannot be taken");
                return None;
            }
        };
        match open_cache(&dir, config.bytes).await {
            Ok(cache) => Some(Arc::new(DiskCache { cache, warned: AtomicBool::new(false), _lock: lock })),
            Err(error) => {
                tracing::warn!(dir = %dir.display(), %error, "no disk cache: it cannot be opened");
                None
            }
        }
    }

    /// The bytes that were kept for a part, if any. To be verified.
    pub(crate) async fn get(&self, key: PartKey) -> Option<Bytes> {
        let cache = self.cache.clone();
        // On a task of its own: should damaged files make the cache's code panic, that is a miss as well.
        match tokio::spawn(async move { cache.storage().load(&key).await }).await {
            Ok(Ok(Load::Entry { value, .. })) => Some(value.0),
            Ok(Ok(Load::Piece { piece, .. })) => Some(piece.value().0.clone()),
            Ok(Ok(Load::Miss | Load::Throttled)) => None,
            Ok(Err(error)) => {
                self.warn(&error.to_string());
                None
            }
            Err(error) => {
                self.warn(&error.to_string());
                None
            }
        }
    }

    /// Keeps a part that was verified, unless the disk is too slow to take it.
    pub(crate) fn put(&self, key: PartKey, bytes: &Bytes) {
        if bytes.len() <= LONGEST_PART {
            self.cache.storage_writer(key).insert(PartBytes(bytes.clone()));
        }
    }

    /// Drops a part that turned out to be damaged.
    pub(crate) fn forget(&self, key: PartKey) {
        self.warn("a part of a pack was damaged");
        self.cache.remove(&key);
    }

    /// Waits until everything is written that was kept.
    pub(crate) async fn flush(&self) {
        self.cache.storage().wait().await;
    }

    fn warn(&self, problem: &str) {
        if !self.warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(problem, "the disk cache is damaged; reading from the store instead");
        }
    }
}

fn lock(dir: &Path) -> std::io::Result<File> {
    std::fs::create_dir_all(dir)?;
    let file = File::create(dir.join("lock"))?;
    file.try_lock()?;
    Ok(file)
}

async fn open_cache(dir: &Path, bytes: u64) -> foyer::Result<HybridCache<PartKey, PartBytes>> {
    let device = FsDeviceBuilder::new(dir).with_capacity(bytes as usize).build()?;
    HybridCacheBuilder::new()
        .with_name("firn-blocks")
        .with_policy(HybridCachePolicy::WriteOnInsertion)
        .with_flush_on_close(false)
        // Its memory is not used: parts go straight to the disk and come back from there.
        .memory(1)
        .with_shards(1)
        .storage()
        .with_engine_config(BlockEngineConfig::new(device))
        .with_recover_mode(RecoverMode::Quiet)
        .build()
        .await
}

impl Code for PartKey {
    fn encode(&self, writer: &mut impl Write) -> foyer::Result<()> {
        self.pack.encode(writer)?;
        self.slot.encode(writer)
    }

    fn decode(reader: &mut impl Read) -> foyer::Result<Self> {
        Ok(PartKey { pack: u64::decode(reader)?, slot: u32::decode(reader)? })
    }

    fn estimated_size(&self) -> usize {
        12
    }
}

impl Code for PartBytes {
    fn encode(&self, writer: &mut impl Write) -> foyer::Result<()> {
        (self.0.len() as u32).encode(writer)?;
        Ok(writer.write_all(&self.0)?)
    }

    fn decode(reader: &mut impl Read) -> foyer::Result<Self> {
        let len = (u32::decode(reader)? as usize).min(LONGEST_PART);
        let mut bytes = vec![0; len];
        reader.read_exact(&mut bytes)?;
        Ok(PartBytes(bytes.into()))
    }

    fn estimated_size(&self) -> usize {
        4 + self.0.len()
    }
}
