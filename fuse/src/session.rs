//! The life of a session: mounting, agreeing with the kernel, serving.

mod handshake;

use std::fmt;
use std::io;
use std::num::NonZeroUsize;
use std::os::fd::{AsFd, OwnedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::thread;

use rustix::event::{EventfdFlags, eventfd};

use crate::device::{self, Channel, Over};
use crate::error::SessionError;
use crate::handler::Filesystem;
use crate::mount::{self, MountOptions};
use crate::notify::Notifier;
use crate::uring::{self, End, Ring, Served};

/// How requests are to travel.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Transport {
    /// Over io_uring if it can be had, and else over the classic device.
    #[default]
    Auto,
    /// Over io_uring, or not at all.
    Uring,
    /// Over the classic device.
    Classic,
}

/// How to mount and to serve.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Options {
    /// What the kernel is told when mounting.
    pub mount: MountOptions,
    /// How requests travel.
    pub transport: Transport,
    /// Threads that read the classic device, if it is what requests travel over.
    pub threads: NonZeroUsize,
    /// Requests that each core can have in hand at the same time, over io_uring. While as many are unanswered, others
    /// of that core wait in the kernel, also those that could be answered at once: so it has to be more than what
    /// waits for something slow. Reads ahead and writes back in flight are limited to a quarter of it. The kernel uses
    /// the one last given back first; what is never used takes no memory. The memory of large contents is given back
    /// when others are answered, but for a few of each core.
    pub queue_depth: NonZeroUsize,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            mount: MountOptions::default(),
            transport: Transport::Auto,
            threads: NonZeroUsize::new(4).unwrap_or(NonZeroUsize::MIN),
            queue_depth: NonZeroUsize::new(256).unwrap_or(NonZeroUsize::MIN),
        }
    }
}

/// How requests do travel.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Active {
    /// Over io_uring.
    Uring {
        /// Threads, each pinned to a core.
        threads: usize,
        /// Queues that they serve.
        queues: usize,
    },
    /// Over the classic device.
    Classic {
        /// Threads that read it.
        threads: usize,
        /// Why not over io_uring, if that was tried.
        reason: Option<String>,
    },
}

impl fmt::Display for Active {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Active::Uring { threads, queues } => write!(f, "io_uring ({threads} threads, {queues} queues)"),
            Active::Classic { threads, reason: None } => write!(f, "/dev/fuse ({threads} threads)"),
            Active::Classic { threads, reason: Some(reason) } => {
                write!(f, "/dev/fuse ({threads} threads), not io_uring: {reason}")
            }
        }
    }
}

/// A mounted filesystem, to be served. Dropped without having been served, it leaves a dead mount behind: see
/// [`crate::detach`].
pub struct Session<F> {
    fs: F,
    channel: Arc<Channel>,
    /// The rings, if there are any.
    rings: Vec<Ring>,
    active: Active,
}

impl<F> fmt::Debug for Session<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("active", &self.active).finish_non_exhaustive()
    }
}

impl<F: Filesystem> Session<F> {
    /// Mounts on `path` (a directory, or a file for a filesystem whose root is one) and agrees with the kernel.
    /// Programs that use the mount wait until [`Session::run`].
    ///
    /// # Errors
    /// A [`SessionError`] that says what failed; nothing is mounted then.
    pub fn mount(fs: F, path: &Path, options: &Options) -> Result<Session<F>, SessionError> {
        let disabled = match options.transport {
            Transport::Classic => None,
            Transport::Auto | Transport::Uring => uring::disabled(),
        };
        if let (Transport::Uring, Some(reason)) = (options.transport, &disabled) {
            return Err(SessionError::NoRings(reason.clone()));
        }
        let device = mount::mount(path, &options.mount)?;
        handshake::shake_hands(fs, device, options, disabled).inspect_err(|_| {
            if let Err(error) = mount::detach(path) {
                tracing::warn!(%error, path = %path.display(), "a dead mount stays behind");
            }
        })
    }

    /// How requests travel, unless the kernel takes none of the rings' entries when it is served.
    pub fn transport(&self) -> &Active {
        &self.active
    }

    /// Tells the kernel what changes without its doing.
    pub fn notifier(&self) -> Notifier {
        Notifier::new(Arc::downgrade(&self.channel))
    }

