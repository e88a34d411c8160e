//! The live volume: one writer's namespace in memory, and the journal behind it.
//!
//! **Purpose.** [`Volume`] answers commands from memory at once and makes the resulting events durable in
//! order, in groups. It owns everything between a kernel request and the journal: decide and evolve under one
//! short lock, staging of content, the committer task, snapshot files, the writer's lease.
//!
//! **Invariants.**
//! - Events get their sequence number and time, and are applied, under one lock: the namespace is always what
//!   replaying the events so far would give.
//! - Content is staged under the same lock as the event that names it, so that a cut of events and a cut of
//!   blocks agree, and a segment never refers to content that is not stored before it.
//! - A segment is put only after the one before it is stored (one put in flight).
//! - The last event may still grow while nobody has seen it as an instant (the *tail*: sequential writes to
//!   one file are one event); whoever looks at the head as an instant closes it first.
//!
//! **Failure.** A store that is away is waited for; commands go on until the dirty limit. Fencing by another
//! writer, or a refusal by the store that waiting cannot mend, makes the volume read-only for good, with the
//! reason in [`VolumeStatus`]; whoever waits for durability gets the error.

mod changes;
mod checkpoint;
mod commit;
mod instants;
mod lease;
mod live;
mod open;
mod snapshots;
mod status;
mod transact;
mod write;

pub use changes::Changes;
pub use checkpoint::{CheckpointError, NewCheckpoint};
pub use commit::VolumeError;
pub use instants::InstantError;
pub use live::{Outcome, Volume};
pub use open::{OpenError, VolumeConfig};
pub use status::VolumeStatus;
pub use transact::{TransactError, Transaction};
