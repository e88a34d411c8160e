//! The journal: a volume's history as a chain of immutable segments in object storage.
//!
//! **Purpose.** Everything that ever happened to a volume is an [`Event`]. Events are written in [`Group`]s, each
//! as one object, a [`Segment`]; reading the segments in order and applying their events gives the tree of any
//! instant. Nothing else is needed to rebuild a volume, and this crate knows nothing of trees: it defines what
//! can happen ([`EventKind`]), its bytes (`docs/formats.md`), who may write ([`Appender`]) and how to read
//! ([`JournalReader`]).
//!
//! **Invariants.**
//! - Segments are numbered from 1 without gaps; each names the checksum of the one before it. Events are numbered
//!   from 1 without gaps; their times increase, but for the events of one transaction, which share one time and
//!   one segment.
//! - A segment is put under a name that must not exist. That is the whole of mutual exclusion: a writer takes
//!   over by appending a segment with the next [`Epoch`], and whoever wrote before finds its next name taken.
//! - One put is in flight at a time, so that what is stored is always a prefix of what was submitted. A group is
//!   acknowledged when it is known to be stored, and never before.
//! - What a writer would not be able to read again is not written: encoder and decoder make the same checks.
//! - A kind of event keeps its number and its fields forever (`codec/kinds.rs`); each version of the segment
//!   format has one frozen module (`segment/v1.rs`).
//!
//! **Failure.** A put whose answer is lost is read back: our own segment means success, nothing means that it
//! is put again, another's means that we are fenced ([`AppendError::Fenced`]), for good. Failures that may pass
//! are repeated forever once a journal is claimed, on a task of the appender's own: a caller that stops waiting
//! cancels nothing. Every byte read is verified before it is used; what is damaged, foreign, missing or replaced is
//! a [`JournalError`] that names the object, and is never served. Bytes of the bucket cannot cause a panic, or
//! an allocation beyond the format's limits.
//!
//! **The writer record** ([`WriterRecord`]) is advice about who writes. Nothing rests on it.

mod append;
#[cfg(test)]
mod arbitrary;
mod codec;
mod content;
mod event;
#[cfg(test)]
mod faulty;
mod ids;
mod reader;
mod segment;
mod tip;
mod writer;

pub use append::{AppendError, AppendReceipt, Appender, ClaimError, Group, Mounting, Rival};
pub use codec::CodecError;
pub use content::{BlockRef, Extent, PackHome, PackId, PackSeal, PlacedExtent};
pub use event::{Actor, Attributes, Event, EventKind, Replaced, TransactionKind};
pub use ids::{Epoch, Hash, Ino, Name, SegmentNo, Seq, VolumeId};
pub use reader::{JournalError, JournalReader, Replay};
pub use segment::{Part, PutId, Segment, SegmentError, SegmentHeader};
pub use tip::{JournalTip, LinkError};
pub use writer::{Liveness, WriterError, WriterIdentity, WriterRecord};
