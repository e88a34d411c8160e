//! What must be true of the events of a segment, whatever its format.

use super::SegmentError;
use crate::{Event, EventKind, JournalTip};

/// The events can come after `tip`: consecutive, each later than the one before unless both are of one
/// transaction, and transactions whole.
pub(super) fn check(tip: &JournalTip, events: &[Event]) -> Result<(), SegmentError> {
    let (mut seq, mut time) = (tip.seq, tip.time);
    let mut same_time_until = seq;
    let mut first = seq.0 == 0;
    for event in events {
        if event.seq != seq.next() {
            return Err(SegmentError::Sequence { expected: seq.next(), found: event.seq });
        }
        if event.time <= time && event.seq > same_time_until && !first {
            return Err(SegmentError::Time { seq: event.seq, found: event.time, before: time });
        }
        if let EventKind::TransactionBegan { count, .. } = event.kind {
            same_time_until.0 = event.seq.0.saturating_add(u64::from(count));
        }
        (seq, time, first) = (event.seq, event.time, false);
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
