use std::collections::BTreeMap;
use std::sync::Arc;

use firn_blocks::{Blocks, BlocksError};
use firn_journal::{
    Hash, JournalError, JournalReader, JournalTip, PackHome, PackSeal, Segment, SegmentNo, Seq, WriterError,
    WriterRecord,
};
use firn_materializer::namespace::Namespace;
use firn_materializer::snapshot::{self, Snapshot, SnapshotError, SnapshotId};
use firn_store::{Key, Retrying, SnapshotObject};
use futures::stream::{self, StreamExt};

use super::hits::Packs;
use super::{Finding, Hit, MAX_HITS, Notice, Progress, Summary, VerifyError};
use crate::diff::diff;

/// Segments that are on their way while others are looked at.
const SEGMENTS_AHEAD: usize = 8;
/// Packs that are read at once.
const PACKS_AHEAD: usize = 4;

/// Segments of a lost end that are named one by one: how many there were is but somebody's word.
const MOST_LOST: usize = 256;

/// What is verified. Not a history: that may not open any more when something is wrong.
#[derive(Clone)]
pub struct Bucket {
    /// The bucket.
    pub store: Retrying,
    /// Its journal.
    pub journal: JournalReader,
    /// Its content.
    pub blocks: Arc<Blocks>,
}

/// Reads the whole volume: the chain of segments from the first to the last, each snapshot file against replay,
/// each pack's table and blocks, and whether everything that an event refers to is there. Goes on after a finding:
/// past a segment that cannot be replayed, with the next good snapshot file.
///
/// # Errors
/// The store does not answer. Damage is no error but a finding.
pub async fn verify(bucket: &Bucket, tell: impl FnMut(Notice) + Send) -> Result<Summary, VerifyError> {
    // Asked for first: a live writer goes on.
    let stored = WriterRecord::read(&bucket.store).await;
    let last = bucket.journal.last().await?;
    let mut snapshots: BTreeMap<SegmentNo, Vec<SnapshotId>> = BTreeMap::new();
    for id in snapshot::list(&bucket.store).await? {
        snapshots.entry(id.segment).or_default().push(id);
    }
    let mut run = Run {
        bucket,
        tell,
        summary: Summary::default(),
        tip: Some(JournalTip::default()),
        head: Namespace::default(),
        replaying: true,
        packs: Packs::default(),
    };
    let reader = bucket.journal.clone();
    let mut segments = stream::iter(1..=last.0)
        .map(|no| {
            let reader = reader.clone();
            async move { (SegmentNo(no), reader.require(SegmentNo(no)).await) }
        })
        .buffered(SEGMENTS_AHEAD);
    while let Some((no, read)) = segments.next().await {
        match read {
            Ok(segment) => run.segment(segment).await?,
            Err(JournalError::Store(error)) => return Err(error.into()),
            Err(error) => run.lost(no, &error).await,
        }
        for id in snapshots.remove(&no).unwrap_or_default() {
            run.snapshot(id).await?;
        }
        run.summary.segments += 1;
        (run.tell)(Notice::Progress(Progress { segments: no.0, of: last.0 }));
    }
    for id in snapshots.into_values().flatten() {
        run.beyond(id, last).await?;
    }
    run.end_of_journal(stored, last)?;
    Ok(run.finish())
}

struct Run<'a, F> {
    bucket: &'a Bucket,
    tell: F,
    summary: Summary,
    /// What the next segment must follow; `None` if the one before it cannot be read at all.
    tip: Option<JournalTip>,
    /// The latest tree that is known.
    head: Namespace,
    /// Whether that is the tree right before the next event.
    replaying: bool,
    packs: Packs,
}

