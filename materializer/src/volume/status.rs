use firn_blocks::CacheStats;
use firn_clock::Timestamp;
use firn_journal::{Epoch, Seq};
use firn_store::StoreHealth;

use super::live::Volume;

/// What is true of a live volume now: above all, what is durable and what is not yet.
#[derive(Clone, Debug)]
pub struct VolumeStatus {
    /// This writer's turn.
    pub epoch: Epoch,
    /// The last event.
    pub head_seq: Seq,
    /// Its time.
    pub head_time: Timestamp,
    /// The last event that is stored.
    pub durable_seq: Seq,
    /// Its time.
    pub durable_time: Timestamp,
    /// Events that are not stored yet.
    pub pending_events: u64,
    /// Bytes of file content that are not stored yet.
    pub pending_bytes: u64,
    /// The time of the oldest event that is not stored yet.
    pub pending_since: Option<Timestamp>,
    /// Why the volume takes no changes, if it does not.
    pub read_only: Option<String>,
    /// Inodes in the tree.
    pub inodes: u64,
    /// Bytes that the files of the tree take.
    pub bytes: u64,
    /// The last event that a snapshot file holds.
    pub snapshot_seq: Option<Seq>,
    /// The block caches.
    pub cache: CacheStats,
}

impl Volume {
    /// What is true now.
    pub fn status(&self) -> VolumeStatus {
        let durable = self.durable.borrow().clone();
        let mut live = self.lock();
        live.close_tail();
        let totals = live.ns.totals();
        VolumeStatus {
            epoch: self.epoch,
            head_seq: live.ns.seq(),
            head_time: live.ns.time(),
            durable_seq: durable.seq,
            durable_time: durable.time,
            pending_events: live.ns.seq().0 - durable.seq.0,
            pending_bytes: self.blocks.dirty_bytes(),
            pending_since: live.in_flight_since.or(live.pending_since),
            read_only: live.read_only.clone(),
            inodes: totals.inodes,
            bytes: totals.allocated,
            snapshot_seq: self.history.newest_snapshot(),
            cache: self.blocks.cache_stats(),
        }
    }

    /// How the store has answered lately.
    pub fn store_health(&self) -> &StoreHealth {
        self.history.health()
    }
}
