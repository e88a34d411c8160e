use std::collections::VecDeque;

use firn_journal::{JournalError, JournalReader, JournalTip, Segment, SegmentNo, Seq};
use firn_materializer::namespace::Namespace;
use futures::stream::{self, BoxStream, StreamExt};

use super::row::LogRow;
use super::walk::{Walk, units};

/// Segments that are on their way while earlier ones are shown.
const AHEAD: usize = 4;

/// Why the log ends early.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The journal is damaged or out of reach.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The view lies beyond the end of the journal.
    #[error("event {seq} is not in the journal: the log begins at a view whose events are stored")]
    Beyond {
        /// The view's last event.
        seq: Seq,
    },
    /// A segment is not the one that its successor followed.
    #[error("segment {} is not the one that segment {} was written after: one of the two was replaced; run `firn verify`", .segment.0, .segment.0 + 1)]
    Unlinked {
        /// The segment.
        segment: SegmentNo,
    },
}

/// Which events to show.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct LogQuery {
    /// Of what is at this path in the view where the log begins, or was there last, and of all below it; across
    /// renames. Bytes, relative to the root; of the whole tree if absent.
    pub path: Option<Vec<u8>>,
    /// Only events after this one.
    pub since: Option<Seq>,
    /// At most so many rows.
    pub limit: Option<u64>,
    /// Whether the effects of a transaction are shown one by one, after the transaction.
    pub effects: bool,
}

/// Events, newest first, as they are asked for: a few segments are in memory at a time.
pub struct LogCursor {
    segments: BoxStream<'static, Result<Segment, JournalError>>,
    /// The segment before the last one that was read must be followed by it.
    newer: Option<Segment>,
    walk: Walk,
    from: Seq,
    since: Seq,
    left: u64,
    ready: VecDeque<LogRow>,
}

impl LogCursor {
    /// The log of everything up to `base`, a view whose last event is in the journal.
    ///
    /// # Errors
    /// See [`LogError`].
    pub async fn open(journal: &JournalReader, base: Namespace, query: &LogQuery) -> Result<Self, LogError> {
        let from = base.seq();
        let newest = match from {
            Seq::ZERO => SegmentNo(0),
            seq => journal.locate_seq(seq).await?.ok_or(LogError::Beyond { seq })?,
        };
        let reader = journal.clone();
        let segments = stream::iter((1..=newest.0).rev()).map(move |no| {
            let reader = reader.clone();
            async move { reader.require(SegmentNo(no)).await }
        });
        Ok(LogCursor {
            segments: segments.buffered(AHEAD).boxed(),
            newer: None,
            from,
            since: query.since.unwrap_or(Seq::ZERO),
            left: query.limit.unwrap_or(u64::MAX),
            walk: Walk::new(base, query.path.as_deref(), query.effects),
            ready: VecDeque::new(),
        })
    }

    /// The next older row; `None` when there is none that the query asks for. Cancel-safe.
    ///
    /// # Errors
    /// See [`LogError`]. What was returned before is right.
    pub async fn next(&mut self) -> Result<Option<LogRow>, LogError> {
        while self.left > 0 {
            if let Some(row) = self.ready.pop_front() {
                self.left -= 1;
                return Ok(Some(row));
            }
            let Some(segment) = self.segments.next().await.transpose()? else { break };
            self.check_link(&segment)?;
            self.take(&segment);
            let ended = segment.first_seq <= self.since.next();
            self.newer = Some(Segment { events: Vec::new(), seals: Vec::new(), ..segment });
            if ended {
                self.segments = stream::empty().boxed();
            }
        }
        Ok(None)
    }

    fn take(&mut self, segment: &Segment) {
        for unit in units(&segment.events).into_iter().rev() {
            let unit = &segment.events[unit];
            let Some(last) = unit.last().map(|event| event.seq) else { continue };
            if last <= self.from && last > self.since {
                self.ready.extend(self.walk.back(unit));
            }
        }
    }

    fn check_link(&self, segment: &Segment) -> Result<(), LogError> {
        let Some(newer) = &self.newer else { return Ok(()) };
        match JournalTip::of(segment).follow(newer) {
            Ok(_) => Ok(()),
            Err(_) => Err(LogError::Unlinked { segment: segment.no }),
        }
    }
}
