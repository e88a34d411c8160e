//! Packs on their way to the store, each on a task of its own.

use std::sync::{Arc, Mutex};

use firn_journal::VolumeId;
use firn_store::Retrying;
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::task::JoinHandle;

use crate::BlocksError;
use crate::dedup::DedupIndex;
use crate::objects::own_key;
use crate::seal::{self, Kept, Packed};
use crate::staging::StagedPack;

/// What packing and uploading takes.
pub(crate) struct Uploader {
    pub volume: VolumeId,
    /// Repeats forever.
    pub store: Retrying,
    pub dedup: Mutex<DedupIndex>,
    /// Packs that may be in compressed form or under way at the same time.
    pub permits: Semaphore,
}

impl Uploader {
    /// Waits for the right to hold a compressed pack and to upload it.
    pub(crate) async fn permit(&self) -> Result<SemaphorePermit<'_>, BlocksError> {
        self.permits.acquire().await.map_err(|_| BlocksError::Abandoned)
    }

    /// Compresses a pack.
    pub(crate) async fn pack(&self, staged: &StagedPack) -> Packed {
        seal::pack(self.volume, staged, &self.dedup).await
    }

    /// Stores a pack as an object of its own.
    pub(crate) async fn put(&self, packed: Packed) -> Result<Kept, BlocksError> {
        // A pack's bytes are decided once: a put that is repeated writes the same.
        self.store.put(own_key(packed.seal.pack), packed.bytes.clone()).await?;
        Ok(packed.keep())
    }

    /// Begins to compress and to store a pack that is full.
    pub(crate) fn start(self: &Arc<Self>, runtime: &Handle, staged: Arc<StagedPack>) -> Upload {
        let uploader = self.clone();
        Upload(runtime.spawn(async move {
            let _permit = uploader.permit().await?;
            let packed = uploader.pack(&staged).await;
            uploader.put(packed).await
        }))
    }
}

/// A pack that is being stored. Dropping it ends that.
pub(crate) struct Upload(JoinHandle<Result<Kept, BlocksError>>);

impl Upload {
    /// Waits until the pack is stored.
    pub(crate) async fn finish(mut self) -> Result<Kept, BlocksError> {
        match (&mut self.0).await {
            Ok(stored) => stored,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => Err(BlocksError::Abandoned),
            },
        }
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        self.0.abort();
    }
}
