//! Serving a mount: opening the volume, mounting, answering the control socket, and ending in good order.

use std::path::Path;
use std::sync::Arc;

use firn_blocks::{BlocksConfig, DiskCacheConfig};
use firn_clock::{OsEntropy, SystemClock};
use firn_control::{Failure, InstantRow, MountAddress, MountedAt, Order, Server, Target, socket_path};
use firn_journal::{VolumeId, WriterIdentity};
use firn_materializer::history::{History, HistoryConfig, Instant};
use firn_materializer::volume::{Volume, VolumeConfig};
use firn_mount::{Fs, MountError, MountOptions, Session};
use firn_store::{Retrying, VolumeUrl};
use tokio::sync::{mpsc, oneshot};

use crate::arguments::Mount;
use crate::mount::ready::Ready;
use crate::open;
use crate::output::Output;
use crate::signals::Signals;

/// Past namespaces that stay in memory.
const VIEWS_IN_MEMORY: usize = 64;
/// Orders that may wait.
const ORDERS: usize = 16;

/// A mount that works, and everything behind it.
pub struct Serving {
    /// What to tell the user.
    pub ready: Ready,
    session: Session,
    server: Server,
    volume: Option<Arc<Volume>>,
    orders: mpsc::Receiver<Order>,
    signals: Signals,
}

/// Opens the volume, mounts it, and answers.
pub async fn begin(mount: &Mount, mountpoint: &Path, out: &Output) -> Result<Serving, Failure> {
    let url = VolumeUrl::parse(&mount.url).map_err(Failure::usage)?;
    let objects = open::objects(&url)?;
    let config = history_config(mount, &url, &objects).await?;
    let socket = socket_path(mountpoint);
    let opened = match &mount.at {
        Some(at) => open_past(&objects, config, at, out).await?,
        None => open_present(&objects, config, mount, mountpoint, &socket).await?,
    };
    let served = serve(&url, mount, mountpoint, &socket, &opened, out).await;
    if let (Err(_), Some(volume)) = (&served, &opened.volume)
        && let Err(error) = volume.close().await
    {
        tracing::warn!(%error, "closing the volume again");
    }
    served
}

/// A volume, and what of it is to be mounted.
struct Opened {
    history: Arc<History>,
    volume: Option<Arc<Volume>>,
    shown: Instant,
}

async fn open_present(
    objects: &Retrying,
    history: HistoryConfig,
    mount: &Mount,
    mountpoint: &Path,
    socket: &Path,
) -> Result<Opened, Failure> {
    let text = |path: &Path| Some(path.display().to_string());
    let identity = WriterIdentity {
        socket: text(socket),
        mountpoint: text(mountpoint),
        ..WriterIdentity::of_this_process()
    };
    let config = VolumeConfig {
        commit_interval: mount.commit_interval,
        root_owner: open::owner(),
        ..VolumeConfig::new(history)
    };
    let volume =
        Volume::open(objects.store().clone(), config, identity, Arc::new(SystemClock), Arc::new(OsEntropy))
            .await?;
    let now = volume.view();
    let shown = Instant { seq: now.seq(), time: now.time() };
    Ok(Opened { history: volume.history().clone(), volume: Some(volume), shown })
}

async fn open_past(
    objects: &Retrying,
    config: HistoryConfig,
    at: &str,
    out: &Output,
) -> Result<Opened, Failure> {
    let history = History::open(objects.store().clone(), config, Arc::new(SystemClock)).await?;
    let shown = history.resolve(&out.times.parse(at)?).await?;
    Ok(Opened { history, volume: None, shown })
}

async fn serve(
    url: &VolumeUrl,
    mount: &Mount,
    mountpoint: &Path,
    socket: &Path,
    opened: &Opened,
    out: &Output,
) -> Result<Serving, Failure> {
    let signals =
        Signals::catch().map_err(|error| Failure::failed(format!("cannot catch signals: {error}")))?;
    let fs = match &opened.volume {
        Some(volume) => Fs::live(volume.clone(), out.times.zone().clone()),
        None => Fs::fixed(&opened.history, opened.history.view(opened.shown.seq).await?),
    };
    let pid = std::process::id();
    let address = MountAddress {
        socket: socket.to_owned(),
        mountpoint: mountpoint.to_owned(),
        volume: url.to_string(),
        pid,
    };
    let control = serde_json::to_vec(&address).map_err(|error| {
        Failure::usage(format!("{} cannot be told in JSON: {error}", mountpoint.display()))
    })?;
    let options = MountOptions {
        read_only: opened.volume.is_none(),
        allow_other: mount.allow_other,
        fsname: url.to_string(),
        transport: mount.transport.into(),
        threads: std::thread::available_parallelism().map_or(2, usize::from).clamp(2, 8),
    };
    let (order, orders) = mpsc::channel(ORDERS);
    let at = opened.volume.is_none().then_some(opened.shown);
    let target = Target {
        url: url.to_string(),
        history: opened.history.clone(),
        volume: opened.volume.clone(),
        mounted: Some(MountedAt { mountpoint: mountpoint.to_owned(), pid, at, orders: order }),
        clock: Arc::new(SystemClock),
    };
    // The socket first: whoever sees the mount can ask it.
    let server = Server::start(socket, target).await.map_err(Failure::failed)?;
    let session = match Session::mount(fs, mountpoint, options, &control).await {
        Ok(session) => session,
        Err(error) => {
            server.finish().await;
            return Err(mount_failure(&error));
        }
    };
    let ready = Ready {
        volume: url.to_string(),
        mountpoint: mountpoint.to_owned(),
        pid,
        instant: InstantRow::from(opened.shown),
        read_only: opened.volume.is_none(),
        transport: session.transport().to_string(),
        log: None,
    };
    tracing::info!(volume = %url, mountpoint = %mountpoint.display(), seq = opened.shown.seq.0, "mounted");
    Ok(Serving { ready, session, server, volume: opened.volume.clone(), orders, signals })
}

