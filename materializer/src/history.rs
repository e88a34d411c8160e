//! The read side of a volume: any instant, opened from memory, from a snapshot file, or by replay.
//!
//! **Purpose.** [`History`] knows where the journal ends, turns a time into an instant, and an instant into a
//! [`Namespace`]. A reader of a volume has only this; a writer feeds it with each segment that it commits.
//!
//! **Invariants.** A view is the namespace after the last event of a whole transaction. Views are clones of
//! namespaces that were replayed from a verified chain, so that a view today and next year are the same.
//!
//! **Failure.** A changed, missing or foreign object is an error that names it; no view is served in its place.
//! A bad snapshot file is passed over, with a warning, for an older one or for replay from the first event.

mod bases;
mod resolve;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use firn_blocks::{Blocks, BlocksConfig, BlocksError};
use firn_clock::{Clock, Timestamp};
use firn_journal::{JournalError, JournalReader, JournalTip, SegmentNo, Seq, VolumeId, WriterRecord};
use firn_store::{Key, Manifest, Patience, Retrying, StoreError, StoreHealth};
use object_store::ObjectStore;

use self::bases::Bases;
pub use self::resolve::{Instant, ResolveError};
use crate::namespace::{EvolveError, Namespace};
use crate::snapshot::{self, SnapshotError, SnapshotId};

/// How long somebody who looks at the past waits for a store that is away.
const READ_PATIENCE: Patience = Patience::UpTo(Duration::from_secs(60));

/// What a user may tune of reading.
#[derive(Clone, Debug)]
pub struct HistoryConfig {
    /// Caches and limits of content.
    pub blocks: BlocksConfig,
    /// How many past namespaces stay in memory, besides the present.
    pub views_in_memory: usize,
}

/// Why the history could not be read.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The volume itself is not there or not readable.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The journal is damaged or out of reach.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The content store could not be opened.
    #[error(transparent)]
    Blocks(#[from] BlocksError),
    /// A segment is whole, but its events do not follow from those before it.
    #[error("segment {segment} does not follow from the segments before it: {source}; run `firn verify`")]
    Unfit {
        /// The number of the segment.
        segment: u64,
        /// What does not fit.
        source: EvolveError,
    },
    /// The journal ends before a segment that a writer is known to have stored.
    #[error(
        "the segment {key} is missing: the journal ends at segment {last}, and its last writer had stored segment \
         {stored}; put back the objects as they were written, from the bucket's older versions or a copy, or, to go \
         on without what they held, delete the object `{}`",
        Key::Writer
    )]
    LostEnd {
        /// The first object that is not there.
        key: String,
        /// The last segment that is there.
        last: u64,
        /// The last segment that was there.
        stored: u64,
    },
    /// No such instant.
    #[error(transparent)]
    Resolve(#[from] ResolveError),
}

impl HistoryError {
    pub(crate) fn unfit(segment: SegmentNo, source: EvolveError) -> Self {
        HistoryError::Unfit { segment: segment.0, source }
    }
}

