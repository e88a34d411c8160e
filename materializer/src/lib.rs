//! Turns the journal into a tree of files, and commands into events.
//!
//! **Purpose.** What a volume *is*, for whoever mounts it, looks back or goes back:
//!
//! ```text
//!  command ──▶ decide ──▶ events ──▶ evolve ──▶ Namespace ──▶ content, mount, recovery
//!              (pure)        │       (pure)     (a view)
//!                            └──▶ committer ──▶ journal ──▶ replay ──▶ the same Namespace
//! ```
//!
//! - [`namespace`]: the tree at one instant, in memory; [`Namespace::apply`] folds an event in.
//! - [`decide`](mod@decide): what a command means, as events or an error number.
//! - [`content`]: the bytes of the files of any namespace.
//! - [`snapshot`]: whole namespaces in the bucket, so that opening need not replay everything.
//! - [`instant`]: the forms of time that people type.
//! - [`history`]: the read side of a volume: any instant of the past.
//! - [`volume`]: the write side: one writer, its present, and its way into the journal.
//!
//! **Invariants.**
//! - `namespace`, `decide` and `instant` are pure: no clock, no randomness, no IO, no async.
//! - Serving a live mount and replaying its journal run the same [`Namespace::apply`], so that the present is what
//!   a replay gives, and an instant is the same today and next year.
//! - A namespace never changes once it was handed out as a view: a clone costs O(1), and the difference of two
//!   costs what changed.
//! - Arrow's and Parquet's types stay in `snapshot`.
//!
//! **Failure.** A journal that does not fit together is an error that names the segment
//! ([`HistoryError`](history::HistoryError)); a snapshot file that does not verify is passed over. A command that
//! cannot be is an [`Errno`](decide::Errno), and nothing has happened. A writer that can no longer make things
//! durable turns read-only, for good, and says why ([`VolumeStatus`](volume::VolumeStatus)).
//!
//! [`Namespace::apply`]: namespace::Namespace::apply

pub mod content;
pub mod decide;
pub mod history;
pub mod instant;
pub mod namespace;
pub mod snapshot;
pub mod volume;
