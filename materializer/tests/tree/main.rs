//! The namespace and the decisions against a model that shares no code with them, as a state machine; replay, views,
//! differences and resets at every step; and events that nobody decided.

mod check;
mod hostile;
mod model;
mod model_content;
mod model_entries;
mod operations;
mod reference;
mod reference_content;
mod reference_entries;
mod refused;
mod subject;

use std::collections::BTreeMap;

use firn_materializer::namespace::{Namespace, resets};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest_state_machine::prop_state_machine;

use operations::{growth, operation};
use subject::{Both, Subject};

/// How many kinds of events the operations can lead to: all but `Mounted`.
const KINDS: usize = 20;

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, ..ProptestConfig::default() }
}

prop_state_machine! {
    #![proptest_config(cases(400))]

    /// Every command does to the tree what it does to the model, or fails as it fails there. Along the way views
    /// are taken and gone back to.
    #[test]
    fn the_tree_is_the_model(sequential 1..80 => Subject);
}

proptest! {
    #![proptest_config(cases(400))]

    /// Whatever events come, in whatever order: no panic, no endless walk, and a tree that keeps its invariants.
    #[test]
    fn hostile_events_are_refused_or_harmless(events in vec(hostile::event(), 1..120)) {
        let mut namespace = Namespace::default();
        for kind in events {
            let mut next = namespace.clone();
            if next.apply(&hostile::in_order(&namespace, kind)).is_ok() {
                check::structure(&next);
                namespace = next;
            }
        }
        let _ = resets(&Namespace::default(), &namespace);
    }
}

proptest! {
    #![proptest_config(cases(60))]

    /// The difference of any two instants is what comparing everything finds; in both directions; and the resets
    /// made from it lead from one to the other.
    #[test]
    fn a_diff_is_what_comparing_everything_finds(
        base in vec(growth(), 0..600),
        more in vec(operation(), 1..30),
    ) {
        let mut both = Both::default();
        both.perform(&base);
        let before = both.subject.ns.clone();
        both.perform(&more);
        let after = both.subject.ns.clone();
        let empty = Namespace::default();
        for (old, new) in [(&before, &after), (&after, &before), (&empty, &after), (&after, &empty)] {
            check::diff_is_complete(old, new);
            check::resets_lead(old, new);
        }
    }
}

/// How many of each operation succeed: the properties are worth something only if all of them happen.
#[test]
fn the_operations_reach_every_kind_of_event() {
    let mut kinds: BTreeMap<&'static str, usize> = BTreeMap::new();
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    for _ in 0..40 {
        let operations = vec(operation(), 80).new_tree(&mut runner).unwrap().current();
        let mut both = Both::default();
        both.perform(&operations);
        for event in both.subject.events {
            *kinds.entry(event.kind.label()).or_default() += 1;
        }
    }
    assert!(kinds.len() == KINDS && kinds.values().all(|count| *count >= 10), "{kinds:?}");
}
