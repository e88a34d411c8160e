use std::collections::BTreeSet;
use std::sync::Arc;

use firn_clock::Timestamp;
use firn_journal::{Actor, Event, EventKind};
use proptest::prelude::*;

use super::*;
use crate::fs::attr::FOREVER;
use crate::fs::tree::Tree;

/// A root directory with files of these names.
fn root_with(names: &BTreeSet<String>) -> Node {
    let mut ns = Namespace::default();
    for (n, name) in names.iter().enumerate() {
        let seq = ns.seq().next();
        let kind = EventKind::Created {
            ino: Ino(n as u64 + 2),
            parent: Ino::ROOT,
            name: name.as_str().into(),
            mode: 0o100_644,
            uid: 0,
            gid: 0,
            rdev: 0,
            target: None,
        };
        let event = Event { seq, time: Timestamp(seq.0 as i64), actor: Arc::new(Actor::default()), kind };
        ns.apply(&event).unwrap();
    }
    Node { place: Place::Present(Ino::ROOT), ino: Ino::ROOT, tree: Tree::Fixed(Arc::new(ns)), ttl: FOREVER }
}

fn names(count: usize) -> BTreeSet<String> {
    (0..count).map(|n| format!("file-{n:05}")).collect()
}

/// Reads the whole listing, in replies of `room` lines.
fn listed(cursor: &mut Cursor, room: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut at = 0;
    loop {
        let items = cursor.items(at);
        if items.is_empty() {
            return lines;
        }
        for item in items.into_iter().take(room) {
            assert_eq!(item.next, at + 1);
            at = item.next;
            lines.push(String::from_utf8(item.name.as_bytes().to_vec()).unwrap());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn every_entry_is_listed_once_whatever_the_replies_hold(count in 0usize..900, room in 1usize..400) {
        let expected: Vec<String> =
            [".", ".."].into_iter().map(str::to_owned).chain(names(count)).collect();
        prop_assert_eq!(listed(&mut Cursor::of(&root_with(&names(count))), room), expected);
    }
}

#[test]
fn a_listing_can_go_back_to_any_line() {
    let mut cursor = Cursor::of(&root_with(&names(700)));
    let all = listed(&mut cursor, usize::MAX);
    for line in [699, 3, 256, 0] {
        assert_eq!(cursor.items(line)[0].name.as_bytes(), all[line as usize].as_bytes());
    }
    assert!(cursor.items(702).is_empty() && cursor.items(u64::MAX).is_empty());
}

#[test]
fn a_finished_listing_holds_no_tree() {
    let mut cursor = Cursor::of(&root_with(&names(300)));
    listed(&mut cursor, 10);
    assert!(cursor.rest.is_none());
}

#[test]
fn the_way_into_the_past_lists_nothing() {
    let at = Node { place: Place::At(Ino::ROOT), ..root_with(&names(3)) };
    let items = Cursor::of(&at).items(0);
    assert_eq!(
        items.iter().map(|item| item.place).collect::<Vec<_>>(),
        [at.place, Place::Present(Ino::ROOT)]
    );
}
