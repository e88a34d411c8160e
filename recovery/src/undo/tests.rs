use std::sync::Arc;
use std::time::Duration;

use firn_journal::{Actor, Epoch, EventKind, Seq, TransactionKind};
use firn_materializer::namespace::{Namespace, resets};
use proptest::prelude::*;

use super::{burst, redo};
use crate::log::{LogRow, Walk, units};
use crate::testing::{Step, World, steps};

const SECOND: i64 = 1_000_000_000;

impl World {
    fn view(&self, seq: Seq) -> &Namespace {
        self.views.iter().find(|view| view.seq() == seq).unwrap()
    }

    fn rows(&self, from: Seq, scope: Option<&[u8]>) -> Vec<LogRow> {
        let mut walk = Walk::new(self.view(from).clone(), scope, false);
        let events = &self.events[..from.0 as usize];
        units(events).into_iter().rev().flat_map(|unit| walk.back(&events[unit])).collect()
    }

    fn latest_burst(&self, scope: Option<&[u8]>) -> Option<burst::Burst> {
        let mut from = self.ns.seq();
        'again: loop {
            let mut search = burst::Search::new(scope);
            for row in self.rows(from, scope) {
                match search.row(&row) {
                    burst::Found::More => {}
                    burst::Found::Burst(burst) => return Some(burst),
                    burst::Found::Jump(target) => {
                        from = target;
                        continue 'again;
                    }
                }
            }
            return search.end();
        }
    }

    /// As `firn undo` does; false if there is nothing to undo.
    fn undo(&mut self) -> bool {
        let Some(burst) = self.latest_burst(None) else { return false };
        self.go(TransactionKind::Undo, Seq(burst.first.seq.0 - 1));
        true
    }

    /// As `firn redo` does; false if there is nothing to redo.
    fn redo(&mut self) -> bool {
        let mut search = redo::Search::new(None);
        for row in self.rows(self.ns.seq(), None) {
            match search.row(&row) {
                redo::Found::More => {}
                redo::Found::Covered { .. } | redo::Found::Nothing => return false,
                redo::Found::Undo { before, scope } => {
                    assert_eq!(scope, None);
                    self.go(TransactionKind::Redo, before);
                    return true;
                }
            }
        }
        false
    }

    fn go(&mut self, kind: TransactionKind, target: Seq) {
        let effects = resets(&self.ns, self.view(target));
        self.transact(kind, target, None, effects);
    }

    /// Time passes, with an event that is no change.
    fn pause(&mut self) {
        let pace = std::mem::replace(&mut self.pace, 3 * SECOND);
        let (host, version) = (String::new(), String::new());
        self.event(EventKind::Mounted { epoch: Epoch(1), host, pid: 1, version });
        self.pace = pace;
    }
}

fn same(a: &Namespace, b: &Namespace) -> bool {
    resets(a, b).is_empty()
}

/// A history of bursts, and the tree after each; the first is the empty one.
fn bursts(of: &[Vec<Step>]) -> (World, Vec<Namespace>) {
    let mut world = World::new();
    let mut trees = vec![world.ns.clone()];
    for steps in of {
        let before = world.ns.seq();
        steps.iter().for_each(|step| world.step(step));
        if world.ns.seq() == before {
            continue;
        }
        trees.push(world.ns.clone());
        world.pause();
    }
    (world, trees)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn undo_and_redo_walk_along_the_bursts(of in proptest::collection::vec(steps(6), 1..6), walk in proptest::collection::vec(any::<bool>(), 0..14)) {
        let (mut world, trees) = bursts(&of);
        let (mut at, mut undone) = (trees.len() - 1, 0);
        for back in walk {
            if back {
                prop_assert_eq!(world.undo(), at > 0);
                let step = usize::from(at > 0);
                (at, undone) = (at - step, undone + step);
            } else {
                prop_assert_eq!(world.redo(), undone > 0);
                let step = usize::from(undone > 0);
                (at, undone) = (at + step, undone - step);
            }
            prop_assert!(same(&world.ns, &trees[at]));
        }
    }

    #[test]
    fn after_a_change_there_is_nothing_to_redo(of in proptest::collection::vec(steps(6), 2..5)) {
        let (mut world, trees) = bursts(&of);
        prop_assume!(trees.len() > 2);
        world.undo();
        world.make("new");
        prop_assert!(!world.redo());
        prop_assert!(world.undo(), "the change itself is a burst");
        prop_assert!(same(&world.ns, &trees[trees.len() - 2]));
        prop_assert!(world.redo());
        prop_assert!(world.ns.resolve(b"new").is_some());
    }
}

