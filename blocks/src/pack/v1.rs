//! Version 1 of the pack format, frozen: see `docs/formats.md`, "Packs". Bytes that this module ever wrote
//! must stay readable; a change is a new version in a module of its own.
//!
//! Pack: header (36 bytes) | blocks, in the order of their slots, without gaps | table | trailer (48 bytes).
//! Integers are little-endian.

use firn_journal::{BlockRef, Hash, PackId, PackSeal};

use super::{Codec, MAX_BLOCK, MAX_SLOTS, Owner, PackError, Place, Slot, Table};

pub(super) const VERSION: u32 = 1;
pub(crate) const HEADER_LEN: usize = 36;
pub(crate) const TRAILER_LEN: usize = 48;
pub(super) const SLOT_LEN: usize = 49;

const HEADER_MAGIC: [u8; 8] = *b"firn.pak";
const TRAILER_MAGIC: [u8; 8] = *b"firn.tab";

const CODEC_RAW: u8 = 0;
const CODEC_ZSTD: u8 = 1;
const CODEC_ALIAS: u8 = 2;

pub(super) fn header(owner: Owner) -> [u8; HEADER_LEN] {
    let mut bytes = [0; HEADER_LEN];
    bytes[..8].copy_from_slice(&HEADER_MAGIC);
    bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
    bytes[12..28].copy_from_slice(&owner.volume.0);
    bytes[28..].copy_from_slice(&owner.pack.to_u64().to_le_bytes());
    bytes
}

pub(super) fn encode_table(table: &Table) -> Vec<u8> {
    assert!(table.slots.len() <= MAX_SLOTS, "a pack has at most {MAX_SLOTS} slots");
    let mut out = Vec::with_capacity(table.slots.len() * SLOT_LEN + TRAILER_LEN);
    for slot in &table.slots {
        let (place, second, codec) = match slot.place {
            Place::Here { offset, stored, codec: Codec::Raw } => (offset, stored, CODEC_RAW),
            Place::Here { offset, stored, codec: Codec::Zstd } => (offset, stored, CODEC_ZSTD),
            Place::Alias(target) => (target.pack.to_u64(), target.slot, CODEC_ALIAS),
        };
        out.extend_from_slice(&place.to_le_bytes());
        out.extend_from_slice(&second.to_le_bytes());
        out.extend_from_slice(&slot.raw.to_le_bytes());
        out.push(codec);
        out.extend_from_slice(&slot.hash.0);
    }
    out.extend_from_slice(&table.body_hash.0);
    out.extend_from_slice(&(table.slots.len() as u32).to_le_bytes());
    out.extend_from_slice(&VERSION.to_le_bytes());
    out.extend_from_slice(&TRAILER_MAGIC);
    out
}

/// The version that a trailer names, whatever version it is.
pub(super) fn version(tail: &[u8]) -> Result<u32, PackError> {
    let [.., a, b, c, d, m0, m1, m2, m3, m4, m5, m6, m7] = *tail else { return Err(PackError::Magic) };
    if [m0, m1, m2, m3, m4, m5, m6, m7] != TRAILER_MAGIC {
        return Err(PackError::Magic);
    }
    Ok(u32::from_le_bytes([a, b, c, d]))
}

/// Reads a table with its trailer; `tail` is as long as the seal says, and the seal's lengths are possible.
pub(super) fn decode_table(tail: &[u8], seal: &PackSeal) -> Result<Table, PackError> {
    let Some((slots, trailer)) = tail.split_last_chunk::<TRAILER_LEN>() else { return Err(PackError::Magic) };
    let (body_hash, rest) = take(trailer).ok_or(PackError::Magic)?;
    let (count, _) = take(rest).ok_or(PackError::Magic)?;
    let expected = u64::from(u32::from_le_bytes(count)) * SLOT_LEN as u64;
    if expected != slots.len() as u64 {
        return Err(PackError::Short { expected, found: slots.len() as u64 });
    }
    let mut end = HEADER_LEN as u64;
    let mut table = Table { slots: Vec::with_capacity(slots.len() / SLOT_LEN), body_hash: Hash(body_hash) };
    for (number, bytes) in slots.chunks_exact(SLOT_LEN).enumerate() {
        let at = BlockRef { pack: seal.pack, slot: number as u32 };
        let slot = decode_slot(bytes, at, &mut end, &table.slots)
            .map_err(|problem| PackError::Slot { slot: at.slot, problem })?;
        table.slots.push(slot);
    }
    let body = seal.len - u64::from(seal.table_len);
    if end != body {
        return Err(PackError::Short { expected: end, found: body });
    }
    Ok(table)
}

/// Reads one slot. `end` is where the block before it ended, and moves on; `before` are the slots before it.
fn decode_slot(bytes: &[u8], at: BlockRef, end: &mut u64, before: &[Slot]) -> Result<Slot, &'static str> {
    let parse = |bytes| {
        let (place, bytes) = take(bytes)?;
        let (second, bytes) = take(bytes)?;
        let (raw, bytes) = take(bytes)?;
        let ([codec], bytes) = take(bytes)?;
        let (hash, _) = take(bytes)?;
        let (second, raw) = (u32::from_le_bytes(second), u32::from_le_bytes(raw));
        Some((u64::from_le_bytes(place), second, raw, codec, Hash(hash)))
    };
    let (place, second, raw, codec, hash) = parse(bytes).ok_or("it is cut off")?;
    if !(1..=MAX_BLOCK).contains(&raw) {
        return Err("its block is empty or too long");
    }
    let place = match codec {
        CODEC_ALIAS => {
            Place::Alias(alias(at, BlockRef { pack: PackId::from_u64(place), slot: second }, before)?)
        }
        _ if place != *end => return Err("its block does not begin where the one before it ends"),
        CODEC_RAW if second == raw => Place::Here { offset: place, stored: second, codec: Codec::Raw },
        CODEC_ZSTD if (1..raw).contains(&second) => {
            Place::Here { offset: place, stored: second, codec: Codec::Zstd }
        }
        CODEC_RAW | CODEC_ZSTD => return Err("its stored length does not fit its codec"),
        _ => return Err("its codec is unknown"),
    };
    if let Place::Here { stored, .. } = place {
        *end += u64::from(stored);
    }
    Ok(Slot { raw, hash, place })
}

/// An alias in the same pack looks back, and never at another alias.
fn alias(at: BlockRef, target: BlockRef, before: &[Slot]) -> Result<BlockRef, &'static str> {
    if target.pack == at.pack {
        match before.get(target.slot as usize) {
            Some(Slot { place: Place::Here { .. }, .. }) => {}
            Some(_) => return Err("it stands for a slot that stands for another"),
            None => return Err("it stands for a slot that does not come before it"),
        }
    }
    Ok(target)
}

/// The first `N` bytes, and what follows.
fn take<const N: usize>(bytes: &[u8]) -> Option<([u8; N], &[u8])> {
    bytes.split_first_chunk::<N>().map(|(first, rest)| (*first, rest))
}
