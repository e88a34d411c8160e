//! Going back, and forth again: what to go to, and doing it as one transaction.

mod apply;
mod burst;
mod goal;
mod journey;
mod redo;
#[cfg(test)]
mod tests;

pub use apply::{redo, restore, undo};
pub use burst::{Burst, PAUSE};
pub use goal::Goal;
pub use journey::{Report, preview_redo, preview_restore, preview_undo};

use firn_journal::Seq;
use firn_materializer::namespace::EvolveError;
use firn_materializer::volume::TransactError;

use crate::path::show;
use crate::plan::PlanError;
use crate::timeline::TimelineError;

/// Why nothing was taken back. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum UndoError {
    /// No burst of changes, here or earlier.
    #[error("nothing to undo: nothing that ever changed{} is different now", below(.scope.as_deref()))]
    NothingToUndo {
        /// The scope that was asked for.
        scope: Option<Vec<u8>>,
    },
    /// The latest burst made and unmade what it did.
    #[error(
        "the latest burst of changes ({events} events, {first} to {last}) has left nothing that is different now; to go to an instant inside or before it, name it: `firn log` shows them, `firn undo --to '#N'` goes there"
    )]
    NoTrace {
        /// Its first event.
        first: Seq,
        /// Its last event.
        last: Seq,
        /// How many they are.
        events: u64,
    },
    /// The latest change is no undo, or all of them were redone.
    #[error("nothing to redo: the latest change{} is not an undo that could be taken back (`firn log` shows it, `firn undo --to TIME` goes to any instant)", below(.scope.as_deref()))]
    NothingToRedo {
        /// The scope that was asked for.
        scope: Option<Vec<u8>>,
    },
    /// Something else was changed since the undo.
    #[error(
        "nothing to redo: other changes came after the undo (the latest is {latest}), and a redo would take them back; `firn undo --to '{before}'` does that: it shows the tree as it was before the undo"
    )]
    Covered {
        /// The instant before the undo.
        before: Seq,
        /// The latest of the changes.
        latest: Seq,
    },
    /// It cannot be done as the tree is now.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// An instant could not be read.
    #[error(transparent)]
    Timeline(#[from] TimelineError),
    /// The writer refused.
    #[error(transparent)]
    Transact(#[from] TransactError),
    /// A bug: what was planned does not fit the tree that it was planned on.
    #[error("what was planned does not fit the tree, nothing was changed: {0}; please report this")]
    Unfit(#[from] EvolveError),
}

fn below(scope: Option<&[u8]>) -> String {
    scope.map(|scope| format!(" at or below {}", show(scope))).unwrap_or_default()
}
