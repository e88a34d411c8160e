use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use firn_fuse::{Active, MountOptions, Notifier, Options, Request, Session, SessionError, Transport, detach};
use rustix::mount::{MountFlags, UnmountFlags};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use tempfile::TempDir;

use crate::probe::Probe;

/// Root says here whether the kernel may use io_uring.
const PARAMETER: &str = "/sys/module/fuse/parameters/enable_uring";
/// Longer than anything takes, however slow the machine.
pub const LONG: Duration = Duration::from_secs(60);

/// One mount at a time, so that a test can look at this process's threads.
static ALONE: Mutex<()> = Mutex::new(());

/// A mounted probe. Dropping it detaches the mount, whatever has happened.
pub struct World {
    pub probe: Arc<Probe>,
    /// Requests that the probe did not answer.
    pub held: Receiver<Request>,
    pub notifier: Notifier,
    pub active: Active,
    served: Option<JoinHandle<Result<(), SessionError>>>,
    _watchdog: Watchdog,
    connection: String,
    dir: TempDir,
    _setting: Option<Setting>,
    _alone: MutexGuard<'static, ()>,
}

impl World {
    pub fn new(transport: Transport) -> World {
        World::with(transport, MountOptions::default())
    }

    pub fn with(transport: Transport, mount: MountOptions) -> World {
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let setting = match transport {
            Transport::Classic => None,
            // Where it cannot be written, the session says so.
            Transport::Auto | Transport::Uring => Some(Setting::write("Y")),
        };
        let dir = TempDir::new().unwrap();
        let (sender, held) = mpsc::channel();
        let probe = Arc::new(Probe::new(sender));
        let options = Options { mount, transport, ..Options::default() };
        let session = Session::mount(probe.clone(), dir.path(), &options).unwrap();
        let (notifier, active) = (session.notifier(), session.transport().clone());
        let served = thread::Builder::new().name("session".into()).spawn(|| session.run()).unwrap();
        let connection = connection(dir.path());
        let watchdog = Watchdog::new(connection.clone());
        World {
            probe,
            held,
            notifier,
            active,
            served: Some(served),
            _watchdog: watchdog,
            connection,
            dir,
            _setting: setting,
            _alone: alone,
        }
    }

    pub fn root(&self) -> &Path {
        self.dir.path()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.root().join(name)
    }

    /// A request that the probe held back.
    pub fn held(&self) -> Request {
        self.held.recv_timeout(LONG).expect("nothing was held back")
    }

    pub fn unmount(&mut self) -> Result<(), SessionError> {
        rustix::mount::unmount(self.root(), UnmountFlags::empty()).unwrap();
        self.ended()
    }

    /// What came of serving, when that is over.
    pub fn ended(&mut self) -> Result<(), SessionError> {
        self.served.take().unwrap().join().unwrap()
    }

    /// Ends the connection, as root does when a filesystem hangs.
    pub fn abort(&self) {
        abort(&self.connection);
    }

    pub fn is_serving(&self) -> bool {
        self.served.as_ref().is_some_and(|served| !served.is_finished())
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some(served) = self.served.take() {
            let _ = detach(self.root());
            // What is held back would keep it busy.
            while self.held.try_recv().is_ok() {}
            let _ = served.join();
        }
    }
}

/// Aborts a connection that takes too long, so that what hangs there ends; the test fails then, whatever it sees.
pub struct Watchdog {
    /// Told when the test is over.
    _over: Sender<()>,
    aborted: Arc<AtomicBool>,
}

impl Watchdog {
    pub fn new(connection: String) -> Watchdog {
        let (sender, over) = mpsc::channel();
        let aborted = Arc::new(AtomicBool::new(false));
        let told = aborted.clone();
        let watch = move || {
            if over.recv_timeout(LONG) == Err(RecvTimeoutError::Timeout) {
                told.store(true, Ordering::Relaxed);
                abort(&connection);
            }
        };
        thread::Builder::new().name("watchdog".into()).spawn(watch).unwrap();
        Watchdog { _over: sender, aborted }
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        let hung = self.aborted.load(Ordering::Relaxed);
        assert!(!hung || thread::panicking(), "the session hung, and was aborted");
    }
}

