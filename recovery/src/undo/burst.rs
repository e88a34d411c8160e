use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use firn_journal::{Actor, Ino, Seq, TransactionKind};
use firn_materializer::history::Instant;

use crate::log::{LogRow, Op};

/// A pause this long ends a burst of changes.
pub const PAUSE: Duration = Duration::from_secs(2);

/// Paths that stand for all of a burst.
const SAMPLE: usize = 5;

/// A run of changes without a pause between them.
#[derive(Clone, PartialEq, Debug)]
pub struct Burst {
    /// The first change.
    pub first: Instant,
    /// The last change.
    pub last: Instant,
    /// How many events they are.
    pub events: u64,
    /// Who made them, and how many events each; the most busy first. Processes of one user with one command
    /// name count as one, the latest of them.
    pub actors: Vec<(Arc<Actor>, u64)>,
    /// Some of the paths, latest first.
    pub paths: Vec<Vec<u8>>,
}

/// What one more row means to a search.
#[derive(PartialEq, Debug)]
pub(super) enum Found {
    /// Go on with the row before.
    More,
    /// The tree is as it was then: go on there.
    Jump(Seq),
    /// That is it.
    Burst(Burst),
}

/// Whether a row is the making of the volume: its first writer gives the root an owner, in nobody's name.
fn is_founding(row: &LogRow) -> bool {
    let by_the_mount = row.actor.pid == 0 && row.actor.command == b"firn";
    by_the_mount && row.ino == Some(Ino::ROOT) && matches!(row.op, Op::AttributesSet { .. })
}

/// Whether a row changed what somebody can see: mounting, naming an instant, reading and what happens to files
/// without a name do not.
pub(super) fn is_change(row: &LogRow) -> bool {
    match &row.op {
        _ if is_founding(row) => false,
        Op::Mounted { .. } | Op::Checkpointed { .. } | Op::Evicted => false,
        Op::Transaction { .. } => true,
        Op::AttributesSet { mode: None, uid: None, gid: None, mtime: None, .. } => false,
        _ => row.path.is_some(),
    }
}

/// Looks for the latest burst in rows that come newest first.
///
/// A transaction is a burst of its own. An undo or redo of the same scope is none: it says where to look.
pub(super) struct Search<'a> {
    scope: Option<&'a [u8]>,
    burst: Option<Gathered>,
}

#[derive(Debug)]
struct Gathered {
    first: Instant,
    last: Instant,
    events: u64,
    actors: BTreeMap<(Vec<u8>, u32), (Arc<Actor>, u64)>,
    paths: Vec<Vec<u8>>,
}

impl<'a> Search<'a> {
    pub fn new(scope: Option<&'a [u8]>) -> Self {
        Search { scope, burst: None }
    }

    /// Looks at the next older row.
    pub fn row(&mut self, row: &LogRow) -> Found {
        let ends = match &self.burst {
            None => false,
            Some(burst) => match row.op {
                Op::Checkpointed { .. } | Op::Transaction { .. } => true,
                _ => is_change(row) && burst.first.time.since(row.time) >= PAUSE,
            },
        };
        if ends {
            return self.end().map_or(Found::More, Found::Burst);
        }
        if !is_change(row) {
            return Found::More;
        }
        if let Op::Transaction { kind, target, .. } = row.op {
            let moves = matches!(kind, TransactionKind::Undo | TransactionKind::Redo);
            if moves && row.path.as_deref() == self.scope && target < row.first {
                return Found::Jump(target);
            }
            self.add(row);
            return self.end().map_or(Found::More, Found::Burst);
        }
        self.add(row);
        Found::More
    }

    /// There are no older rows.
    pub fn end(&mut self) -> Option<Burst> {
        let gathered = self.burst.take()?;
        let mut actors: Vec<(Arc<Actor>, u64)> = gathered.actors.into_values().collect();
        actors.sort_by_key(|(_, events)| std::cmp::Reverse(*events));
        let Gathered { first, last, events, paths, .. } = gathered;
        Some(Burst { first, last, events, actors, paths })
    }

    fn add(&mut self, row: &LogRow) {
        let last = Instant { seq: row.seq, time: row.time };
        let (actors, paths) = (BTreeMap::new(), Vec::new());
        let burst = self.burst.get_or_insert(Gathered { first: last, last, events: 0, actors, paths });
        burst.first = Instant { seq: row.first, time: row.time };
        let events = row.seq.0 - row.first.0 + 1;
        burst.events += events;
        let actor = (row.actor.command.clone(), row.actor.uid);
        burst.actors.entry(actor).or_insert_with(|| (row.actor.clone(), 0)).1 += events;
        let path =
            row.path.iter().filter(|_| burst.paths.len() < SAMPLE).find(|path| !burst.paths.contains(path));
        let path = path.cloned();
        burst.paths.extend(path);
    }
}
