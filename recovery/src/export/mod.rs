//! A volume's history as one file: the events from the first one on, with the content that they name.
//!
//! **Purpose.** A bug report that can be replayed. [`export`] writes the file from a [`History`](firn_materializer::history::History);
//! [`Export`] reads it. With a [`Redactor`] every name and all content is replaced by a stand-in, so that the file
//! says what happened and not to what. The bytes are in `docs/formats.md`, "Exports".
//!
//! **Invariants.**
//! - The events are those of the journal, in its order and in the groups in which they were committed; the last one
//!   ends a transaction. What was redacted differs in names and content and in nothing else.
//! - Every block that an event names is in the file before that event; equal bytes are there once.
//! - Memory is bounded by one group and a few blocks, besides a few bytes for each block and, when redacting, for
//!   each distinct name.
//! - Writers write the latest version; each version's bytes have one frozen module.
//!
//! **Failure.** What cannot be read of the volume ends the export: a file that was not finished is no export, and
//! [`Export::open`] says so. A file is hostile until it is verified: a checksum covers all of it, and each group and
//! each block are compared with their own again when they are asked for.

mod error;
mod read;
mod redact;
mod source;
mod stand_ins;
#[cfg(test)]
mod tests;
mod v1;
mod write;

use firn_journal::{Seq, VolumeId};
use firn_materializer::history::Instant;

pub use error::ExportError;
pub use read::Export;
pub use redact::Redactor;
pub use write::export;

/// How far the work has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Progress {
    /// Events that are written.
    pub events: u64,
    /// Events that will be.
    pub of: u64,
}

/// What was written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Summary {
    /// The last event.
    pub last: Instant,
    /// Blocks that the events name.
    pub blocks: u64,
    /// Bytes of them, each block once, uncompressed.
    pub block_bytes: u64,
    /// Bytes of the file.
    pub bytes: u64,
}

/// The fixed part of an export.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Header {
    volume: VolumeId,
    block_size: u32,
    redacted: bool,
    first: Seq,
    last: Seq,
}
