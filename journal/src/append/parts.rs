//! How many segments a group takes.

use super::Group;
use crate::codec::{Field, Output};
use crate::{Event, EventKind};

/// Where a segment is full enough: at a quarter of what the format allows, so that writing and reading one take
/// no more memory than they must.
const PART_BYTES: u64 = 256 << 20;

/// Two numbers before each event: which actor, and how much later than the last one.
const BEFORE_KIND: u64 = 20;
/// The numbers of an actor.
const ACTOR_NUMBERS: u64 = 30;

impl EventKind {
    /// The most that effects of one transaction may take together, in [`EventKind::most_bytes`]: it lies in one
    /// segment, which is limited to 1 GiB, and shares it with the seals of packs.
    pub const TRANSACTION_BYTES: u64 = 960 << 20;

    /// At most so many bytes of a segment, before compression, are this event without its actor.
    pub fn most_bytes(&self) -> u64 {
        let mut out = Output::default();
        self.put(&mut out);
        BEFORE_KIND + out.into_bytes().len() as u64
    }
}

impl Event {
    /// At most so many bytes of a segment, before compression, are this event's.
    pub fn most_bytes(&self) -> u64 {
        self.kind.most_bytes() + ACTOR_NUMBERS + self.actor.command.len() as u64
    }
}

impl Group {
    /// The group itself, or, if it would be too large for a segment, several groups to be appended in this order.
    /// Transactions stay whole. The packs go with the first, so that none is committed after an event that names
    /// it.
    pub fn parts(self) -> Vec<Group> {
        self.parts_of(PART_BYTES)
    }

    pub(super) fn parts_of(self, limit: u64) -> Vec<Group> {
        let Group { events, seals, rider } = self;
        let mut parts = Vec::new();
        let mut part = Group { events: Vec::new(), seals, rider };
        let (mut bytes, mut transaction_left) = (0, 0);
        for event in events {
            let more = event.most_bytes();
            if transaction_left == 0 && !part.events.is_empty() && bytes + more > limit {
                parts.push(std::mem::take(&mut part));
                bytes = 0;
            }
            transaction_left = match event.kind {
                EventKind::TransactionBegan { count, .. } => count,
                _ => transaction_left.saturating_sub(1),
            };
            bytes += more;
            part.events.push(event);
        }
        parts.push(part);
        parts
    }
}
