//! A ring, its entries, and the loop of its thread.
#![allow(unsafe_code, reason = "submissions hold addresses")]

use std::io::{self, IoSliceMut};
use std::mem;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::slice;
use std::sync::Arc;

use io_uring::squeue::Entry128;
use io_uring::{IoUring, opcode, types};
use rustix::io::Errno;
use rustix::thread::{CpuSet, sched_setaffinity};
use zerocopy::IntoBytes;

use super::cpus::Plan;
use super::owner::{End, Finished, Owner};
use crate::abi::ring::{COMMIT_AND_FETCH, CmdReq, EntInOut, HEADERS, REGISTER};
use crate::handler::{Filesystem, dispatch};
use crate::pages::Pages;
use crate::request::Request;
use crate::slot::{FRONT, Slot, buffer_len, ring_header};

/// Marks the completion that says that the owner's bell rings.
const BELL: u64 = u64::MAX;
/// Where a submission has its length, which the io-uring crate does not set for commands.
const LEN_OFFSET: usize = 24;
/// Entries that a queue has whose core is offline: it may come back.
const OFFLINE: usize = 4;
/// Entries that a ring has at the most beside those of its own core: a ring cannot have more than 32768.
const MOST: usize = 1 << 14;
/// Content up to this size stays in memory, in bytes: it is what small requests need.
const SMALL: usize = 128 << 10;
/// Entries of a ring whose buffers stay in memory however large their content was: the next requests come in these.
const KEPT: usize = 4;
/// What the device is called, once the ring has it.
const DEVICE: types::Fixed = types::Fixed(0);

/// The two buffers of an entry, as the kernel wants to be told of them: headers and payload.
type Iovecs = [libc::iovec; 2];

/// How serving ended, if it did not fail.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Served {
    /// With the session.
    Whole,
    /// It did not begin: the kernel took no entry, and this ring carries nothing.
    Nothing,
}

/// A ring, made but not yet used.
pub(crate) struct Ring {
    ring: IoUring<Entry128>,
    owner: Arc<Owner>,
    entries: Vec<Entry>,
    /// Entries whose buffers take more memory than small content does, the one last used at the end.
    large: Vec<usize>,
    /// Size of the largest content, in bytes.
    payload: usize,
    cpu: u16,
}

struct Entry {
    queue: u16,
    /// Who has the buffer.
    state: State,
}

enum State {
    /// This thread; the kernel has not been told of it.
    New(Pages),
    /// The kernel.
    Kernel(Pages),
    /// A request. Its reply is to be given back with this number.
    Request { commit_id: u64 },
    /// Nobody any more.
    Over,
}

impl Ring {
    /// Makes a ring that the first thread to use it will own, with all that it needs: later there is no way back.
    pub fn new(plan: Plan, device: BorrowedFd<'_>, depth: usize, payload: usize) -> io::Result<Ring> {
        let Plan { cpu, others, offline } = plan;
        let shared = depth.min(MOST / (others.len() + offline.len()).max(1)).max(1);
        let own = std::iter::repeat_n(cpu, depth);
        let others = others.into_iter().flat_map(|queue| std::iter::repeat_n(queue, shared));
        let offline = offline.into_iter().flat_map(|queue| std::iter::repeat_n(queue, shared.min(OFFLINE)));
        let queues = own.chain(others).chain(offline);
        let entry = |queue| Ok(Entry { queue, state: State::New(Pages::new(buffer_len(payload))?) });
        let entries = queues.map(entry).collect::<io::Result<Vec<Entry>>>()?;
        let ring = make(entries.len() as u32 + 1)?;
        ring.submitter().register_files(&[device.as_raw_fd()])?;
        Ok(Ring { ring, owner: Arc::new(Owner::new()?), entries, large: Vec::new(), payload, cpu })
    }

    /// Its thread, for others.
    pub fn owner(&self) -> Arc<Owner> {
        self.owner.clone()
    }

    /// How many queues it serves.
    pub fn queues(&self) -> usize {
        let mut queues: Vec<u16> = self.entries.iter().map(|entry| entry.queue).collect();
        queues.dedup();
        queues.len()
    }

    /// Serves until the session is over, on this thread, which is pinned. Its owner is to leave then.
    ///
    /// # Errors
    /// What the system says of the ring, or the kernel of its entries.
    pub fn serve<F: Filesystem + ?Sized>(mut self, fs: &F) -> io::Result<Served> {
        let mut cpus = CpuSet::new();
        cpus.set(usize::from(self.cpu));
        if let Err(error) = sched_setaffinity(None, &cpus) {
            tracing::debug!(%error, cpu = self.cpu, "not pinned");
        }
        Owner::enter(&self.owner);
        self.ring.submitter().register_enable_rings()?;
        // It only saves looking the descriptor up each time.
        let _ = self.ring.submitter().register_ring_fd();
        let begun = self.register()?;
        if self.is_idle() {
            return Ok(Served::Nothing);
        }
        self.answer(fs, begun)?;
        Ok(Served::Whole)
    }

