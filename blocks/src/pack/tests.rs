use firn_journal::{Epoch, PackHome, SegmentNo};
use proptest::prelude::*;

use super::*;

const OWNER: Owner = Owner {
    volume: VolumeId(*b"0123456789abcdef"),
    pack: PackId { epoch: Epoch(0x11223344), number: 0x55667788 },
};
const GOLDEN: &[u8] = include_bytes!("../../../testdata/blocks/v1.pack");

fn text() -> Vec<u8> {
    b"It was written, and so it stays. ".repeat(100)
}

fn elsewhere() -> BlockRef {
    BlockRef { pack: PackId { epoch: Epoch(2), number: 3 }, slot: 4 }
}

/// A pack with one slot of every kind; `stored` is the compressed form of [`text`].
fn every_kind(stored: &[u8]) -> (Vec<u8>, Table) {
    let mut bytes = header(OWNER).to_vec();
    let mut slots = Vec::new();
    for (raw, stored, codec) in [(text(), stored, Codec::Zstd), (b"raw".to_vec(), b"raw", Codec::Raw)] {
        let place = Place::Here { offset: bytes.len() as u64, stored: stored.len() as u32, codec };
        slots.push(Slot { raw: raw.len() as u32, hash: Hash::of(&raw), place });
        bytes.extend_from_slice(stored);
    }
    let here = BlockRef { pack: OWNER.pack, slot: 1 };
    slots.push(Slot { place: Place::Alias(here), ..slots[1] });
    slots.push(Slot { raw: 4096, hash: Hash::of(&[7; 4096]), place: Place::Alias(elsewhere()) });
    let table = Table { slots, body_hash: Hash::of(&bytes) };
    bytes.extend_from_slice(&encode_table(&table));
    (bytes, table)
}

fn seal_of(bytes: &[u8], slots: usize) -> PackSeal {
    let table_len = slots * v1::SLOT_LEN + TRAILER_LEN;
    PackSeal {
        pack: OWNER.pack,
        segment: SegmentNo(1),
        home: PackHome::Object,
        len: bytes.len() as u64,
        table_len: table_len as u32,
        table_hash: Hash::of(&bytes[bytes.len() - table_len..]),
    }
}

fn decode(bytes: &[u8], seal: &PackSeal) -> Result<Table, PackError> {
    decode_table(&bytes[bytes.len() - seal.table_len as usize..], seal)
}

/// Version 1 as it was written once. Never edited; a new version gets a new file beside it.
#[test]
fn the_golden_file_of_version_1_reads_as_ever() {
    let seal = seal_of(GOLDEN, 4);
    let table = decode(GOLDEN, &seal).unwrap();
    let Place::Here { offset, stored, .. } = table.slots[0].place else { panic!("slot 0 is stored") };
    let compressed = &GOLDEN[offset as usize..offset as usize + stored as usize];
    let (bytes, expected) = every_kind(compressed);
    assert_eq!(table, expected);
    assert!(GOLDEN == bytes, "what is written today is the same, but for the compressor");
    assert_eq!(decode_block(compressed, &table.slots[0], Codec::Zstd).unwrap(), text());
    let rest = &GOLDEN[HEADER_LEN + stored as usize..][..3];
    assert_eq!(decode_block(rest, &table.slots[1], Codec::Raw).unwrap(), b"raw");
}

fn stored_slots() -> impl Strategy<Value = Table> {
    let slot = (1..=MAX_BLOCK, any::<u32>(), any::<[u8; 32]>(), 0..4u8, any::<(u64, u32)>());
    (prop::collection::vec(slot, 0..40), any::<[u8; 32]>()).prop_map(|(parts, body)| {
        let mut offset = HEADER_LEN as u64;
        let mut slots: Vec<Slot> = Vec::new();
        for (raw, stored, hash, kind, (pack, slot)) in parts {
            let compressed = (raw > 1).then(|| 1 + stored % (raw - 1));
            let place = match (kind, compressed) {
                (0, _) => Place::Alias(BlockRef { pack: PackId::from_u64(pack), slot }),
                (1, Some(stored)) => Place::Here { offset, stored, codec: Codec::Zstd },
                _ => Place::Here { offset, stored: raw, codec: Codec::Raw },
            };
            if let Place::Here { stored, .. } = place {
                offset += u64::from(stored);
            }
            slots.push(Slot { raw, hash: Hash(hash), place });
        }
        Table { slots, body_hash: Hash(body) }
    })
}

