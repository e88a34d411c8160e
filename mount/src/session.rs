//! The life of a mount: clearing the way, mounting, serving, unmounting.
//!
//! Threads rather than tasks, since the kernel's device is read and mounts are changed with calls that block:
//! the event loops, the invalidation, and one for each mount and unmount while it lasts. None of this is part of
//! a simulation, which ends above, at [`Fs`].

mod error;
mod invalidate;
mod mounts;

use std::io;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::thread;

use firn_fuse::{Active, Options, SessionError, Transport};
use rustix::io::Errno;
use rustix::mount::UnmountFlags;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot, watch};

pub use self::error::MountError;
use self::invalidate::{Invalidation, Waiter};
use crate::adapter::Adapter;
use crate::fs::Fs;

/// The type that the mount has in the kernel's table: `fuse.` and this.
const SUBTYPE: &str = "firn";
/// Dead mounts on top of each other that are cleared before giving up.
const MOST_STALE: usize = 16;
/// KiB that the kernel reads ahead in a file, if it lets us say so.
const READ_AHEAD_KIB: &str = "1024";

/// How to mount.
#[derive(Clone, Debug)]
pub struct MountOptions {
    /// Nothing can be changed. Always so for an instant.
    pub read_only: bool,
    /// Other users than the one who mounts may use it; permissions still count. Root's mounts always allow it.
    pub allow_other: bool,
    /// What the kernel's table of mounts shows as mounted: the volume's URL.
    pub fsname: String,
    /// How requests travel between the kernel and here.
    pub transport: Transport,
    /// Threads that read and answer requests over the classic device; at least one.
    pub threads: usize,
}

/// How far a session has come.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Life {
    Serving,
    Ended,
    /// Nothing is served any more, and nobody has unmounted: why.
    Failed(String),
}

impl Life {
    fn is_over(&self) -> bool {
        *self != Life::Serving
    }
}

/// A mounted tree.
///
/// Dropping it detaches the mount at once; what is open there goes on being served as long as the process lives.
#[derive(Debug)]
pub struct Session {
    mountpoint: PathBuf,
    transport: Active,
    /// `major:minor` of the mount, to know it again.
    device: Option<String>,
    life: watch::Receiver<Life>,
    /// To the invalidation thread, where there is one.
    waiters: mpsc::UnboundedSender<Waiter>,
}

impl Session {
    /// Mounts `fs` on the directory `mountpoint`, which need not be empty, and starts serving. What a dead
    /// process left mounted there is cleared before. `control` becomes the value of the extended attribute
    /// `user.firn.control` of every inode.
    ///
    /// # Errors
    /// A [`MountError`] that says what to do; nothing is mounted then.
    pub async fn mount(
        fs: Fs,
        mountpoint: &Path,
        options: MountOptions,
        control: &[u8],
    ) -> Result<Session, MountError> {
        let fs = Arc::new(fs.with_control(control));
        let mountpoint = mountpoint.to_owned();
        let runtime = Handle::current();
        on_thread("firn-mount", move || mount(&fs, &mountpoint, &options, &runtime)).await
    }

    /// Where it is mounted.
    pub fn mountpoint(&self) -> &Path {
        &self.mountpoint
    }

    /// How requests travel, and why not over io_uring if they do not.
    pub fn transport(&self) -> &Active {
        &self.transport
    }

    /// Waits until nothing is served any more, by whatever hand it was unmounted.
    ///
    /// # Errors
    /// [`MountError::Failed`] if it was by nobody's.
    pub async fn wait(&self) -> Result<(), MountError> {
        let mut life = self.life.clone();
        let end = life.wait_for(Life::is_over).await.map(|end| end.clone());
        match end.unwrap_or_else(|_| Life::Failed("its thread is gone without a word".into())) {
            Life::Failed(why) => Err(MountError::Failed { path: self.mountpoint.clone(), why }),
            Life::Serving | Life::Ended => Ok(()),
        }
    }

    /// Waits until the kernel has been told of every transaction that was made before the call: from then on
    /// every program sees what it changed.
    pub async fn settled(&self) {
        let (waiter, woken) = oneshot::channel();
        if self.waiters.send(waiter).is_ok() {
            // An error means that the session ended meanwhile.
            let _ = woken.await;
        }
    }

    /// Unmounts, and waits until everything that was asked before is answered.
    ///
    /// # Errors
    /// [`MountError::Busy`] if something is in use there: it stays mounted.
    pub async fn unmount(&self) -> Result<(), MountError> {
        self.take_away(UnmountFlags::empty()).await?;
        self.wait().await
    }

