//! Everything in Firn that decodes bytes of a bucket, each as a function of bytes that somebody hostile chose.
//!
//! **Purpose.** `fuzz/fuzz_targets` hands these functions what libFuzzer thinks of; the test beside them hands them
//! what it thought of before, from `testdata/fuzz`, on any machine. Both go through the crates' public functions,
//! over a store in memory.
//!
//! **Invariants.** Whatever the bytes: no panic; and what is read can be written, and reads the same again.
//! Where a checksum would keep a fuzzer out, it is put right first: a right checksum says only that the writer
//! wrote these bytes, not that it made sense.
//!
//! **Failure.** A function panics when it has found a bug. Otherwise it answers whether the bytes were accepted,
//! so that a corpus which reaches nothing can be told from a good one.

mod key;
mod manifest;
mod memory;
mod pack;
mod segment;
mod snapshot;
mod writer;

pub use key::key;
pub use manifest::manifest;
pub use pack::pack;
pub use segment::{segment, segment_body};
pub use snapshot::{TABLES as SNAPSHOT_TABLES, golden_toc, snapshot_table, snapshot_toc};
pub use writer::writer;

/// A decoder of bytes that may be anything.
pub type Target = fn(&[u8]) -> bool;

/// All of them. Each has a corpus and a fuzz target of its name.
pub const TARGETS: [(&str, Target); 8] = [
    ("key", key),
    ("manifest", manifest),
    ("pack", pack),
    ("segment", segment),
    ("segment_body", segment_body),
    ("snapshot_table", snapshot_table),
    ("snapshot_toc", snapshot_toc),
    ("writer", writer),
];
