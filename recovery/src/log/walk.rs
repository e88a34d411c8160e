use std::ops::Range;

use firn_journal::{Event, EventKind, Ino};
use firn_materializer::namespace::Namespace;

use super::follow::Follower;
use super::links::{LinksThen, Located, filled, occupied_before, subject};
use super::row::{LogRow, Op};

/// Goes back from a view, one event or transaction after the other, and tells what each was.
pub(crate) struct Walk {
    links: LinksThen,
    follower: Option<Follower>,
    effects: bool,
}

/// The events and the whole transactions of a run of events, in order.
pub(crate) fn units(events: &[Event]) -> Vec<Range<usize>> {
    let mut units = Vec::new();
    let mut at = 0;
    while at < events.len() {
        let effects = match events[at].kind {
            EventKind::TransactionBegan { count, .. } => count as usize,
            _ => 0,
        };
        let end = at.saturating_add(1).saturating_add(effects).min(events.len());
        units.push(at..end);
        at = end;
    }
    units
}

impl Walk {
    /// From `base` on; of one path and what is below it, or of everything. With `effects`, what a transaction
    /// did has rows of its own, after the transaction's.
    pub fn new(base: Namespace, path: Option<&[u8]>, effects: bool) -> Self {
        let path = path.filter(|path| !path.is_empty());
        let follower = path.map(|path| Follower::new(&base, path));
        Walk { links: LinksThen::new(base), follower, effects }
    }

    /// Goes back to before a unit, which is the one before those of earlier calls. Its rows, if it counts.
    pub fn back(&mut self, unit: &[Event]) -> Vec<LogRow> {
        match unit {
            [] => Vec::new(),
            [event] => self.event(event).into_iter().collect(),
            [began, effects @ ..] => self.transaction(began, effects),
        }
    }

    fn event(&mut self, event: &Event) -> Option<LogRow> {
        let located = self.located(&event.kind);
        let concerns = self.concerns(&event.kind, &located);
        let row = concerns.then(|| self.row(event, &located));
        self.links.undo(&event.kind);
        self.follow(&event.kind);
        row
    }

    fn transaction(&mut self, began: &Event, effects: &[Event]) -> Vec<LogRow> {
        let seq = effects.last().unwrap_or(began).seq;
        let heading = LogRow { seq, ..self.row(began, &[]) };
        if self.follower.is_none() && !self.effects {
            effects.iter().rev().for_each(|effect| self.links.undo(&effect.kind));
            return vec![heading];
        }
        // In the middle of a transaction directories may hang in the air: what came has its path in the end,
        // what went had it in the beginning.
        let mut rows: Vec<Option<LogRow>> = effects.iter().map(|effect| self.effect(effect, false)).collect();
        effects.iter().rev().for_each(|effect| self.links.undo(&effect.kind));
        effects.iter().rev().for_each(|effect| self.follow(&effect.kind));
        for (row, effect) in rows.iter_mut().zip(effects) {
            *row = row.take().or_else(|| self.effect(effect, true));
        }
        let mut rows: Vec<LogRow> = rows.into_iter().flatten().rev().collect();
        if rows.is_empty() && self.follower.is_some() {
            return Vec::new();
        }
        rows.truncate(if self.effects { rows.len() } else { 0 });
        rows.insert(0, heading);
        rows
    }

    /// The row of an effect of a transaction, if this is the side of the transaction that tells its path.
    fn effect(&self, effect: &Event, before: bool) -> Option<LogRow> {
        let goes = matches!(effect.kind, EventKind::DirentDropped { .. } | EventKind::InodeDropped { .. });
        if goes != before {
            return None;
        }
        let located = self.located(&effect.kind);
        self.concerns(&effect.kind, &located).then(|| self.row(effect, &located))
    }

    fn concerns(&self, kind: &EventKind, located: &[Located]) -> bool {
        self.follower.as_ref().is_none_or(|follower| follower.concerns(kind, located, &self.links))
    }

    /// The follower's part of going back; the links have gone back already.
    fn follow(&mut self, kind: &EventKind) {
        let Some(follower) = &mut self.follower else { return };
        let before = occupied_before(kind).into_iter();
        let before: Vec<(Located, Ino)> =
            before.filter_map(|(place, ino)| Some((self.links.locate(&place)?, ino))).collect();
        follower.undo(kind, &before);
    }

    /// The paths that an event is about, first the one to show.
    fn located(&self, kind: &EventKind) -> Vec<Located> {
        let places: Vec<_> = filled(kind).into_iter().chain(occupied_before(kind)).collect();
        if places.is_empty() {
            return subject(kind).map(|ino| self.links.locate_all(ino)).unwrap_or_default();
        }
        places.iter().filter_map(|(place, _)| self.links.locate(place)).collect()
    }

    fn row(&self, event: &Event, located: &[Located]) -> LogRow {
        let from = match &event.kind {
            EventKind::Renamed { .. } | EventKind::Exchanged { .. } => {
                let place = occupied_before(&event.kind).into_iter().next();
                place.and_then(|(place, _)| self.links.locate(&place)).map(|located| located.path)
            }
            _ => None,
        };
        let path = match &event.kind {
            EventKind::TransactionBegan { path, .. } => path.clone(),
            kind => self.shown(kind, located).map(|located| located.path.clone()),
        };
        LogRow {
            seq: event.seq,
            first: event.seq,
            time: event.time,
            actor: event.actor.clone(),
            ino: subject(&event.kind),
            path,
            op: Op::of(&event.kind, from),
        }
    }

    /// Of a file with several names the one that is followed, unless the event is about a name.
    fn shown<'a>(&self, kind: &EventKind, located: &'a [Located]) -> Option<&'a Located> {
        let about_a_name = !filled(kind).is_empty() || !occupied_before(kind).is_empty();
        let follower = self.follower.as_ref().filter(|_| !about_a_name);
        let followed = follower.and_then(|follower| located.iter().find(|at| follower.is_on(at)));
        followed.or(located.first())
    }
}