    /// Takes the mount away from the tree of directories at once. What is open there stays usable, and
    /// [`Session::wait`] returns when all of it has been closed.
    ///
    /// # Errors
    /// See [`MountError`].
    pub async fn detach(&self) -> Result<(), MountError> {
        self.take_away(UnmountFlags::DETACH).await
    }

    async fn take_away(&self, flags: UnmountFlags) -> Result<(), MountError> {
        if self.life.borrow().is_over() {
            return Ok(());
        }
        if let Some(device) = &self.device {
            match mounts::topmost(&self.mountpoint) {
                Some(mounted) if mounted.device == *device => {}
                Some(_) => return Err(MountError::Covered(self.mountpoint.clone())),
                None => return Err(MountError::Detached(self.mountpoint.clone())),
            }
        }
        let path = self.mountpoint.clone();
        on_thread("firn-unmount", move || unmount(&path, flags).map_err(|error| not_unmounted(path, error)))
            .await
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if !self.life.borrow().is_over() {
            leave_nothing(&self.mountpoint, self.device.as_deref());
        }
    }
}

/// Whether this is what a mount answers whose process has died. Requests that were under way then are answered with
/// the second and, over io_uring, with the third.
pub fn is_of_the_dead(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ENOTCONN | libc::ECONNABORTED | libc::ECANCELED))
}

/// Takes a mount away at once, whether its process is alive or dead.
///
/// # Errors
/// What the system says, if nothing is mounted there or if it is somebody else's.
pub fn unmount_lazily(mountpoint: &Path) -> Result<(), MountError> {
    unmount(mountpoint, UnmountFlags::DETACH).map_err(|error| not_unmounted(mountpoint.to_owned(), error))
}

/// Runs what blocks on a thread of its own, so that the runtime goes on answering requests.
async fn on_thread<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> Result<T, MountError> + Send + 'static,
) -> Result<T, MountError> {
    let (sender, result) = oneshot::channel();
    let started = thread::Builder::new().name(name.into()).spawn(move || drop(sender.send(work())));
    let failed = |source| MountError::Refused { path: "a thread".into(), source };
    started.map_err(failed)?;
    result.await.unwrap_or_else(|_| Err(failed(io::Error::other("it panicked"))))
}

fn mount(
    fs: &Arc<Fs>,
    mountpoint: &Path,
    options: &MountOptions,
    runtime: &Handle,
) -> Result<Session, MountError> {
    let mountpoint = clear_way(mountpoint)?;
    let adapter = Adapter::new(fs.clone(), runtime.clone());
    let session = firn_fuse::Session::mount(adapter, &mountpoint, &fuse_options(fs, options))
        .map_err(|error| not_mounted(mountpoint.clone(), error))?;
    let device = mounts::topmost(&mountpoint).map(|mounted| mounted.device);
    let started = start(fs, session, &mountpoint, device.clone(), runtime).inspect_err(|_| {
        leave_nothing(&mountpoint, device.as_deref());
    })?;
    if let Some(device) = &started.device {
        read_further_ahead(device);
    }
    Ok(started)
}

/// Starts the threads of a session.
fn start(
    fs: &Arc<Fs>,
    session: firn_fuse::Session<Adapter>,
    mountpoint: &Path,
    device: Option<String>,
    runtime: &Handle,
) -> Result<Session, MountError> {
    let transport = session.transport().clone();
    let notifier = session.notifier();
    fs.on_attributes_changed(Box::new(move |number| invalidate::attributes(&notifier, number)));
    let refused = |source| MountError::Refused { path: mountpoint.to_owned(), source };
    let (end, life) = watch::channel(Life::Serving);
    let (waiters, waiting) = mpsc::unbounded_channel();
    if let Some(changes) = fs.changes() {
        let invalidation =
            Invalidation { changes, waiters: waiting, life: life.clone(), notifier: session.notifier() };
        let runtime = runtime.clone();
        let thread = thread::Builder::new().name("firn-invalidate".into());
        thread.spawn(move || invalidation.run(&runtime)).map_err(refused)?;
    }
    let (at, on) = (mountpoint.to_owned(), device.clone());
    let serve = move || {
        let served = session.run();
        if let Err(error) = &served {
            tracing::error!(%error, "serving the mount failed");
            leave_nothing(&at, on.as_deref());
        }
        end.send_replace(served.map_or_else(|error| Life::Failed(error.to_string()), |()| Life::Ended));
    };
    thread::Builder::new().name("firn-fuse".into()).spawn(serve).map_err(refused)?;
    Ok(Session { mountpoint: mountpoint.to_owned(), transport, device, life, waiters })
}

