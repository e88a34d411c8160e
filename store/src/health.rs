use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How the store fares: shared by all who use it, updated by [`Retrying`](crate::Retrying).
///
/// Reads and writes are counted apart, since a full disk or a narrow permission fails the one and not the other.
#[derive(Clone, Default, Debug)]
pub struct StoreHealth(Arc<Mutex<Records>>);

#[derive(Default, Debug)]
struct Records {
    reads: Option<Record>,
    writes: Option<Record>,
}

#[derive(Debug)]
struct Record {
    failures: u64,
    since: Instant,
    last_error: String,
}

/// The store has been failing, up to now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outage {
    /// Requests that failed since the last one that succeeded.
    pub failures: u64,
    /// Since the first of them.
    pub lasting: Duration,
    /// What the last of them said.
    pub last_error: String,
    /// Whether writes fail (reads may, too).
    pub writes: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Direction {
    Read,
    Write,
}

impl StoreHealth {
    /// The outage that is going on, if any; of two, the longer one.
    pub fn outage(&self) -> Option<Outage> {
        let now = Instant::now();
        let records = self.records();
        let outage = |record: &Record, writes| Outage {
            failures: record.failures,
            lasting: now.saturating_duration_since(record.since),
            last_error: record.last_error.clone(),
            writes,
        };
        let reads = records.reads.as_ref().map(|record| outage(record, false));
        let writes = records.writes.as_ref().map(|record| outage(record, true));
        reads.into_iter().chain(writes).max_by_key(|outage| outage.lasting)
    }

    /// Whether the last request in each direction succeeded.
    pub fn is_well(&self) -> bool {
        let records = self.records();
        records.reads.is_none() && records.writes.is_none()
    }

    pub(crate) fn succeeded(&self, direction: Direction) {
        if let Some(past) = self.records().of(direction).take() {
            tracing::info!(?direction, failures = past.failures, lasted = ?past.since.elapsed(), "store answers again");
        }
    }

    pub(crate) fn failed(&self, direction: Direction, error: String) {
        let mut records = self.records();
        let record = records.of(direction).get_or_insert_with(|| {
            tracing::warn!(?direction, %error, "store fails; trying again");
            Record { failures: 0, since: Instant::now(), last_error: String::new() }
        });
        record.failures += 1;
        record.last_error = error;
    }

    fn records(&self) -> MutexGuard<'_, Records> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Records {
    fn of(&mut self, direction: Direction) -> &mut Option<Record> {
        match direction {
            Direction::Read => &mut self.reads,
            Direction::Write => &mut self.writes,
        }
    }
}