#[test]
fn a_burst_ends_at_a_pause_of_two_seconds() {
    let mut world = World::new();
    world.make("a");
    world.pace = 2 * SECOND;
    world.make("b");
    world.pace = 2 * SECOND - 1;
    world.make("c");
    let burst = world.latest_burst(None).unwrap();
    assert_eq!((burst.first.seq, burst.last.seq, burst.events), (Seq(2), Seq(3), 2));
    assert_eq!(burst.paths, [b"c".to_vec(), b"b".to_vec()]);
    assert_eq!(burst.last.time.since(burst.first.time), Duration::from_nanos(2 * SECOND as u64 - 1));
}

#[test]
fn a_burst_ends_at_a_checkpoint_and_at_a_transaction() {
    let mut world = World::new();
    world.make("a");
    world.event(EventKind::Checkpointed { name: "x".into(), message: String::new() });
    assert_eq!(
        world.latest_burst(None).unwrap().first.seq,
        Seq(1),
        "what comes after the changes is passed over"
    );
    world.make("b");
    assert_eq!(world.latest_burst(None).unwrap().first.seq, Seq(3));
    let effects = resets(&world.ns, world.view(Seq(2)));
    world.transact(TransactionKind::Restore, Seq(2), Some(b"b"), effects);
    let restored = world.latest_burst(None).unwrap();
    assert_eq!((restored.first.seq, restored.last.seq), (Seq(4), world.ns.seq()));
    world.make("c");
    assert_eq!(world.latest_burst(None).unwrap().first.seq, world.ns.seq());
}

#[test]
fn changes_elsewhere_are_no_part_of_a_scoped_burst() {
    let mut world = World::new();
    world.make("src/f");
    world.pause();
    let file = world.ns.resolve(b"src/f").unwrap();
    world.write(file, 0, 3);
    let written = world.ns.seq();
    for i in 0..10 {
        world.make(&format!("log{i}"));
    }
    let burst = world.latest_burst(Some(b"src")).unwrap();
    assert_eq!((burst.first.seq, burst.last.seq), (written, written));
}

#[test]
fn a_scoped_undo_is_a_burst_to_others_and_a_step_to_its_own_scope() {
    let mut world = World::new();
    world.make("src/f");
    world.pause();
    world.make("src/g");
    let before = world.ns.clone();
    let target = Seq(before.seq().0 - 1);
    let effects = crate::plan::plan_undo(world.view(target), &world.ns, b"src").unwrap();
    world.transact(TransactionKind::Undo, target, Some(b"src"), effects);
    let plain = world.latest_burst(None).unwrap();
    assert_eq!(plain.first.seq, before.seq().next());
    let scoped = world.latest_burst(Some(b"src")).unwrap();
    assert_eq!((scoped.first.seq, scoped.last.seq), (Seq(1), Seq(2)));
}

#[test]
fn a_burst_names_who_made_it_the_most_busy_first() {
    let mut world = World::new();
    let actor = |command: &str| Arc::new(Actor { command: command.into(), ..Actor::default() });
    world.actor = actor("touch");
    world.make("a");
    world.actor = actor("tar");
    world.make("b");
    world.make("c");
    let burst = world.latest_burst(None).unwrap();
    let actors: Vec<_> = burst.actors.iter().map(|(actor, events)| (&actor.command[..], *events)).collect();
    assert_eq!(actors, [(&b"tar"[..], 2), (b"touch", 1)]);
}