    /// Serves until it is unmounted, by whatever hand. No thread is left when this returns; replies that are held
    /// elsewhere go nowhere from then on.
    ///
    /// # Errors
    /// [`SessionError::Thread`] and [`SessionError::Receive`]. The mount is dead then, and stays: who mounted takes it
    /// away with [`crate::detach`], since only they know that nothing else is mounted there by now.
    pub fn run(self) -> Result<(), SessionError> {
        match self.active {
            Active::Uring { .. } => self.run_rings(),
            Active::Classic { threads, .. } => self.run_device(threads),
        }
    }

    fn run_device(self, threads: usize) -> Result<(), SessionError> {
        let Session { fs, channel, .. } = &self;
        thread::scope(|scope| {
            let mut others = Vec::new();
            for number in 1..threads {
                match start_reader(scope, fs, channel, number) {
                    Ok(thread) => others.push(thread),
                    Err(error) => {
                        tracing::warn!(%error, threads = number, "fewer threads than wanted read requests");
                        break;
                    }
                }
            }
            let mut served = device::serve(fs, channel, None).map(drop);
            for other in others {
                served = served.and(joined(other));
            }
            served.map_err(SessionError::Receive)
        })
    }

    /// A thread for each ring. This one reads the classic device, which still carries what is forgotten, and requests
    /// from before the rings were ready; and it hears first of the end.
    fn run_rings(self) -> Result<(), SessionError> {
        let Session { fs, channel, rings, .. } = self;
        let (fs, channel) = (&fs, &channel);
        channel.never_wait().map_err(SessionError::Receive)?;
        let stop = &eventfd(0, EventfdFlags::CLOEXEC).map_err(|error| SessionError::Thread(error.into()))?;
        let owners: Vec<_> = rings.iter().map(Ring::owner).collect();
        thread::scope(|scope| {
            let mut threads = Vec::new();
            let mut started = Ok(());
            for (number, ring) in rings.into_iter().enumerate() {
                let serve = move || {
                    serve_ring(ring, fs, channel, stop).inspect_err(|error| {
                        tracing::error!(%error, "a ring failed: the session ends");
                        tell(stop);
                    })
                };
                match thread::Builder::new().name(format!("fuse-ring-{number}")).spawn_scoped(scope, serve) {
                    Ok(thread) => threads.push(thread),
                    Err(error) => started = Err(SessionError::Thread(error)),
                }
            }
            let read = match &started {
                Ok(()) => device::serve(fs, channel, Some(stop.as_fd())),
                Err(_) => Err(io::ErrorKind::Interrupted.into()),
            };
            let end = match read {
                Ok(Over::Unmounted) => End::Unmounted,
                _ => End::Failed,
            };
            uring::end(&owners, end);
            if end == End::Failed {
                tell(stop);
            }
            let mut served = read.map(drop);
            for thread in threads {
                served = served.and(joined(thread));
            }
            started.and(served.map_err(SessionError::Receive))
        })
    }
}

/// Serves a ring, or what else there is to serve. `stop` ends only the latter.
fn serve_ring<F: Filesystem>(ring: Ring, fs: &F, channel: &Arc<Channel>, stop: &OwnedFd) -> io::Result<()> {
    let owner = ring.owner();
    // A panic ends the session as an error does: callers would wait for a thread that is no more.
    let served = catch_unwind(AssertUnwindSafe(|| ring.serve(fs)));
    owner.leave();
    match served.unwrap_or_else(|_| Err(io::Error::other("a ring's thread panicked")))? {
        Served::Whole => Ok(()),
        Served::Nothing => device::serve(fs, channel, Some(stop.as_fd())).map(drop),
    }
}

fn tell(stop: &OwnedFd) {
    // It can only fail because it has been told already.
    let _ = rustix::io::write(stop, &1_u64.to_ne_bytes());
}

fn start_reader<'scope, F: Filesystem>(
    scope: &'scope thread::Scope<'scope, '_>,
    fs: &'scope F,
    channel: &Arc<Channel>,
    number: usize,
) -> io::Result<thread::ScopedJoinHandle<'scope, io::Result<()>>> {
    // Users who may not open the device share a queue, which is slower and no worse.
    let channel = channel.try_clone().map_or_else(|_| channel.clone(), Arc::new);
    let read = move || device::serve(fs, &channel, None).map(drop);
    thread::Builder::new().name(format!("fuse-{number}")).spawn_scoped(scope, read)
}

fn joined(thread: thread::ScopedJoinHandle<'_, io::Result<()>>) -> io::Result<()> {
    thread.join().unwrap_or_else(|_| Err(io::Error::other("a thread panicked")))
}
