//! FUSE over io_uring (Linux 6.14 and later): a ring and a thread for each core.
//!
//! The kernel has a queue for every core that there could be, and puts a request on the queue of the core where its
//! caller runs. The thread of a queue is pinned to that core, since it is the wake-up across cores that costs. Each
//! queue has several entries; an entry is a buffer that is in turn the kernel's, waiting for a request, and ours, with
//! a request in it. The reply is written into the same buffer, and the command that gives it back also asks for the
//! next request: one system call for both.
//!
//! **Invariants.**
//! - The kernel sends nothing before every queue has an entry: the queues of cores that are offline, or that this
//!   process may not use, are served by other cores' threads.
//! - An entry's buffer moves with its request, and comes back with the reply, over [`Owner`]. So a buffer is freed by
//!   whoever has it last, and never while the kernel could write to it.
//!
//! **Failure.** A ring or a buffer that cannot be made is an error before anything is agreed with the kernel. If the
//! kernel takes no entry nevertheless, requests keep to the classic device, and what were the rings' threads read it.
//! Entries that come back as not connected are the end of the session.

mod cpus;
mod owner;
mod ring;

use std::io;
use std::os::fd::BorrowedFd;
use std::sync::Arc;

pub(crate) use self::owner::{End, Owner};
pub(crate) use self::ring::{Ring, Served};

/// Where the kernel says whether it would.
const PARAMETER: &str = "/sys/module/fuse/parameters/enable_uring";

/// Why FUSE over io_uring cannot be used here, as far as can be told without mounting: a small ring is made for it.
pub fn disabled() -> Option<String> {
    match std::fs::read_to_string(PARAMETER) {
        Ok(value) if value.trim() == "Y" => ring::make(1).err().map(|error| {
            format!("no ring can be made: {error} (kernel.io_uring_disabled, or what a container may do)")
        }),
        Ok(_) => Some(format!("{PARAMETER} is N: root can write Y there")),
        Err(_) => Some("this kernel has no FUSE over io_uring: it came with Linux 6.14".to_owned()),
    }
}

/// Makes the rings, of `depth` entries for each queue with buffers for content of `payload` bytes, without any thread.
pub(crate) fn rings(device: BorrowedFd<'_>, depth: usize, payload: usize) -> io::Result<Vec<Ring>> {
    cpus::plan()?.into_iter().map(|cpu| Ring::new(cpu, device, depth, payload)).collect()
}

/// Tells every ring's thread to end.
pub(crate) fn end(owners: &[Arc<Owner>], end: End) {
    owners.iter().for_each(|owner| owner.end(end));
}
