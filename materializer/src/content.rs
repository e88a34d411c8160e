//! The bytes of files: what a namespace says is where, fetched and put together.
//!
//! **Purpose.** [`try_read`] answers from memory or not at all, for the thread that must not wait; [`read`] fetches;
//! [`upcoming`] names the blocks that a sequential reader will want next.
//!
//! **Invariants.** The same for every namespace, live or past. A read gives the bytes from `offset` on, as many as
//! asked for, or up to the end of the file: fewer mean the end. Holes are zeros. An inode that is not there, or is
//! no regular file, has no bytes. Bytes that lie within one block are not copied.
//!
//! **Failure.** A block that cannot be had, or that is shorter than an event says, is a [`BlocksError`] that names
//! it. No zeros are served in its place.

use std::ops::Range;

use bytes::{Bytes, BytesMut};
use firn_blocks::{Blocks, BlocksError};
use firn_journal::{BlockRef, Ino, PlacedExtent};
use futures::{StreamExt, TryStreamExt, stream};

use crate::namespace::{FileType, Namespace};

/// How many blocks of one read are fetched at the same time.
const CONCURRENT_BLOCKS: usize = 16;

/// Reads up to `len` bytes, if all of them are in memory; `None` if [`read`] must be asked.
pub fn try_read(ns: &Namespace, blocks: &Blocks, ino: Ino, offset: u64, len: usize) -> Option<Bytes> {
    let range = clip(ns, ino, offset, len as u64);
    let cached = |PlacedExtent { offset, extent }| {
        Some((offset, blocks.read_cached_range(extent.block, extent.skip, extent.len)?))
    };
    let pieces: Option<Vec<(u64, Bytes)>> = ns.extents(ino, range.clone()).map(cached).collect();
    Some(join(range, pieces?))
}

/// Reads up to `len` bytes, all of which will be in memory at once.
///
/// # Errors
/// What reading the blocks says.
pub async fn read(
    ns: &Namespace,
    blocks: &Blocks,
    ino: Ino,
    offset: u64,
    len: usize,
) -> Result<Bytes, BlocksError> {
    let range = clip(ns, ino, offset, len as u64);
    let extents: Vec<PlacedExtent> = ns.extents(ino, range.clone()).collect();
    let fetched = stream::iter(extents).map(|PlacedExtent { offset, extent }| async move {
        Ok::<_, BlocksError>((offset, blocks.read_range(extent.block, extent.skip, extent.len).await?))
    });
    let pieces: Vec<(u64, Bytes)> = fetched.buffered(CONCURRENT_BLOCKS).try_collect().await?;
    Ok(join(range, pieces))
}

/// The blocks that hold the bytes of `range`, in the order of the file, each once in a row.
pub fn upcoming(ns: &Namespace, ino: Ino, range: Range<u64>) -> Vec<BlockRef> {
    let range = clip(ns, ino, range.start, range.end.saturating_sub(range.start));
    let mut blocks: Vec<BlockRef> = ns.extents(ino, range).map(|placed| placed.extent.block).collect();
    blocks.dedup();
    blocks
}

/// The bytes from `offset` on that the file has.
fn clip(ns: &Namespace, ino: Ino, offset: u64, len: u64) -> Range<u64> {
    let file = ns.inode(ino).filter(|inode| inode.kind == FileType::Regular);
    let size = file.map_or(0, |inode| inode.attributes.size);
    let end = offset.saturating_add(len).min(size);
    offset.min(end)..end
}

/// Puts pieces that ascend and lie within `range` together, with zeros between them.
fn join(range: Range<u64>, pieces: Vec<(u64, Bytes)>) -> Bytes {
    let len = (range.end - range.start) as usize;
    if let [(_, whole)] = &pieces[..]
        && whole.len() == len
    {
        return whole.clone();
    }
    let mut bytes = BytesMut::with_capacity(len);
    for (offset, piece) in pieces {
        bytes.resize((offset - range.start) as usize, 0);
        bytes.extend_from_slice(&piece);
    }
    bytes.resize(len, 0);
    bytes.freeze()
}

#[cfg(test)]
mod tests;
