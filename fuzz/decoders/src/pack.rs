use std::ops::Range;
use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use firn_blocks::{Blocks, BlocksConfig, MAX_BLOCK};
use firn_journal::{BlockRef, Epoch, Hash, PackHome, PackId, PackSeal, SegmentNo, VolumeId};
use firn_store::{Key, StoreHealth};
use object_store::ObjectStore;

use crate::memory;

/// Places and lengths of version 1: `docs/formats.md`, "Packs".
const VOLUME: Range<usize> = 12..28;
const ID: Range<usize> = 28..36;
const HEADER_LEN: usize = 36;
const SLOT_LEN: usize = 49;
/// Of a slot: the checksum of its block.
const BLOCK_HASH: Range<usize> = 17..49;
const TRAILER_LEN: usize = 48;
/// Of the trailer.
const BODY_HASH: Range<usize> = 0..32;
const COUNT: Range<usize> = 32..36;

/// A pack, with the checksum of its body put right, under the seal that a journal would have of it.
pub fn pack(bytes: &[u8]) -> bool {
    if bytes.len() < HEADER_LEN + TRAILER_LEN {
        return false;
    }
    let mut object = bytes.to_vec();
    let trailer_at = object.len() - TRAILER_LEN;
    let count = u32::from_le_bytes(array(&object[trailer_at..][COUNT])) as usize;
    let Some(table_at) = count.checked_mul(SLOT_LEN).and_then(|len| trailer_at.checked_sub(len)) else {
        return false;
    };
    let body_hash = Hash::of(&object[..table_at]);
    object[trailer_at..][BODY_HASH].copy_from_slice(&body_hash.0);
    let pack = PackId::from_u64(u64::from_le_bytes(array(&object[ID])));
    let seal = PackSeal {
        pack,
        segment: SegmentNo(1),
        home: PackHome::Object,
        len: object.len() as u64,
        table_len: (object.len() - table_at) as u32,
        table_hash: Hash::of(&object[table_at..]),
    };
    LazyLock::force(&NEIGHBOUR);
    memory::run(reads(object, &seal, count))
}

fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    std::array::from_fn(|at| bytes[at])
}

/// Every block is the one that the table promises, or an error; in a pack that is well, all are there.
async fn reads(object: Vec<u8>, seal: &PackSeal, count: usize) -> bool {
    let table = object[object.len() - seal.table_len as usize..].to_vec();
    let volume = VolumeId(array(&object[VOLUME]));
    let (neighbour, bytes) = &*NEIGHBOUR;
    let store = memory::holding(key(neighbour), bytes.clone()).await;
    memory::objects(&store).put(key(seal), object.into()).await.expect("memory takes any object");
    let blocks = open(store, volume).await;
    // In this order, since it may have taken the other one's place.
    blocks.learn(&[*seal, *neighbour]);
    let mut found = Vec::new();
    for (slot, entry) in (0..).zip(table.chunks_exact(SLOT_LEN).take(count)) {
        let block = BlockRef { pack: seal.pack, slot };
        let Ok(bytes) = blocks.read(block).await else { continue };
        assert_eq!(Hash::of(&bytes).0, entry[BLOCK_HASH], "slot {slot} is served wrong");
        let half = bytes.len() as u32 / 2;
        let part = blocks.read_range(block, half, bytes.len() as u32 - half).await;
        assert_eq!(part.expect("the whole block was read"), bytes.slice(half as usize..));
        found.push(bytes);
    }
    let is_well = blocks.verify_pack(seal).await.is_ok();
    assert!(!is_well || found.len() == count, "a block of a pack that is well cannot be read");
    read_again(found).await;
    is_well
}

fn key(seal: &PackSeal) -> Key {
    Key::Pack { epoch: seal.pack.epoch.0, number: seal.pack.number }
}

/// Another pack, whose blocks the pack may stand for. The golden one stands for the last of them.
static NEIGHBOUR: LazyLock<(PackSeal, Bytes)> = LazyLock::new(|| {
    memory::run(async {
        let store = memory::empty();
        let blocks = open(store.clone(), VolumeId([7; 16])).await;
        blocks.begin_epoch(Epoch(2));
        let mut last = None;
        for _ in 0..=3 {
            for block in [&[1][..], &[2], &[3], &[3], &[7; 4096]] {
                blocks.stage(Bytes::copy_from_slice(block));
            }
            last = blocks.seal(blocks.cut()).await.expect("memory takes any object").seals.pop();
        }
        let seal = last.expect("blocks were staged");
        let bytes = memory::objects(&store).get(key(&seal)).await.expect("memory answers");
        (seal, bytes.expect("it was just stored"))
    })
});

/// The same blocks, written anew.
async fn read_again(found: Vec<Bytes>) {
    let blocks = open(memory::empty(), VolumeId([7; 16])).await;
    blocks.begin_epoch(Epoch(1));
    let staged: Vec<BlockRef> = found.iter().map(|bytes| blocks.stage(bytes.clone())).collect();
    let sealed = blocks.seal(blocks.cut()).await.expect("memory takes any object");
    blocks.committed(&sealed.seals);
    for (block, expected) in staged.into_iter().zip(found) {
        assert_eq!(blocks.read(block).await.expect("it was just written"), expected);
    }
    for seal in &sealed.seals {
        blocks.verify_pack(seal).await.expect("what was written is well");
    }
}

/// With small caches, and no pack that rides in a segment.
async fn open(store: Arc<dyn ObjectStore>, volume: VolumeId) -> Arc<Blocks> {
    let config = BlocksConfig {
        block_size: MAX_BLOCK,
        rider_limit: 0,
        memory_cache: 0,
        table_cache: 1 << 20,
        dedup_limit: 0,
        ..BlocksConfig::default()
    };
    let opened = Blocks::open(store, volume, config, StoreHealth::default()).await;
    opened.expect("the configuration is one that can be")
}
