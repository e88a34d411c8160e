//! The end of a run: faults stop, and everything is looked at once more.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use firn_journal::{JournalReader, Seq, VolumeId};
use firn_materializer::history::History;
use firn_materializer::snapshot;
use firn_recovery::verify::{self, Finding, Notice};
use firn_store::{Patience, Retrying, StoreHealth};
use object_store::ObjectStore;
use tokio::time::timeout;

use super::World;
use super::birth::ORACLES;
use super::life::Life;
use crate::model::{Content, Tree};
use crate::oracle::{Failure, Oracle};
use crate::plan::Profile;
use crate::store::{Bucket, Faults};
use crate::trace::Trace;

/// The longest that anything may wait for a store that is well again: the longest time limit of a request that was
/// made before, and the longest pause after it.
const HEALS: Duration = Duration::from_secs(120);
/// Instants that are looked at in the end.
const LOOKS: usize = 48;
/// As many bytes are read for that, about: of large trees fewer instants are looked at.
const BYTES_LOOKED_AT: u64 = 4 << 30;

/// How many instants are looked at.
pub(super) fn looks(head: &Tree) -> usize {
    let allocated = head.nodes.values().filter_map(|node| node.content()).map(Content::allocated);
    (BYTES_LOOKED_AT / allocated.sum::<u64>().max(1)).clamp(4, LOOKS as u64) as usize
}

impl World {
    pub(super) async fn finish(self: &Rc<Self>, life: Rc<Life>) -> Result<(), Failure> {
        // In half of the runs the store is well again while there is still work to do.
        let heals_first = self.plan.seed.draw("heals first", &[]).chance(500);
        if heals_first {
            self.heals();
        }
        let life = self.drained(life).await?;
        if !heals_first {
            self.heals();
        }
        // In half of the runs it is closing that must make everything durable.
        let life = match self.plan.seed.draw("waits", &[]).chance(500) || life.challenged.get() {
            true => self.becomes_durable(life).await?,
            false => life,
        };
        life.is_as_it_must_be()?;
        self.the_fenced_have_found_out().await?;
        self.remembers(&life).await?;
        let ended = timeout(2 * HEALS, self.end(&life)).await;
        self.coverage.judged(Oracle::Liveness);
        let late = |_| Oracle::Liveness.fails("unmounting comes to no end, and the store is well");
        Oracle::Liveness.holds(ended.map_err(late)??.is_some(), || {
            "the last life died, and nothing kills any more".into()
        })?;
        self.is_stored(&life).await?;
        if self.plan.profile == Profile::Damage {
            self.damage(&life).await?;
        }
        self.has_failed()
    }

    fn heals(&self) {
        self.note("the store is well from now on");
        self.bucket.heal();
    }

