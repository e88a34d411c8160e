use firn_clock::Timestamp;

use crate::{Epoch, Hash, Segment, SegmentHeader, SegmentNo, Seq};

/// The end of a journal, or of the part of it that one has read: what the next segment must fit.
/// The default is the end of an empty journal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct JournalTip {
    /// The last segment; 0 if there is none.
    pub segment: SegmentNo,
    /// Its checksum.
    pub hash: Hash,
    /// The last event.
    pub seq: Seq,
    /// When it happened.
    pub time: Timestamp,
    /// Who wrote last.
    pub epoch: Epoch,
}

impl Default for JournalTip {
    fn default() -> Self {
        JournalTip {
            segment: SegmentNo(0),
            hash: Hash::NONE,
            seq: Seq::ZERO,
            time: Timestamp::default(),
            epoch: Epoch(0),
        }
    }
}

/// Why a segment cannot come after another.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum LinkError {
    /// It names another predecessor: one of the two was replaced.
    #[error("it follows a segment with checksum {found:?}, expected {expected:?}")]
    Hash {
        /// The checksum of the segment before.
        expected: Hash,
        /// The checksum that it names.
        found: Hash,
    },
    /// Its events do not continue those before.
    #[error("its first event is {found}, expected {expected}")]
    Seq {
        /// The event after the last one.
        expected: Seq,
        /// Its first event.
        found: Seq,
    },
    /// It goes back in time.
    #[error("it begins at {found:?}, before the last event at {last:?}")]
    Time {
        /// The last event before it.
        last: Timestamp,
        /// Its first event.
        found: Timestamp,
    },
    /// An earlier writer wrote it.
    #[error("it was written in turn {found:?}, after turn {last:?}")]
    Epoch {
        /// The writer of the segment before.
        last: Epoch,
        /// Its writer.
        found: Epoch,
    },
}

impl JournalTip {
    /// The end of a journal that ends with this segment.
    pub fn of(segment: &Segment) -> JournalTip {
        JournalTip {
            segment: segment.no,
            hash: segment.hash,
            seq: Seq(segment.first_seq.0 - 1 + segment.events.len() as u64),
            time: segment.time.1,
            epoch: segment.epoch,
        }
    }

    /// The same, from the header alone.
    pub fn of_header(header: &SegmentHeader) -> JournalTip {
        JournalTip {
            segment: header.no,
            hash: header.hash,
            seq: header.last_seq(),
            time: header.last_time,
            epoch: header.epoch,
        }
    }

    /// The end after one more segment.
    ///
    /// # Errors
    /// Why that segment cannot be the next.
    pub fn follow(&self, segment: &Segment) -> Result<JournalTip, LinkError> {
        if segment.previous != self.hash {
            return Err(LinkError::Hash { expected: self.hash, found: segment.previous });
        }
        if segment.first_seq != self.seq.next() {
            return Err(LinkError::Seq { expected: self.seq.next(), found: segment.first_seq });
        }
        if segment.time.0 < self.time && self.seq > Seq::ZERO {
            return Err(LinkError::Time { last: self.time, found: segment.time.0 });
        }
        if segment.epoch < self.epoch {
            return Err(LinkError::Epoch { last: self.epoch, found: segment.epoch });
        }
        Ok(JournalTip::of(segment))
    }
}