/// Takes away a mount that nobody serves, if it is still the one on top.
fn leave_nothing(mountpoint: &Path, device: Option<&str>) {
    let ours = mounts::topmost(mountpoint).is_some_and(|mounted| Some(mounted.device.as_str()) == device);
    if ours && let Err(error) = unmount(mountpoint, UnmountFlags::DETACH) {
        tracing::warn!(%error, mountpoint = %mountpoint.display(), "the mount stays behind");
    }
}

/// Makes sure that something can be mounted here; answers the path without symbolic links.
fn clear_way(mountpoint: &Path) -> Result<PathBuf, MountError> {
    let unusable = |source| MountError::Unusable { path: mountpoint.to_owned(), source };
    for _ in 0..MOST_STALE {
        match std::fs::metadata(mountpoint) {
            Ok(found) if found.is_dir() => break,
            Ok(_) => return Err(MountError::NotADirectory(mountpoint.to_owned())),
            Err(error) if is_of_the_dead(&error) => {
                tracing::info!(mountpoint = %mountpoint.display(), "clearing what a dead process left mounted");
                unmount(mountpoint, UnmountFlags::DETACH)
                    .map_err(|source| MountError::Stale { path: mountpoint.to_owned(), source })?;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(MountError::Missing(mountpoint.to_owned()));
            }
            Err(error) => return Err(unusable(error)),
        }
    }
    let path = mountpoint.canonicalize().map_err(unusable)?;
    if let Some(mounted) = mounts::topmost(&path).filter(|mounted| mounted.kind == format!("fuse.{SUBTYPE}"))
    {
        return Err(MountError::AlreadyMounted { path, source_url: mounted.source });
    }
    if !Path::new("/dev/fuse").exists() {
        return Err(MountError::NoFuse);
    }
    Ok(path)
}

fn fuse_options(fs: &Fs, options: &MountOptions) -> Options {
    Options {
        mount: firn_fuse::MountOptions {
            fsname: options.fsname.clone(),
            subtype: SUBTYPE.to_owned(),
            allow_other: options.allow_other || rustix::process::geteuid().is_root(),
            default_permissions: true,
            read_only: options.read_only || fs.is_fixed(),
        },
        transport: options.transport,
        threads: NonZeroUsize::new(options.threads).unwrap_or(NonZeroUsize::MIN),
        ..Options::default()
    }
}

/// The kernel reads 128 KiB ahead in a file unless it is told to read more; only root can tell it.
fn read_further_ahead(device: &str) {
    if let Err(error) = std::fs::write(format!("/sys/class/bdi/{device}/read_ahead_kb"), READ_AHEAD_KIB) {
        tracing::debug!(%error, "the kernel's readahead stays as it is");
    }
}

fn not_mounted(path: PathBuf, error: SessionError) -> MountError {
    match error {
        SessionError::NoDevice => MountError::NoFuse,
        SessionError::NoHelper => MountError::NoHelper,
        SessionError::OthersNotAllowed => MountError::OthersNotAllowed,
        SessionError::NoRings(why) => MountError::NoRings(why),
        SessionError::Mount { source, .. } | SessionError::MountPoint { source, .. } => {
            MountError::Refused { path, source }
        }
        error => MountError::Refused { path, source: io::Error::other(error) },
    }
}

fn not_unmounted(path: PathBuf, error: io::Error) -> MountError {
    match error.raw_os_error() {
        Some(libc::EBUSY) => MountError::Busy(path),
        _ => MountError::NotUnmounted { path, source: error },
    }
}

/// Unmounts; an ordinary user through the program that may.
fn unmount(path: &Path, flags: UnmountFlags) -> io::Result<()> {
    match rustix::mount::unmount(path, flags) {
        Err(Errno::PERM) => unmount_as_user(path, flags),
        result => result.map_err(io::Error::from),
    }
}

fn unmount_as_user(path: &Path, flags: UnmountFlags) -> io::Result<()> {
    let lazily = flags.contains(UnmountFlags::DETACH).then_some("-z");
    let output = Command::new("fusermount3").arg("-u").args(lazily).arg("--").arg(path).output()?;
    let message = String::from_utf8_lossy(&output.stderr);
    match output.status.success() {
        true => Ok(()),
        false if message.contains("busy") => Err(io::Error::from_raw_os_error(libc::EBUSY)),
        false => Err(io::Error::other(message.trim().to_owned())),
    }
}
