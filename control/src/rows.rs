//! The shapes of answers. Their keys are documented in `docs/cli.md` and stay.
//!
//! A path is given as text; one that is not UTF-8 is given lossily, and in full as `…_bytes` in hexadecimal.

use firn_clock::Timestamp;
use firn_journal::Actor;
use firn_materializer::history::Instant;
use firn_materializer::instant::format_time;
use firn_recovery::Burst;
use firn_recovery::verify::{Finding, Hit, Summary};
use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::path::{from_hex, to_hex};

/// A time in JSON: RFC 3339 in UTC, to the nanosecond.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct TimeText(pub Timestamp);

impl Serialize for TimeText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format_time(self.0, &TimeZone::UTC))
    }
}

impl<'de> Deserialize<'de> for TimeText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let time: jiff::Timestamp = text.parse().map_err(serde::de::Error::custom)?;
        let nanos = i64::try_from(time.as_nanosecond()).map_err(serde::de::Error::custom)?;
        Ok(TimeText(Timestamp(nanos)))
    }
}

/// Bytes as two values: text, lossily, and hexadecimal if the text does not tell them.
pub fn spell(bytes: &[u8]) -> (String, Option<String>) {
    (String::from_utf8_lossy(bytes).into_owned(), str::from_utf8(bytes).is_err().then(|| to_hex(bytes)))
}

/// The bytes that a row tells as text and, if they are not UTF-8, in hexadecimal beside it.
pub fn unspell(text: &str, hex: Option<&str>) -> Vec<u8> {
    hex.and_then(from_hex).unwrap_or_else(|| text.as_bytes().to_owned())
}

/// An instant that a request named, as it was resolved.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct InstantRow {
    /// The last event.
    pub seq: u64,
    /// Its time.
    pub time: TimeText,
}

impl From<Instant> for InstantRow {
    fn from(instant: Instant) -> Self {
        InstantRow { seq: instant.seq.0, time: TimeText(instant.time) }
    }
}

/// The end of `firn umount`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct UnmountResult {
    /// Up to where everything is durable; absent of a mount of the past.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub durable_seq: Option<u64>,
}

/// Who caused an event.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ActorRow {
    /// User id.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
    /// Process id; 0 when the kernel asked for itself.
    pub pid: u32,
    /// Command name, lossily; empty when it is not known.
    pub command: String,
}

impl From<&Actor> for ActorRow {
    fn from(actor: &Actor) -> Self {
        let command = String::from_utf8_lossy(&actor.command).into_owned();
        ActorRow { uid: actor.uid, gid: actor.gid, pid: actor.pid, command }
    }
}

/// One event of `firn log`. What does not fit the operation is left out.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct EventRow {
    /// Its position.
    pub seq: u64,
    /// When.
    pub time: TimeText,
    /// What: `create`, `mkdir`, `write`, `rename`, …
    pub op: String,
    /// On what, where it is after the event; absent of events of the whole volume.
    pub path: Option<String>,
    /// `path` in full, if it is not UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_bytes: Option<String>,
    /// Who.
    pub actor: ActorRow,
    /// Everything else, by operation.
    #[serde(flatten)]
    pub details: serde_json::Map<String, serde_json::Value>,
}

/// The end of `firn log`.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct LogResult {
    /// How many events were shown.
    pub events: u64,
    /// Whether there are more, which the limit left out.
    pub more: bool,
    /// The first event that `--since` allows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<u64>,
    /// `--until`, resolved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<InstantRow>,
}

/// A named instant.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct CheckpointRow {
    /// Its name, without the `@`.
    pub name: String,
    /// The last event.
    pub seq: u64,
    /// Its time.
    pub time: TimeText,
    /// What was said about it; may be empty.
    pub message: String,
}

