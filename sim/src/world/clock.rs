use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use firn_clock::{Clock, Timestamp};
use tokio::time::Instant;

/// When the simulated world begins: 2026-09-21, in milliseconds since 1970.
const EPOCH_MS: i64 = 1_790_000_000_000;

/// The wall clock of all machines: virtual time, and whatever it was jumped by. Clones are one clock.
#[derive(Clone, Debug)]
pub struct WorldClock {
    start: Instant,
    jumped_ms: Arc<AtomicI64>,
}

impl WorldClock {
    /// Starts now.
    pub fn start() -> Self {
        WorldClock { start: Instant::now(), jumped_ms: Arc::default() }
    }

    /// Virtual milliseconds since the start, which never jump.
    pub fn elapsed_ms(&self) -> u64 {
        self.start.elapsed().as_millis() as u64
    }

    /// Jumps, in either direction.
    pub fn jump(&self, ms: i64) {
        self.jumped_ms.fetch_add(ms, Ordering::Relaxed);
    }

    /// The time of day, in nanoseconds since 1970.
    pub fn now_ns(&self) -> i64 {
        (EPOCH_MS + self.elapsed_ms() as i64 + self.jumped_ms.load(Ordering::Relaxed)) * 1_000_000
    }
}

impl Clock for WorldClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.now_ns())
    }
}
