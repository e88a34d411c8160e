//! What a filesystem is, to this crate.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::abi::InitFlags;
use crate::request::{Operation, Request};

/// What the kernel offers at the beginning of a session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Offer {
    /// Minor version of the protocol that it speaks; the major one is 7.
    pub minor: u32,
    /// What it can.
    pub flags: InitFlags,
    /// The most that it would read ahead, in bytes.
    pub max_readahead: u32,
}

/// What the filesystem wants of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Terms {
    /// What to agree on; what is not offered is left out.
    pub flags: InitFlags,
    /// The largest write in one request, and with it the largest read, in bytes: 128 KiB at the least, 16 MiB at
    /// the most. The kernel makes it smaller where it must.
    pub max_write: u32,
    /// The most to read ahead, in bytes; no more than is offered.
    pub max_readahead: u32,
    /// Reads ahead and writes back in flight; over io_uring no more than a quarter of [`crate::Options::queue_depth`].
    pub max_background: u16,
    /// Nanoseconds that times are multiples of: a power of ten up to a second.
    pub time_granularity: u32,
}

impl Default for Terms {
    fn default() -> Terms {
        Terms {
            flags: InitFlags::ASYNC_READ | InitFlags::PARALLEL_DIROPS,
            max_write: 1 << 20,
            max_readahead: 1 << 20,
            max_background: 64,
            time_granularity: 1,
        }
    }
}

/// A filesystem.
pub trait Filesystem: Send + Sync + 'static {
    /// What to agree on with the kernel. Called once, before anything else.
    fn init(&self, offer: &Offer) -> Terms;

    /// Answers a request, now or later: what waits belongs on another thread, with the request or its reply, since
    /// the requests behind it wait meanwhile. Called on several threads at the same time.
    ///
    /// A panic here ends nothing: the request is answered with `EIO`.
    fn handle(&self, request: Request);

    /// The kernel takes back so many look-ups of a node: of entries that it was given. When all have been taken
    /// back, it asks for it no more.
    fn forget(&self, node: u64, lookups: u64) {
        let _ = (node, lookups);
    }
}

impl<F: Filesystem + ?Sized> Filesystem for Arc<F> {
    fn init(&self, offer: &Offer) -> Terms {
        (**self).init(offer)
    }

    fn handle(&self, request: Request) {
        (**self).handle(request);
    }

    fn forget(&self, node: u64, lookups: u64) {
        (**self).forget(node, lookups);
    }
}

/// Answers what is no affair of the filesystem, and hands it the rest.
pub(crate) fn dispatch<F: Filesystem + ?Sized>(fs: &F, request: Request) {
    let unwound = catch_unwind(AssertUnwindSafe(|| match request.operation() {
        Ok(Operation::Forget { lookups }) => {
            fs.forget(request.node(), lookups);
            request.reply().discard();
        }
        Ok(Operation::BatchForget(forgets)) => {
            forgets.for_each(|(node, lookups)| fs.forget(node, lookups));
            request.reply().discard();
        }
        // The kernel does not interrupt any more then. It goes on if all the requests travel over io_uring: it looks for
        // what this answers only among those that were read from the classic device, where the answer is an error too.
        Ok(Operation::Interrupt { .. }) => request.reply().error(libc::ENOSYS),
        Ok(Operation::Destroy) => request.reply().ok(),
        Ok(_) => fs.handle(request),
        Err(error) => {
            tracing::warn!(%error, unique = request.unique(), "answered with EIO");
            request.reply().error(libc::EIO);
        }
    }));
    if unwound.is_err() {
        tracing::error!("the filesystem panicked: the request is answered with EIO");
    }
}
