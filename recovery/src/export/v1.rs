//! Version 1 of the export format, frozen: see `docs/formats.md`, "Exports". Bytes that this module ever wrote
//! must stay readable; a change is a new version in a module of its own.
//!
//! File: header (84 bytes) | parts, each with its kind and its length. Integers are little-endian.

use firn_blocks::MAX_BLOCK;
use firn_journal::{BlockRef, Hash, PackId, Seq, VolumeId};

use super::Header;

pub(super) const VERSION: u32 = 1;
pub(super) const HEADER_LEN: usize = 84;
/// Bytes before a part: its kind and its length.
pub(super) const HEAD_LEN: usize = 5;
pub(super) const MAGIC: [u8; 8] = *b"firn.exp";

/// Bytes under the header's own checksum, which are the rest.
const HASHED_LEN: usize = HEADER_LEN - 32;
const REDACTED: u32 = 1;
const COMPRESSION_LEVEL: i32 = 3;

const KIND_CONTENT: u8 = 1;
const KIND_SAME: u8 = 2;
const KIND_GROUP: u8 = 3;
const KIND_END: u8 = 4;

const CODEC_RAW: u8 = 0;
const CODEC_ZSTD: u8 = 1;

/// What follows the header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Part<'a> {
    /// A block with its bytes.
    Content { block: BlockRef, content: Content<'a> },
    /// A block with the same bytes as one before.
    Same { block: BlockRef, other: BlockRef },
    /// A segment of the journal's format.
    Group(&'a [u8]),
    /// The checksum of everything before this part, which is the last one.
    End(Hash),
}

/// The bytes of a block as they are stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Content<'a> {
    raw_len: u32,
    compressed: bool,
    hash: Hash,
    stored: &'a [u8],
}

pub(super) fn encode_header(header: &Header) -> Vec<u8> {
    let mut out = Vec::with_capacity(HEADER_LEN);
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&VERSION.to_le_bytes());
    out.extend_from_slice(&header.volume.0);
    out.extend_from_slice(&header.block_size.to_le_bytes());
    out.extend_from_slice(&if header.redacted { REDACTED } else { 0 }.to_le_bytes());
    out.extend_from_slice(&header.first.0.to_le_bytes());
    out.extend_from_slice(&header.last.0.to_le_bytes());
    assert_eq!(out.len(), HASHED_LEN, "the header's layout is fixed");
    out.extend_from_slice(&Hash::of(&out).0);
    out
}

/// Reads a header whose magic and version are right.
pub(super) fn decode_header(bytes: &[u8; HEADER_LEN]) -> Result<Header, &'static str> {
    let fields = || {
        let (_, rest) = bytes.split_at_checked(MAGIC.len() + size_of_val(&VERSION))?;
        let (volume, rest) = take(rest)?;
        let (block_size, rest) = take(rest)?;
        let (flags, rest) = take(rest)?;
        let (first, rest) = take(rest)?;
        let (last, rest) = take(rest)?;
        let (hash, _) = take(rest)?;
        let flags = u32::from_le_bytes(flags);
        let (first, last) = (Seq(u64::from_le_bytes(first)), Seq(u64::from_le_bytes(last)));
        let (volume, block_size) = (VolumeId(volume), u32::from_le_bytes(block_size));
        Some((Header { volume, block_size, redacted: flags == REDACTED, first, last }, flags, Hash(hash)))
    };
    let (header, flags, hash) = fields().ok_or("its header is cut off")?;
    if Hash::of(&bytes[..HASHED_LEN]) != hash {
        return Err("its header has another checksum");
    }
    if flags & !REDACTED != 0 {
        return Err("its header has flags that version 1 does not know");
    }
    if !header.block_size.is_power_of_two() || !(4096..=MAX_BLOCK).contains(&header.block_size) {
        return Err("its block size is no power of two from 4 KiB to 8 MiB");
    }
    if header.first != Seq(1) || header.last < header.first {
        return Err("its events do not begin with the first one");
    }
    Ok(header)
}

/// The head and the bytes of a part that holds these, one after the other.
fn part(kind: u8, pieces: &[&[u8]]) -> Vec<u8> {
    let len: usize = pieces.iter().map(|piece| piece.len()).sum();
    let stated = u32::try_from(len).expect("a part is a block or a segment, whose lengths fit 32 bits");
    let mut out = Vec::with_capacity(HEAD_LEN + len);
    out.push(kind);
    out.extend_from_slice(&stated.to_le_bytes());
    pieces.iter().for_each(|piece| out.extend_from_slice(piece));
    out
}

