//! The journal: a volume's history as a chain of immutable segments in object storage.

mod content;
mod event;
mod ids;

pub use content::{BlockRef, Extent, PackHome, PackId, PackSeal, PlacedExtent};
pub use event::{Actor, Attributes, Event, EventKind, Replaced, TransactionKind};
pub use ids::{Epoch, Hash, Ino, Name, SegmentNo, Seq, VolumeId};