    /// Whether no entry is in use.
    fn is_idle(&self) -> bool {
        self.entries.iter().all(|entry| matches!(entry.state, State::Over))
    }

    /// Gives the kernel every entry, and answers what came in at once. Entries that the kernel does not take are over.
    fn register(&mut self) -> io::Result<Vec<(u64, i32)>> {
        let mut iovecs: Vec<Iovecs> = Vec::with_capacity(self.entries.len());
        for entry in &mut self.entries {
            let State::New(pages) = mem::replace(&mut entry.state, State::Over) else { continue };
            let address = pages.address();
            iovecs.push([
                libc::iovec { iov_base: address.cast(), iov_len: HEADERS },
                libc::iovec { iov_base: address.wrapping_add(FRONT).cast(), iov_len: self.payload },
            ]);
            entry.state = State::Kernel(pages);
        }
        for (index, iovecs) in iovecs.iter().enumerate() {
            let command = command(REGISTER, self.entries[index].queue, 0, Some(iovecs));
            self.push(command.user_data(index as u64))?;
        }
        self.listen()?;
        // The addresses are read before this returns.
        self.ring.submit()?;
        let (begun, refused): (Vec<_>, Vec<_>) =
            self.completed_so_far().partition(|(which, result)| *which == BELL || *result >= 0);
        for (which, _) in &refused {
            if let Some(entry) = self.entries.get_mut(*which as usize) {
                entry.state = State::Over;
            }
        }
        if let Some((_, result)) = refused.first() {
            let error = io::Error::from_raw_os_error(-result);
            tracing::warn!(%error, entries = refused.len(), cpu = self.cpu, "the kernel did not take entries");
        }
        Ok(begun)
    }

    fn completed_so_far(&mut self) -> impl Iterator<Item = (u64, i32)> {
        self.ring.completion().map(|done| (done.user_data(), done.result()))
    }

    /// Asks to be told when the bell rings.
    fn listen(&mut self) -> io::Result<()> {
        let bell = types::Fd(self.owner.bell().as_raw_fd());
        let poll: Entry128 = opcode::PollAdd::new(bell, libc::POLLIN as u32).build().into();
        self.push(poll.user_data(BELL))
    }

    fn push(&mut self, entry: Entry128) -> io::Result<()> {
        // SAFETY: what entries point to outlives them: buffers are kept in `self.entries` while they are the kernel's,
        // and iovecs until they have been read.
        unsafe { self.ring.submission().push(&entry) }.map_err(io::Error::other)
    }

    /// Answers what was `completed` already, and what comes.
    fn answer<F: Filesystem + ?Sized>(&mut self, fs: &F, mut completed: Vec<(u64, i32)>) -> io::Result<()> {
        let mut finished: Vec<Finished> = Vec::new();
        loop {
            for (which, result) in completed.drain(..) {
                match which {
                    BELL => self.heard()?,
                    index => self.completed(fs, index as usize, result)?,
                }
            }
            let end = self.owner.take(&mut finished);
            for finished in finished.drain(..) {
                self.commit(finished)?;
            }
            let waiting = self.entries.iter().any(|entry| matches!(entry.state, State::Kernel(_)));
            if end == End::Failed || end == End::Unmounted && !waiting {
                return Ok(());
            }
            match self.ring.submit_and_wait(1) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
            self.owner.awake();
            completed.extend(self.completed_so_far());
            self.give_memory_back();
        }
    }

    /// Clears buffers that had large content and now wait, but for the few that are used next. The kernel reads replies
    /// while it takes submissions and writes requests on this thread, so that it does neither meanwhile; a request that
    /// it has written already is seen by its number, where the reply had none.
    fn give_memory_back(&mut self) {
        let mut excess = self.large.len().saturating_sub(KEPT);
        if excess == 0 || !self.ring.submission().is_empty() {
            return;
        }
        let entries = &mut self.entries;
        self.large.retain(|index| match entries.get_mut(*index).map(|entry| &mut entry.state) {
            Some(State::Kernel(pages)) if excess > 0 && is_empty(pages) => {
                pages.clear_from(FRONT + SMALL);
                excess -= 1;
                false
            }
            _ => true,
        });
    }

    /// Counts an entry as large if content of so many bytes was in its buffer.
    fn used(&mut self, index: usize, len: u32) {
        if len as usize > SMALL {
            self.large.retain(|large| *large != index);
            self.large.push(index);
        }
    }

