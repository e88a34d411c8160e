use std::sync::Arc;

use firn_blocks::{Blocks, BlocksConfig};
use firn_journal::{JournalReader, VolumeId};
use firn_recovery::verify::{self, Bucket, Notice};
use firn_store::Retrying;
use tokio::sync::mpsc;

use crate::answer::{Failure, Sink, to_raw};
use crate::rows::{FindingRow, VerifyResult};

/// Bytes of memory for what is read: little is read twice.
const MEMORY_CACHE: usize = 16 << 20;

/// Verifies a volume that may be too damaged to be opened. The answer is that of [`crate::Request::Verify`].
pub async fn verify_store(objects: &Retrying, sink: Sink) {
    let outcome = verify(objects, &sink).await.and_then(|result| to_raw(&result));
    sink.finish(outcome).await;
}

/// Reads everything in the store, and passes on what is found while it goes on.
pub(super) async fn verify(objects: &Retrying, sink: &Sink) -> Result<VerifyResult, Failure> {
    let bucket = bucket(objects).await?;
    let (teller, mut told) = mpsc::unbounded_channel();
    let work = async move {
        let summary = verify::verify(&bucket, |notice| drop(teller.send(notice))).await?;
        Ok(VerifyResult::from(summary))
    };
    let show = async {
        while let Some(notice) = told.recv().await {
            match notice {
                Notice::Finding(finding) => sink.row(&FindingRow::from(finding)).await?,
                Notice::Progress(progress) => {
                    sink.progress("verifying segments", progress.segments, Some(progress.of));
                }
            }
        }
        Ok::<_, Failure>(())
    };
    let (result, ()) = tokio::try_join!(work, show)?;
    Ok(result)
}

/// The volume with caches of its own, so that what is verified is what the store has.
async fn bucket(objects: &Retrying) -> Result<Bucket, Failure> {
    let store = objects.store();
    let manifest = firn_store::read_manifest(store).await?;
    let (volume, health) = (VolumeId(manifest.volume), objects.health());
    let config = BlocksConfig {
        block_size: manifest.block_size,
        memory_cache: MEMORY_CACHE,
        ..BlocksConfig::default()
    };
    let blocks: Arc<Blocks> = Blocks::open(store.clone(), volume, config, health.clone()).await?;
    Ok(Bucket {
        store: objects.clone(),
        journal: JournalReader::new(store.clone(), volume, health.clone()),
        blocks,
    })
}