impl<F: FnMut(Notice) + Send> Run<'_, F> {
    fn find(&mut self, object: impl ToString, problem: impl ToString, mut hits: Vec<Hit>) {
        let hit_count = hits.len() as u64;
        hits.truncate(MAX_HITS);
        self.summary.findings += 1;
        let (object, problem) = (object.to_string(), problem.to_string());
        (self.tell)(Notice::Finding(Finding { object, problem, hits, hit_count }));
    }

    /// Whether the journal goes as far as its last writer said.
    fn end_of_journal(
        &mut self,
        record: Result<Option<WriterRecord>, WriterError>,
        last: SegmentNo,
    ) -> Result<(), VerifyError> {
        match record {
            Ok(Some(record)) if record.last_segment > last => {
                let stored = record.last_segment.0;
                let problem = format!(
                    "it is missing: the journal ends at segment {}, and its last writer had stored segment {stored}; \
                     put back the objects as they were written",
                    last.0
                );
                for no in (last.next().0..=stored).take(MOST_LOST) {
                    self.find(Key::Segment(no), &problem, Vec::new());
                }
            }
            Ok(_) => {}
            Err(WriterError::Store(error)) => return Err(error.into()),
            Err(error) => self.find(Key::Writer, error, Vec::new()),
        }
        Ok(())
    }

    async fn segment(&mut self, segment: Segment) -> Result<(), VerifyError> {
        let key = Key::Segment(segment.no.0);
        if let Some(Err(error)) = self.tip.map(|tip| tip.follow(&segment)) {
            let advice = "it or the one before it was replaced: put back the objects as they were written";
            self.find(key, format!("it does not continue the journal: {error}; {advice}"), Vec::new());
        }
        self.tip = Some(JournalTip::of(&segment));
        if let Ok(Some(header)) = self.bucket.journal.header(segment.no).await {
            self.summary.bytes += header.object_len();
        }
        self.seals(&segment.seals).await?;
        for event in &segment.events {
            self.summary.events += 1;
            if self.replaying
                && let Err(error) = self.head.apply(event)
            {
                self.replaying = false;
                let problem = format!("event {} does not follow from those before it: {error}", event.seq);
                self.find(key, problem, Vec::new());
            }
            self.packs.event(event, self.replaying.then_some(&self.head));
        }
        Ok(())
    }

    /// A segment that cannot be read. The chain may still be followed through its header.
    async fn lost(&mut self, no: SegmentNo, error: &JournalError) {
        let header = self.bucket.journal.header(no).await.ok().flatten();
        let hits = header
            .as_ref()
            .map(|header| format!(" It holds events {} to {}.", header.first_seq, header.last_seq()));
        self.find(Key::Segment(no.0), format!("{error}.{}", hits.unwrap_or_default()), Vec::new());
        self.tip = header.as_ref().map(JournalTip::of_header);
        self.replaying = false;
    }

    async fn seals(&mut self, seals: &[PackSeal]) -> Result<(), VerifyError> {
        self.bucket.blocks.learn(seals);
        seals.iter().for_each(|seal| self.packs.learn(seal));
        let blocks = self.bucket.blocks.clone();
        // Owned on both sides, so that the compiler sees that the work may move between threads.
        let mut verified = stream::iter(seals.to_vec())
            .map(|seal| {
                let blocks = blocks.clone();
                async move { (seal, blocks.verify_pack(&seal).await) }
            })
            .buffered(PACKS_AHEAD);
        while let Some((seal, verified)) = verified.next().await {
            self.summary.packs += 1;
            if seal.home == PackHome::Object {
                self.summary.bytes += seal.len;
            }
            match verified {
                Ok(()) => {}
                Err(BlocksError::Store(error)) => return Err(error.into()),
                Err(error) => self.packs.damaged(&seal, error.to_string()),
            }
        }
        Ok(())
    }

    /// Compares a snapshot file with replay, or goes on from it where replay had to end.
    async fn snapshot(&mut self, id: SnapshotId) -> Result<(), VerifyError> {
        self.summary.snapshots += 1;
        let read = snapshot::read(&self.bucket.store, self.bucket.journal.volume(), id).await;
        let Snapshot { ns, packs, tip } = match read {
            Ok(snapshot) => snapshot,
            Err(SnapshotError::Store(error)) => return Err(error.into()),
            Err(error) => return self.damaged_snapshot(id, error).await,
        };
        if self.tip.is_some_and(|expected| expected.hash != Hash::NONE && expected != tip) {
            let problem = "it was written for another segment than the one in the journal: delete it";
            self.find(contents(id), problem, Vec::new());
            return Ok(());
        }
        if !self.replaying {
            // Of segments that could not be read.
            let unread: Vec<PackSeal> = packs.into_iter().filter(|seal| !self.packs.is_known(seal)).collect();
            self.seals(&unread).await?;
            (self.head, self.replaying) = (ns, true);
            return Ok(());
        }
        if ns != self.head {
            let problem = "it differs from what replaying the journal gives, which is right: delete it";
            self.find(contents(id), problem, differences(&self.head, &ns));
        }
        if packs.len() != self.packs.count() || !packs.iter().all(|seal| self.packs.is_known(seal)) {
            let problem = "it names other packs than the journal up to it, which is right: delete it";
            self.find(contents(id), problem, Vec::new());
        }
        Ok(())
    }

    /// A snapshot file that cannot be read: each of its objects that is damaged is named.
    async fn damaged_snapshot(&mut self, id: SnapshotId, error: SnapshotError) -> Result<(), VerifyError> {
        if self.damaged_objects(id).await? == 0 {
            self.find(contents(id), error, Vec::new());
        }
        Ok(())
    }

    /// Names each object of a snapshot file that is not as it was written; answers how many.
    async fn damaged_objects(&mut self, id: SnapshotId) -> Result<usize, VerifyError> {
        let volume = self.bucket.journal.volume();
        let damaged = snapshot::damaged_objects(&self.bucket.store, volume, id).await?;
        let count = damaged.len();
        for (object, error) in damaged {
            let (seq, segment) = (id.seq.0, id.segment.0);
            self.find(Key::Snapshot { seq, segment, object }, error, Vec::new());
        }
        Ok(count)
    }

    async fn beyond(&mut self, id: SnapshotId, last: SegmentNo) -> Result<(), VerifyError> {
        let problem = format!(
            "it was written after segment {}, and the journal ends at segment {}: later segments are missing; put them \
             back from the bucket's older versions or a copy",
            id.segment.0, last.0
        );
        self.find(contents(id), problem, Vec::new());
        self.damaged_objects(id).await.map(drop)
    }

    fn finish(mut self) -> Summary {
        let packs = std::mem::take(&mut self.packs);
        let head = self.head.clone();
        for finding in packs.into_findings(&head) {
            self.summary.findings += 1;
            (self.tell)(Notice::Finding(finding));
        }
        self.summary
    }
}

/// The key of a snapshot file's table of contents, which stands for all of it.
fn contents(id: SnapshotId) -> Key {
    Key::Snapshot { seq: id.seq.0, segment: id.segment.0, object: SnapshotObject::Toc }
}

/// The paths by which a tree differs from the right one.
fn differences(right: &Namespace, found: &Namespace) -> Vec<Hit> {
    let (since, time): (Seq, _) = (right.seq(), right.time());
    let rows = diff(right, found, None).into_iter();
    let hits =
        rows.filter_map(|row| Some(Hit { ino: row.ino()?, path: Some(row.path), since, time, now: false }));
    hits.collect()
}
