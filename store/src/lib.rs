//! The bucket: where a volume's objects are, what they are called, and how they are read and written.
//!
//! **Purpose.** Everything that Firn stores is an object under one URL: a local directory, or a prefix of an S3,
//! Azure or Google bucket. This crate alone builds those clients; the layers above see an
//! [`ObjectStore`](object_store::ObjectStore) whose root is the volume, and mostly not even that, but
//! [`Retrying`], which speaks in [`Key`]s.
//!
//! **Invariants.**
//! - [`Key`] is the table of every object that Firn ever writes. Its text form and its parser are inverse.
//! - Objects are immutable, with one exception ([`Key::Writer`], which is advice). Two writers of one key either
//!   write the same bytes or use [`Retrying::put_if_absent`].
//! - The stores are opened with their own retries off: a client that repeats a create by itself meets its own
//!   first object and reports a conflict that never was. All retrying is here, in [`Retrying`].
//! - A volume is made ([`init`]) only in a place that is empty or absent, and only on a store that passed the
//!   [`probe`]: what the journal relies on is tried, not believed.
//! - [`classify`] is the one place that says what a store's error means.
//!
//! **Failure.** Transient failures are repeated after 50 ms, 100 ms, up to 5 s, for as long as the caller's
//! [`Patience`]; each request has its own time limit, so that a store that never answers counts as one that
//! fails. An object that is not there is `None`, not an error. A create has four outcomes ([`PutOutcome`]), since
//! a lost answer is neither success nor failure. [`StoreHealth`] remembers for how long the store has been
//! failing. Every [`StoreError`] says what was expected, what was found and what to do.

#[cfg(test)]
mod crooked;
mod error;
mod health;
pub mod keys;
mod manifest;
mod open;
mod probe;
mod retry;
mod url;

pub use error::{Capability, Fault, StoreError, classify};
pub use health::{Outage, StoreHealth};
pub use keys::{Family, Key, SnapshotObject};
pub use manifest::{Manifest, ManifestError, create_manifest, read_manifest};
pub use open::{init, open};
pub use probe::probe;
pub use retry::{Backoff, Listed, Patience, PutOutcome, Retrying};
pub use url::VolumeUrl;
