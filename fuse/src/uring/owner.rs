//! How an answered entry gets back to the thread that owns its ring: only that thread may submit.

use std::cell::RefCell;
use std::io;
use std::mem;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::event::{EventfdFlags, eventfd};

use crate::pages::Pages;

/// An entry whose buffer holds a reply.
#[derive(Debug)]
pub(crate) struct Finished {
    pub entry: usize,
    pub pages: Pages,
}

/// Whether a thread is to end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum End {
    /// Not yet.
    No,
    /// Unmounted: the kernel gives every entry back by itself.
    Unmounted,
    /// The session failed: the kernel is to give up what it has.
    Failed,
}

/// A ring's thread, as other threads see it.
#[derive(Debug)]
pub(crate) struct Owner {
    outside: Mutex<Outside>,
    bell: OwnedFd,
}

/// What came from other threads.
#[derive(Debug)]
struct Outside {
    finished: Vec<Finished>,
    /// The owner waits, and has to be woken.
    asleep: bool,
    end: End,
    /// The owner is gone: what comes is dropped.
    gone: bool,
}

/// What this thread answered of its own ring.
struct Here {
    /// Address of the owner that this thread is; 0 if it is none.
    owner: usize,
    finished: Vec<Finished>,
}

thread_local! {
    static HERE: RefCell<Here> = const { RefCell::new(Here { owner: 0, finished: Vec::new() }) };
}

impl Owner {
    pub fn new() -> io::Result<Owner> {
        let bell = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        let outside = Outside { finished: Vec::new(), asleep: false, end: End::No, gone: false };
        Ok(Owner { outside: Mutex::new(outside), bell })
    }

    /// Becomes readable when the owner is to wake up.
    pub fn bell(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }

    fn outside(&self) -> MutexGuard<'_, Outside> {
        self.outside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ring_bell(&self) {
        // It can only fail because it rings already.
        let _ = rustix::io::write(&self.bell, &1_u64.to_ne_bytes());
    }

    /// From now on this thread is the owner.
    pub fn enter(owner: &Arc<Owner>) {
        HERE.with_borrow_mut(|here| here.owner = Arc::as_ptr(owner).addr());
    }

    /// Gives an answered entry back, from any thread.
    pub fn finish(owner: &Arc<Owner>, entry: usize, pages: Pages) {
        let finished = Finished { entry, pages };
        let address = Arc::as_ptr(owner).addr();
        // A thread that is ending has no such variable any more, and is no owner.
        match HERE.try_with(|here| here.borrow().owner == address) {
            Ok(true) => HERE.with_borrow_mut(|here| here.finished.push(finished)),
            _ => owner.finish_outside(finished),
        }
    }

    fn finish_outside(&self, finished: Finished) {
        let wake = {
            let mut outside = self.outside();
            if outside.gone {
                return;
            }
            outside.finished.push(finished);
            mem::take(&mut outside.asleep)
        };
        if wake {
            self.ring_bell();
        }
    }

    /// Tells the owner to end.
    pub fn end(&self, end: End) {
        self.outside().end = end;
        self.ring_bell();
    }

    /// For the owner: what has been answered since the last time. If that is nothing, the owner counts as asleep: it
    /// may wait, and the bell will ring.
    pub fn take(&self, into: &mut Vec<Finished>) -> End {
        HERE.with_borrow_mut(|here| into.append(&mut here.finished));
        let mut outside = self.outside();
        into.append(&mut outside.finished);
        outside.asleep = true;
        outside.end
    }

    /// For the owner: it is awake.
    pub fn awake(&self) {
        self.outside().asleep = false;
    }

    /// For the owner: nothing is taken any more.
    pub fn leave(&self) {
        HERE.with_borrow_mut(|here| {
            here.owner = 0;
            here.finished.clear();
        });
        let mut outside = self.outside();
        outside.gone = true;
        outside.finished.clear();
    }
}
