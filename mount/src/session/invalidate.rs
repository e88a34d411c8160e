//! Takes back from the kernel's caches what changed without a request of the kernel.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;

use firn_fuse::Notifier;
use firn_materializer::volume::Changes;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot, watch};

use super::Life;

/// Who waits until the kernel has been told of everything before.
pub(super) type Waiter = oneshot::Sender<()>;

/// What the invalidation thread listens to.
pub(super) struct Invalidation {
    pub changes: mpsc::UnboundedReceiver<Arc<Changes>>,
    pub waiters: mpsc::UnboundedReceiver<Waiter>,
    pub life: watch::Receiver<Life>,
    pub notifier: Notifier,
}

enum Next {
    Tell(Arc<Changes>),
    Wake(Waiter),
    End,
}

impl Invalidation {
    /// Runs on a thread of its own until the session ends. Telling the kernel can wait for requests that are
    /// being answered, and so must happen neither on a thread that answers them nor under a lock.
    pub fn run(mut self, runtime: &Handle) {
        loop {
            match runtime.block_on(self.next()) {
                Next::Tell(changes) => tell(&self.notifier, &changes),
                // Nobody waiting any more is fine.
                Next::Wake(waiter) => drop(waiter.send(())),
                Next::End => return,
            }
        }
    }

    /// Changes come before waiters: whoever waits, waits for the changes that were made before.
    async fn next(&mut self) -> Next {
        tokio::select! {
            biased;
            _ = self.life.wait_for(Life::is_over) => Next::End,
            Some(changes) = self.changes.recv() => Next::Tell(changes),
            Some(waiter) = self.waiters.recv() => Next::Wake(waiter),
            else => Next::End,
        }
    }
}

/// Entries first: an inode that no entry leads to any more is not looked at again.
fn tell(notifier: &Notifier, changes: &Changes) {
    for (parent, name) in &changes.dirents {
        report(notifier.inval_entry(parent.0, OsStr::from_bytes(name.as_bytes())));
    }
    for ino in &changes.inodes {
        // From 0, of length 0: attributes and all pages.
        report(notifier.inval_inode(ino.0, 0, 0));
    }
}

/// The attributes alone, without the pages: for that the kernel waits for nothing, so that any thread may ask.
pub(super) fn attributes(notifier: &Notifier, number: u64) {
    report(notifier.inval_inode(number, -1, 0));
}

/// The kernel refuses what it has forgotten anyway; the entry that it keeps in spite of us is good for an hour
/// at the most.
fn report(told: io::Result<()>) {
    if let Err(error) = told {
        tracing::debug!(%error, "the kernel did not take an invalidation");
    }
}
