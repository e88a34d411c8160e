use std::io;

use firn_blocks::BlocksError;
use firn_journal::{BlockRef, JournalError, LinkError, SegmentError};
use firn_materializer::history::HistoryError;

/// Why an export could not be written, or read.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The volume is not readable, or there is no such instant in it.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// The volume's journal is damaged or out of reach.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// Content is damaged or out of reach.
    #[error(transparent)]
    Blocks(#[from] BlocksError),
    /// The file could not be written.
    #[error("the export cannot be written: {0}")]
    Write(io::Error),
    /// The file could not be read.
    #[error("the export cannot be read: {0}")]
    Read(io::Error),
    /// Another kind of file.
    #[error("this is no export: it begins with \"{}\", expected \"firn.exp\"; write one with `firn export`", found.escape_ascii())]
    Magic {
        /// The first bytes.
        found: Vec<u8>,
    },
    /// A newer program wrote it.
    #[error("the export has version {found}, this program reads {supported}; use a newer firn")]
    Version {
        /// Its version.
        found: u32,
        /// What can be read.
        supported: u32,
    },
    /// The file is not what was written, or not all of it.
    #[error("the export is damaged at byte {offset}: {problem}; {AGAIN}")]
    Damaged {
        /// Bytes from its beginning.
        offset: u64,
        /// What is wrong.
        problem: &'static str,
    },
    /// A group of events cannot be read, or written.
    #[error("a group of events of the export is damaged: {0}; {AGAIN}")]
    Group(#[from] SegmentError),
    /// A group of events does not continue the one before.
    #[error("a group of events of the export does not continue the one before: {0}; {AGAIN}")]
    Unlinked(#[from] LinkError),
    /// The file has no such block.
    #[error("slot {} of pack {:08x}-{:08x} is not in the export; {AGAIN}", .0.slot, .0.pack.epoch.0, .0.pack.number)]
    NoBlock(BlockRef),
}

const AGAIN: &str = "export again, or copy the file again from where it was written";
