//! The committer: takes what is pending, stores its content, puts its segment, and tells who waits.

use std::sync::{Arc, PoisonError};

use firn_blocks::BlocksError;
use firn_clock::Timestamp;
use firn_journal::{AppendError, Appender, Event, Group, JournalTip, Seq};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::live::Volume;
use super::snapshots::SnapshotError;
use crate::namespace::Namespace;

/// Why something could not be made durable.
#[derive(Clone, Debug, thiserror::Error)]
pub enum VolumeError {
    /// The volume takes no more changes, and what was not yet durable will not be.
    #[error("the volume is read-only: {0}")]
    ReadOnly(String),
    /// The last snapshot file could not be written. Nothing is lost: opening will take longer.
    #[error("everything is durable, but the snapshot file was not written: {0}")]
    Snapshot(String),
    /// The volume was closed meanwhile.
    #[error("the volume was closed")]
    Closed,
}

impl From<SnapshotError> for VolumeError {
    fn from(error: SnapshotError) -> Self {
        VolumeError::Snapshot(error.to_string())
    }
}

/// How far the journal has come.
#[derive(Clone, Debug)]
pub(super) struct Durable {
    pub seq: Seq,
    pub time: Timestamp,
    /// Set when nothing more will become durable.
    pub stopped: Option<String>,
}

/// What runs besides the callers, and how to end it.
pub(super) struct Tasks {
    pub stop: watch::Sender<bool>,
    pub committer: JoinHandle<()>,
    pub heartbeat: JoinHandle<()>,
}

/// One cut of what was pending.
struct Batch {
    events: Vec<Event>,
    cut: firn_blocks::Cut,
    /// The namespace after the last of the events.
    after: Namespace,
}

#[derive(Debug, thiserror::Error)]
enum CommitError {
    #[error(transparent)]
    Append(#[from] AppendError),
    #[error(transparent)]
    Blocks(#[from] BlocksError),
    #[error("an event that was decided did not fit the tree; mount again and report this")]
    Broken,
}

impl Volume {
    /// Runs until told to stop or until nothing more can become durable.
    pub(super) async fn commit_forever(
        self: Arc<Self>,
        mut appender: Appender,
        mut stop: watch::Receiver<bool>,
    ) {
        loop {
            let mut somebody_waits = false;
            if self.nothing_is_pending() {
                tokio::select! {
                    biased;
                    () = self.urgent.notified() => somebody_waits = true,
                    () = self.pending.notified() => {}
                    _ = stop.changed() => {}
                }
            }
            if !somebody_waits && !*stop.borrow() && self.has_room() {
                tokio::select! {
                    biased;
                    () = self.urgent.notified() => {}
                    () = tokio::time::sleep(self.config.commit_interval) => {}
                    _ = stop.changed() => {}
                }
            }
            if let Err(error) = self.commit_pending(&mut appender).await {
                self.stop_for_good(&error.to_string());
                return;
            }
            if *stop.borrow() && self.nothing_is_pending() {
                return;
            }
        }
    }

    fn nothing_is_pending(&self) -> bool {
        self.lock().pending.is_empty()
    }

    /// Commits what is pending now, as one group: one segment, unless it is too much for one.
    async fn commit_pending(&self, appender: &mut Appender) -> Result<(), CommitError> {
        let Some(batch) = self.cut()? else { return Ok(()) };
        let events = batch.events.len() as u64;
        let sealed = self.blocks.seal(batch.cut).await?;
        let group = Group { events: batch.events, seals: sealed.seals, rider: sealed.rider };
        let (mut seals, mut tip) = (Vec::new(), self.durable_tip().1);
        for part in group.parts() {
            let receipt = appender.append(part).await?;
            seals.extend(receipt.seals);
            tip = receipt.tip;
        }
        self.blocks.committed(&seals);
        self.history.committed(batch.after.clone(), tip);
        let (seq, time) = (batch.after.seq(), batch.after.time());
        self.in_flight_done();
        self.durable.send_modify(|durable| (durable.seq, durable.time) = (seq, time));
        self.consider_snapshot(events, batch.after, tip);
        Ok(())
    }

    /// Takes everything pending, with the content staged for it.
    fn cut(&self) -> Result<Option<Batch>, CommitError> {
        let mut live = self.lock();
        live.close_tail();
        if live.broken {
            return Err(CommitError::Broken);
        }
        if live.pending.is_empty() {
            return Ok(None);
        }
        let events = std::mem::take(&mut live.pending);
        live.in_flight = events.len();
        live.in_flight_bytes = std::mem::take(&mut live.pending_bytes);
        live.in_flight_since = live.pending_since.take();
        Ok(Some(Batch { events, cut: self.blocks.cut(), after: live.ns.clone() }))
    }

    fn in_flight_done(&self) {
        let mut live = self.lock();
        live.in_flight = 0;
        live.in_flight_bytes = 0;
        live.in_flight_since = None;
    }

    /// Turns read-only: nothing more will become durable.
    pub(super) fn stop_for_good(&self, reason: &str) {
        tracing::error!(reason, "the volume turns read-only");
        self.lock().read_only.get_or_insert_with(|| reason.to_owned());
        self.durable.send_modify(|durable| durable.stopped = Some(reason.to_owned()));
    }

    /// Waits until everything that was done before the call is durable, and says up to where.
    ///
    /// # Errors
    /// [`VolumeError::ReadOnly`] if that can no longer happen.
    pub async fn sync(&self) -> Result<Seq, VolumeError> {
        let target = self.view().seq();
        let mut durable = self.durable.subscribe();
        if durable.borrow().seq < target {
            self.urgent.notify_one();
        }
        let reached = durable.wait_for(|durable| durable.seq >= target || durable.stopped.is_some()).await;
        match reached {
            Ok(durable) if durable.seq >= target => Ok(target),
            Ok(durable) => Err(VolumeError::ReadOnly(durable.stopped.clone().unwrap_or_default())),
            Err(_) => Err(VolumeError::Closed),
        }
    }

    /// Ends the writer in good order: everything durable, a snapshot file, the lease given back.
    ///
    /// # Errors
    /// What was not durable at the end, or that the snapshot file was not written; the volume is closed anyway.
    pub async fn close(&self) -> Result<(), VolumeError> {
        // First, so that nothing is accepted that would not be stored any more.
        self.lock().read_only.get_or_insert_with(|| "the volume was closed".into());
        let synced = self.sync().await;
        let tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(tasks) = tasks {
            // Both tasks end by themselves when told; a failed send means that they have.
            let _ = tasks.stop.send(true);
            let _ = tasks.committer.await;
            let _ = tasks.heartbeat.await;
        }
        synced?;
        let snapshot = self.final_snapshot().await;
        self.blocks.flush_cache().await;
        self.lease.release(&*self.clock, self.durable_tip().1.segment).await;
        Ok(snapshot?)
    }

    /// The instant up to which everything is in the journal.
    pub(super) fn durable_tip(&self) -> (Namespace, JournalTip) {
        self.history.durable()
    }
}