/// A block with its bytes, compressed if that makes them fewer.
pub(super) fn encode_content(block: BlockRef, raw: &[u8]) -> std::io::Result<Vec<u8>> {
    assert!((1..=MAX_BLOCK as usize).contains(&raw.len()), "a block has 1 byte to 8 MiB");
    let compressed = zstd::bulk::compress(raw, COMPRESSION_LEVEL)?;
    let (codec, stored) = match compressed.len() < raw.len() {
        true => (CODEC_ZSTD, &compressed[..]),
        false => (CODEC_RAW, raw),
    };
    let raw_len = (raw.len() as u32).to_le_bytes();
    Ok(part(KIND_CONTENT, &[&reference(block), &raw_len, &[codec], &Hash::of(raw).0, stored]))
}

pub(super) fn encode_same(block: BlockRef, other: BlockRef) -> Vec<u8> {
    part(KIND_SAME, &[&reference(block), &reference(other)])
}

pub(super) fn encode_group(segment: &[u8]) -> Vec<u8> {
    part(KIND_GROUP, &[segment])
}

pub(super) fn encode_end(hash: Hash) -> Vec<u8> {
    part(KIND_END, &[&hash.0])
}

fn reference(block: BlockRef) -> [u8; 12] {
    let mut bytes = [0; 12];
    bytes[..8].copy_from_slice(&block.pack.to_u64().to_le_bytes());
    bytes[8..].copy_from_slice(&block.slot.to_le_bytes());
    bytes
}

/// Reads the head of a part: its kind, and how many bytes follow.
pub(super) fn decode_head(head: [u8; HEAD_LEN]) -> (u8, u32) {
    let [kind, a, b, c, d] = head;
    (kind, u32::from_le_bytes([a, b, c, d]))
}

/// Reads a part.
pub(super) fn decode_part(kind: u8, bytes: &[u8]) -> Result<Part<'_>, &'static str> {
    let whole = |(part, rest): (Part<'static>, &[u8])| rest.is_empty().then_some(part);
    match kind {
        KIND_CONTENT => content(bytes),
        KIND_SAME => take_reference(bytes)
            .and_then(|(block, rest)| {
                take_reference(rest).map(|(other, rest)| (Part::Same { block, other }, rest))
            })
            .and_then(whole)
            .ok_or("a block that is another has not 24 bytes"),
        KIND_GROUP => Ok(Part::Group(bytes)),
        KIND_END => take(bytes)
            .map(|(hash, rest)| (Part::End(Hash(hash)), rest))
            .and_then(whole)
            .ok_or("the end has not 32 bytes"),
        _ => Err("a part has a kind that version 1 does not know"),
    }
}

fn content(bytes: &[u8]) -> Result<Part<'_>, &'static str> {
    let fields = || {
        let (block, rest) = take_reference(bytes)?;
        let (raw_len, rest) = take(rest)?;
        let ([codec], rest) = take(rest)?;
        let (hash, stored) = take(rest)?;
        Some((block, u32::from_le_bytes(raw_len), codec, Hash(hash), stored))
    };
    let (block, raw_len, codec, hash, stored) = fields().ok_or("a block is cut off")?;
    if !(1..=MAX_BLOCK).contains(&raw_len) {
        return Err("a block is empty or larger than 8 MiB");
    }
    let fits = match codec {
        CODEC_RAW => stored.len() == raw_len as usize,
        CODEC_ZSTD => (1..raw_len as usize).contains(&stored.len()),
        _ => return Err("a block's codec is unknown"),
    };
    if !fits {
        return Err("a block's stored length does not fit its codec");
    }
    Ok(Part::Content { block, content: Content { raw_len, compressed: codec == CODEC_ZSTD, hash, stored } })
}

impl Content<'_> {
    /// The bytes of the block, if they are those that were written.
    pub fn decode(&self) -> Result<Vec<u8>, &'static str> {
        let raw = match self.compressed {
            false => self.stored.to_vec(),
            // Allocates no more than a block may have, which was checked.
            true => zstd::bulk::decompress(self.stored, self.raw_len as usize)
                .map_err(|_| "a block cannot be decompressed")?,
        };
        match raw.len() == self.raw_len as usize && Hash::of(&raw) == self.hash {
            true => Ok(raw),
            false => Err("a block has another length or checksum"),
        }
    }
}

fn take_reference(bytes: &[u8]) -> Option<(BlockRef, &[u8])> {
    let (pack, rest) = take(bytes)?;
    let (slot, rest) = take(rest)?;
    let pack = PackId::from_u64(u64::from_le_bytes(pack));
    Some((BlockRef { pack, slot: u32::from_le_bytes(slot) }, rest))
}

/// The first `N` bytes, and what follows.
fn take<const N: usize>(bytes: &[u8]) -> Option<([u8; N], &[u8])> {
    bytes.split_first_chunk::<N>().map(|(first, rest)| (*first, rest))
}