/// The seal of a pack with this table, whose blocks nobody looks at.
fn seal_for(table: &Table, tail: &[u8]) -> PackSeal {
    let stored = |slot: &Slot| match slot.place {
        Place::Here { stored, .. } => u64::from(stored),
        Place::Alias(_) => 0,
    };
    let body = HEADER_LEN as u64 + table.slots.iter().map(stored).sum::<u64>();
    PackSeal { len: body + tail.len() as u64, ..seal_of(tail, table.slots.len()) }
}

proptest! {
    #[test]
    fn tables_come_back(table in stored_slots()) {
        let tail = encode_table(&table);
        prop_assert_eq!(decode_table(&tail, &seal_for(&table, &tail)), Ok(table));
    }

    /// Even if the checksum is right: whoever can write the bucket can write checksums.
    #[test]
    fn hostile_tables_are_refused_or_harmless(
        table in stored_slots(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        len in prop_oneof![Just(None), any::<u64>().prop_map(Some)],
    ) {
        let mut tail = encode_table(&table);
        let mut seal = seal_for(&table, &tail);
        for (at, value) in changes {
            let at = at.index(tail.len());
            tail[at] = value;
        }
        seal.table_hash = Hash::of(&tail);
        seal.len = len.unwrap_or(seal.len);
        if let Ok(table) = decode_table(&tail, &seal) {
            let body = seal.len - u64::from(seal.table_len);
            for slot in &table.slots {
                prop_assert!((1..=MAX_BLOCK).contains(&slot.raw));
                if let Place::Here { offset, stored, .. } = slot.place {
                    prop_assert!(offset + u64::from(stored) <= body && stored <= slot.raw);
                }
            }
        }
    }

    #[test]
    fn random_bytes_are_no_table(bytes in prop::collection::vec(any::<u8>(), TRAILER_LEN..400)) {
        let seal = PackSeal { table_len: bytes.len() as u32, len: 1000, table_hash: Hash::of(&bytes), ..seal_of(GOLDEN, 4) };
        prop_assert!(decode_table(&bytes, &seal).is_err());
    }

    #[test]
    fn any_byte_of_a_table_counts(at in any::<prop::sample::Index>(), bit in 0..8u32) {
        let seal = seal_of(GOLDEN, 4);
        let mut tail = GOLDEN[GOLDEN.len() - seal.table_len as usize..].to_vec();
        let at = at.index(tail.len());
        tail[at] ^= 1 << bit;
        let refused = matches!(decode_table(&tail, &seal), Err(PackError::TableHash { .. }));
        prop_assert!(refused);
    }
}

#[test]
fn a_version_to_come_is_named() {
    let mut tail = GOLDEN[GOLDEN.len() - (4 * v1::SLOT_LEN + TRAILER_LEN)..].to_vec();
    let at = tail.len() - 12;
    tail[at] = 2;
    let seal = PackSeal { table_hash: Hash::of(&tail), ..seal_of(GOLDEN, 4) };
    assert_eq!(decode_table(&tail, &seal), Err(PackError::Version { found: 2, supported: 1 }));
}

#[test]
fn lengths_that_no_pack_has_are_refused_before_anything_is_fetched() {
    let good = seal_of(GOLDEN, 4);
    assert_eq!(check_lengths(&good), Ok(()));
    let seals = [
        PackSeal { table_len: TRAILER_LEN as u32 - 1, ..good },
        PackSeal { table_len: u32::MAX, len: u64::MAX, ..good },
        PackSeal { len: u64::from(good.table_len) + HEADER_LEN as u64 - 1, ..good },
    ];
    for seal in seals {
        assert!(matches!(check_lengths(&seal), Err(PackError::Lengths { .. })), "{seal:?}");
    }
}

#[test]
fn a_compressed_block_takes_no_more_memory_than_its_table_says() {
    let bomb = zstd::bulk::compress(&vec![0; 64 << 20], 1).unwrap();
    let slot = Slot { raw: 1000, hash: Hash::of(&[0; 1000]), place: Place::Alias(elsewhere()) };
    assert!(matches!(decode_block(&bomb, &slot, Codec::Zstd), Err(PackError::Compression { .. })));
}
