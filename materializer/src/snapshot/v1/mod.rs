//! Version 1 of the snapshot file. **Frozen:** what it reads and writes is described in `docs/formats.md`,
//! "Snapshot files", and pinned by `testdata/snapshot/v1/`. A change makes a version 2 beside it.
//!
//! Six tables in Parquet, each sorted by its key without duplicates, and a table of contents. Nothing here does
//! IO: bytes in, rows out, and back.

mod checkpoints;
mod columns;
mod dirents;
mod extents;
mod file;
mod inodes;
mod packs;
mod table;
mod toc;
mod xattrs;

pub use checkpoints::{CheckpointRow, Checkpoints};
pub use dirents::{DirentRow, Dirents};
pub use extents::{ExtentRow, Extents};
pub use file::{TableReader, TableWriter};
pub use inodes::{InodeRow, Inodes};
pub use packs::Packs;
pub use table::Table;
pub use toc::{TableEntry, Tables, Toc};
pub use xattrs::{XattrRow, Xattrs};

/// The number of this version in a table of contents.
pub const FORMAT: u32 = 1;
