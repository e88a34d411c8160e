//! FUSE for Linux, spoken directly: over io_uring where the kernel can, over `/dev/fuse` where it cannot.
//!
//! **Purpose.** A filesystem is one trait, [`Filesystem`], with one method that is given each [`Request`] and answers
//! it with a [`Reply`], at once or from another thread. [`Session`] mounts it, agrees with the kernel on how to
//! speak, and serves it until it is unmounted.
//!
//! ```text
//! kernel ──▶ a ring and a pinned thread for each core ─┐
//!        ──▶ threads that read /dev/fuse ──────────────┴─▶ Request ──▶ Filesystem::handle ──▶ Reply ──▶ kernel
//! kernel ◀── Notifier
//! ```
//!
//! **Invariants.**
//! - A request owns the buffer that it arrived in, and its reply is written into the same buffer: names and data are
//!   borrowed until [`Request::reply`] takes the buffer back. Over io_uring, what is not written in place
//!   ([`Reply::data_with`]) but handed over ([`Reply::data`]) is copied there.
//! - Each request is answered exactly once. A request or reply that is dropped is answered with `EIO`, and one that
//!   outlives the session is answered to nobody.
//! - Any bytes can be parsed: what is malformed is an error, never a panic.
//!
//! **Failure.** A session that cannot be made says why ([`SessionError`]), and nothing is mounted then. If rings
//! cannot be had, the classic device is used, and [`Session::transport`] says why.

pub mod abi;
mod device;
mod error;
mod handler;
mod mount;
mod notify;
mod pages;
mod reply;
mod request;
mod session;
mod slot;
mod uring;

pub use abi::{InitFlags, OpenFlags};
pub use error::SessionError;
pub use handler::{Filesystem, Offer, Terms};
pub use mount::{MountOptions, detach};
pub use notify::Notifier;
pub use reply::{Attr, Directory, Entry, FileType, Reply, Space};
pub use request::{Caller, Forgets, Lock, Malformed, Operation, Request, SetAttr, SetTime, Time};
pub use session::{Active, Options, Session, Transport};
pub use uring::disabled as why_not_uring;
