use std::future::Future;
use std::time::Duration;

use tokio::time::timeout;

/// A request that moves no data is given up after this long.
pub(super) const REQUEST_LIMIT: Duration = Duration::from_secs(30);

/// One that does is given more time, as much as a slow line needs: 64 KiB a second.
const SLOWEST_LINE_BYTES_PER_MS: u64 = 64;

/// For how long a request is repeated.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Patience {
    /// For ever, and also while the credentials are refused or the bucket is not found: for writers in the
    /// background, whose data wait until the store, or whoever minds it, lets them through.
    Forever,
    /// Up to this long in all: for reads that someone waits for.
    UpTo(Duration),
}

/// Growing pauses between attempts: 50 ms, doubled up to 5 s. Without randomness, so that a simulation repeats.
#[derive(Clone, Debug)]
pub struct Backoff(Duration);

impl Backoff {
    /// The first pause.
    pub const FIRST: Duration = Duration::from_millis(50);
    /// The longest pause.
    pub const LONGEST: Duration = Duration::from_secs(5);

    /// The pause before the next attempt: whole milliseconds.
    pub fn next_pause(&mut self) -> Duration {
        let pause = self.0;
        self.0 = (pause * 2).min(Self::LONGEST);
        pause
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Backoff(Self::FIRST)
    }
}

/// How long a request that moves this many bytes may take: whole milliseconds.
pub(super) fn limit(bytes: u64) -> Duration {
    REQUEST_LIMIT + Duration::from_millis(bytes / SLOWEST_LINE_BYTES_PER_MS)
}

/// Timers have no more: rounding it here keeps real and simulated time alike.
pub(super) fn whole_ms(time: Duration) -> Duration {
    Duration::from_millis(time.as_millis() as u64)
}

/// Gives a request up after a time. The store may still carry it out.
pub(super) async fn within<T>(
    time: Duration,
    request: impl Future<Output = object_store::Result<T>>,
) -> object_store::Result<T> {
    timeout(time, request).await.unwrap_or_else(|_| Err(no_answer()))
}

/// The error of a request that was given up.
pub(super) fn no_answer() -> object_store::Error {
    let source = std::io::Error::new(std::io::ErrorKind::TimedOut, "the store did not answer in time");
    object_store::Error::Generic { store: "request", source: Box::new(source) }
}
