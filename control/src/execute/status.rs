use firn_blocks::CacheStats;
use firn_clock::Timestamp;
use firn_journal::{Liveness, WriterIdentity, WriterRecord};
use firn_materializer::volume::{Volume, VolumeStatus};
use firn_store::StoreHealth;

use crate::answer::Failure;
use crate::execute::Target;
use crate::rows::{CacheRow, InstantRow, StatusResult, StoreRow, TimeText};

/// What is true now.
pub(super) async fn status(target: &Target) -> Result<StatusResult, Failure> {
    let mut status = match &target.volume {
        Some(volume) => of_writer(target, volume, volume.status()),
        None => of_reader(target).await?,
    };
    if let Some(mounted) = &target.mounted {
        status.mountpoint = Some(mounted.mountpoint.display().to_string());
        status.pid = Some(mounted.pid);
        status.at = mounted.at.map(InstantRow::from);
    }
    Ok(status)
}

fn of_writer(target: &Target, volume: &Volume, now: VolumeStatus) -> StatusResult {
    let present = target.clock.now();
    StatusResult {
        volume: target.url.clone(),
        volume_id: target.history.volume().to_string(),
        mountpoint: None,
        pid: Some(std::process::id()),
        host: Some(WriterIdentity::of_this_process().host),
        at: None,
        head_seq: now.head_seq.0,
        head_time: TimeText(now.head_time),
        durable_seq: now.durable_seq.0,
        durable_time: TimeText(now.durable_time),
        pending_bytes: now.pending_bytes,
        pending_events: now.pending_events,
        oldest_pending_time: now.pending_since.map(TimeText),
        pending_for_ms: now.pending_since.map_or(0, |since| milliseconds(present, since)),
        epoch: now.epoch.0,
        inodes: now.inodes,
        bytes: now.bytes,
        block_size: target.history.manifest().block_size,
        snapshot_seq: now.snapshot_seq.map(|seq| seq.0),
        cache: cache(&now.cache),
        store: store(volume.store_health(), present),
        read_only_reason: now.read_only,
    }
}

/// A reader knows what is stored. Who may know more is told by the writer record.
async fn of_reader(target: &Target) -> Result<StatusResult, Failure> {
    let head = target.timeline().head().await?;
    let (_, tip) = target.history.durable();
    let writer = living_writer(target).await;
    let totals = head.totals();
    Ok(StatusResult {
        volume: target.url.clone(),
        volume_id: target.history.volume().to_string(),
        mountpoint: writer.as_ref().and_then(|writer| writer.mountpoint.clone()),
        pid: writer.as_ref().map(|writer| writer.pid),
        host: writer.map(|writer| writer.host),
        at: None,
        head_seq: head.seq().0,
        head_time: TimeText(head.time()),
        durable_seq: head.seq().0,
        durable_time: TimeText(head.time()),
        pending_bytes: 0,
        pending_events: 0,
        oldest_pending_time: None,
        pending_for_ms: 0,
        epoch: tip.epoch.0,
        inodes: totals.inodes,
        bytes: totals.allocated,
        block_size: target.history.manifest().block_size,
        snapshot_seq: target.history.newest_snapshot().map(|seq| seq.0),
        cache: cache(&target.history.blocks().cache_stats()),
        store: store(target.history.health(), target.clock.now()),
        read_only_reason: None,
    })
}

/// Who writes the volume, as far as can be told from here.
async fn living_writer(target: &Target) -> Option<WriterIdentity> {
    let record = WriterRecord::read(target.history.objects()).await.unwrap_or_else(|error| {
        tracing::debug!(%error, "the writer record cannot be read");
        None
    })?;
    let here = WriterIdentity::of_this_process();
    let alive = matches!(record.liveness(&here, target.clock.now()), Liveness::Alive { .. });
    alive.then_some(record.identity)
}

fn milliseconds(present: Timestamp, since: Timestamp) -> u64 {
    u64::try_from(present.since(since).as_millis()).unwrap_or(u64::MAX)
}

fn cache(stats: &CacheStats) -> CacheRow {
    CacheRow {
        memory_bytes: stats.memory_bytes,
        memory_capacity: stats.memory_capacity,
        has_disk: stats.has_disk,
        memory_hits: stats.memory_hits,
        disk_hits: stats.disk_hits,
        store_gets: stats.store_gets,
        store_bytes: stats.store_bytes,
    }
}

fn store(health: &StoreHealth, present: Timestamp) -> StoreRow {
    let outage = health.outage();
    StoreRow {
        healthy: outage.is_none(),
        failing_since: outage.as_ref().map(|outage| TimeText(present.before(outage.lasting))),
        last_error: outage.map(|outage| outage.last_error),
    }
}
