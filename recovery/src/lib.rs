//! Looking back and going back: what differs, what happened, undo, redo, restore, and whether all of it is well.
//!
//! **Purpose.** Everything that makes the past useful, as a library: [`diff`] of two views by path, with [`patch`]es;
//! the log of events, newest first, with the paths of their time ([`LogCursor`]); [`undo`], [`redo`] and
//! [`restore`] with their previews; [`verify`](verify::verify) of all that is stored; an [`export`] of a history into a
//! file. A [`Timeline`] is where instants come from: a live volume, or a stored history.
//!
//! **Words.** A *burst* is a run of changes without a pause of two seconds, a checkpoint or a transaction in
//! it: what a plain undo takes back. A *scope* is a path; what is at and below it changes, the rest does not.
//! Paths are bytes, relative to the root, without a slash at either end; the root's is empty.
//!
//! **Invariants.**
//! - Nothing is destroyed by going back: an undo is a transaction of resets, appended like every event, whose
//!   count is in proportion to what changes. Content is never copied, only referred to.
//! - After an undo with a scope the tree in it is what it was, hard links included, and no path outside has another
//!   inode, attribute (but the link count) or content. Where both cannot be had with one inode, the scope gets
//!   a copy of it.
//! - Undos and redos that nothing else came between are a stack; each redo takes back the undo on top.
//! - Difference, plans, bursts and log are pure, and cost what changed, not what there is. The log needs memory for
//!   what was touched on the way back, and a few segments.
//!
//! **Failure.** Every error says that nothing was changed and what to do. A transaction is applied whole or
//! not at all; when the tree has moved on since it was planned, it is planned again, a few times. Damage to what
//! is stored is an error of the log, and a finding of [`verify`](verify::verify), which goes on.

mod diff;
pub mod export;
mod log;
mod path;
mod plan;
#[cfg(test)]
mod testing;
mod timeline;
mod undo;
pub mod verify;

pub use diff::{Aspects, Change, Counts, DiffRow, PATCH_LIMIT, diff, patch};
pub use log::{LogCursor, LogError, LogQuery, LogRow, Op};
pub use plan::{PlanError, plan_copy, plan_undo};
pub use timeline::{Timeline, TimelineError};
pub use undo::{
    Burst, Goal, PAUSE, Report, UndoError, preview_redo, preview_restore, preview_undo, redo, restore, undo,
};
