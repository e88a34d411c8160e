//! Reading the journal, each segment verified before anyone sees it.

mod error;
mod headers;
mod locate;
mod replay;

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use std::time::Duration;

use bytes::Bytes;
use firn_store::{Family, Key, Patience, Retrying, StoreHealth};
use headers::HeaderCache;
use object_store::ObjectStore;

pub use error::JournalError;
pub use replay::Replay;

use crate::segment::{self, HEADER_LEN};
use crate::{JournalTip, Segment, SegmentError, SegmentHeader, SegmentNo, VolumeId};

/// What the first request for a segment asks for: most of them are smaller, so that one request is enough.
const FIRST_READ_LEN: u64 = 64 << 10;

/// How long a store that does not answer is asked again.
const PATIENCE: Duration = Duration::from_secs(30);

/// Reads the journal of one volume. Cheap to clone; clones share what they know.
#[derive(Clone, Debug)]
pub struct JournalReader {
    objects: Retrying,
    volume: VolumeId,
    known: Arc<Known>,
}

#[derive(Default, Debug)]
struct Known {
    /// The highest segment that was ever seen: where looking for the end begins.
    seen: AtomicU64,
    headers: Mutex<HeaderCache>,
}

impl JournalReader {
    /// A reader of the journal of `volume`, whose root the store shows. It is patient for half a minute.
    pub fn new(store: Arc<dyn ObjectStore>, volume: VolumeId, health: StoreHealth) -> Self {
        let objects = Retrying::new(store, health, Patience::UpTo(PATIENCE));
        JournalReader { objects, volume, known: Arc::default() }
    }

    /// The same reader, with another patience.
    pub fn with_patience(&self, patience: Patience) -> Self {
        JournalReader { objects: self.objects.with_patience(patience), ..self.clone() }
    }

    /// The volume that it reads.
    pub fn volume(&self) -> VolumeId {
        self.volume
    }

    /// The segment of this number, or `None` if there is none. Everything is verified but its link to the
    /// segment before it. The rider is left where it is.
    ///
    /// # Errors
    /// See [`JournalError`].
    pub async fn read(&self, no: SegmentNo) -> Result<Option<Segment>, JournalError> {
        let Some(start) = self.get(no, 0..FIRST_READ_LEN).await? else { return Ok(None) };
        let header = self.judge(no, &start)?;
        let end = header.rider_offset();
        let damaged = |source| JournalError::segment(key(no), source);
        let segment = if end <= start.len() as u64 {
            segment::decode_body(&header, &start[HEADER_LEN as usize..end as usize])
        } else if (start.len() as u64) < FIRST_READ_LEN {
            Err(SegmentError::Short { expected: end, found: start.len() as u64 })
        } else {
            let rest = self.get(no, FIRST_READ_LEN..end).await?.unwrap_or_default();
            let body = [&start[HEADER_LEN as usize..], &rest].concat();
            segment::decode_body(&header, &body)
        };
        segment.map(Some).map_err(damaged)
    }

    /// The segment of this number, which must be there.
    ///
    /// # Errors
    /// See [`JournalError`]; it is [`JournalError::Missing`] if it is not there.
    pub async fn require(&self, no: SegmentNo) -> Result<Segment, JournalError> {
        self.read(no).await?.ok_or_else(|| self.missing(no))
    }

    /// The header of the segment of this number, or `None` if there is none. Kept, once read.
    ///
    /// # Errors
    /// See [`JournalError`].
    pub async fn header(&self, no: SegmentNo) -> Result<Option<SegmentHeader>, JournalError> {
        if let Some(header) = self.headers().get(no) {
            return Ok(Some(header));
        }
        let start = self.get(no, 0..HEADER_LEN).await?;
        start.map(|start| self.judge(no, &start)).transpose()
    }

    /// The header of the segment of this number, which must be there.
    ///
    /// # Errors
    /// See [`JournalError`]; it is [`JournalError::Missing`] if it is not there.
    pub async fn require_header(&self, no: SegmentNo) -> Result<SegmentHeader, JournalError> {
        self.header(no).await?.ok_or_else(|| self.missing(no))
    }

    /// The last segment there is; 0 if there is none.
    ///
    /// # Errors
    /// [`JournalError::Store`].
    pub async fn last(&self) -> Result<SegmentNo, JournalError> {
        self.last_from(SegmentNo(0)).await
    }

    /// The journal after `after`, up to its end, in order and linked. Several segments are on their way at a
    /// time.
    pub fn replay(&self, after: JournalTip) -> Replay {
        Replay::new(self.clone(), after)
    }

    /// The last segment there is, or `known` if there is none after it.
    async fn last_from(&self, known: SegmentNo) -> Result<SegmentNo, JournalError> {
        let from = known.0.max(self.known.seen.load(Ordering::Relaxed));
        let listed = self.objects.list(Family::Segments, Some(Key::Segment(from))).await?;
        let last = listed.iter().rev().find_map(|object| match object.key {
            Key::Segment(no) => Some(no),
            _ => None,
        });
        let last = last.unwrap_or(from);
        self.known.seen.fetch_max(last, Ordering::Relaxed);
        Ok(SegmentNo(last))
    }

    /// The end of the journal after one more segment.
    fn follow(&self, tip: &JournalTip, segment: &Segment) -> Result<JournalTip, JournalError> {
        tip.follow(segment).map_err(|source| JournalError::Unlinked { key: key(segment.no), source })
    }

    /// Decodes a header, makes sure that it is the one that was asked for, and keeps it.
    fn judge(&self, no: SegmentNo, start: &[u8]) -> Result<SegmentHeader, JournalError> {
        let header =
            segment::decode_header(start).map_err(|source| JournalError::segment(key(no), source))?;
        if header.volume != self.volume {
            let (expected, found) = (self.volume, header.volume);
            return Err(JournalError::OtherVolume { key: key(no), expected, found });
        }
        if header.no != no {
            return Err(JournalError::OtherNumber { key: key(no), expected: no, found: header.no });
        }
        self.known.seen.fetch_max(no.0, Ordering::Relaxed);
        self.headers().insert(header);
        Ok(header)
    }

    fn missing(&self, no: SegmentNo) -> JournalError {
        let last = SegmentNo(self.known.seen.load(Ordering::Relaxed)).max(no);
        JournalError::Missing { key: key(no), last }
    }

    fn headers(&self) -> std::sync::MutexGuard<'_, HeaderCache> {
        self.known.headers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn get(&self, no: SegmentNo, range: Range<u64>) -> Result<Option<Bytes>, JournalError> {
        Ok(self.objects.get_range(Key::Segment(no.0), range).await?)
    }

    /// The store that the journal is in.
    pub(crate) fn objects(&self) -> &Retrying {
        &self.objects
    }
}

fn key(no: SegmentNo) -> String {
    Key::Segment(no.0).to_string()
}

#[cfg(test)]
mod tests;
