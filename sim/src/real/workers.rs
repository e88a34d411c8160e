//! Threads that make the calls, and know nothing else.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender};

use super::call::{Call, Refusal};
use super::firn::Firn;

/// Counts the beginnings and ends of calls, over all threads: what ended at a lower number than that at which
/// something else began was over before.
#[derive(Default)]
pub struct Ticks(AtomicU64);

impl Ticks {
    /// The next moment.
    pub fn next(&self) -> u64 {
        self.0.fetch_add(1, Ordering::SeqCst) + 1
    }
}

/// Modified, and changed in its inode: nanoseconds since 1970.
pub type Times = (i64, i64);

/// What a thread is to do.
pub struct Order {
    /// The call.
    pub call: Call,
    /// What to ask for its times after it.
    pub touched: Vec<PathBuf>,
}

/// How a call went.
pub struct Answer {
    /// When it began.
    pub start: u64,
    /// When it ended.
    pub finish: u64,
    /// What it answered.
    pub result: Result<(), Refusal>,
    /// The times of what it touched, where they could be asked for.
    pub times: Vec<Option<Times>>,
}

/// What a thread tells.
pub enum News {
    /// It is about to call what acknowledges: an fsync, a checkpoint.
    Asks(&'static str),
    /// It is done with what it had to do.
    Done(usize, Answer),
}

/// Does what it is told, one thing after the other, until nobody tells it any more.
pub fn work(number: usize, firn: &Firn, ticks: &Ticks, orders: &Receiver<Order>, news: &Sender<News>) {
    for Order { call, touched } in orders {
        // Nobody listens any more when something was found meanwhile.
        if call.acknowledges() && news.send(News::Asks(call.label())).is_err() {
            return;
        }
        let start = ticks.next();
        let result = call.perform(firn);
        let finish = ticks.next();
        let times = touched.iter().map(|path| times(&firn.dir.join(path))).collect();
        if news.send(News::Done(number, Answer { start, finish, result, times })).is_err() {
            return;
        }
    }
}

fn times(path: &Path) -> Option<Times> {
    path.symlink_metadata().ok().map(|found| times_of(&found))
}

/// The times that are compared.
pub fn times_of(found: &std::fs::Metadata) -> Times {
    let nanos = |seconds: i64, nanos: i64| seconds.saturating_mul(1_000_000_000).saturating_add(nanos);
    (nanos(found.mtime(), found.mtime_nsec()), nanos(found.ctime(), found.ctime_nsec()))
}
