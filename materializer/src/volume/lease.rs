//! The writer's sign of life. It is a courtesy: it keeps a second mount from taking over a live writer's
//! volume. Safety does not rest on it, but on put-if-absent of segments.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use firn_clock::Clock;
use firn_journal::{Epoch, SegmentNo, WriterRecord};
use firn_store::Retrying;
use tokio::sync::watch;

use super::live::Volume;

/// Between two signs of life.
const HEARTBEAT: Duration = Duration::from_secs(15);

pub(super) struct Lease {
    objects: Retrying,
    record: Mutex<WriterRecord>,
}

impl Lease {
    pub fn new(objects: Retrying, record: WriterRecord) -> Self {
        Lease { objects, record: Mutex::new(record) }
    }

    /// Writes the record as of now, unless it is a later writer's already. A failure is left to the next beat: the
    /// lease is longer than several.
    pub async fn beat(&self, clock: &dyn Clock, last: SegmentNo) {
        self.write(clock, last, false).await;
    }

    /// Says that the writer is gone in good order.
    pub async fn release(&self, clock: &dyn Clock, last: SegmentNo) {
        self.write(clock, last, true).await;
    }

    async fn write(&self, clock: &dyn Clock, last: SegmentNo, released: bool) {
        if self.superseded().await.is_some() {
            return;
        }
        let record = {
            let mut record = self.record.lock().unwrap_or_else(PoisonError::into_inner);
            record.heartbeat = clock.now();
            record.last_segment = last;
            record.released = released;
            record.clone()
        };
        if let Err(error) = record.write(&self.objects).await {
            tracing::debug!(%error, "the writer record was not written");
        }
    }

    /// The epoch of a later writer, if one has signed in.
    async fn superseded(&self) -> Option<(Epoch, String, u32)> {
        let own = self.record.lock().unwrap_or_else(PoisonError::into_inner).epoch;
        let found = WriterRecord::read(&self.objects).await.ok().flatten()?;
        (found.epoch > own).then_some((found.epoch, found.identity.host, found.identity.pid))
    }
}

impl Volume {
    pub(super) async fn beat_forever(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            tokio::select! {
                biased;
                _ = stop.changed() => return,
                () = tokio::time::sleep(HEARTBEAT) => {}
            }
            let rival = match self.lease.superseded().await {
                Some((epoch, host, pid)) => Some(format!("pid {pid} on {host}, turn {}", epoch.0)),
                None => self.successor().await.map(|epoch| format!("turn {}", epoch.0)),
            };
            if let Some(rival) = rival {
                self.stop_for_good(&format!(
                    "another writer ({rival}) has taken over this volume; unmount and mount again"
                ));
                return;
            }
            self.lease.beat(&*self.clock, self.durable_tip().1.segment).await;
        }
    }

    /// The turn of a writer that has extended the journal after us. It may have died before it signed in, or our
    /// own beat may have come after it and undone that: without this look, a writer that has nothing to write would
    /// never know, and would keep everybody from the volume with its signs of life.
    async fn successor(&self) -> Option<Epoch> {
        let next = self.durable_tip().1.segment.next();
        let header = self.history.journal().header(next).await.ok().flatten()?;
        (header.epoch > self.epoch).then_some(header.epoch)
    }
}