/// The read side of a volume. Shared as an `Arc`.
pub struct History {
    objects: Retrying,
    manifest: Manifest,
    journal: JournalReader,
    blocks: Arc<Blocks>,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

struct State {
    /// After the last segment that is known.
    head: Namespace,
    tip: JournalTip,
    bases: Bases,
    /// Snapshot files that are known to be there, and not known to be bad, oldest first.
    snapshots: Vec<SnapshotId>,
}

impl History {
    /// Opens a volume for reading, at the end of its journal.
    ///
    /// # Errors
    /// See [`HistoryError`].
    pub async fn open(
        store: Arc<dyn ObjectStore>,
        config: HistoryConfig,
        clock: Arc<dyn Clock>,
    ) -> Result<Arc<History>, HistoryError> {
        let health = StoreHealth::default();
        let objects = Retrying::new(store.clone(), health.clone(), READ_PATIENCE);
        let manifest = firn_store::read_manifest(&store).await?;
        let volume = VolumeId(manifest.volume);
        let journal = JournalReader::new(store.clone(), volume, health.clone());
        let blocks_config = BlocksConfig { block_size: manifest.block_size, ..config.blocks };
        let blocks = Blocks::open(store.clone(), volume, blocks_config, health.clone()).await?;
        let mut snapshots = snapshot::list(&objects).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "snapshot files cannot be listed; replaying from the first event");
            Vec::new()
        });
        snapshots.sort_by_key(|id| id.seq);
        let state = State {
            head: Namespace::default(),
            tip: JournalTip::default(),
            bases: Bases::new(config.views_in_memory),
            snapshots,
        };
        let history =
            Arc::new(History { objects, manifest, journal, blocks, clock, state: Mutex::new(state) });
        if let Some((ns, tip)) = history.newest_readable_snapshot(Seq(u64::MAX)).await {
            history.committed(ns, tip);
        }
        // Asked for before the end of the journal, which may move on meanwhile.
        let stored = history.last_stored().await;
        history.refresh().await?;
        history.reaches(stored)?;
        Ok(history)
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The last segment that a writer said that it had stored. The record is a hint: without it the end of the
    /// journal is where it ends.
    async fn last_stored(&self) -> SegmentNo {
        match WriterRecord::read(&self.objects).await {
            Ok(record) => record.map(|record| record.last_segment).unwrap_or_default(),
            Err(error) => {
                tracing::warn!(%error, "whether the end of the journal is there cannot be told");
                SegmentNo::default()
            }
        }
    }

    fn reaches(&self, stored: SegmentNo) -> Result<(), HistoryError> {
        let last = self.durable().1.segment;
        if stored <= last {
            return Ok(());
        }
        let key = Key::Segment(last.next().0).to_string();
        Err(HistoryError::LostEnd { key, last: last.0, stored: stored.0 })
    }

    /// Follows the journal to its present end.
    ///
    /// # Errors
    /// See [`HistoryError`].
    pub async fn refresh(&self) -> Result<(), HistoryError> {
        let (ns, tip) = self.durable();
        let (ns, tip) = self.replay(ns, tip, None).await?;
        self.committed(ns, tip);
        Ok(())
    }

    /// Replays from a base to the end of the journal, or through the transaction that `until` lies in.
    async fn replay(
        &self,
        mut ns: Namespace,
        base: JournalTip,
        until: Option<Seq>,
    ) -> Result<(Namespace, JournalTip), HistoryError> {
        let mut tip = base;
        let mut stream = self.journal.replay(base);
        while until.is_none_or(|until| ns.seq() < until) {
            let Some(segment) = stream.next().await? else { break };
            self.blocks.learn(&segment.seals);
            let end = until.map_or(segment.events.len(), |until| whole_transactions(&segment.events, until));
            for event in &segment.events[..end] {
                ns.apply(event).map_err(|error| HistoryError::unfit(segment.no, error))?;
            }
            tip = JournalTip::of(&segment);
        }
        Ok((ns, tip))
    }

    /// The tree at the last event up to `seq` that ends a transaction, or through the transaction around it.
    ///
    /// # Errors
    /// [`HistoryError::Resolve`] if `seq` is beyond the end of the journal.
    pub async fn view(&self, seq: Seq) -> Result<Namespace, HistoryError> {
        let (base, range_end) = {
            let state = self.state();
            if let Some(ns) = state.bases.exactly(seq) {
                return Ok(ns);
            }
            (state.bases.at_or_before(seq), state.head.seq())
        };
        if seq > range_end {
            return Err(ResolveError::Beyond { seq, head: range_end }.into());
        }
        let base_seq = base.as_ref().map_or(Seq::ZERO, |(ns, _)| ns.seq());
        let (ns, tip) = match self.newest_readable_snapshot_after(base_seq, seq).await {
            Some(found) => found,
            None => base.unwrap_or_default(),
        };
        let (ns, _) = self.replay(ns, tip, Some(seq)).await?;
        self.remember(ns.clone());
        Ok(ns)
    }

    /// Takes over what a writer has committed.
    pub(crate) fn committed(&self, ns: Namespace, tip: JournalTip) {
        let mut state = self.state();
        state.bases.push(ns.clone(), tip);
        state.head = ns;
        state.tip = tip;
    }

    /// Keeps a view at hand.
    pub(crate) fn remember(&self, ns: Namespace) {
        self.state().bases.remember(ns);
    }

    /// The namespace after the last segment that is known, and that segment.
    pub fn durable(&self) -> (Namespace, JournalTip) {
        let state = self.state();
        (state.head.clone(), state.tip)
    }

    async fn newest_readable_snapshot(&self, up_to: Seq) -> Option<(Namespace, JournalTip)> {
        self.newest_readable_snapshot_after(Seq::ZERO, up_to).await
    }

    /// The newest good snapshot file after `after` and up to `up_to`; bad ones are forgotten.
    async fn newest_readable_snapshot_after(
        &self,
        after: Seq,
        up_to: Seq,
    ) -> Option<(Namespace, JournalTip)> {
        let mut before = Seq(up_to.0.saturating_add(1));
        loop {
            let id = {
                let state = self.state();
                *state.snapshots.iter().rev().find(|id| id.seq > after && id.seq < before)?
            };
            before = id.seq;
            match snapshot::read(&self.objects, self.volume(), id).await {
                Ok(found) => {
                    self.blocks.learn(&found.packs);
                    self.state().bases.push(found.ns.clone(), found.tip);
                    return Some((found.ns, found.tip));
                }
                Err(SnapshotError::Store(error)) => {
                    tracing::warn!(%error, seq = id.seq.0, "a snapshot file cannot be read now; replaying instead");
                }
                Err(error) => {
                    tracing::warn!(%error, seq = id.seq.0, "passing over a snapshot file; run `firn verify`");
                    self.state().snapshots.retain(|known| known.seq != id.seq);
                }
            }
        }
    }

    /// Writes a snapshot file of `ns`, which is the namespace at `tip`.
    ///
    /// # Errors
    /// See [`SnapshotError`].
    pub(crate) async fn write_snapshot(&self, ns: &Namespace, tip: JournalTip) -> Result<(), SnapshotError> {
        let packs = self.blocks.known_packs(tip.segment);
        let id = snapshot::write(&self.objects, self.volume(), ns, packs, tip).await?;
        let mut state = self.state();
        state.snapshots.push(id);
        state.snapshots.sort_by_key(|id| id.seq);
        Ok(())
    }

    /// The last event that a snapshot file holds.
    pub fn newest_snapshot(&self) -> Option<Seq> {
        self.state().snapshots.last().map(|id| id.seq)
    }

    /// The journal.
    pub fn journal(&self) -> &JournalReader {
        &self.journal
    }

    /// The content.
    pub fn blocks(&self) -> &Arc<Blocks> {
        &self.blocks
    }

    /// The volume's objects.
    pub fn objects(&self) -> &Retrying {
        &self.objects
    }

    /// What `init` decided.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Which volume this is.
    pub fn volume(&self) -> VolumeId {
        VolumeId(self.manifest.volume)
    }

    /// How the store has answered lately.
    pub fn health(&self) -> &StoreHealth {
        self.objects.health()
    }

    /// The present.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

/// How many of these events belong to transactions that begin at or before `until`.
fn whole_transactions(events: &[firn_journal::Event], until: Seq) -> usize {
    let mut end = 0;
    while end < events.len() && events[end].seq <= until {
        let follow = match events[end].kind {
            firn_journal::EventKind::TransactionBegan { count, .. } => count as usize,
            _ => 0,
        };
        end = (end + 1 + follow).min(events.len());
    }
    end
}

#[cfg(test)]
mod tests;
