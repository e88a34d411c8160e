//! The one home of time and randomness.
//!
//! **Purpose.** Everything else in Firn is given a [`Clock`] and an [`Entropy`]; only this crate asks the
//! operating system. The ban is kept by `clippy.toml` (`disallowed-methods`), whose messages point here.
//!
//! **Invariants.** A [`Timestamp`] is whole nanoseconds since 1970-01-01T00:00:00Z as an `i64`, which spans
//! the years 1677 to 2262; conversions from wider types saturate. A clock may jump backwards: whoever needs
//! order (the journal) takes the maximum with what it has already written.
//!
//! **Failure.** Reading the clock cannot fail. [`OsEntropy`] panics if the kernel refuses random bytes, since
//! then no identifier would be unique.
#![allow(clippy::disallowed_methods, reason = "the seam that the ban points to")]

mod entropy;
mod time;

pub use entropy::{Entropy, OsEntropy, SeededEntropy};
pub use time::{Clock, ManualClock, SystemClock, Timestamp};
