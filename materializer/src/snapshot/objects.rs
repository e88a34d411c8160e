//! The objects of a snapshot file, in the store.

use std::sync::Arc;

use bytes::Bytes;
use firn_journal::{SegmentNo, Seq};
use firn_store::keys::{self, SnapshotObject};
use futures::TryStreamExt;
use object_store::ObjectStore;
use object_store::path::Path;
use tokio::task::yield_now;

use super::v1::TableEntry;
use super::{Damage, SnapshotError, SnapshotId};

/// The longest object that all stores take in one put, in bytes.
const MAX_TABLE: u64 = 5_000_000_000;
/// The longest table of contents that is read, in bytes. Real ones have about one thousand.
const MAX_TOC: u64 = 64 * 1024;
/// Bytes that are hashed between two yields.
const HASH_STEP: usize = 4 * 1024 * 1024;

/// One snapshot file's objects.
pub struct Folder<'a> {
    store: &'a Arc<dyn ObjectStore>,
    id: SnapshotId,
}

impl<'a> Folder<'a> {
    pub fn new(store: &'a Arc<dyn ObjectStore>, id: SnapshotId) -> Self {
        Folder { store, id }
    }

    /// The key of one of them.
    pub fn key(&self, object: SnapshotObject) -> Path {
        keys::snapshot(self.id.seq.0, self.id.segment.0, object)
    }

    /// The error that says what is wrong with one of them.
    pub fn damaged(&self, object: SnapshotObject, damage: Damage) -> SnapshotError {
        SnapshotError::Damaged { object: self.key(object).to_string(), damage }
    }

    /// The table of contents, not verified.
    pub async fn get_toc(&self) -> Result<Bytes, SnapshotError> {
        Ok(firn_store::get_range(self.store, &self.key(SnapshotObject::Toc), 0..MAX_TOC).await?)
    }

    /// A table, verified.
    pub async fn get(&self, object: SnapshotObject, entry: &TableEntry) -> Result<Bytes, SnapshotError> {
        if entry.len > MAX_TABLE {
            return Err(self.too_long(object, entry.len));
        }
        let bytes = firn_store::get_range(self.store, &self.key(object), 0..entry.len).await?;
        if bytes.len() as u64 != entry.len {
            let damage = Damage::Length { expected: entry.len, found: bytes.len() as u64 };
            return Err(self.damaged(object, damage));
        }
        if checksum(&bytes).await != entry.hash {
            return Err(self.damaged(object, Damage::Checksum));
        }
        Ok(bytes)
    }

    /// Stores one of them.
    pub async fn put(&self, object: SnapshotObject, bytes: Bytes) -> Result<(), SnapshotError> {
        let len = bytes.len() as u64;
        if len > MAX_TABLE {
            return Err(self.too_long(object, len));
        }
        Ok(firn_store::put(self.store, &self.key(object), bytes).await?)
    }

    fn too_long(&self, object: SnapshotObject, len: u64) -> SnapshotError {
        SnapshotError::TooLong { object: self.key(object).to_string(), len, limit: MAX_TABLE }
    }
}

/// The BLAKE3 of a whole object.
pub async fn checksum(bytes: &[u8]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    for step in bytes.chunks(HASH_STEP) {
        hasher.update(step);
        yield_now().await;
    }
    hasher.finalize().into()
}

/// The snapshot files that are whole, newest first.
///
/// # Errors
/// The store cannot list them.
pub async fn list(store: &Arc<dyn ObjectStore>) -> Result<Vec<SnapshotId>, SnapshotError> {
    let prefix = keys::snapshots();
    let objects: Vec<_> = store
        .list(Some(&prefix))
        .try_collect()
        .await
        .map_err(|e| firn_store::StoreError::Any(e.to_string()))?;
    let toc = |key: &Path| match keys::parse_snapshot(key) {
        Some((seq, segment, SnapshotObject::Toc)) => {
            Some(SnapshotId { seq: Seq(seq), segment: SegmentNo(segment) })
        }
        _ => None,
    };
    let mut ids: Vec<SnapshotId> = objects.iter().filter_map(|object| toc(&object.location)).collect();
    ids.sort_unstable_by(|a, b| b.cmp(a));
    Ok(ids)
}
