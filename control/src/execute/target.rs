use std::path::PathBuf;
use std::sync::Arc;

use firn_clock::Clock;
use firn_journal::Actor;
use firn_materializer::history::{History, Instant};
use firn_materializer::instant::{self, When};
use firn_materializer::volume::Volume;
use firn_recovery::Timeline;
use jiff::tz::TimeZone;
use tokio::sync::{mpsc, oneshot};

use crate::answer::Failure;

/// Who asks: the actor of what comes of it.
#[derive(Clone, Debug)]
pub struct Caller {
    /// As events name it.
    pub actor: Arc<Actor>,
}

impl Caller {
    /// A process, as the kernel names it.
    pub fn process(uid: u32, gid: u32, pid: u32) -> Self {
        let mut command = std::fs::read(format!("/proc/{pid}/comm")).unwrap_or_default();
        command.pop_if(|last| *last == b'\n');
        Caller { actor: Arc::new(Actor { uid, gid, pid, command }) }
    }
}

/// A volume that can be asked.
#[derive(Clone)]
pub struct Target {
    /// What names it.
    pub url: String,
    /// Its past.
    pub history: Arc<History>,
    /// Its writer, if this process is that.
    pub volume: Option<Arc<Volume>>,
    /// Its mount, if this process serves that.
    pub mounted: Option<MountedAt>,
    /// What `now` is.
    pub clock: Arc<dyn Clock>,
}

/// A mount, as its own process sees it.
#[derive(Clone)]
pub struct MountedAt {
    /// Absolute.
    pub mountpoint: PathBuf,
    /// This process.
    pub pid: u32,
    /// The instant that is mounted, if it is one of the past.
    pub at: Option<Instant>,
    /// To whoever holds the mount itself.
    pub orders: mpsc::Sender<Order>,
}

/// What a request asks of the mount itself.
#[derive(Debug)]
pub enum Order {
    /// To wait until the kernel has been told of every transaction so far.
    Settle(oneshot::Sender<()>),
    /// To unmount and to close the volume. Answered when that is done, or with why not; then the mount goes on.
    Stop(oneshot::Sender<Result<(), Failure>>),
}

impl Target {
    /// The writer, or what to do to have one.
    pub(super) fn writer(&self) -> Result<&Arc<Volume>, Failure> {
        self.volume.as_ref().ok_or_else(|| {
            let found = match self.mounted.as_ref().and_then(|mounted| mounted.at) {
                Some(at) => format!("this is a mount of the past (at {}), which does not change", at.seq),
                None => "the volume is only open for reading here".to_owned(),
            };
            Failure::refused(format!(
                "{found}: run this in its live mount, or outside of mounts with --volume {}",
                self.url
            ))
        })
    }

    /// The instants that can be asked for.
    pub(super) fn timeline(&self) -> Timeline<'_> {
        match &self.volume {
            Some(volume) => Timeline::Live(volume),
            None => Timeline::Stored(&self.history),
        }
    }

    /// What a time in a request means.
    pub(super) fn when(&self, text: &str) -> Result<When, Failure> {
        Ok(instant::parse(text, self.clock.now(), &TimeZone::UTC)?)
    }

    /// Waits until every program sees what a transaction changed.
    pub(super) async fn settle(&self) {
        let Some(mounted) = &self.mounted else { return };
        let (done, settled) = oneshot::channel();
        if mounted.orders.send(Order::Settle(done)).await.is_ok() {
            // An error means that the mount has ended meanwhile.
            let _ = settled.await;
        }
    }
}
