//! Looking back and going back.
mod diff;
mod path;
mod plan;
#[cfg(test)]
mod testing;

pub use diff::{Aspects, Change, Counts, DiffRow, PATCH_LIMIT, diff, patch};
pub use plan::{PlanError, plan_copy, plan_undo};
