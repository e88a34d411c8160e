//! How events name bytes. See `docs/formats.md`, "Packs".

use crate::{Epoch, Hash, SegmentNo};

/// A pack: an immutable run of blocks with a table. Unique in a volume, since an epoch belongs to one writer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PackId {
    /// The writer that made the pack.
    pub epoch: Epoch,
    /// Which of that writer's packs, from 0.
    pub number: u32,
}

impl PackId {
    /// One integer for formats and maps: the epoch in the upper half.
    pub fn to_u64(self) -> u64 {
        u64::from(self.epoch.0) << 32 | u64::from(self.number)
    }

    /// The inverse of [`PackId::to_u64`].
    pub fn from_u64(raw: u64) -> Self {
        PackId { epoch: Epoch((raw >> 32) as u32), number: raw as u32 }
    }
}

/// A block: a slot of a pack's table. It is given out when the bytes arrive, before they are compressed and
/// stored, so that an event can name its content at once; the table tells place, codec and checksum.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct BlockRef {
    /// The pack that holds the block.
    pub pack: PackId,
    /// The block's place in the pack's table, from 0.
    pub slot: u32,
}

/// A stretch of a file: `len` bytes of a block, from `skip` on. A hole is the absence of an extent.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Extent {
    /// Bytes of the file that it covers; at least 1.
    pub len: u32,
    /// Uncompressed bytes of the block before the first one used.
    pub skip: u32,
    /// Where the bytes are.
    pub block: BlockRef,
}

/// An extent with its place in the file.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct PlacedExtent {
    /// Bytes from the beginning of the file.
    pub offset: u64,
    /// What is there.
    pub extent: Extent,
}

/// Which object holds a pack.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PackHome {
    /// An object of its own.
    Object,
    /// It rides at the end of the segment that commits it, from this byte of the object on.
    Rider {
        /// Bytes from the beginning of the segment's object.
        offset: u64,
    },
}

/// What a segment records of a pack that it commits: enough to find the pack's table and to know it again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PackSeal {
    /// Which pack.
    pub pack: PackId,
    /// The segment that commits the pack; its events are the first that may refer to it.
    pub segment: SegmentNo,
    /// Where the pack is.
    pub home: PackHome,
    /// Bytes of the whole pack. Its table and trailer are the last `table_len` of them.
    pub len: u64,
    /// Bytes of the table with the trailer.
    pub table_len: u32,
    /// The checksum of the table with the trailer; the table holds a checksum for each block.
    pub table_hash: Hash,
}
