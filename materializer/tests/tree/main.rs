//! The namespace and the decisions against a model that shares no code with them, step by step; replay, views,
//! differences and resets along the way; and events that nobody decided.

mod check;
mod harness;
mod hostile;
mod model;
mod model_content;
mod model_entries;
mod operations;
mod refused;

use std::collections::BTreeMap;

use firn_materializer::namespace::{Namespace, resets};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree;

use harness::Harness;
use operations::{Operation, growth, operation};

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(cases(400))]

    /// Every command does to the tree what it does to the model, or fails as it fails there. Along the way views
    /// are taken and gone back to.
    #[test]
    fn the_tree_is_the_model(operations in vec(operation(), 1..80)) {
        let mut harness = Harness::default();
        for operation in &operations {
            harness.perform(operation);
            harness.check();
        }
        let (views, head, events) = harness.into_history();
        let mut replayed = Namespace::default();
        let mut views = views.into_iter().peekable();
        for event in &events {
            replayed.apply(event).unwrap();
            while let Some(view) = views.next_if(|view| view.seq() <= replayed.seq()) {
                prop_assert!(view.seq() < replayed.seq() || view == replayed, "a view changed after it was taken");
            }
        }
        prop_assert!(replayed == head, "replay gives another tree");
        prop_assert!(check::saved_and_loaded(&head) == head, "what is saved row by row loads as another tree");
    }

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
        let mut harness = Harness::default();
        base.iter().for_each(|operation| harness.perform(operation));
        let before = harness.namespace().clone();
        more.iter().for_each(|operation| harness.perform(operation));
        let after = harness.namespace().clone();
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
        let mut harness = Harness::default();
        operations.iter().for_each(|operation: &Operation| harness.perform(operation));
        for event in harness.into_history().2 {
            *kinds.entry(harness::kind_name(&event.kind)).or_default() += 1;
        }
    }
    assert!(kinds.len() == harness::KINDS && kinds.values().all(|count| *count >= 10), "{kinds:?}");
}
