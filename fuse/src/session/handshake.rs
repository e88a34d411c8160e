//! The first request and its reply: what kernel and filesystem agree on.

use std::io::{self, IoSlice};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use rustix::io::Errno;
use rustix::param::page_size;
use zerocopy::{FromBytes, IntoBytes};

use super::{Active, Options, Session, Transport};
use crate::abi::input::{InHeader, InitIn, InitInMore};
use crate::abi::output::{InitOut, OutHeader};
use crate::abi::{InitFlags, MAJOR, MINOR, OLDEST_MINOR, opcode};
use crate::device::Channel;
use crate::error::SessionError;
use crate::handler::{Filesystem, Offer, Terms};
use crate::slot::buffer_len;
use crate::uring::{self, Ring};

/// The largest write that can be asked for.
const MOST_WRITE: u32 = 16 << 20;
/// The smallest, since extended attributes of 64 KiB have to fit, and two pages at any rate.
const LEAST_WRITE: u32 = 128 << 10;
/// The first request is small, however large later ones will be.
const FIRST: usize = 1 << 16;
/// What no filesystem has to ask for.
const ALWAYS: InitFlags = InitFlags::BIG_WRITES.union(InitFlags::MAX_PAGES).union(InitFlags::INIT_EXT);

/// The first request.
struct Init {
    unique: u64,
    offer: Offer,
}

/// Reads the first request, and answers it with what the filesystem wants and what the system can. `disabled` is why
/// io_uring is out of the question.
pub(super) fn shake_hands<F: Filesystem>(
    fs: F,
    device: OwnedFd,
    options: &Options,
    disabled: Option<String>,
) -> Result<Session<F>, SessionError> {
    let init = first_request(&device)?;
    let wanted = fs.init(&init.offer);
    let page = page_size() as u32;
    let pages = wanted.max_write.clamp(LEAST_WRITE, MOST_WRITE).div_ceil(page);
    let payload = pages as usize * page_size();
    let (active, rings) = transport(options, disabled, init.offer.flags, device.as_fd(), payload)?;
    let mut flags = (wanted.flags | ALWAYS).intersection(init.offer.flags) - InitFlags::OVER_IO_URING;
    flags.set(InitFlags::OVER_IO_URING, !rings.is_empty());
    let max_background = match rings.is_empty() {
        true => wanted.max_background,
        false => wanted.max_background.min(background(options.queue_depth.get())),
    };
    let wanted = Terms { max_background, ..wanted };
    answer(&device, &init, &wanted, flags, pages).map_err(SessionError::Handshake)?;
    tracing::debug!(minor = init.offer.minor, ?flags, transport = %active, "the session begins");
    let channel = Arc::new(Channel::new(device, buffer_len(payload)));
    Ok(Session { fs, channel, rings, active })
}

/// What may be in flight in the background, all of which could be on one core's queue: it must not fill that.
fn background(depth: usize) -> u16 {
    u16::try_from(depth / 4).unwrap_or(u16::MAX).max(1)
}

fn first_request(device: &OwnedFd) -> Result<Init, SessionError> {
    let mut buffer = vec![0; FIRST];
    let len = loop {
        match rustix::io::read(device, &mut buffer) {
            Ok(len) => break len,
            Err(Errno::INTR) => {}
            Err(error) => return Err(SessionError::Handshake(error.into())),
        }
    };
    let malformed = || SessionError::Handshake(io::ErrorKind::InvalidData.into());
    let (header, rest) = InHeader::read_from_prefix(&buffer[..len]).map_err(|_| malformed())?;
    let (init, rest) = InitIn::read_from_prefix(rest).map_err(|_| malformed())?;
    if header.opcode != opcode::INIT {
        return Err(malformed());
    }
    let InitIn { major, minor, max_readahead, flags } = init;
    if major != MAJOR || minor < OLDEST_MINOR {
        return Err(SessionError::Version { major, minor });
    }
    let upper = match InitInMore::read_from_prefix(rest) {
        Ok((more, _)) if flags & InitFlags::INIT_EXT.words().0 != 0 => more.flags2,
        _ => 0,
    };
    let offer = Offer { minor, flags: InitFlags::from_words(flags, upper), max_readahead };
    Ok(Init { unique: header.unique, offer })
}

/// Chooses how requests travel. Rings are made, with their buffers for content of `payload` bytes, before anything is
/// said, since there is no way back from io_uring.
fn transport(
    options: &Options,
    disabled: Option<String>,
    offered: InitFlags,
    device: BorrowedFd<'_>,
    payload: usize,
) -> Result<(Active, Vec<Ring>), SessionError> {
    let threads = options.threads.get();
    if options.transport == Transport::Classic {
        return Ok((Active::Classic { threads, reason: None }, Vec::new()));
    }
    let rings = match disabled {
        Some(reason) => Err(reason),
        None if !offered.contains(InitFlags::OVER_IO_URING) => Err("the kernel does not offer it".to_owned()),
        None => {
            let rings = uring::rings(device, options.queue_depth.get(), payload);
            rings.map_err(|error| format!("no ring can be made: {error}"))
        }
    };
    match rings {
        Ok(rings) => {
            let queues = rings.iter().map(Ring::queues).sum();
            Ok((Active::Uring { threads: rings.len(), queues }, rings))
        }
        Err(reason) if options.transport == Transport::Uring => Err(SessionError::NoRings(reason)),
        Err(reason) => {
            tracing::info!(reason, "not over io_uring");
            Ok((Active::Classic { threads, reason: Some(reason) }, Vec::new()))
        }
    }
}

fn answer(device: &OwnedFd, init: &Init, wanted: &Terms, flags: InitFlags, pages: u32) -> io::Result<()> {
    let (flags, flags2) = flags.words();
    let out = InitOut {
        major: MAJOR,
        minor: MINOR,
        max_readahead: wanted.max_readahead.min(init.offer.max_readahead),
        flags,
        max_background: wanted.max_background,
        congestion_threshold: wanted.max_background / 4 * 3,
        max_write: pages * page_size() as u32,
        time_gran: wanted.time_granularity,
        max_pages: u16::try_from(pages).unwrap_or(u16::MAX),
        flags2,
        ..InitOut::default()
    };
    let len = (size_of::<OutHeader>() + size_of::<InitOut>()) as u32;
    let header = OutHeader { len, error: 0, unique: init.unique };
    rustix::io::writev(device, &[IoSlice::new(header.as_bytes()), IoSlice::new(out.as_bytes())])?;
    Ok(())
}
