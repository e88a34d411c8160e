//! When snapshot files are written: every so many events, from a clone, while work goes on; and at the end.

use std::sync::PoisonError;

use firn_journal::JournalTip;

use super::live::Volume;
use crate::namespace::Namespace;
pub use crate::snapshot::SnapshotError;

impl Volume {
    /// Called after each commit of `events` events: starts a snapshot file when enough have gathered.
    pub(super) fn consider_snapshot(&self, events: u64, after: Namespace, tip: JournalTip) {
        let mut schedule = self.snapshots.lock().unwrap_or_else(PoisonError::into_inner);
        schedule.events_since += events;
        let busy = schedule.running.as_ref().is_some_and(|task| !task.is_finished());
        if schedule.events_since < self.config.snapshot_every || busy {
            return;
        }
        schedule.events_since = 0;
        let history = self.history.clone();
        schedule.running = Some(tokio::spawn(async move {
            if let Err(error) = history.write_snapshot(&after, tip).await {
                tracing::warn!(%error, "a snapshot file was not written; the next one will be");
            }
        }));
    }

    /// At a clean end: what opening would have to replay otherwise.
    pub(super) async fn final_snapshot(&self) -> Result<(), SnapshotError> {
        let running = {
            let mut schedule = self.snapshots.lock().unwrap_or_else(PoisonError::into_inner);
            schedule.running.take()
        };
        if let Some(task) = running {
            // It has logged its own failure; the snapshot below covers it.
            let _ = task.await;
        }
        let (ns, tip) = self.durable_tip();
        if self.history.newest_snapshot().is_some_and(|seq| seq >= ns.seq()) {
            return Ok(());
        }
        self.history.write_snapshot(&ns, tip).await
    }
}

/// What the committer remembers between commits.
pub(super) struct Schedule {
    events_since: u64,
    running: Option<tokio::task::JoinHandle<()>>,
}

impl Schedule {
    /// Of a volume that has so many events after its last snapshot file.
    pub fn behind(events_since: u64) -> Self {
        Schedule { events_since, running: None }
    }
}
