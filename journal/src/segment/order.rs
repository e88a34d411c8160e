//! What must be true of the events of a segment, whatever its format.

use super::SegmentError;
use crate::{Event, EventKind, JournalTip, Seq};

/// The events can come after `tip`: consecutive, each later than the one before unless both are of one
/// transaction, and transactions whole.
pub(super) fn check(tip: &JournalTip, events: &[Event]) -> Result<(), SegmentError> {
    let mut seq = tip.seq;
    let mut before = (seq > Seq::ZERO).then_some(tip.time);
    let mut transaction_end = seq;
    for event in events {
        if event.seq != seq.next() {
            return Err(SegmentError::Sequence { expected: seq.next(), found: event.seq });
        }
        if let Some(before) = before
            && event.time <= before
            && event.seq > transaction_end
        {
            return Err(SegmentError::Time { seq: event.seq, found: event.time, before });
        }
        if let EventKind::TransactionBegan { count, .. } = event.kind {
            transaction_end.0 = event.seq.0.saturating_add(u64::from(count));
        }
        (seq, before) = (event.seq, Some(event.time));
    }
    whole_transactions(events)
}

/// Each transaction lies in these events as a whole, has one time, and holds no other.
pub(super) fn whole_transactions(mut events: &[Event]) -> Result<(), SegmentError> {
    while let [event, rest @ ..] = events {
        events = rest;
        let EventKind::TransactionBegan { count, .. } = event.kind else { continue };
        let split = usize::try_from(count).ok().and_then(|count| rest.split_at_checked(count));
        let belongs = |member: &Event| {
            member.time == event.time && !matches!(member.kind, EventKind::TransactionBegan { .. })
        };
        match split {
            Some((members, after)) if members.iter().all(belongs) => events = after,
            _ => return Err(SegmentError::Transaction { seq: event.seq, count }),
        }
    }
    Ok(())
}
