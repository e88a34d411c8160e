//! kill -9 on real parts: real processes, a real kernel, a real store.
//!
//! **Purpose.** What the simulation says in virtual time is asked of the whole once more: [`kill`] loads a mount from
//! several threads with system calls, ends its process at a drawn moment, mounts again, and compares what the mount
//! shows with the same [model](crate::model), judged by the same [oracles](crate::oracle).
//!
//! **How it stays checkable.** Each thread works in a directory of its own, a [`Lane`](lane::Lane), which has a
//! [`Timeline`](crate::model::Timeline) of its own; one lane is shared, and used by one thread at a time. A common
//! counter says when each call began and ended. The history is one line: so the state after a crash is a cut through
//! all lanes, such that whatever had ended before something in it began is in it too, and so is whatever had ended
//! before an acknowledged fsync or checkpoint began ([`cut`]).
//!
//! **What is drawn** from the seed: the calls of each lane, the moments, the pauses. How far a lane has come at a
//! moment depends on the machine: a seed says what is done, not how it ends.
//!
//! **Times** are the mount's to choose. They are asked for after each call, and have to stay as they were told.

mod book;
mod call;
mod cut;
mod firn;
mod judge;
mod lane;
mod load;
mod look;
mod moments;
mod rounds;
mod shift;
mod workers;

pub use rounds::{Outcome, Settings, kill};

/// Lets real time pass: what happens meanwhile happens in other processes.
#[expect(clippy::disallowed_methods, reason = "real processes, in real time; nothing here is simulated")]
fn pause(time: std::time::Duration) {
    std::thread::sleep(time);
}
