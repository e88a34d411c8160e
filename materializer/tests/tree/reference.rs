//! The reference state machine: what an operation asks of the system, and what a plain tree answers to it.

use firn_journal::{Ino, Name};
use firn_materializer::decide::Command;
use proptest::prelude::*;
use proptest_state_machine::ReferenceStateMachine;

use crate::model::{Model, Node, Number, Path};
use crate::operations::{Index, Operation, operation};

/// Views that are gone back to: the last ones.
const VIEWS: usize = 4;

/// What the system is to do, since the model has done it.
#[derive(Clone, Debug, Default)]
pub enum Step {
    /// There was nothing to do it to.
    #[default]
    Nothing,
    /// A command by this user, and the answer that it must get.
    Ask { uid: u32, command: Command, answer: Result<Answer, Number> },
    /// To take a view.
    Remember,
    /// To go back to a view, counted from the first.
    Undo { view: usize },
}

/// What a command answers, beside its events.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Answer {
    pub ino: Option<Ino>,
    pub copied: u64,
}

#[derive(Clone, Debug, Default)]
pub struct Reference {
    pub model: Model,
    /// The content of the slots that extents name.
    pub blocks: Vec<Vec<u8>>,
    pub now: i64,
    /// What the last operation came to.
    pub step: Step,
    views: Vec<Model>,
}

impl ReferenceStateMachine for Reference {
    type State = Reference;
    type Transition = Operation;

    fn init_state() -> BoxedStrategy<Reference> {
        Just(Reference::default()).boxed()
    }

    fn transitions(_: &Reference) -> BoxedStrategy<Operation> {
        operation().boxed()
    }

    fn apply(mut state: Reference, operation: &Operation) -> Reference {
        state.perform(operation);
        state
    }
}

pub fn pick<T: Clone>(index: Index, among: &[T]) -> Option<T> {
    (!among.is_empty()).then(|| among[usize::from(index) % among.len()].clone())
}

pub fn name(index: Index) -> String {
    ["a", "b", "c", "d.txt", "\u{e9}", "f", "g", "h"][usize::from(index) % 8].to_owned()
}

/// A command whose answer holds nothing but whether it succeeds.
pub fn ask(command: Command, answer: Result<(), Number>) -> Step {
    ask_as(0, command, answer)
}

pub fn ask_as(uid: u32, command: Command, answer: Result<(), Number>) -> Step {
    Step::Ask { uid, command, answer: answer.map(|()| Answer::default()) }
}

impl Reference {
    pub fn perform(&mut self, operation: &Operation) {
        self.now += 10;
        let step = match operation {
            Operation::Create { .. }
            | Operation::Link { .. }
            | Operation::Remove { .. }
            | Operation::RemoveName { .. }
            | Operation::Rename { .. }
            | Operation::RenameOnto { .. } => self.on_entries(operation),
            Operation::Set { .. } | Operation::SetXattr { .. } => self.on_attributes(operation),
            Operation::Open { .. }
            | Operation::Close { .. }
            | Operation::Checkpoint { .. }
            | Operation::Remember
            | Operation::Undo { .. } => self.on_instants(operation),
            _ => self.on_content(operation),
        };
        self.step = step.unwrap_or_default();
    }

    pub fn ino(&mut self, dir: &[String]) -> Ino {
        Ino(self.model.dir(dir).meta.id)
    }

    pub fn ino_of(&self, node: &Node) -> Ino {
        Ino(self.model.id(node))
    }

    fn on_attributes(&mut self, operation: &Operation) -> Option<Step> {
        let mut entries = self.model.entries();
        entries.push((Path::new(), Node::Dir(self.model.root.clone())));
        Some(match operation {
            Operation::Set { entry, changes, uid } => {
                let (path, node) = pick(*entry, &entries)?;
                let command = Command::SetAttributes { ino: self.ino_of(&node), changes: *changes };
                ask_as(*uid, command, self.model.set(&path, &node, changes, *uid, self.now))
            }
            Operation::SetXattr { entry, name: n, value, mode } => {
                let ((path, node), name) = (pick(*entry, &entries)?, format!("user.{n}"));
                let (ino, name_of) = (self.ino_of(&node), Name::from(name.as_str()));
                let command = match value {
                    Some(value) => {
                        Command::SetXattr { ino, name: name_of, value: value.as_slice().into(), mode: *mode }
                    }
                    None => Command::RemoveXattr { ino, name: name_of },
                };
                ask(command, self.model.set_xattr((&path, &node), &name, value.as_deref(), *mode, self.now))
            }
            _ => return None,
        })
    }

    fn on_instants(&mut self, operation: &Operation) -> Option<Step> {
        match *operation {
            Operation::Open { entry } => {
                let (_, node) = pick(entry, &self.model.entries())?;
                self.model.open.insert(self.model.id(&node));
                None
            }
            Operation::Close { open: close } => {
                let open: Vec<u64> = self.model.open.iter().copied().collect();
                let id = pick(close, &open)?;
                self.model.open.remove(&id);
                self.model.sweep();
                Some(ask(Command::Evict { ino: Ino(id) }, Ok(())))
            }
            Operation::Checkpoint { name: n } => {
                self.model.checkpoints.insert(name(n), self.now);
                Some(ask(Command::Checkpoint { name: name(n), message: String::new() }, Ok(())))
            }
            Operation::Remember => {
                self.views.push(self.model.clone());
                Some(Step::Remember)
            }
            Operation::Undo { view } => {
                let last = self.views.len().saturating_sub(VIEWS)..self.views.len();
                let view = pick(view, &last.collect::<Vec<usize>>())?;
                self.model.go_back(&self.views[view]);
                Some(Step::Undo { view })
            }
            _ => None,
        }
    }
}
