//! Packs as bytes: an immutable run of blocks with a table. Pure; the versions are frozen modules.

mod error;
mod v1;

#[cfg(test)]
mod tests;

use std::cell::RefCell;

use firn_journal::{BlockRef, Hash, PackId, PackSeal, VolumeId};
use zstd::bulk::Decompressor;

pub use error::PackError;
pub(crate) use v1::{HEADER_LEN, TRAILER_LEN};

/// The largest block, uncompressed: 8 MiB.
pub const MAX_BLOCK: u32 = 8 << 20;
/// The most slots of a pack. Bounds what a reader allocates for a table.
pub(crate) const MAX_SLOTS: usize = 1 << 16;

/// How a stored block was compressed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Codec {
    Raw,
    Zstd,
}

/// Where the bytes of a slot are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Place {
    /// In this pack, `stored` bytes from `offset` on.
    Here { offset: u64, stored: u32, codec: Codec },
    /// The same bytes are stored in another slot, which is no alias.
    Alias(BlockRef),
}

/// One entry of a pack's table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Slot {
    /// Bytes, uncompressed.
    pub raw: u32,
    /// The checksum of the uncompressed bytes.
    pub hash: Hash,
    pub place: Place,
}

/// A pack's table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Table {
    pub slots: Vec<Slot>,
    /// The checksum of everything before the table.
    pub body_hash: Hash,
}

/// Whose pack it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Owner {
    pub volume: VolumeId,
    pub pack: PackId,
}

/// The first bytes of a pack, in the version that is written today.
pub(crate) fn header(owner: Owner) -> [u8; HEADER_LEN] {
    v1::header(owner)
}

/// A table with its trailer, in the version that is written today.
pub(crate) fn encode_table(table: &Table) -> Vec<u8> {
    v1::encode_table(table)
}

/// Reads the table of a sealed pack from its last `seal.table_len` bytes, if they are what the seal says.
pub(crate) fn decode_table(tail: &[u8], seal: &PackSeal) -> Result<Table, PackError> {
    check_lengths(seal)?;
    if tail.len() != seal.table_len as usize {
        return Err(PackError::Short { expected: seal.table_len.into(), found: tail.len() as u64 });
    }
    if Hash::of(tail) != seal.table_hash {
        return Err(PackError::TableHash { expected: seal.table_hash, found: Hash::of(tail) });
    }
    match v1::version(tail)? {
        v1::VERSION => v1::decode_table(tail, seal),
        found => Err(PackError::Version { found, supported: v1::VERSION }),
    }
}

/// Whether a pack of such lengths can be; to be asked before anything is fetched or allocated for it.
pub(crate) fn check_lengths(seal: &PackSeal) -> Result<(), PackError> {
    let table_len = u64::from(seal.table_len);
    let longest = (MAX_SLOTS * v1::SLOT_LEN + TRAILER_LEN) as u64;
    let fits = seal.len >= table_len.saturating_add(HEADER_LEN as u64);
    if table_len < TRAILER_LEN as u64 || table_len > longest || !fits {
        return Err(PackError::Lengths { len: seal.len, table_len: seal.table_len });
    }
    Ok(())
}

thread_local! {
    // To make one costs more than to use it on a small block.
    static DECOMPRESSOR: RefCell<Decompressor<'static>> = RefCell::new(Decompressor::default());
}

/// The uncompressed bytes of a stored block, if they are the ones that the table promises.
pub(crate) fn decode_block(stored: &[u8], slot: &Slot, codec: Codec) -> Result<Vec<u8>, PackError> {
    let raw = match codec {
        Codec::Raw => stored.to_vec(),
        // Allocates `raw` bytes, which the table's decoder has bounded, and stops there.
        Codec::Zstd => DECOMPRESSOR
            .with_borrow_mut(|context| context.decompress(stored, slot.raw as usize))
            .map_err(|error| PackError::Compression { detail: error.to_string() })?,
    };
    if raw.len() != slot.raw as usize {
        return Err(PackError::Short { expected: slot.raw.into(), found: raw.len() as u64 });
    }
    let found = Hash::of(&raw);
    if found != slot.hash {
        return Err(PackError::BlockHash { expected: slot.hash, found });
    }
    Ok(raw)
}

/// An alias stands for stored bytes, so that no reader follows a chain.
pub(crate) const ALIAS_OF_ALIAS: PackError =
    PackError::Alias { problem: "that one stands for another itself" };

/// Whether an alias and the slot that it stands for agree.
pub(crate) fn check_alias(alias: &Slot, target: Option<&Slot>) -> Result<(), PackError> {
    let target = target.ok_or(PackError::Alias { problem: "there is no such slot" })?;
    match target.place {
        Place::Alias(_) => Err(ALIAS_OF_ALIAS),
        Place::Here { .. } if (target.raw, target.hash) != (alias.raw, alias.hash) => {
            Err(PackError::Alias { problem: "length or checksum differ" })
        }
        Place::Here { .. } => Ok(()),
    }
}