/// One path that differs between two instants, or that an undo or a restore changes.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ChangeRow {
    /// `added`, `removed`, `modified` or `renamed`.
    pub change: String,
    /// Where it is in the later instant; of a removed one, where it was.
    pub path: String,
    /// `path` in full, if it is not UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_bytes: Option<String>,
    /// Of a renamed one, where it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// `from` in full, if it is not UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_bytes: Option<String>,
    /// `file`, `directory`, `symlink`, `fifo`, `socket`, `char-device` or `block-device`.
    pub kind: String,
    /// Of a modified or renamed one, what is different: `content`, `mode`, `owner`, `times`, `xattrs`, …
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub differs: Vec<String>,
    /// A unified patch, if one was asked for and both sides are text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patch: Option<String>,
    /// `patch` in full, if it is not UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patch_bytes: Option<String>,
}

/// How many paths were added, removed, modified and renamed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Counts {
    /// There only afterwards.
    pub added: u64,
    /// There only before.
    pub removed: u64,
    /// Other content, attributes or extended attributes.
    pub modified: u64,
    /// At another path, and perhaps modified too.
    pub renamed: u64,
}

impl Counts {
    /// All of them.
    pub fn total(&self) -> u64 {
        self.added + self.removed + self.modified + self.renamed
    }
}

/// The end of `firn diff`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct DiffResult {
    /// `FROM`, resolved.
    pub from: InstantRow,
    /// `TO`, resolved.
    pub to: InstantRow,
    /// What was found.
    #[serde(flatten)]
    pub counts: Counts,
}

/// The end of `firn checkpoints`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct CheckpointsResult {
    /// How many there are.
    pub checkpoints: u64,
}

/// What a mount or a volume says of itself.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct StatusResult {
    /// Its URL.
    pub volume: String,
    /// Its own identity, in hexadecimal.
    pub volume_id: String,
    /// Where it is mounted, if it is.
    pub mountpoint: Option<String>,
    /// The process that writes it, or that serves this mount of its past.
    pub pid: Option<u32>,
    /// The machine of that process.
    pub host: Option<String>,
    /// The instant that this mount shows, if it is one of the past.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<InstantRow>,
    /// The last event.
    pub head_seq: u64,
    /// Its time.
    pub head_time: TimeText,
    /// The last event that is in the store.
    pub durable_seq: u64,
    /// Its time.
    pub durable_time: TimeText,
    /// Bytes of content that are not in the store yet.
    pub pending_bytes: u64,
    /// Events that are not in the store yet.
    pub pending_events: u64,
    /// The time of the oldest of them.
    pub oldest_pending_time: Option<TimeText>,
    /// Its age, in milliseconds; 0 if there is none.
    pub pending_for_ms: u64,
    /// The turn of the writer; each one that takes over has a higher number.
    pub epoch: u32,
    /// Inodes in the tree.
    pub inodes: u64,
    /// Bytes that its files take.
    pub bytes: u64,
    /// Bytes in a block of content.
    pub block_size: u32,
    /// The last event that a snapshot file holds.
    pub snapshot_seq: Option<u64>,
    /// The block caches.
    pub cache: CacheRow,
    /// How the store answers.
    pub store: StoreRow,
    /// Why nothing can be changed, if so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_only_reason: Option<String>,
}

/// How the block caches do; counts are since the volume was opened.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CacheRow {
    /// Bytes that the memory cache holds.
    pub memory_bytes: u64,
    /// Bytes that it may hold.
    pub memory_capacity: u64,
    /// Whether there is a cache on disk.
    pub has_disk: bool,
    /// Blocks that were found in memory.
    pub memory_hits: u64,
    /// Blocks that were found in the cache on disk.
    pub disk_hits: u64,
    /// Requests that the store answered.
    pub store_gets: u64,
    /// Bytes that it sent.
    pub store_bytes: u64,
}

/// How the store answers.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct StoreRow {
    /// Whether its last answers, to a read and to a write, were good.
    pub healthy: bool,
    /// Since when it fails.
    pub failing_since: Option<TimeText>,
    /// What it said last when it failed.
    pub last_error: Option<String>,
}

/// The end of `sync`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct SyncResult {
    /// The last event that is durable.
    pub durable_seq: u64,
}

