//! The simulated object store: a bucket in memory, and clients that meet faults on their way to it.
//!
//! **Purpose.** A run has one [`Bucket`]. Each life of a writer or reader has its own [`Client`], which is an
//! [`ObjectStore`](object_store::ObjectStore): when that life ends, its client dies with it, and what it had sent is
//! all that is left of it. The bucket itself is a good S3: strongly consistent, with conditions that hold.
//!
//! **A request.** It sets out and is counted (its number is `nth`), travels for a drawn time, arrives, and there,
//! at one instant, all is decided: whether its client crashes, whether the store can be reached, which [`Fault`] it
//! meets, and its effect. Then the answer travels back. Whoever drops a request on its way, or dies, may find that
//! it took effect all the same ([`Fault::Landed`]).
//!
//! **Invariants.**
//! - Everything that is drawn comes from the seed, the client's number and `nth`; so a run repeats, and leaving one
//!   fault out changes no other draw.
//! - All time is the runtime's virtual time, in whole milliseconds. Nothing here is spawned: effects that come late
//!   wait in the bucket, and are applied in their order before anybody sees a later state.
//! - An effect happens at most once. A dead client has no effect but those that [`Bucket::injected`] names.
//! - With [`Faults::listed`] and what [`Bucket::injected`] tells of a drawn run, the run is the same to the byte.
//!
//! **Failure.** Errors are those of object_store's S3 client, as far as `firn_store::classify` looks at them.

mod bucket;
mod client;
mod clock;
mod damage;
mod errors;
mod faults;
mod journey;
mod latency;
mod life;
mod multipart;
mod objects;
mod policy;
mod request;
mod requests;

pub use bucket::Bucket;
pub use client::Client;
pub use damage::Damage;
pub use faults::{Fault, Injected};
pub use latency::Latency;
pub use life::CrashPoint;
pub use policy::{Faults, Rates};
