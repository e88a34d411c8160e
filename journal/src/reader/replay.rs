use futures::future::BoxFuture;
use futures::stream::{FuturesOrdered, StreamExt};

use super::{JournalError, JournalReader};
use crate::{JournalTip, Segment, SegmentNo};

/// Segments that are on their way while the reader is busy with the ones before.
const AHEAD: usize = 16;

type Fetch = BoxFuture<'static, Result<Segment, JournalError>>;

/// The journal from some point on, in order, each segment verified against the one before it.
pub struct Replay {
    reader: JournalReader,
    /// The end of what was handed out.
    tip: JournalTip,
    /// The next segment to ask for.
    ask: SegmentNo,
    /// The last segment known to exist.
    last: SegmentNo,
    ahead: FuturesOrdered<Fetch>,
}

impl Replay {
    pub(super) fn new(reader: JournalReader, after: JournalTip) -> Self {
        let (ask, last) = (after.segment.next(), after.segment);
        Replay { reader, tip: after, ask, last, ahead: FuturesOrdered::new() }
    }

    /// The next segment; `None` at the present end of the journal. Asking again later finds what was appended
    /// meanwhile. Cancel-safe.
    ///
    /// # Errors
    /// See [`JournalError`]. Asking again tries the same segment again.
    pub async fn next(&mut self) -> Result<Option<Segment>, JournalError> {
        if self.ahead.is_empty() {
            self.last = self.reader.last_from(self.tip.segment).await?;
        }
        while self.ahead.len() < AHEAD && self.ask <= self.last {
            let (reader, no) = (self.reader.clone(), self.ask);
            self.ahead.push_back(Box::pin(async move { reader.require(no).await }));
            self.ask = no.next();
        }
        let Some(fetched) = self.ahead.next().await else { return Ok(None) };
        let linked = fetched.and_then(|segment| {
            self.tip = self.reader.follow(&self.tip, &segment)?;
            Ok(Some(segment))
        });
        if linked.is_err() {
            self.ahead = FuturesOrdered::new();
            self.ask = self.tip.segment.next();
        }
        linked
    }

    /// The end of what was handed out.
    pub fn tip(&self) -> &JournalTip {
        &self.tip
    }
}
