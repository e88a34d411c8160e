use firn_clock::Timestamp;

use crate::codec::CodecError;
use crate::{Hash, Seq};

/// What is wrong with a segment's bytes, or with what should become a segment.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SegmentError {
    /// Bytes are missing at the end.
    #[error("it is cut short: expected {expected} bytes, found {found}")]
    Short {
        /// Bytes that should be there.
        expected: u64,
        /// Bytes that are there.
        found: u64,
    },
    /// It is something else.
    #[error("it is no segment: expected it to begin with \"{}\", found \"{}\"", expected.escape_ascii(), found.escape_ascii())]
    Magic {
        /// How a segment begins.
        expected: [u8; 8],
        /// How this one does.
        found: [u8; 8],
    },
    /// It was written by another version of Firn.
    #[error("it has format version {found}, this program reads {supported:?}")]
    Version {
        /// The version that it names.
        found: u32,
        /// The versions that can be read.
        supported: &'static [u32],
    },
    /// The header is not what was written.
    #[error("its header's checksum is {found:?}, expected {expected:?}")]
    HeaderHash {
        /// The checksum that was written.
        expected: Hash,
        /// The checksum of what is there.
        found: Hash,
    },
    /// The header contradicts itself.
    #[error("its header is impossible: {0}")]
    Header(&'static str),
    /// The body is not what was written.
    #[error("its body's checksum is {found:?}, expected {expected:?}")]
    BodyHash {
        /// The checksum that the header names.
        expected: Hash,
        /// The checksum of what is there.
        found: Hash,
    },
    /// The body cannot be decompressed to what the header promises.
    #[error("its body does not decompress to {expected} bytes: {why}")]
    Compression {
        /// Bytes that the header promises.
        expected: u64,
        /// What the decompressor says.
        why: String,
    },
    /// A value cannot be read, or written.
    #[error("{part}: {source}")]
    Value {
        /// Where in the segment.
        part: Part,
        /// What is wrong.
        source: CodecError,
    },
    /// An event names an actor that is not in the table.
    #[error("event {seq} names actor {found}, the table has {actors}")]
    Actor {
        /// The event.
        seq: Seq,
        /// The index that it names.
        found: u64,
        /// How many there are.
        actors: u64,
    },
    /// The rider and the seals do not agree.
    #[error("it has a rider of {len} bytes, and seals of riders of {sealed:?} bytes")]
    Rider {
        /// Bytes of the rider.
        len: u64,
        /// The lengths that the seals of riders state: exactly one if there is a rider, none if there is none.
        sealed: Vec<u64>,
    },
    /// The events' numbers do not follow one another.
    #[error("event {found} stands where {expected} should be")]
    Sequence {
        /// The number that should be there.
        expected: Seq,
        /// The number that is there.
        found: Seq,
    },
    /// Time stands still or goes back.
    #[error("event {seq} is at {found:?}, which is not after {before:?}")]
    Time {
        /// The event.
        seq: Seq,
        /// Its time.
        found: Timestamp,
        /// The time of the event before.
        before: Timestamp,
    },
    /// A transaction is cut off, holds another one, or has events of several times.
    #[error("the transaction of {count} events that begins at {seq} is not whole, or not of one time")]
    Transaction {
        /// The event that begins it.
        seq: Seq,
        /// How many events should follow.
        count: u32,
    },
    /// More than a segment can hold.
    #[error("{what} of a segment are limited to {limit}, these are {found}")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// The limit.
        limit: u64,
        /// What it would be.
        found: u64,
    },
}

/// A part of a segment's body.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// The table of actors.
    Actors,
    /// The seals of packs.
    Seals,
    /// This event.
    Event(Seq),
    /// Behind the last event.
    End,
}

impl std::fmt::Display for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Part::Actors => f.write_str("in the table of actors"),
            Part::Seals => f.write_str("in the seals of packs"),
            Part::Event(seq) => write!(f, "in event {seq}"),
            Part::End => f.write_str("behind the last event"),
        }
    }
}
