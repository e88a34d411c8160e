//! What io_uring carries beside requests and replies.

#![allow(missing_docs, reason = "the kernel's fields; what they mean is told where they are used")]

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Gives the kernel the buffers of an entry, for the first request.
pub const REGISTER: u32 = 1;
/// Replies, and asks for the next request.
pub const COMMIT_AND_FETCH: u32 = 2;

/// Room for a request's or reply's header, and as much for the operation's own.
pub const HEADER_ROOM: usize = 128;

/// Size of the header buffer of an entry.
pub const HEADERS: usize = 2 * HEADER_ROOM + size_of::<EntInOut>();

/// The end of the header buffer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct EntInOut {
    pub flags: u64,
    /// To be given back with the reply.
    pub commit_id: u64,
    /// Bytes in the payload buffer.
    pub payload_sz: u32,
    pub padding: u32,
    pub reserved: u64,
}

/// The beginning of a command's own 80 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct CmdReq {
    pub flags: u64,
    pub commit_id: u64,
    pub qid: u16,
    pub padding: [u8; 6],
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_the_kernels() {
        assert_eq!(HEADERS, 288);
        assert_eq!(size_of::<CmdReq>(), 24);
    }
}
