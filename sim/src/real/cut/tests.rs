use super::*;
use crate::model::{Body, Content, Tree};
use crate::real::lane::Span;

/// A lane with one more file after each of these.
fn lane(name: &str, spans: &[(u64, u64, Option<u64>)]) -> Lane {
    let mut tree = Tree::default();
    tree.tick(0);
    let mut lane = Lane::new(name.into(), tree.clone()).unwrap();
    for (number, (start, finish, joint)) in (0_u8..).zip(spans) {
        tree.create(0, 1, &[b'a' + number], Body::File(Content::default()), 0o644, (0, 0)).unwrap();
        lane.did(tree.clone(), Span { start: *start, finish: *finish, joint: *joint }).unwrap();
    }
    lane
}

/// What a mount shows when each lane has come so far.
fn shown(lanes: &[Lane], states: &[usize]) -> Vec<Seen> {
    lanes.iter().zip(states).map(|(lane, state)| Seen::of(lane.state(*state).0)).collect()
}

const ANY: Bounds<'_> = Bounds { least: 0, most: u64::MAX, within: None };

/// One is at 1 to 2 and 5 to 6, the other at 3 to 4 and 7 to 8.
fn two() -> [Lane; 2] {
    [lane("one", &[(1, 2, None), (5, 6, None)]), lane("other", &[(3, 4, None), (7, 8, None)])]
}

#[test]
fn a_moment_of_both_lanes_is_found() {
    let lanes = two();
    for cut in [[0, 0], [1, 0], [1, 1], [2, 1], [2, 2]] {
        assert_eq!(find(&lanes, &shown(&lanes, &cut), ANY).unwrap(), cut);
    }
}

#[test]
fn what_had_ended_before_something_that_is_there_is_there_too() {
    let lanes = two();
    for cut in [[0, 1], [0, 2], [1, 2], [2, 0]] {
        let said = find(&lanes, &shown(&lanes, &cut), ANY).unwrap_err();
        assert!(said.contains("not all at the same moment"), "{said}");
    }
}

#[test]
fn what_is_under_way_at_the_same_time_may_be_there_or_not() {
    let lanes = [lane("one", &[(1, 10, None)]), lane("other", &[(2, 9, None), (11, u64::MAX, None)])];
    for cut in [[0, 0], [1, 0], [0, 1], [1, 1], [1, 2]] {
        assert_eq!(find(&lanes, &shown(&lanes, &cut), ANY).unwrap(), cut);
    }
    assert!(find(&lanes, &shown(&lanes, &[0, 2]), ANY).is_err());
}

#[test]
fn what_was_acknowledged_must_be_there() {
    let lanes = two();
    let bounds = Bounds { least: 5, ..ANY };
    assert_eq!(find(&lanes, &shown(&lanes, &[1, 1]), bounds).unwrap(), [1, 1]);
    let said = find(&lanes, &shown(&lanes, &[1, 0]), bounds).unwrap_err();
    assert!(said.contains("acknowledged"), "{said}");
}

#[test]
fn an_instant_has_nothing_that_began_after_it() {
    let lanes = two();
    assert!(find(&lanes, &shown(&lanes, &[2, 1]), Bounds { most: 4, ..ANY }).is_err());
    assert!(find(&lanes, &shown(&lanes, &[2, 1]), Bounds { within: Some(&[1, 1]), ..ANY }).is_err());
}

#[test]
fn what_is_done_in_both_lanes_at_once_is_in_both_or_in_none() {
    let lanes = [lane("one", &[(1, u64::MAX, Some(1))]), lane("other", &[(1, u64::MAX, Some(1))])];
    for cut in [[0, 0], [1, 1]] {
        assert_eq!(find(&lanes, &shown(&lanes, &cut), ANY).unwrap(), cut);
    }
    let said = find(&lanes, &shown(&lanes, &[1, 0]), ANY).unwrap_err();
    assert!(said.contains("half there"), "{said}");
}