    /// Silences the bell, and listens again.
    fn heard(&mut self) -> io::Result<()> {
        let mut count = [0; 8];
        // An error means that it was silent already.
        let _ = rustix::io::readv(self.owner.bell(), &mut [IoSliceMut::new(&mut count)]);
        self.listen()
    }

    /// An entry is ours again: with a request in it, or for good.
    fn completed<F: Filesystem + ?Sized>(&mut self, fs: &F, index: usize, result: i32) -> io::Result<()> {
        let Some(entry) = self.entries.get_mut(index) else { return Ok(()) };
        let State::Kernel(pages) = mem::replace(&mut entry.state, State::Over) else { return Ok(()) };
        if result < 0 {
            return match Errno::from_raw_os_error(-result) {
                error if is_end(error) => Ok(()),
                error => Err(error.into()),
            };
        }
        let EntInOut { commit_id, payload_sz, .. } = ring_header(pages.bytes()).unwrap_or_default();
        entry.state = State::Request { commit_id };
        self.used(index, payload_sz);
        if let Some(request) = Request::new(Slot::of_ring(self.owner.clone(), pages, index)) {
            dispatch(fs, request);
        }
        Ok(())
    }

    /// Replies, and gives the entry back.
    fn commit(&mut self, finished: Finished) -> io::Result<()> {
        let Finished { entry: index, pages } = finished;
        let Some(entry) = self.entries.get_mut(index) else { return Ok(()) };
        let State::Request { commit_id } = entry.state else { return Ok(()) };
        let command = command(COMMIT_AND_FETCH, entry.queue, commit_id, None);
        let len = ring_header(pages.bytes()).unwrap_or_default().payload_sz;
        entry.state = State::Kernel(pages);
        self.used(index, len);
        self.push(command.user_data(index as u64))
    }
}

/// Whether the kernel has not written a request since the last reply.
fn is_empty(pages: &Pages) -> bool {
    ring_header(pages.bytes()).is_some_and(|header| header.commit_id == 0)
}

/// Whether an entry that comes back with this error belongs to a session that is over.
fn is_end(error: Errno) -> bool {
    // ENOENT: an abort has taken the request away, and the entry has not been told yet.
    matches!(error, Errno::NOTCONN | Errno::CANCELED | Errno::NODEV | Errno::CONNABORTED | Errno::NOENT)
}

impl Drop for Ring {
    /// Only after a failure does the kernel still have entries. It is about to give them up, but does not say when.
    ///
    /// It clears a ring away only when the thread that made it has come back from the kernel. If that thread waits for
    /// this very filesystem, it waits for the device to be closed: so that must not hang on the ring.
    fn drop(&mut self) {
        if let Err(error) = self.ring.submitter().unregister_files() {
            tracing::debug!(%error, "a ring keeps the device open");
        }
        for entry in &mut self.entries {
            if let State::Kernel(pages) = mem::replace(&mut entry.state, State::Over) {
                mem::forget(pages);
            }
        }
    }
}

/// A ring as it is needed here, for so many submissions.
pub(super) fn make(submissions: u32) -> io::Result<IoUring<Entry128>> {
    IoUring::builder()
        .dontfork()
        .setup_r_disabled()
        .setup_single_issuer()
        .setup_defer_taskrun()
        .setup_submit_all()
        .build(submissions)
}

fn command(operation: u32, qid: u16, commit_id: u64, iovecs: Option<&Iovecs>) -> Entry128 {
    let request = CmdReq { commit_id, qid, ..CmdReq::default() };
    let mut own = [0; 80];
    own[..size_of::<CmdReq>()].copy_from_slice(request.as_bytes());
    let command = opcode::UringCmd80::new(DEVICE, operation).cmd(own);
    match iovecs {
        None => command.build(),
        Some(iovecs) => {
            with_len(command.addr(Some(iovecs.as_ptr().addr() as u64)).build(), iovecs.len() as u32)
        }
    }
}

fn with_len(mut entry: Entry128, len: u32) -> Entry128 {
    const { assert!(size_of::<Entry128>() == 128) };
    // SAFETY: an entry is the kernel's `struct io_uring_sqe` of 128 bytes, all of which are initialised.
    let bytes = unsafe { slice::from_raw_parts_mut((&raw mut entry).cast::<u8>(), size_of::<Entry128>()) };
    bytes[LEN_OFFSET..LEN_OFFSET + size_of::<u32>()].copy_from_slice(len.as_bytes());
    entry
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_abort_between_request_and_reply_is_no_failure() {
        assert!(is_end(Errno::NOENT) && is_end(Errno::NOTCONN));
        assert!(!is_end(Errno::INVAL) && !is_end(Errno::NOMEM));
    }
}
