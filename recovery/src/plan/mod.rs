//! What has to change for a part of the tree to be again as it was: pure plans, as resets.

mod copy;
mod emit;
mod scope;
mod scoped;
#[cfg(test)]
mod tests;

use firn_journal::EventKind;
use firn_materializer::namespace::{Namespace, resets};

use crate::path::show;

/// Why there is no plan. Nothing was changed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PlanError {
    /// The path is in neither view.
    #[error("{} was not there then, and is not there now: check the path, or give another time (`firn log` shows when it existed)", show(.path))]
    Nowhere {
        /// The path, relative to the root.
        path: Vec<u8>,
    },
    /// The path to restore is not in the past view.
    #[error("{} was not there then: give another time (`firn log` shows when it existed)", show(.path))]
    NotThen {
        /// The path, relative to the root.
        path: Vec<u8>,
    },
    /// A directory above the path is something else now.
    #[error("{} is not a directory now, so nothing can be brought back below it: move it away first", show(.path))]
    NotADirectory {
        /// The path of what is in the way.
        path: Vec<u8>,
    },
    /// The directory that a copy should go to is not there.
    #[error("the directory {} does not exist: make it first", show(.path))]
    NoParent {
        /// Its path.
        path: Vec<u8>,
    },
    /// The copy's place is taken.
    #[error("{} exists already: choose another place, or remove it first", show(.path))]
    Exists {
        /// The path, relative to the root.
        path: Vec<u8>,
    },
    /// The copy's name cannot be one.
    #[error("{} cannot name a file: a name has 1 to 255 bytes", show(.path))]
    BadName {
        /// The path, relative to the root.
        path: Vec<u8>,
    },
}

/// What makes the tree at and below `path` as it is in `past`, and leaves everything else in `present` as it is.
/// In proportion to what changed. Empty if nothing did; an empty `path` is the whole tree.
///
/// Inodes keep their numbers where they can. One that is linked outside of the scope now cannot be set back
/// without changing what is there: the scope gets a copy, with another number and the same content by
/// reference (of a directory that moved out, of all that was in it). A file that has links on both sides and was
/// not changed stays one file. Directories above `path` that are gone come back, alone.
///
/// # Errors
/// See [`PlanError`].
pub fn plan_undo(past: &Namespace, present: &Namespace, path: &[u8]) -> Result<Vec<EventKind>, PlanError> {
    if path.is_empty() {
        return Ok(resets(present, past));
    }
    scoped::plan(past, present, path)
}

/// What puts a copy of `source`, as it is in `past`, at `destination`, with all that is below it: new inodes,
/// the same content by reference, hard links within it preserved.
///
/// # Errors
/// See [`PlanError`].
pub fn plan_copy(
    past: &Namespace,
    source: &[u8],
    present: &Namespace,
    destination: &[u8],
) -> Result<Vec<EventKind>, PlanError> {
    copy::plan(past, source, present, destination)
}
