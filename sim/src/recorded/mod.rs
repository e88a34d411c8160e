//! A history that somebody exported: what it must be, and the same once more through the code that ships.
//!
//! **Purpose.** A bug report that is a file: a world that begins with a recorded history is judged as if it had
//! played it itself, and can be played on. [`Recorded`] is the file; [`fold`] makes a timeline of the model from its
//! events; [`store`] brings the same events and bytes into a bucket, as writers would have.
//!
//! **Invariants.**
//! - The model folds by its own rules ([`Replay`](crate::model::Replay)); the namespace is held beside it.
//! - Every event comes into the bucket as it was recorded: number, time, actor and all; only the places of bytes are
//!   new.
//! - Of long histories not every instant is kept; which ones are is the same each time.

mod fold;
mod store;

use std::path::Path;

use bytes::Bytes;
use firn_journal::{BlockRef, Event, EventKind, VolumeId};
use firn_recovery::export::{Export, ExportError};

use crate::model::{Replay, Tree};
use crate::plan::Plan;

pub(crate) use fold::fold;
pub(crate) use store::{Stored, store};

/// Instants that are kept at most, unless somebody says otherwise.
const MOST_INSTANTS: u64 = 2_000;
/// Instants that are kept of the largest trees.
const LEAST_INSTANTS: u64 = 64;
/// Inodes of all instants that are kept together, about: so much memory, and so much to compare.
const MOST_INODES: u64 = 10_000_000;

/// An export that was read through.
pub struct Recorded {
    export: Export,
    counts: Counts,
    /// Instants that are kept at most.
    most: u64,
}

/// How much there is in it.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Counts {
    /// Events.
    pub events: u64,
    /// Instants that somebody could see: an event, or a whole transaction.
    pub instants: u64,
    /// Groups in which events were committed.
    pub groups: u64,
    /// Inodes that were made.
    pub inodes: u64,
}

impl Recorded {
    /// Opens the file.
    ///
    /// # Errors
    /// It is no export, or damaged.
    pub fn open(file: &Path) -> Result<Self, ExportError> {
        Self::of(Export::open(file)?)
    }

    /// The same, of a file that is in memory.
    ///
    /// # Errors
    /// As [`Recorded::open`].
    pub fn read(file: Bytes) -> Result<Self, ExportError> {
        Self::of(Export::read(file)?)
    }

    fn of(export: Export) -> Result<Self, ExportError> {
        let mut counts = Counts::default();
        let mut left = 0;
        for group in export.groups() {
            counts.groups += 1;
            for event in group? {
                counts.events += 1;
                left = left_after(left, &event);
                counts.instants += u64::from(left == 0);
                let makes = matches!(event.kind, EventKind::Created { .. } | EventKind::InodePut { .. });
                counts.inodes += u64::from(makes);
            }
        }
        let most = (MOST_INODES / (counts.inodes + 1)).clamp(LEAST_INSTANTS, MOST_INSTANTS);
        Ok(Recorded { export, counts, most })
    }

    /// Keeps so many instants at most, about.
    pub fn keeping(self, most: u64) -> Self {
        Recorded { most, ..self }
    }

    /// How much there is in it.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Whether names and content are stand-ins.
    pub fn is_redacted(&self) -> bool {
        self.export.is_redacted()
    }

    /// How many instants are kept, about.
    pub fn kept(&self) -> u64 {
        self.most.min(self.counts.instants)
    }

    /// A plan that looks at this history and goes back in it.
    pub fn inspection(&self) -> Plan {
        Plan::inspection(self.kept(), self.block_size())
    }

    /// A plan that goes on after this history.
    pub fn continued_by(&self, mut plan: Plan) -> Plan {
        plan.shape.block_size = self.block_size();
        // A snapshot file holds the whole tree: of a large one not too many.
        plan.shape.snapshot_every = plan.shape.snapshot_every.max(self.counts.inodes / 16);
        plan
    }

    pub(crate) fn volume(&self) -> VolumeId {
        self.export.volume()
    }

    pub(crate) fn block_size(&self) -> u32 {
        self.export.block_size()
    }

    /// The bytes of a block, or why there are none.
    fn block(&self, block: BlockRef) -> Result<Bytes, String> {
        self.export.block(block).map_err(|error| error.to_string())
    }

    /// The tree after an event that ends an instant. It takes as long as all of the history.
    pub(crate) fn tree_at(&self, seq: u64) -> Option<Tree> {
        let mut replay = Replay::default();
        for event in self.export.events() {
            replay.event(&event.ok()?, &|block| self.block(block)).ok()?;
            if replay.tree().seq == seq {
                return replay.is_instant().then(|| replay.tree().clone());
            }
        }
        None
    }
}

/// How many events of a transaction are still to come.
fn left_after(left: u32, event: &Event) -> u32 {
    match event.kind {
        EventKind::TransactionBegan { count, .. } => count,
        _ => left.saturating_sub(1),
    }
}

/// An event, in so many letters as a person reads.
fn told(event: &Event) -> String {
    const MOST: usize = 400;
    let mut text = format!("{} {:?}", event.seq, event.kind);
    if let Some((end, _)) = text.char_indices().nth(MOST) {
        text.truncate(end);
        text.push_str("...");
    }
    text
}
