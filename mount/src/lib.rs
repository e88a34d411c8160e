//! Mounts a volume, or an instant of it, as a filesystem of this machine, through FUSE.
//!
//! **Purpose.** Three layers. [`fs`] is what a mounted tree means, without a word about FUSE: it can be tested
//! without a mount. `adapter` turns the kernel's requests, as [`firn_fuse`] delivers them, into its calls. [`session`]
//! mounts, unmounts, clears what a dead process left behind, and takes back from the kernel's caches what an undo or a
//! restore changed.
//!
//! ```text
//! kernel ──▶ firn_fuse (threads) ──▶ adapter ──▶ fs ──▶ Volume        in memory, answered on the thread
//!                                       └──────▶ tokio task ──▶ fs    what may wait for the store
//! kernel ◀── invalidation (a thread) ◀── Volume::changes
//! ```
//!
//! **Invariants.**
//! - The kernel may cache names, attributes and pages for an hour, since this mount is the only writer; what
//!   changes without a request of the kernel (a transaction) is taken back by the invalidation thread, which
//!   holds no lock that answering a request could wait for.
//! - Numbers of inodes: [`fs`] tells how present and past share them.
//! - Permissions are checked by the kernel (`default_permissions`), with the attributes that it is given.
//! - Closing a file waits for nothing; fsync waits until the journal holds everything before it.
//!
//! **Failure.** A mount that cannot be made or ended is a [`MountError`] that says what to do; one that cannot be served
//! any more is taken away, and [`Session::wait`] says why. A request that
//! fails is an error number, with the reason in the log if it is not the caller's doing. If the process dies,
//! the mount point stays behind, dead (`Transport endpoint is not connected`); the next mount there clears it.

mod adapter;
pub mod fs;
pub mod session;

pub use firn_fuse::{Active, Transport, why_not_uring};
pub use fs::Fs;
pub use session::{MountError, MountOptions, Session, is_of_the_dead, unmount_lazily};
