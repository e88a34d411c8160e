use std::sync::Arc;

use firn_clock::Timestamp;
use firn_journal::{Actor, Event, EventKind, Ino, Seq, TransactionKind};

use super::whole_transactions;

fn events(kinds: Vec<EventKind>) -> Vec<Event> {
    let number = |(at, kind)| Event {
        seq: Seq(at as u64 + 1),
        time: Timestamp(at as i64),
        actor: Arc::new(Actor::default()),
        kind,
    };
    kinds.into_iter().enumerate().map(number).collect()
}

/// An instant inside of a transaction is the transaction's end: an undo is seen whole or not at all.
#[test]
fn an_instant_never_lies_inside_a_transaction() {
    let plain = || EventKind::Evicted { ino: Ino(5) };
    let began =
        EventKind::TransactionBegan { kind: TransactionKind::Undo, target: Seq(0), count: 2, path: None };
    let events = events(vec![plain(), began, plain(), plain(), plain()]);
    let ends: Vec<usize> = (0..=6).map(|seq| whole_transactions(&events, Seq(seq))).collect();
    assert_eq!(ends, [0, 1, 4, 4, 4, 5, 5]);
}
