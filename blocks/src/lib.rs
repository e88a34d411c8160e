//! Blocks: the bytes of files, packed into immutable objects.
//!
//! **Purpose.** A write hands in bytes and gets a [`BlockRef`](firn_journal::BlockRef) at once, so that an event
//! can name its content before it is stored. Blocks are collected into *packs*: compressed, checksummed, stored
//! once. A reader gives a `BlockRef` and gets the bytes, from wherever they are nearest.
//!
//! ```text
//!  stage ──▶ open pack ──full──▶ closed pack ──task──▶ object      ┐
//!                │                                                 ├─ seal ──▶ segment ──▶ committed ──▶ caches
//!                └────cut──────▶ closed pack ──▶ rider or object   ┘
//!  read ──▶ staged ─▶ memory cache ─▶ table ─▶ disk cache ─▶ ranged get
//! ```
//!
//! **Invariants.**
//! - A pack is made by one writer's epoch, under a number that is used once. Its bytes are decided once.
//! - A segment is put only after [`Blocks::seal`] has stored every pack that it commits, but the one that rides
//!   in the segment's own object. So an event that can be read refers only to blocks that can be read.
//! - A block is readable from [`Blocks::stage`] on, without a gap: staged until its segment is durable, and from
//!   then on from the caches and the store.
//! - The table of a pack is known by a checksum that the journal records; a block by a checksum that the table
//!   records. Both are compared at every way into memory: from the store and from the disk cache alike.
//! - A block that is stored already is not stored again: its slot names the other one. That one is in the same
//!   pack or in a committed pack, and it is never such an alias itself: a reader takes at most one step.
//! - Memory is bounded: uncompressed blocks, tables, the index of duplicates, uploads and reading ahead each have
//!   their limit. Staged bytes are counted until they are durable; whoever stages asks [`Blocks::has_room`].
//!
//! **Failure.** Uploads are repeated forever, visible in the store's health; a refusal that is final ends
//! [`Blocks::seal`]. Reads are repeated for [`BlocksConfig::read_patience`]. A pack that is missing, cut short or
//! changed is named by its object and part ([`BlocksError::Missing`], [`BlocksError::Corrupt`]); other packs are
//! not concerned. The disk cache may be deleted, damaged or full at any time: then it is slow, or gone, but no
//! read fails. A writer that dies leaves packs that no segment commits: their names are never used again.
//!
//! **Time and threads.** Nothing here blocks or asks for the time. Compression runs on the task that seals or
//! uploads and yields often. Only the disk cache, which is foyer's, uses threads; without it, everything runs
//! under a paused clock on one thread.

mod blocks;
mod config;
mod dedup;
mod directory;
mod disk;
mod error;
mod memory;
mod objects;
mod pack;
mod reader;
mod seal;
mod staging;
mod stats;
mod tables;
mod upload;
mod verify;

#[cfg(test)]
mod tests;

pub use blocks::{Blocks, Cut, Sealed};
pub use config::{BlocksConfig, DiskCacheConfig};
pub use error::{BlocksError, Part};
pub use pack::{MAX_BLOCK, PackError};
pub use stats::CacheStats;
