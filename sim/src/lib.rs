//! Deterministic simulation: the code that ships, on one thread, in virtual time, over a store that fails.
//!
//! **Purpose.** To prove Firn's promises seed by seed, and to turn whatever breaks one into a file that breaks it again.
//! [`plan`]s say what is done; [`run`] plays one in a world of its own: lives of writers over the simulated [`store`],
//! actors that work through the mount's operations, crashes, second writers, clocks that jump. The [`model`] does
//! everything a second time by rules of its own, and the [`oracle`]s compare. [`shrink`] makes failing plans small;
//! [`recorded`] plays a user's own history; [`real`] kills real mounts. `docs/simulation.md` is the manual.
//!
//! **Invariants.**
//! - A seed repeats to the byte: one thread, paused time, everything drawn by label and position ([`draw`]), and a
//!   [`trace`] that two processes write alike.
//! - No production code knows of the simulation: it is driven from outside, and nothing depends on this crate.
//! - The model shares no code with the namespace, decide, evolve, or the planner of undo.
//! - An error is excused only by what the same client met; what is not judged is counted as skipped.
//!
//! **Failure.** What does not hold is a [`Failure`](oracle::Failure): the oracle's name, what was expected, what was
//! found. A panic in any task is one too. A run that played no seed fails.
//!
//! Time and threads are real in [`real`] alone, and in the command line.

pub mod draw;
pub mod model;
pub mod oracle;
pub mod plan;
pub mod real;
pub mod recorded;
mod run;
pub mod shrink;
pub mod store;
pub mod trace;
mod world;

pub use run::{run, run_after};
pub use world::Report;