impl Serving {
    /// Serves until a command, a signal or another program ends the mount; then ends in good order.
    pub async fn until_the_end(mut self) -> Result<(), Failure> {
        let (asker, served) = self.wait().await;
        let closed = match &self.volume {
            Some(volume) => {
                tokio::select! {
                    biased;
                    closed = volume.close() => closed.map_err(Failure::from),
                    () = self.signals.next() => Err(Failure::failed(
                        "ended by a second signal before everything was durable; what was not is lost",
                    )),
                }
            }
            None => Ok(()),
        };
        if closed.is_ok() {
            tracing::info!("unmounted; the volume is closed");
        }
        if let Some(asker) = asker {
            // Whoever asked may have gone away.
            let _ = asker.send(closed.clone());
        }
        self.server.finish().await;
        closed.and(served)
    }

    /// Returns when nothing is mounted any more; with whom to tell, if somebody asked for it, and whether it was served
    /// until then.
    async fn wait(&mut self) -> (Option<oneshot::Sender<Result<(), Failure>>>, Result<(), Failure>) {
        loop {
            tokio::select! {
                biased;
                served = self.session.wait() => {
                    return (None, served.map_err(|error| mount_failure(&error)));
                }
                () = self.signals.next() => {
                    self.leave().await;
                    return (None, Ok(()));
                }
                Some(order) = self.orders.recv() => match order {
                    Order::Settle(done) => {
                        self.session.settled().await;
                        let _ = done.send(());
                    }
                    Order::Stop(asker) => match self.session.unmount().await {
                        Ok(()) => return (Some(asker), Ok(())),
                        Err(error) => {
                            let _ = asker.send(Err(mount_failure(&error)));
                        }
                    },
                },
            }
        }
    }

    /// A signal is not refused: what is in use is taken away from its users.
    async fn leave(&self) {
        tracing::info!("a signal asks for the end of the mount");
        let Err(error) = self.session.unmount().await else { return };
        tracing::warn!(%error, "taking the mount away all the same");
        if let Err(error) = self.session.detach().await {
            tracing::error!(%error, "the mount stays behind; `firn umount` clears it away");
        }
    }
}

async fn history_config(
    mount: &Mount,
    url: &VolumeUrl,
    objects: &Retrying,
) -> Result<HistoryConfig, Failure> {
    let blocks = BlocksConfig {
        memory_cache: usize::try_from(mount.memory_cache.0).unwrap_or(usize::MAX),
        dirty_limit: mount.dirty_limit.0,
        disk_cache: disk_cache(mount, url, objects).await?,
        ..BlocksConfig::default()
    };
    Ok(HistoryConfig { blocks, views_in_memory: VIEWS_IN_MEMORY })
}

/// What is on a local disk already needs no cache there.
async fn disk_cache(
    mount: &Mount,
    url: &VolumeUrl,
    objects: &Retrying,
) -> Result<Option<DiskCacheConfig>, Failure> {
    if url.is_local() || mount.cache_size.0 == 0 {
        return Ok(None);
    }
    let dir = match &mount.cache_dir {
        Some(dir) => dir.clone(),
        None => match directories::ProjectDirs::from("", "", "firn") {
            Some(dirs) => {
                let volume = VolumeId(firn_store::read_manifest(objects.store()).await?.volume);
                dirs.cache_dir().join(volume.to_string())
            }
            None => return Ok(None),
        },
    };
    Ok(Some(DiskCacheConfig { dir, bytes: mount.cache_size.0 }))
}

fn mount_failure(error: &MountError) -> Failure {
    match error {
        MountError::Missing(_) => Failure::not_found(error),
        MountError::NotADirectory(_) => Failure::usage(error),
        MountError::AlreadyMounted { .. }
        | MountError::Busy(_)
        | MountError::Covered(_)
        | MountError::Detached(_)
        | MountError::OthersNotAllowed => Failure::refused(error),
        _ => Failure::failed(error),
    }
}
