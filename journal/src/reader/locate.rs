//! Which segment an instant lies in: a binary search over headers, a few hundred bytes for each step.

use firn_clock::Timestamp;

use super::{JournalError, JournalReader};
use crate::{SegmentHeader, SegmentNo, Seq};

impl JournalReader {
    /// The segment that holds event `seq`; `None` if there is no such event.
    ///
    /// # Errors
    /// See [`JournalError`].
    pub async fn locate_seq(&self, seq: Seq) -> Result<Option<SegmentNo>, JournalError> {
        let found = self.last_where(|header| header.first_seq <= seq).await?;
        Ok(found.filter(|header| seq <= header.last_seq()).map(|header| header.no))
    }

    /// The segment that holds the last event at or before `time`; `None` if all are later.
    ///
    /// # Errors
    /// See [`JournalError`].
    pub async fn locate_time(&self, time: Timestamp) -> Result<Option<SegmentNo>, JournalError> {
        match self.last_where(|header| header.first_time <= time).await? {
            // A segment without events has the time of the last event before it.
            Some(header) if header.count == 0 => self.locate_seq(header.last_seq()).await,
            found => Ok(found.map(|header| header.no)),
        }
    }

    /// The last segment for which `holds` is true; it is true up to some segment and false from there on.
    async fn last_where(
        &self,
        holds: impl Fn(&SegmentHeader) -> bool,
    ) -> Result<Option<SegmentHeader>, JournalError> {
        let mut found = None;
        let (mut low, mut high) = (1, self.last().await?.0);
        while low <= high {
            let middle = low + (high - low) / 2;
            let header = self.require_header(SegmentNo(middle)).await?;
            if holds(&header) {
                found = Some(header);
                low = middle + 1;
            } else {
                high = middle - 1;
            }
        }
        Ok(found)
    }
}
