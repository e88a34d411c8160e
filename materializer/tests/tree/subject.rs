//! The system under test: decide, and evolve.

use std::sync::Arc;

use firn_clock::Timestamp;
use firn_journal::{Actor, Event, EventKind, Ino, Seq, TransactionKind};
use firn_materializer::decide::{Command, Context, Decision, decide};
use firn_materializer::namespace::{Namespace, resets};
use proptest_state_machine::StateMachineTest;

use crate::check;
use crate::model::{Model, Number};
use crate::operations::Operation;
use crate::reference::{Answer, Reference, Step};

#[derive(Default)]
pub struct Subject {
    pub ns: Namespace,
    /// All that happened.
    pub events: Vec<Event>,
    /// In the order in which they were taken.
    pub views: Vec<Namespace>,
}

pub fn event(seq: u64, time: i64, kind: EventKind) -> Event {
    Event { seq: Seq(seq), time: Timestamp(time), actor: Arc::new(Actor::default()), kind }
}

pub fn began(count: u32) -> EventKind {
    EventKind::TransactionBegan { kind: TransactionKind::Undo, target: Seq::ZERO, count, path: None }
}

impl StateMachineTest for Subject {
    type SystemUnderTest = Subject;
    type Reference = Reference;

    fn init_test(_: &Reference) -> Subject {
        Subject::default()
    }

    fn apply(mut subject: Subject, reference: &Reference, _: Operation) -> Subject {
        subject.follow(reference);
        subject
    }

    fn check_invariants(subject: &Subject, reference: &Reference) {
        check::structure(&subject.ns);
        check::same_tree(&subject.ns, &reference.model, &reference.blocks);
        check::replays(subject);
        if let Some(view) = subject.views.last() {
            check::resets_lead(&subject.ns, view);
        }
    }

    fn teardown(subject: Subject, _: Reference) {
        assert!(
            check::saved_and_loaded(&subject.ns) == subject.ns,
            "what is saved row by row loads as another tree"
        );
    }
}

impl Subject {
    /// Does what the reference did last.
    pub fn follow(&mut self, reference: &Reference) {
        let Reference { model, now, step, .. } = reference;
        match step {
            Step::Nothing => {}
            Step::Ask { uid, command, answer } => {
                let found = self.execute(*uid, command, model, *now);
                let found = found.map(|Decision { ino, copied, .. }| Answer { ino, copied });
                assert_eq!(found, *answer, "{command:?}");
            }
            Step::Remember => self.views.push(self.ns.clone()),
            Step::Undo { view } => self.undo(*view, *now),
        }
    }

    fn execute(&mut self, uid: u32, command: &Command, model: &Model, now: i64) -> Result<Decision, Number> {
        let actor = Arc::new(Actor { uid, ..Actor::default() });
        let is_open = |ino: Ino| model.open.contains(&ino.0);
        let context = Context { now: Timestamp(now), actor: &actor, is_open: &is_open };
        let decision = decide(&self.ns, command, &context).map_err(|errno| errno.0)?;
        for (time, kind) in (now..).zip(decision.events.clone()) {
            self.apply(time, kind);
        }
        Ok(decision)
    }

    fn undo(&mut self, view: usize, now: i64) {
        let next = self.ns.next_ino();
        let effects = resets(&self.ns, &self.views[view]);
        self.apply(now, began(effects.len() as u32));
        for effect in effects {
            self.apply(now, effect);
        }
        assert_eq!(self.ns.transaction_left(), 0);
        assert_eq!(self.ns.next_ino(), next);
        assert_eq!(resets(&self.ns, &self.views[view]), []);
    }

    fn apply(&mut self, time: i64, kind: EventKind) {
        let event = event(self.ns.seq().0 + 1, time, kind);
        if let Err(error) = self.ns.apply(&event) {
            panic!("{event:?} was decided and does not fit: {error}");
        }
        self.events.push(event);
    }
}

/// Both sides after some operations.
#[derive(Default)]
pub struct Both {
    reference: Reference,
    pub subject: Subject,
}

impl Both {
    pub fn perform<'a>(&mut self, operations: impl IntoIterator<Item = &'a Operation>) {
        for operation in operations {
            self.reference.perform(operation);
            self.subject.follow(&self.reference);
        }
    }
}