/// The kernel's number of the connection of what is mounted here. Asks nothing of the filesystem.
pub fn connection(mountpoint: &Path) -> String {
    let table = fs::read_to_string("/proc/self/mountinfo").unwrap();
    let mut lines = table.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    let ours = lines.find(|fields| Path::new(fields[4]) == mountpoint).unwrap();
    ours[2].split_once(':').unwrap().1.to_owned()
}

fn abort(connection: &str) {
    let control = TempDir::new().unwrap();
    rustix::mount::mount("none", control.path(), "fusectl", MountFlags::empty(), None).unwrap();
    let aborted = fs::write(control.path().join(connection).join("abort"), "1");
    rustix::mount::unmount(control.path(), UnmountFlags::empty()).unwrap();
    aborted.unwrap();
}

/// Runs a test over each transport. Where io_uring cannot be had, that is said, and that it is not used by mistake
/// is tested instead.
pub fn over_both(test: impl Fn(World)) {
    test(World::new(Transport::Classic));
    if let Some(uring) = uring() {
        test(uring);
    }
}

pub fn uring() -> Option<World> {
    let world = World::new(Transport::Auto);
    match &world.active {
        Active::Uring { .. } => Some(world),
        Active::Classic { reason, .. } => {
            let reason = reason.as_ref().expect("io_uring was not even tried");
            eprintln!("*** FUSE over io_uring is NOT TESTED: {reason} ***");
            fs::write(world.path("a"), "served").unwrap();
            None
        }
    }
}

/// The kernel's setting, which is what it was afterwards.
struct Setting {
    before: String,
}

impl Setting {
    fn write(value: &str) -> Setting {
        let before = fs::read_to_string(PARAMETER).unwrap_or_default();
        set_parameter(value);
        Setting { before }
    }
}

impl Drop for Setting {
    fn drop(&mut self) {
        set_parameter(&self.before);
    }
}

/// Other processes see it, and what is written as it is already disturbs none that writes at the same time.
pub fn set_parameter(value: &str) {
    let is = fs::read_to_string(PARAMETER).unwrap_or_default();
    if is.trim() != value.trim() {
        // Where it cannot be written, there is no io_uring either.
        let _ = fs::write(PARAMETER, value);
    }
}

/// The kernel's setting, for as long as no other test mounts.
pub struct Parameter {
    _setting: Setting,
    _alone: MutexGuard<'static, ()>,
}

impl Parameter {
    pub fn write(value: &str) -> Parameter {
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        Parameter { _setting: Setting::write(value), _alone: alone }
    }

    /// How a session travels, or why there is none; it is mounted only for a moment.
    pub fn mount(&self, transport: Transport) -> Result<String, String> {
        let dir = TempDir::new().unwrap();
        let (sender, _) = mpsc::channel();
        let options = Options { transport, ..Options::default() };
        let session =
            Session::mount(Probe::new(sender), dir.path(), &options).map_err(|error| error.to_string())?;
        detach(dir.path()).unwrap();
        Ok(session.transport().to_string())
    }
}

/// The error's number.
pub fn errno<T>(result: io::Result<T>) -> i32 {
    match result {
        Ok(_) => 0,
        Err(error) => error.raw_os_error().expect("an error of the system"),
    }
}

/// Cores that this thread may run on.
pub fn cores() -> Vec<usize> {
    let allowed = sched_getaffinity(None).unwrap();
    (0..CpuSet::MAX_CPU).filter(|core| allowed.is_set(*core)).collect()
}

/// This thread, and those that it starts, run on this core only.
pub fn pin(core: usize) {
    let mut only = CpuSet::new();
    only.set(core);
    sched_setaffinity(None, &only).unwrap();
}

/// Names of this process's threads that serve.
pub fn serving_threads() -> Vec<String> {
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    let names = tasks.filter_map(|task| fs::read_to_string(task.ok()?.path().join("comm")).ok());
    names.map(|name| name.trim().to_owned()).filter(|name| name.starts_with("fuse-")).collect()
}

/// The same, once the kernel has cleared away those that have been joined.
pub fn threads_left() -> Vec<String> {
    soon(|| serving_threads().is_empty());
    serving_threads()
}

/// Waits for what happens without being asked for; if it does not, whoever looks next will see.
pub fn soon(happened: impl Fn() -> bool) {
    let (_sender, never) = mpsc::channel::<()>();
    for _ in 0..1000 {
        if happened() {
            break;
        }
        let _ = never.recv_timeout(Duration::from_millis(10));
    }
}
