use std::path::PathBuf;
use std::sync::Arc;

use firn_clock::Clock;
use firn_journal::{Actor, Seq};
use firn_materializer::history::{History, Instant};
use firn_materializer::instant;
use firn_materializer::namespace::Namespace;
use firn_materializer::volume::Volume;
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
    /// Where to ask for the end of the mount.
    pub stop: mpsc::Sender<StopRequest>,
}

/// Asks for the end of a mount: unmounted, everything durable, the volume closed.
#[derive(Debug)]
pub struct StopRequest {
    /// Told when that is done, or why not. If it was not, the mount goes on.
    pub done: oneshot::Sender<Result<(), Failure>>,
}

impl Target {
    /// The writer, or what to do to have one.
    pub(super) fn writer(&self) -> Result<&Arc<Volume>, Failure> {
        self.volume.as_ref().ok_or_else(|| {
            let found = match self.mounted.as_ref().and_then(|mounted| mounted.at) {
                Some(at) => format!("this is a mount of the past (at {}), which does not change", at.seq),
                None => "the volume is only open for reading here".to_owned(),
            };
            Failure::refused(format!("{found}: run this in its live mount, or outside of mounts with --volume {}", self.url))
        })
    }

    /// The present tree, as an instant of the history.
    pub(super) async fn head(&self) -> Result<Namespace, Failure> {
        match &self.volume {
            Some(volume) => Ok(volume.view()),
            None => {
                self.history.refresh().await?;
                Ok(self.history.durable().0)
            }
        }
    }

    /// The instant that a time means.
    pub(super) async fn resolve(&self, text: &str) -> Result<Instant, Failure> {
        let when = instant::parse(text, self.clock.now(), &TimeZone::UTC).map_err(Failure::usage)?;
        match &self.volume {
            Some(volume) => Ok(volume.resolve(&when).await?),
            None => {
                self.history.refresh().await?;
                Ok(self.history.resolve(&when).await?)
            }
        }
    }

    /// The tree at an instant that was resolved.
    pub(super) async fn view(&self, seq: Seq) -> Result<Namespace, Failure> {
        match &self.volume {
            Some(volume) => Ok(volume.view_at(seq).await?),
            None => Ok(self.history.view(seq).await?),
        }
    }
}
