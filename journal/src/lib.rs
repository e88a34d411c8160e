//! The journal: a volume's history as a chain of immutable segments in object storage.

#[cfg(test)]
mod arbitrary;
mod codec;
mod content;
mod event;
mod ids;
mod segment;
mod tip;

pub use codec::CodecError;
pub use content::{BlockRef, Extent, PackHome, PackId, PackSeal, PlacedExtent};
pub use event::{Actor, Attributes, Event, EventKind, Replaced, TransactionKind};
pub use ids::{Epoch, Hash, Ino, Name, SegmentNo, Seq, VolumeId};
pub use segment::{Part, PutId, Segment, SegmentError, SegmentHeader};
pub use tip::{JournalTip, LinkError};
