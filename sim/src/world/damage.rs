//! Stored objects are damaged: verify must find each and name it, and no read may return wrong bytes.

use std::collections::{BTreeMap, BTreeSet};

use firn_journal::Seq;
use firn_store::{Key, SnapshotObject};
use object_store::path::Path;

use super::World;
use super::finish::looks;
use super::life::Life;
use crate::draw::Draw;
use crate::model::compare;
use crate::oracle::{Failure, Oracle};
use crate::store::{Bucket, Damage};

/// Rounds of damage in a run.
const ROUNDS: u64 = 6;

/// The objects of a volume, and the segments that commit those that are packs.
type Matters = BTreeMap<Path, Option<Path>>;

impl World {
    pub(super) async fn damage(&self, life: &Life) -> Result<(), Failure> {
        let matters = self.what_matters().await?;
        for round in 0..ROUNDS {
            let mut draw = self.plan.seed.draw("damage", &[round]);
            // One object mostly, sometimes several at once.
            let count = *draw.weighted(&[(4, 1), (1, 2), (1, 3)]);
            let bucket = self.copy_of_bucket(|_| true);
            let mut damaged = BTreeSet::new();
            for _ in 0..count {
                let which = draw.below(matters.len() as u64) as usize;
                let Some(key) = matters.keys().nth(which) else { continue };
                let damage = how(&mut draw, &bucket, key);
                if damaged.insert(key.clone()) && bucket.damage(key, damage) {
                    self.note(format_args!("damage {key}: {damage:?}"));
                    self.coverage.count("damage", family(key));
                }
            }
            self.finds(&bucket, &matters, &damaged).await?;
            self.reads_nothing_wrong(life, &bucket, &damaged).await?;
        }
        Ok(())
    }

    /// The objects that the volume is made of: segments, the packs that they commit, and whole snapshot files; each with
    /// the segment that tells what a pack must be.
    async fn what_matters(&self) -> Result<Matters, Failure> {
        let history = self.history_of(Self::reader_of(&self.bucket, 3)).await;
        let history = history.map_err(|error| Oracle::Damage.fails(format!("before any damage: {error}")))?;
        let (_, tip) = history.durable();
        let mut packs: BTreeMap<Path, Path> = BTreeMap::new();
        let mut replay = history.journal().replay(Default::default());
        while let Ok(Some(segment)) = replay.next().await {
            packs.extend(segment.seals.iter().map(|seal| {
                let pack = Key::Pack { epoch: seal.pack.epoch.0, number: seal.pack.number };
                (pack.path(), Key::Segment(segment.no.0).path())
            }));
        }
        let keys = self.bucket.keys();
        let whole =
            |seq, segment| keys.contains(&Key::Snapshot { seq, segment, object: SnapshotObject::Toc }.path());
        let matters = keys.iter().filter(|path| match Key::of(path) {
            Some(Key::Segment(no)) => no <= tip.segment.0,
            Some(Key::Pack { .. }) => packs.contains_key(*path),
            Some(Key::Snapshot { seq, segment, .. }) => whole(seq, segment),
            _ => false,
        });
        Ok(matters.map(|path| (path.clone(), packs.get(path).cloned())).collect())
    }

    /// Each damaged object has a finding that names it.
    async fn finds(
        &self,
        bucket: &Bucket,
        matters: &Matters,
        damaged: &BTreeSet<Path>,
    ) -> Result<(), Failure> {
        let findings = self.verified(bucket, 4).await?;
        let named: BTreeSet<&str> = findings.iter().map(|finding| finding.object.as_str()).collect();
        for key in damaged {
            // What a pack must be is told by its segment; if that is damaged too, it is what is named.
            let untold = matters[key].as_ref().is_some_and(|segment| damaged.contains(segment));
            let excused = untold || nobody_can_tell(bucket, damaged, key);
            Oracle::Damage.holds(excused || named.contains(key.as_ref()), || {
                format!("{key} is damaged ({damaged:?}), and verify names {named:?}")
            })?;
        }
        Ok(())
    }

    /// Whatever can still be read is right.
    async fn reads_nothing_wrong(
        &self,
        life: &Life,
        bucket: &Bucket,
        damaged: &BTreeSet<Path>,
    ) -> Result<(), Failure> {
        // A damaged snapshot file is passed over: everything opens as if it were not there.
        let spared = damaged.iter().all(|key| matches!(Key::of(key), Some(Key::Snapshot { .. })));
        let history = match self.history_of(Self::reader_of(bucket, 5)).await {
            Ok(history) => history,
            Err(error) if spared => {
                return Err(
                    Oracle::Damage.fails(format!("with {damaged:?} the volume does not open: {error}"))
                );
            }
            Err(error) => {
                self.note(format_args!("with {damaged:?} the volume does not open: {error}"));
                self.coverage.count("damage", "told when opening");
                return Ok(());
            }
        };
        let line = life.line.borrow().clone();
        let records = &line.records()[1..];
        let step = 7.max(records.len() / looks(line.head()));
        for record in records.iter().rev().step_by(step) {
            let tree = &record.tree;
            let ns = match history.view(Seq(tree.seq)).await {
                Ok(ns) => ns,
                Err(error) if spared => {
                    return Err(Oracle::Damage.fails(format!("with {damaged:?}, #{}: {error}", tree.seq)));
                }
                Err(_) => {
                    self.coverage.count("damage", "told when looking back");
                    continue;
                }
            };
            self.coverage.judged(Oracle::Damage);
            compare::metadata(&ns, tree)
                .map_err(|what| Oracle::Damage.fails(format!("with {damaged:?}, #{}: {what}", tree.seq)))?;
            match compare::contents(&ns, history.blocks(), tree).await {
                Ok(judged) => judged.map(drop).map_err(|what| {
                    Oracle::Damage.fails(format!("with {damaged:?}, #{}: {what}", tree.seq))
                })?,
                Err(_) => self.coverage.count("damage", "told when reading"),
            }
        }
        Ok(())
    }
}

/// Without its table of contents a snapshot file is none, and nothing is missed; with a damaged one, what its tables
/// should be is not known, and the table of contents is what is named.
fn nobody_can_tell(bucket: &Bucket, damaged: &BTreeSet<Path>, key: &Path) -> bool {
    let Some(Key::Snapshot { seq, segment, .. }) = Key::of(key) else { return false };
    let contents = Key::Snapshot { seq, segment, object: SnapshotObject::Toc }.path();
    bucket.get(&contents).is_none() || (damaged.contains(&contents) && contents != *key)
}

fn how(draw: &mut Draw, bucket: &Bucket, key: &Path) -> Damage {
    let len = bucket.get(key).map_or(0, |bytes| bytes.len() as u64);
    match draw.below(4) {
        0 => Damage::Lost,
        1 => Damage::Cut { to: draw.below(len) },
        _ => Damage::Flipped { at: draw.below(len) },
    }
}

fn family(key: &Path) -> &'static str {
    match Key::of(key) {
        Some(Key::Segment(_)) => "segment",
        Some(Key::Pack { .. }) => "pack",
        _ => "snapshot file",
    }
}
