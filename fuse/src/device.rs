//! The classic transport: threads that read requests from `/dev/fuse` and write replies to it.
#![allow(unsafe_code, reason = "one ioctl that rustix does not know")]

use std::fs::File;
use std::io::{self, IoSlice, Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::ioctl;

use crate::handler::{Filesystem, dispatch};
use crate::pages::Pages;
use crate::request::Request;
use crate::slot::Slot;

/// Where FUSE is.
pub(crate) const DEVICE: &str = "/dev/fuse";
/// `_IOR(229, 0, uint32_t)`: makes a newly opened device one more of a session's.
const CLONE: ioctl::Opcode = ioctl::opcode::read::<u32>(229, 0);
/// Buffers that are kept for the next request.
const SPARE: usize = 16;

/// A descriptor of the session. Replies to what was read from it must be written to it.
#[derive(Debug)]
pub(crate) struct Channel {
    device: File,
    /// Size of a buffer.
    len: usize,
    spare: Mutex<Vec<Pages>>,
}

impl Channel {
    /// `len` is the size of a buffer: of the largest request, with room in front and behind.
    pub fn new(device: OwnedFd, len: usize) -> Channel {
        Channel { device: device.into(), len, spare: Mutex::default() }
    }

    /// Another descriptor of the same session, with a queue of its own for what was read.
    pub fn try_clone(&self) -> io::Result<Channel> {
        let device = File::options().read(true).write(true).open(DEVICE)?;
        let session = self.device.as_raw_fd() as u32;
        // SAFETY: CLONE reads a descriptor's number, of four bytes, and changes nothing in this process's memory.
        unsafe { ioctl::ioctl(&device, ioctl::Setter::<CLONE, u32>::new(session)) }?;
        Ok(Channel::new(device.into(), self.len))
    }

    /// Writes a reply or a notification, which the kernel takes as a whole or not at all.
    pub fn write(&self, parts: &[IoSlice<'_>]) -> io::Result<()> {
        (&self.device).write_vectored(parts).map(drop)
    }

    pub fn fd(&self) -> BorrowedFd<'_> {
        self.device.as_fd()
    }

    fn buffer(&self) -> io::Result<Pages> {
        let spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner).pop();
        spare.map_or_else(|| Pages::new(self.len), Ok)
    }

    /// Takes a buffer back.
    pub fn recycle(&self, pages: Pages) {
        let mut spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        if spare.len() < SPARE {
            spare.push(pages);
        }
    }

    /// From now on, nobody who receives waits.
    pub fn never_wait(&self) -> io::Result<()> {
        Ok(rustix::io::ioctl_fionbio(&self.device, true)?)
    }

    /// The next request.
    fn receive(channel: &Arc<Channel>) -> io::Result<Received> {
        let mut pages = channel.buffer()?;
        loop {
            match (&channel.device).read(pages.bytes_mut()) {
                Ok(len) => return Ok(Received::Request(Slot::of_device(channel.clone(), pages, len))),
                Err(error) => match Errno::from_io_error(&error) {
                    // ENOENT: who asked gave up before the request was read.
                    Some(Errno::INTR | Errno::NOENT) => {}
                    Some(Errno::AGAIN) => {
                        channel.recycle(pages);
                        return Ok(Received::Nothing);
                    }
                    Some(Errno::NODEV | Errno::CONNABORTED) => return Ok(Received::Over),
                    _ => return Err(error),
                },
            }
        }
    }
}

/// What came of reading.
#[derive(Debug)]
enum Received {
    Request(Slot),
    /// What there was has been taken back, or another thread has it. Only where nobody waits.
    Nothing,
    /// The session is over.
    Over,
}

/// Why no more requests are read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Over {
    /// The session has ended.
    Unmounted,
    /// This process is to end it.
    Stopped,
}

/// Answers requests until the session is over, or until there is something to read from `stop`, which is only heard
/// where nobody waits for the device.
pub(crate) fn serve<F: Filesystem + ?Sized>(
    fs: &F,
    channel: &Arc<Channel>,
    stop: Option<BorrowedFd<'_>>,
) -> io::Result<Over> {
    loop {
        if let Some(stop) = stop
            && !readable(channel.fd(), stop)?
        {
            return Ok(Over::Stopped);
        }
        let slot = match Channel::receive(channel)? {
            Received::Request(slot) => slot,
            Received::Nothing => continue,
            Received::Over => return Ok(Over::Unmounted),
        };
        match Request::new(slot) {
            Some(request) => dispatch(fs, request),
            None => tracing::warn!("a request without a header"),
        }
    }
}

/// Waits; answers false if it is time to stop.
fn readable(device: BorrowedFd<'_>, stop: BorrowedFd<'_>) -> io::Result<bool> {
    let mut fds =
        [PollFd::from_borrowed_fd(device, PollFlags::IN), PollFd::from_borrowed_fd(stop, PollFlags::IN)];
    loop {
        match poll(&mut fds, None) {
            Ok(_) => return Ok(!fds[1].revents().contains(PollFlags::IN)),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use super::*;

    /// As when a forget is taken back between being seen and being read: who read and waited would not hear `stop`.
    #[test]
    fn what_was_taken_back_is_not_waited_for() {
        let (device, _kernel) = UnixStream::pair().unwrap();
        let channel = Arc::new(Channel::new(device.into(), 64));
        channel.never_wait().unwrap();
        assert!(matches!(Channel::receive(&channel), Ok(Received::Nothing)));
    }
}