    /// Whoever was taken over, and still runs, finds out soon, also if it has nothing to write.
    async fn the_fenced_have_found_out(&self) -> Result<(), Failure> {
        let deadline = tokio::time::Instant::now() + HEALS;
        let taken_over = self.taken_over.borrow().clone();
        for life in taken_over {
            while !life.client.is_dead() && life.volume.status().read_only.is_none() {
                Oracle::Writer.holds(tokio::time::Instant::now() < deadline, || {
                    format!(
                        "life {} was taken over, and still takes changes {} s later",
                        life.number,
                        HEALS.as_secs()
                    )
                })?;
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            self.coverage.judged(Oracle::Writer);
        }
        Ok(())
    }

    /// Lets the actors do what is left of the plan.
    async fn drained(self: &Rc<Self>, mut life: Rc<Life>) -> Result<Rc<Life>, Failure> {
        let deadline = tokio::time::Instant::now() + 20 * HEALS;
        while life.busy.get() > 0 || self.queues.iter().any(|queue| !queue.borrow().is_empty()) {
            if self.pause(&life, 50).await? || life.over.get() {
                life = self.after_death(life).await?;
            }
            Oracle::Liveness
                .holds(tokio::time::Instant::now() < deadline, || "the plan comes to no end".into())?;
        }
        Ok(life)
    }

    /// What is pending is stored soon, without anybody's doing but waiting.
    async fn becomes_durable(self: &Rc<Self>, mut life: Rc<Life>) -> Result<Rc<Life>, Failure> {
        loop {
            if life.over.get() || life.client.is_dead() {
                life = self.after_death(life).await?;
                continue;
            }
            if life.volume.status().pending_events > 0 {
                self.coverage.judged(Oracle::Liveness);
            }
            life.seen();
            let waits = self.pending_is_stored(&life);
            let stored = tokio::select! {
                biased;
                () = life.client.died() => continue,
                stored = timeout(HEALS, waits) => stored,
            };
            match stored {
                Ok(true) => return Ok(life),
                Ok(false) => {
                    life.may_fail(self, "it will not become durable")?;
                    life.over.set(true);
                }
                Err(_) => {
                    let status = life.volume.status();
                    return Err(Oracle::Liveness.fails(format!(
                        "the store has been well for {} s, and not all is durable: {status:?}",
                        HEALS.as_secs()
                    )));
                }
            }
        }
    }

    /// Without an fsync: the committer comes by itself. False if it never will.
    async fn pending_is_stored(&self, life: &Life) -> bool {
        loop {
            let status = life.volume.status();
            life.seen();
            if status.read_only.is_some() {
                return false;
            }
            if status.pending_events == 0 {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// The instants that are looked at: the first and the last, and others between.
    fn looked_at(life: &Life) -> Vec<Rc<Tree>> {
        let line = life.line.borrow();
        let records = &line.records()[1..];
        let step = records.len().div_ceil(looks(line.head())).max(1);
        records.iter().rev().step_by(step).map(|record| record.tree.clone()).collect()
    }

    /// Every instant is what it was, through the writer.
    async fn remembers(&self, life: &Life) -> Result<(), Failure> {
        for tree in Self::looked_at(life) {
            self.coverage.judged(Oracle::Instant);
            let view = life.volume.view_at(Seq(tree.seq)).await;
            let ns = view
                .map_err(|error| Oracle::Instant.fails(format!("#{} cannot be opened: {error}", tree.seq)))?;
            self.is_the_tree(life.volume.history(), &ns, &tree, None).await?;
        }
        Ok(())
    }

    /// A bucket with the objects of this one that are wanted.
    pub(super) fn copy_of_bucket(&self, wanted: impl Fn(&str) -> bool) -> Bucket {
        let copy = Bucket::new(self.plan.seed, Trace::hashed());
        copy.heal();
        for key in self.bucket.keys() {
            if let Some(bytes) = self.bucket.get(&key).filter(|_| wanted(key.as_ref())) {
                copy.put(&key, bytes);
            }
        }
        copy
    }

    /// A client of the oracles: it meets no fault.
    pub(super) fn reader_of(bucket: &Bucket, number: u32) -> Arc<dyn ObjectStore> {
        bucket.client(ORACLES + number, Faults::listed(Vec::new()))
    }

    pub(super) async fn history_of(
        &self,
        store: Arc<dyn ObjectStore>,
    ) -> Result<Arc<History>, firn_materializer::history::HistoryError> {
        History::open(store, self.config().history, Arc::new(self.clock.clone())).await
    }

    /// What is stored, without any writer: with snapshot files and from the first event it is the same, and nothing
    /// is wrong with it.
    async fn is_stored(&self, life: &Life) -> Result<(), Failure> {
        let opens = |error| Oracle::Prefix.fails(format!("the stored volume cannot be opened: {error}"));
        let whole = self.history_of(Self::reader_of(&self.bucket, 1)).await.map_err(opens)?;
        self.opens_from_an_older_snapshot(&whole).await?;
        let bare = self.copy_of_bucket(|key| !key.starts_with("snapshots/"));
        let replayed = self.history_of(Self::reader_of(&bare, 1)).await.map_err(opens)?;
        let head = life.tree();
        self.coverage.judged(Oracle::Prefix);
        self.is_the_tree(&whole, &whole.durable().0, &head, None).await?;
        let objects = whole.objects();
        let listed =
            snapshot::list(objects).await.map_err(|error| Oracle::Snapshot.fails(error.to_string()))?;
        for tree in Self::looked_at(life).into_iter().step_by(4) {
            if listed.iter().any(|id| id.seq.0 <= tree.seq) {
                self.coverage.judged(Oracle::Snapshot);
            } else {
                self.coverage.count("skipped", "an instant before any snapshot file");
            }
            let opens = |error| Oracle::Snapshot.fails(format!("#{} cannot be opened: {error}", tree.seq));
            let from_snapshot = whole.view(Seq(tree.seq)).await.map_err(opens)?;
            let from_first = replayed.view(Seq(tree.seq)).await.map_err(opens)?;
            Oracle::Snapshot.holds(from_snapshot == from_first, || {
                format!(
                    "#{}: a snapshot file and the events after it give another tree than all events",
                    tree.seq
                )
            })?;
            self.is_the_tree(&whole, &from_snapshot, &tree, None).await?;
        }
        self.snapshots_are_exact(life, &whole).await?;
        let findings = self.verified(&self.bucket, 2).await?;
        Oracle::Damage
            .holds(findings.is_empty(), || format!("nothing is damaged, and verify finds {findings:?}"))
    }

    /// Without the last snapshot file, which is of the end, the one before and the tail give the same.
    async fn opens_from_an_older_snapshot(&self, whole: &History) -> Result<(), Failure> {
        let fails = |error: &dyn std::fmt::Display| Oracle::Snapshot.fails(error.to_string());
        let listed = snapshot::list(whole.objects()).await.map_err(|error| fails(&error))?;
        // The newest comes first.
        let [last, _, ..] = listed[..] else {
            self.coverage.count("skipped", "no older snapshot file");
            return Ok(());
        };
        let folder = format!("snapshots/{:020}-", last.seq.0);
        let older = self.copy_of_bucket(|key| !key.starts_with(&folder));
        let older = self.history_of(Self::reader_of(&older, 6)).await.map_err(|error| fails(&error))?;
        self.coverage.judged(Oracle::Snapshot);
        Oracle::Snapshot.holds(older.durable().0 == whole.durable().0, || {
            format!("opening without the snapshot file of #{} gives another tree", last.seq.0)
        })
    }

    /// Each snapshot file is the tree at its event.
    async fn snapshots_are_exact(&self, life: &Life, history: &History) -> Result<(), Failure> {
        let fails = |what: String| Oracle::Snapshot.fails(what);
        let objects = history.objects();
        let ids = snapshot::list(objects).await.map_err(|error| fails(error.to_string()))?;
        for id in ids {
            let found = snapshot::read(objects, history.volume(), id).await;
            let found =
                found.map_err(|error| fails(format!("the snapshot file of #{}: {error}", id.seq.0)))?;
            self.coverage.count("read", "snapshot files");
            let Some(tree) = life.line.borrow().at(id.seq.0).cloned() else {
                self.coverage.count("skipped", "a snapshot file at a turn that nobody took");
                continue;
            };
            self.coverage.judged(Oracle::Snapshot);
            crate::model::compare::metadata(&found.ns, &tree)
                .map_err(|what| fails(format!("the snapshot file of #{}: {what}", id.seq.0)))?;
        }
        Ok(())
    }

    /// What verify finds in a bucket.
    pub(super) async fn verified(&self, bucket: &Bucket, client: u32) -> Result<Vec<Finding>, Failure> {
        let fails =
            |error: &dyn std::fmt::Display| Oracle::Damage.fails(format!("verify cannot run: {error}"));
        let store = Self::reader_of(bucket, client);
        let manifest = firn_store::read_manifest(&store).await.map_err(|error| fails(&error))?;
        let (volume, health) = (VolumeId(manifest.volume), StoreHealth::default());
        let blocks =
            firn_blocks::Blocks::open(store.clone(), volume, self.config().history.blocks, health.clone());
        let bucket = verify::Bucket {
            store: Retrying::new(store.clone(), health.clone(), Patience::UpTo(HEALS)),
            journal: JournalReader::new(store.clone(), volume, health),
            blocks: blocks.await.map_err(|error| fails(&error))?,
        };
        let mut findings = Vec::new();
        let tell = |notice| {
            if let Notice::Finding(finding) = notice {
                findings.push(finding);
            }
        };
        verify::verify(&bucket, tell).await.map_err(|error| fails(&error))?;
        self.coverage.judged(Oracle::Damage);
        Ok(findings)
    }
}
