use firn_clock::Timestamp;
use firn_journal::Seq;

use super::{History, HistoryError};
use crate::instant::{When, format_utc};

/// An instant of the history: the tree after this event.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Instant {
    /// The last event.
    pub seq: Seq,
    /// Its time.
    pub time: Timestamp,
}

/// Why there is no such instant. Each names what there is.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
pub enum ResolveError {
    /// Before the first event.
    #[error("{} is before the first event; the history goes from {} to {}", format_utc(*.asked), format_utc(*.first), format_utc(*.last))]
    TooEarly {
        /// What was asked for.
        asked: Timestamp,
        /// The first event's time.
        first: Timestamp,
        /// The last event's time.
        last: Timestamp,
    },
    /// In the future.
    #[error("{} is in the future; the history goes from {} to {} (now)", format_utc(*.asked), format_utc(*.first), format_utc(*.now))]
    Future {
        /// What was asked for.
        asked: Timestamp,
        /// The first event's time.
        first: Timestamp,
        /// The present.
        now: Timestamp,
    },
    /// A number that no event has yet.
    #[error("there is no event {seq}; the history goes from #1 to {head}")]
    Beyond {
        /// What was asked for.
        seq: Seq,
        /// The last event.
        head: Seq,
    },
    /// No checkpoint of this name.
    #[error("there is no checkpoint `{name}`{}", known_checkpoints(.known))]
    NoCheckpoint {
        /// What was asked for.
        name: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// Nothing has ever happened.
    #[error("the volume has no history yet: mount it and make a change first")]
    Empty,
}

fn known_checkpoints(known: &[String]) -> String {
    if known.is_empty() {
        "; there are none yet (make one with `firn checkpoint NAME`)".into()
    } else {
        format!("; there are: {}", known.join(", "))
    }
}

impl History {
    /// The instant that `when` means, up to the end of the journal as it is known.
    ///
    /// # Errors
    /// [`ResolveError`], inside [`HistoryError`]; or what reading the journal says.
    pub async fn resolve(&self, when: &When) -> Result<Instant, HistoryError> {
        let (head, _) = self.durable();
        if head.seq() == Seq::ZERO {
            return Err(ResolveError::Empty.into());
        }
        match when {
            When::Time(asked) => {
                self.resolve_time(*asked, Instant { seq: head.seq(), time: head.time() }).await
            }
            When::Seq(seq) => {
                if *seq == Seq::ZERO || *seq > head.seq() {
                    return Err(ResolveError::Beyond { seq: *seq, head: head.seq() }.into());
                }
                let view = self.view(*seq).await?;
                Ok(Instant { seq: view.seq(), time: view.time() })
            }
            When::Checkpoint(name) => match head.checkpoint(name) {
                Some(checkpoint) => Ok(Instant { seq: checkpoint.seq, time: checkpoint.time }),
                None => {
                    let known = head.checkpoints().map(|(name, _)| name.to_owned()).take(20).collect();
                    Err(ResolveError::NoCheckpoint { name: name.clone(), known }.into())
                }
            },
        }
    }

    async fn resolve_time(&self, asked: Timestamp, head: Instant) -> Result<Instant, HistoryError> {
        let now = self.now().max(head.time);
        if asked > now {
            let first = self.first_time().await?;
            return Err(ResolveError::Future { asked, first, now }.into());
        }
        if asked >= head.time {
            return Ok(head);
        }
        let first = self.first_time().await?;
        if asked < first {
            return Err(ResolveError::TooEarly { asked, first, last: head.time }.into());
        }
        let Some(no) = self.journal().locate_time(asked).await? else {
            return Err(ResolveError::TooEarly { asked, first, last: head.time }.into());
        };
        let segment = self.journal().require(no).await?;
        // All events of a transaction have one time, so that the last event up to a time ends one.
        let last = segment.events.iter().take_while(|event| event.time <= asked).last();
        last.map(|event| Instant { seq: event.seq, time: event.time })
            .ok_or_else(|| ResolveError::TooEarly { asked, first, last: head.time }.into())
    }

    /// The time of the first event.
    ///
    /// # Errors
    /// What reading the journal says.
    async fn first_time(&self) -> Result<Timestamp, HistoryError> {
        Ok(self.journal().require_header(firn_journal::SegmentNo(1)).await?.first_time)
    }
}
