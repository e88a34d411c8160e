//! The bucket's clock: virtual milliseconds.

use std::time::{Duration, SystemTime};

use tokio::runtime::Handle;
use tokio::time::Instant;

/// The objects' times of modification count from here (2027-01-15): no run sees the day on which it runs.
const EPOCH: Duration = Duration::from_secs(1_800_000_000);

/// Counts from the first time that it is asked within a runtime. Outside of one it stands still, since what tokio
/// would say there is real time.
#[derive(Default, Debug)]
pub(super) struct Clock {
    start: Option<Instant>,
    last_ms: u64,
}

impl Clock {
    pub fn now_ms(&mut self) -> u64 {
        if Handle::try_current().is_ok() {
            let now = Instant::now();
            let since = now - *self.start.get_or_insert(now);
            self.last_ms = self.last_ms.max(since.as_millis() as u64);
        }
        self.last_ms
    }
}

/// The time of modification that an object shows.
pub(super) fn modified(at_ms: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + EPOCH + Duration::from_millis(at_ms)
}
