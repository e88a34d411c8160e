//! The history as people read it: events, newest first, with the paths of their time.

mod cursor;
mod follow;
mod links;
mod row;
#[cfg(test)]
mod tests;
mod walk;

pub use cursor::{LogCursor, LogError, LogQuery};
pub use row::{LogRow, Op};
#[cfg(test)]
pub(crate) use walk::{Walk, units};