impl From<firn_recovery::Counts> for Counts {
    fn from(counts: firn_recovery::Counts) -> Self {
        let firn_recovery::Counts { added, removed, modified, renamed } = counts;
        Counts { added, removed, modified, renamed }
    }
}

/// A run of changes without a pause in it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct BurstRow {
    /// The first change.
    pub first: InstantRow,
    /// The last change.
    pub last: InstantRow,
    /// How many events they are.
    pub events: u64,
    /// Who made them, the most busy first.
    pub actors: Vec<ActorRow>,
    /// Some of the paths, latest first; lossily.
    pub paths: Vec<String>,
}

impl From<&Burst> for BurstRow {
    fn from(burst: &Burst) -> Self {
        BurstRow {
            first: InstantRow::from(burst.first),
            last: InstantRow::from(burst.last),
            events: burst.events,
            actors: burst.actors.iter().map(|(actor, _)| ActorRow::from(&**actor)).collect(),
            paths: burst.paths.iter().map(|path| String::from_utf8_lossy(path).into_owned()).collect(),
        }
    }
}

/// What `firn undo`, `firn redo` or `firn restore` did, or would do.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct UndoResult {
    /// `undo`, `redo` or `restore`.
    pub did: String,
    /// The instant that the tree, or what is at `path`, is as it was at now.
    pub to: InstantRow,
    /// Its scope; the whole tree if absent.
    pub path: Option<String>,
    /// `path` in full, if it is not UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_bytes: Option<String>,
    /// Whether this was only a preview.
    pub dry_run: bool,
    /// What was taken back, if it was the latest burst of changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub burst: Option<BurstRow>,
    /// Which paths changed.
    #[serde(flatten)]
    pub counts: Counts,
    /// The instant before it was done, which shows what was taken back.
    pub before: InstantRow,
    /// The last event of the transaction; absent if nothing had to change.
    pub seq: Option<u64>,
    /// A command that takes it back; absent if nothing changed.
    pub take_back: Option<String>,
}

/// Something that `firn verify` found.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct FindingRow {
    /// The object's key.
    pub object: String,
    /// What is wrong with it.
    pub problem: String,
    /// Paths that are hit, by inode number; the first thousand.
    pub hits: Vec<HitRow>,
    /// How many paths are hit in all.
    pub hit_count: u64,
}

/// A path that is hit by a finding.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct HitRow {
    /// Its inode.
    pub ino: u64,
    /// Where that was; null if it had no path, or if the tree of that time is not known.
    pub path: Option<String>,
    /// `path` in full, if it is not UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_bytes: Option<String>,
    /// The first instant in which it is hit.
    pub since: InstantRow,
    /// Whether it is hit in the latest tree.
    pub now: bool,
}

impl From<Finding> for FindingRow {
    fn from(finding: Finding) -> Self {
        let Finding { object, problem, hits, hit_count } = finding;
        FindingRow { object, problem, hits: hits.into_iter().map(HitRow::from).collect(), hit_count }
    }
}

impl From<Hit> for HitRow {
    fn from(hit: Hit) -> Self {
        let (path, path_bytes) = hit.path.as_deref().map(spell).unzip();
        let since = InstantRow { seq: hit.since.0, time: TimeText(hit.time) };
        HitRow { ino: hit.ino.0, path, path_bytes: path_bytes.flatten(), since, now: hit.now }
    }
}

/// The end of `firn verify`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct VerifyResult {
    /// Segments of the journal that were read.
    pub segments: u64,
    /// Events in them.
    pub events: u64,
    /// Snapshot files that were compared with replay.
    pub snapshots: u64,
    /// Packs that were read.
    pub packs: u64,
    /// Bytes that were read.
    pub bytes: u64,
    /// Problems that were found.
    pub findings: u64,
}

impl From<Summary> for VerifyResult {
    fn from(summary: Summary) -> Self {
        let Summary { segments, events, snapshots, packs, bytes, findings } = summary;
        VerifyResult { segments, events, snapshots, packs, bytes, findings }
    }
}
