//! A world that begins with a history that somebody recorded.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use firn_clock::SeededEntropy;
use firn_journal::{JournalTip, Seq};
use firn_materializer::snapshot;
use firn_store::Key;
use object_store::path::Path;

use super::World;
use crate::model::{Timeline, Tree};
use crate::oracle::{Failure, Oracle};
use crate::recorded::{Recorded, Stored, fold, store};

/// Ends of segments at which the volume is opened as if it had ended there.
const CUTS: usize = 12;
/// Ends of segments at which snapshot files are written.
const SNAPSHOTS: usize = 5;
/// Between the last event and the first mount: whoever reports a bug does that later.
const LATER_NS: i64 = 3_600_000_000_000;

/// What a world's first writer finds.
#[derive(Default)]
pub(super) struct Beginning {
    /// What the history must be.
    pub line: Timeline,
    /// The last writer's turn.
    pub epoch: u32,
}

impl World {
    /// Brings the recorded history into the bucket, and opens it as it was at the ends of segments.
    pub(super) async fn relive(&self, recorded: &Recorded) -> Result<(), Failure> {
        let line = fold(recorded, &self.coverage)?;
        self.begin_with(recorded, line).await
    }

    async fn begin_with(&self, recorded: &Recorded, line: Timeline) -> Result<(), Failure> {
        let behind = line.head().time.saturating_add(LATER_NS).saturating_sub(self.clock.now_ns());
        self.clock.jump(behind.max(0) / 1_000_000);
        let entropy = SeededEntropy::new(self.plan.seed.draw("recorded", &[]).word());
        let (client, config) = (Self::reader_of(&self.bucket, 6), self.config().history.blocks);
        let stored = store(recorded, client, config, Arc::new(entropy)).await?;
        self.coverage.add("recorded", "segments", stored.ends.len() as u64);
        self.note(format_args!("a history of {} events is there", line.head().seq));
        self.write_snapshots(&line, &stored).await?;
        for end in spread(&line, &stored, CUTS) {
            self.ends_at(&line, end).await?;
        }
        *self.beginning.borrow_mut() = Beginning { line, epoch: stored.epoch() };
        Ok(())
    }

    async fn write_snapshots(&self, line: &Timeline, stored: &Stored) -> Result<(), Failure> {
        let opens = |error| Oracle::Prefix.fails(format!("the recorded history cannot be opened: {error}"));
        let history = self.history_of(Self::reader_of(&self.bucket, 7)).await.map_err(opens)?;
        for tip in spread(line, stored, SNAPSHOTS) {
            let ns = history.view(Seq(tip.seq.0)).await.map_err(opens)?;
            let packs = history.blocks().known_packs(tip.segment);
            let written = snapshot::write(history.objects(), history.volume(), &ns, packs, tip).await;
            written.map_err(|error| Oracle::Snapshot.fails(format!("{}: {error}", tip.seq)))?;
        }
        Ok(())
    }

    /// Opens the volume as it was when this segment was its last.
    async fn ends_at(&self, line: &Timeline, end: JournalTip) -> Result<(), Failure> {
        let bucket = self.copy_of_bucket(|key| match Key::of(&Path::from(key)) {
            Some(Key::Segment(no)) => no <= end.segment.0,
            Some(Key::Snapshot { segment, .. }) => segment <= end.segment.0,
            _ => true,
        });
        let fails = |what: String| Oracle::Prefix.fails(format!("cut after {}: {what}", end.seq));
        let history = self.history_of(Self::reader_of(&bucket, 1)).await;
        let history = history.map_err(|error| fails(error.to_string()))?;
        self.coverage.judged(Oracle::Prefix);
        let Some(tree) = line.at(end.seq.0) else { return Ok(()) };
        self.is_the_tree(&history, &history.durable().0, tree, None)
            .await
            .map_err(|failure| fails(failure.to_string()))
    }

    /// The tree at an instant of the recorded history, also at one that was not kept.
    pub(super) fn recorded_at(&self, seq: u64) -> Option<Tree> {
        let recorded = self.recorded.as_ref()?;
        (seq <= recorded.counts().events).then(|| recorded.tree_at(seq)).flatten()
    }
}

/// Ends of segments whose trees are known: the last, and others evenly before it.
fn spread(line: &Timeline, stored: &Stored, most: usize) -> Vec<JournalTip> {
    let known = stored.ends.iter().filter(|end| line.at(end.seq.0).is_some());
    let known: Vec<JournalTip> = known.copied().collect();
    let step = known.len().div_ceil(most).max(1);
    known.into_iter().rev().step_by(step).collect()
}
