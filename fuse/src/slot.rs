//! A buffer with a request in it, on its way back to where it came from with the reply.
//!
//! Both transports leave a page in front: the request's header is there (the classic device lets the whole request
//! follow it), and the reply's content begins after it.

use std::io::IoSlice;
use std::sync::Arc;

use zerocopy::{FromBytes, IntoBytes};

use crate::abi::input::InHeader;
use crate::abi::output::OutHeader;
use crate::abi::ring::{EntInOut, HEADER_ROOM, HEADERS};
use crate::device::Channel;
use crate::pages::Pages;
use crate::request::header_len;
use crate::uring::Owner;

/// Room in front of the content.
pub(crate) const FRONT: usize = 4096;
/// Room behind, since the classic device puts more than a page of headers nowhere.
const BEHIND: usize = 4096;

/// The size of a buffer for content of so many bytes.
pub(crate) fn buffer_len(payload: usize) -> usize {
    FRONT + payload + BEHIND
}

#[derive(Debug)]
pub(crate) struct Slot {
    pages: Pages,
    origin: Origin,
}

#[derive(Debug)]
enum Origin {
    /// The request is contiguous from the beginning, of this length.
    Device { channel: Arc<Channel>, len: usize },
    /// The request is in three parts.
    Ring { owner: Arc<Owner>, entry: usize },
}

/// What follows the header of a reply.
pub(crate) enum Body<'a> {
    /// So many bytes that are in the slot already.
    InPlace(usize),
    Bytes(&'a [u8]),
}

/// A request's parts.
pub(crate) struct Parts<'a> {
    pub header: InHeader,
    /// Begins with the operation's own header.
    pub operation: &'a [u8],
    pub payload: &'a [u8],
}

impl Slot {
    pub fn of_device(channel: Arc<Channel>, pages: Pages, len: usize) -> Slot {
        Slot { pages, origin: Origin::Device { channel, len } }
    }

    pub fn of_ring(owner: Arc<Owner>, pages: Pages, entry: usize) -> Slot {
        Slot { pages, origin: Origin::Ring { owner, entry } }
    }

    /// `None` if there is not even a header.
    pub fn parts(&self) -> Option<Parts<'_>> {
        let bytes = self.pages.bytes();
        let (header, _) = InHeader::read_from_prefix(bytes).ok()?;
        match &self.origin {
            Origin::Device { len, .. } => {
                let body = bytes.get(size_of::<InHeader>()..*len)?;
                let (operation, payload) = body.split_at(header_len(header.opcode).min(body.len()));
                Some(Parts { header, operation, payload })
            }
            Origin::Ring { .. } => {
                let operation = bytes.get(HEADER_ROOM..2 * HEADER_ROOM)?;
                let len = ring_header(bytes)?.payload_sz;
                let payload = bytes.get(FRONT..)?.get(..len as usize)?;
                Some(Parts { header, operation, payload })
            }
        }
    }

    /// Where a reply's content goes.
    pub fn payload_mut(&mut self) -> &mut [u8] {
        let bytes = self.pages.bytes_mut();
        let end = bytes.len().saturating_sub(BEHIND);
        bytes.get_mut(FRONT..end).unwrap_or_default()
    }

    /// Sends the reply. That the kernel does not take it is nobody's concern any more: who asked is gone.
    pub fn send(mut self, unique: u64, error: i32, body: Body<'_>) {
        let len = match &body {
            Body::InPlace(len) => *len,
            Body::Bytes(bytes) => bytes.len(),
        };
        let header = OutHeader { len: (size_of::<OutHeader>() + len) as u32, error, unique };
        match self.origin {
            Origin::Device { channel, .. } => {
                let parts = match &body {
                    Body::InPlace(len) => [header.as_bytes(), &self.pages.bytes()[FRONT..FRONT + len]],
                    Body::Bytes(bytes) => [header.as_bytes(), bytes],
                };
                if let Err(error) = channel.write(&parts.map(IoSlice::new)) {
                    tracing::debug!(%error, unique, "the kernel did not take a reply");
                }
                channel.recycle(self.pages);
            }
            Origin::Ring { owner, entry } => {
                let pages = self.pages.bytes_mut();
                pages[..size_of::<OutHeader>()].copy_from_slice(header.as_bytes());
                if let Body::Bytes(bytes) = body {
                    pages[FRONT..FRONT + len].copy_from_slice(bytes);
                }
                let sizes = EntInOut { payload_sz: len as u32, ..EntInOut::default() };
                pages[2 * HEADER_ROOM..HEADERS].copy_from_slice(sizes.as_bytes());
                Owner::finish(&owner, entry, self.pages);
            }
        }
    }

    /// Takes the slot back from a request that wants no reply.
    pub fn discard(self, unique: u64) {
        match self.origin {
            Origin::Device { channel, .. } => channel.recycle(self.pages),
            // The kernel sends none of these here; an entry has to go back in any case.
            Origin::Ring { .. } => self.send(unique, 0, Body::InPlace(0)),
        }
    }
}

/// What the kernel says of the entry that a buffer belongs to.
pub(crate) fn ring_header(bytes: &[u8]) -> Option<EntInOut> {
    EntInOut::read_from_bytes(bytes.get(2 * HEADER_ROOM..HEADERS)?).ok()
}
