//! The objects of a snapshot file, in the store.

use std::ops::Range;
use std::pin::pin;

use bytes::Bytes;
use firn_journal::{SegmentNo, Seq};
use firn_store::{Family, Key, Retrying, SnapshotObject, StoreError};
use futures::{StreamExt, TryStreamExt, stream};
use tokio::task::yield_now;

use super::v1::TableEntry;
use super::{Damage, SnapshotError, SnapshotId};

/// The longest table, in bytes: what all stores take in one put, and what is read into memory at once.
const MAX_TABLE: u64 = 4 << 30;
/// The longest table of contents that is read, in bytes. Real ones have about one thousand.
const MAX_TOC: u64 = 64 * 1024;
/// Bytes that are fetched in one request, or hashed between two yields.
const PART: u64 = 8 * 1024 * 1024;
/// Requests for parts of one table that are under way at the same time.
const PARTS_IN_FLIGHT: usize = 4;

/// The snapshot files that are whole, newest first.
///
/// # Errors
/// The store does not list them.
pub async fn list(store: &Retrying) -> Result<Vec<SnapshotId>, StoreError> {
    let objects = store.list(Family::Snapshots, None).await?;
    let mut ids: Vec<SnapshotId> = objects.iter().filter_map(|object| of_toc(object.key)).collect();
    ids.sort_unstable_by(|a, b| b.cmp(a));
    Ok(ids)
}

fn of_toc(key: Key) -> Option<SnapshotId> {
    match key {
        Key::Snapshot { seq, segment, object: SnapshotObject::Toc } => {
            Some(SnapshotId { seq: Seq(seq), segment: SegmentNo(segment) })
        }
        _ => None,
    }
}

/// One snapshot file's objects.
pub struct Folder<'a> {
    store: &'a Retrying,
    id: SnapshotId,
}

impl<'a> Folder<'a> {
    pub fn new(store: &'a Retrying, id: SnapshotId) -> Self {
        Folder { store, id }
    }

    /// The key of one of them.
    pub fn key(&self, object: SnapshotObject) -> Key {
        Key::Snapshot { seq: self.id.seq.0, segment: self.id.segment.0, object }
    }

    /// The error that says what is wrong with one of them.
    pub fn damaged(&self, object: SnapshotObject, damage: Damage) -> SnapshotError {
        SnapshotError::Damaged { object: self.key(object).to_string(), damage }
    }

    /// The table of contents, not verified.
    pub async fn get_toc(&self) -> Result<Bytes, SnapshotError> {
        self.get_range(SnapshotObject::Toc, 0..MAX_TOC).await
    }

    /// A table, verified.
    pub async fn get(&self, object: SnapshotObject, entry: &TableEntry) -> Result<Bytes, SnapshotError> {
        if entry.len > MAX_TABLE {
            let problem = format!("expected tables of at most {MAX_TABLE} bytes, found one of {}", entry.len);
            return Err(self.damaged(SnapshotObject::Toc, Damage::Contents(problem)));
        }
        let mut hasher = blake3::Hasher::new();
        let mut bytes = Vec::new();
        let starts = stream::iter((0..entry.len).step_by(PART as usize));
        let parts = starts.map(|start| self.get_range(object, start..entry.len.min(start + PART)));
        let mut parts = pin!(parts.buffered(PARTS_IN_FLIGHT));
        while let Some(part) = parts.try_next().await? {
            hasher.update(&part);
            bytes.extend_from_slice(&part);
            yield_now().await;
        }
        if bytes.len() as u64 != entry.len {
            let damage = Damage::Length { expected: entry.len, found: bytes.len() as u64 };
            return Err(self.damaged(object, damage));
        }
        if hasher.finalize() != entry.hash {
            return Err(self.damaged(object, Damage::Checksum));
        }
        Ok(bytes.into())
    }

    async fn get_range(&self, object: SnapshotObject, range: Range<u64>) -> Result<Bytes, SnapshotError> {
        let bytes = self.store.get_range(self.key(object), range).await?;
        bytes.ok_or_else(|| self.damaged(object, Damage::Missing))
    }

    /// Stores one of them.
    pub async fn put(&self, object: SnapshotObject, bytes: Bytes) -> Result<(), SnapshotError> {
        let len = bytes.len() as u64;
        if len > MAX_TABLE {
            let object = self.key(object).to_string();
            return Err(SnapshotError::TooLong { object, len, limit: MAX_TABLE });
        }
        Ok(self.store.put(self.key(object), bytes).await?)
    }
}

/// The BLAKE3 of a whole object.
pub async fn checksum(bytes: &[u8]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    for step in bytes.chunks(PART as usize) {
        hasher.update(step);
        yield_now().await;
    }
    hasher.finalize().into()
}
