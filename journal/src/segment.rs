//! Segments: the journal's objects. Each holds a group of events, the seals of the packs that it commits, and
//! perhaps one of these packs (the rider) behind them. The bytes are in `docs/formats.md`, "Segments".
//!
//! Writers write the latest version; each version's bytes have one frozen module, and this one chooses.

mod error;
mod order;
mod v1;

use bytes::Bytes;
use firn_clock::Timestamp;

pub use error::{Part, SegmentError};

use crate::{Epoch, Event, Hash, JournalTip, PackSeal, SegmentNo, Seq, VolumeId};

/// What tells one attempt to write a segment from another: random, made by the writer for each segment.
pub type PutId = [u8; 16];

/// Bytes that are enough for the header of any version.
pub(crate) const HEADER_LEN: u64 = v1::HEADER_LEN as u64;

/// The fixed part of a segment, from which the rest can be judged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SegmentHeader {
    /// The volume that the segment belongs to.
    pub volume: VolumeId,
    /// Its place in the journal.
    pub no: SegmentNo,
    /// Who wrote it.
    pub epoch: Epoch,
    /// Which attempt it is.
    pub put_id: PutId,
    /// The first event, or, without events, the one that will be next.
    pub first_seq: Seq,
    /// How many events it holds; perhaps none.
    pub count: u32,
    /// How many packs it commits.
    pub seals: u32,
    /// When the first event happened. Without events: the last one before.
    pub first_time: Timestamp,
    /// When the last event happened. Without events: the last one before.
    pub last_time: Timestamp,
    /// The checksum of the segment before it, or [`Hash::NONE`].
    pub previous: Hash,
    /// Bytes of the body once decompressed.
    pub body_raw_len: u32,
    /// Bytes of the body as it is stored, behind the header.
    pub body_len: u32,
    /// The checksum of the body as it is stored.
    pub body_hash: Hash,
    /// Bytes of the rider, behind the body.
    pub rider_len: u64,
    /// The checksum of this header, and thereby of the whole segment but its rider, which has its own.
    pub hash: Hash,
}

impl SegmentHeader {
    /// The last event that is in this segment or before it.
    pub fn last_seq(&self) -> Seq {
        Seq(self.first_seq.0 - 1 + u64::from(self.count))
    }

    /// Bytes of header and body: what reading the events takes.
    pub fn rider_offset(&self) -> u64 {
        HEADER_LEN + u64::from(self.body_len)
    }

    /// Bytes of the whole object.
    pub fn object_len(&self) -> u64 {
        self.rider_offset() + self.rider_len
    }
}

/// A segment, read and verified; its rider is left where it is.
#[derive(Clone, PartialEq, Debug)]
pub struct Segment {
    /// Its place in the journal.
    pub no: SegmentNo,
    /// Which attempt it is.
    pub put_id: PutId,
    /// Its checksum: what the next segment names as its predecessor.
    pub hash: Hash,
    /// The checksum of the segment before it.
    pub previous: Hash,
    /// Who wrote it.
    pub epoch: Epoch,
    /// When the first and the last event happened. Without events: the last one before, twice.
    pub time: (Timestamp, Timestamp),
    /// The first event, or, without events, the one that will be next.
    pub first_seq: Seq,
    /// What happened. Transactions are whole.
    pub events: Vec<Event>,
    /// The packs that the segment commits.
    pub seals: Vec<PackSeal>,
}

impl Segment {
    /// The object of a segment that comes after `tip` and holds nothing but events, and the end after it: for
    /// history that is kept outside of its bucket. Nobody puts it, and so its put-id is zeros.
    ///
    /// # Errors
    /// What no reader would accept: events out of order, a transaction that is not whole, and so on.
    pub fn encode_events(
        tip: &JournalTip,
        volume: VolumeId,
        epoch: Epoch,
        events: &[Event],
    ) -> Result<(Bytes, JournalTip), SegmentError> {
        let content =
            Content { volume, epoch, put_id: PutId::default(), events, seals: Vec::new(), rider: &[] };
        let draft = encode(tip, content)?;
        Ok((draft.bytes, draft.tip))
    }

    /// Reads a segment and its header from its object, with or without the rider. Its link to the segment before
    /// it is for the caller to look at ([`JournalTip::follow`]).
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn decode(object: &[u8]) -> Result<(SegmentHeader, Segment), SegmentError> {
        Ok((decode_header(object)?, decode(object)?))
    }
}

/// A segment's object that is ready to be put.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Draft {
    /// The journal's end once the segment is stored.
    pub tip: JournalTip,
    /// The whole object.
    pub bytes: Bytes,
    /// The packs that the segment commits, with their places.
    pub seals: Vec<PackSeal>,
}

/// What a writer has for its next segment.
pub(crate) struct Content<'a> {
    pub volume: VolumeId,
    pub epoch: Epoch,
    pub put_id: PutId,
    pub events: &'a [Event],
    pub seals: Vec<PackSeal>,
    pub rider: &'a [u8],
}

/// The object of the segment that comes after `tip`.
///
/// # Errors
/// What no reader would accept: events out of order, a transaction that is not whole, and so on.
pub(crate) fn encode(tip: &JournalTip, content: Content) -> Result<Draft, SegmentError> {
    order::check(tip, content.events)?;
    v1::encode(tip, content)
}

/// Reads a header from the first bytes of an object.
///
/// # Errors
/// What is wrong with it. Whether it is the header that was asked for is for the caller to say.
pub(crate) fn decode_header(object: &[u8]) -> Result<SegmentHeader, SegmentError> {
    let start = object
        .first_chunk()
        .ok_or(SegmentError::Short { expected: HEADER_LEN, found: object.len() as u64 })?;
    match v1::version(start)? {
        v1::VERSION => v1::decode_header(object),
        found => Err(SegmentError::Version { found, supported: &[v1::VERSION] }),
    }
}

/// Reads the body, which lies between the header and the rider.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn decode_body(header: &SegmentHeader, body: &[u8]) -> Result<Segment, SegmentError> {
    let segment = v1::decode_body(header, body)?;
    order::whole_transactions(&segment.events)?;
    Ok(segment)
}

/// Reads a segment from its object, with or without the rider.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn decode(object: &[u8]) -> Result<Segment, SegmentError> {
    let header = decode_header(object)?;
    let short = SegmentError::Short { expected: header.rider_offset(), found: object.len() as u64 };
    let end = usize::try_from(header.rider_offset()).map_err(|_| short.clone())?;
    decode_body(&header, object.get(HEADER_LEN as usize..end).ok_or(short)?)
}

#[cfg(test)]
mod tests;
