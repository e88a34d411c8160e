//! Damaged, cut and missing packs are found and named; nothing wrong is ever served.

use std::sync::Arc;

use firn_journal::{BlockRef, Hash, PackHome, PackSeal};
use firn_store::Key;
use proptest::prelude::*;

use super::support::{World, noise, run, small, text};
use crate::objects::PackObject;
use crate::pack::{self, HEADER_LEN, Place, TRAILER_LEN};
use crate::{Blocks, BlocksConfig, BlocksError, PackError, Part};

/// Every kind of slot: compressed, as it is, standing for another of this pack and of an earlier one.
async fn written(world: &mut World, config: BlocksConfig) -> (PackSeal, Vec<(BlockRef, Vec<u8>)>) {
    let blocks = world.open(config).await;
    blocks.stage(noise(9, 4096));
    world.commit(&blocks).await;
    let data = [text(1, 4000), noise(1, 1000), text(1, 4000), noise(9, 4096), text(2, 1)];
    let written = data.iter().map(|data| (blocks.stage(data.clone()), data.to_vec())).collect();
    let seals = world.commit(&blocks).await;
    assert_eq!(seals.len(), 1);
    (seals[0], written)
}

/// Which slot a byte of a pack belongs to.
async fn part_at(world: &World, seal: &PackSeal, at: u64) -> Part {
    let object = world.object(PackObject::of(seal).key).await;
    let start = match seal.home {
        PackHome::Object => 0,
        PackHome::Rider { offset } => offset as usize,
    };
    let table_at = start + (seal.len - u64::from(seal.table_len)) as usize;
    let table = pack::decode_table(&object[table_at..], seal).unwrap();
    let slot_at = |place| match place {
        Place::Here { offset, stored, .. } => (offset..offset + u64::from(stored)).contains(&at),
        Place::Alias(_) => false,
    };
    if at < HEADER_LEN as u64 {
        return Part::Header;
    }
    match table.slots.iter().position(|slot| slot_at(slot.place)) {
        Some(slot) => Part::Slot(slot as u32),
        None => Part::Table,
    }
}

fn config(rides: bool, caches: bool) -> BlocksConfig {
    let rider_limit = if rides { 1 << 20 } else { 0 };
    let table_cache = if caches { 1 << 20 } else { 0 };
    BlocksConfig { rider_limit, table_cache, pack_target: 1 << 20, ..small() }
}

/// Every block is right, or its reading says which part of which object is wrong.
async fn never_wrong(blocks: &Arc<Blocks>, written: &[(BlockRef, Vec<u8>)], key: Key) -> Vec<BlocksError> {
    let mut errors = Vec::new();
    for (block, bytes) in written {
        match blocks.read(*block).await {
            Ok(found) => assert!(found == bytes, "{block:?} is served wrong"),
            Err(error @ BlocksError::Corrupt { .. }) => {
                assert!(error.to_string().contains(&key.to_string()), "{error}");
                errors.push(error);
            }
            Err(error) => panic!("{error}"),
        }
    }
    errors
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_flipped_bit_is_found_and_named(at in any::<prop::sample::Index>(), bit in 0..8u32, rides: bool, caches: bool) {
        run(async {
            let mut world = World::new();
            let (seal, written) = written(&mut world, config(rides, caches)).await;
            let object = PackObject::of(&seal);
            let at = at.index(seal.len as usize);
            let part = part_at(&world, &seal, at as u64).await;
            let start = if rides { super::support::SEGMENT_LEN as usize } else { 0 };
            world.tamper(object.key, |bytes| bytes[start + at] ^= 1 << bit).await;
            let reader = world.reader(config(rides, caches)).await;

            let Err(BlocksError::Corrupt { key, part: found, problem }) = reader.verify_pack(&seal).await else {
                panic!("not found");
            };
            assert_eq!(key, object.key);
            // Some bits of a compressed block mean nothing: then the block is right, and the pack is not.
            let harmless = found == Part::Body && matches!(problem, PackError::BodyHash { .. });
            assert!(found == part || harmless, "{found:?} is blamed for {part:?}");

            let errors = never_wrong(&reader, &written, object.key).await;
            match part {
                Part::Table => assert_eq!(errors.len(), written.len(), "{errors:?}"),
                Part::Slot(_) if !harmless => assert!(!errors.is_empty()),
                _ => assert!(errors.is_empty()),
            }
        });
    }

    #[test]
    fn a_pack_that_was_cut_short_is_found(keep in any::<prop::sample::Index>(), caches: bool) {
        run(async {
            let mut world = World::new();
            let (seal, written) = written(&mut world, config(false, caches)).await;
            let key = PackObject::of(&seal).key;
            world.tamper(key, |bytes| bytes.truncate(keep.index(bytes.len()))).await;
            let reader = world.reader(config(false, caches)).await;
            let error = reader.verify_pack(&seal).await.unwrap_err();
            let is_short = matches!(error, BlocksError::Corrupt { problem: PackError::Short { .. }, .. });
            assert!(is_short && error.to_string().contains(&key.to_string()), "{error}");
            assert!(!never_wrong(&reader, &written, key).await.is_empty());
        });
    }
}

/// A zstd frame has a bit that decompressors pass over: no block is wrong, and yet the pack is another.
#[test]
fn a_changed_bit_that_changes_no_block_is_found() {
    run(async {
        let mut world = World::new();
        let (seal, written) = written(&mut world, config(false, true)).await;
        let key = PackObject::of(&seal).key;
        world.tamper(key, |bytes| bytes[HEADER_LEN + 4] ^= 1 << 4).await;
        let reader = world.reader(config(false, true)).await;
        assert!(never_wrong(&reader, &written, key).await.is_empty());
        let error = reader.verify_pack(&seal).await.unwrap_err();
        let is_body = matches!(
            error,
            BlocksError::Corrupt { part: Part::Body, problem: PackError::BodyHash { .. }, .. }
        );
        assert!(is_body, "{error}");
    });
}

/// The fuzzer's find: an alias whose table promises another block was refused, unless the block that it stands for
/// was in memory; then that one was served.
#[test]
fn an_alias_that_promises_another_block_is_found_also_when_its_target_is_in_memory() {
    run(async {
        let mut world = World::new();
        let config = BlocksConfig { memory_cache: 1 << 20, ..config(false, true) };
        let blocks = world.open(config.clone()).await;
        let [block, alias] = [text(1, 4000), text(1, 4000)].map(|data| blocks.stage(data));
        let mut seal = world.commit(&blocks).await[0];
        let key = PackObject::of(&seal).key;
        let table_len = seal.table_len as usize;
        world
            .tamper(key, |bytes| {
                let at = bytes.len() - TRAILER_LEN - 1;
                bytes[at] ^= 1;
                seal.table_hash = Hash::of(&bytes[bytes.len() - table_len..]);
            })
            .await;
        world.committed = vec![seal];
        let reader = world.reader(config).await;
        assert!(reader.read(block).await.is_ok() && reader.read_cached(block).is_some());
        let error = reader.read(alias).await.unwrap_err();
        let is_alias = matches!(
            error,
            BlocksError::Corrupt { part: Part::Slot(1), problem: PackError::Alias { .. }, .. }
        );
        assert!(is_alias, "{error}");
    });
}

#[test]
fn a_missing_pack_is_named() {
    use object_store::ObjectStoreExt;
    run(async {
        let mut world = World::new();
        let (seal, written) = written(&mut world, config(false, false)).await;
        let key = PackObject::of(&seal).key;
        world.store.delete(&key.path()).await.unwrap();
        let reader = world.reader(config(false, false)).await;
        for error in
            [reader.verify_pack(&seal).await.unwrap_err(), reader.read(written[0].0).await.unwrap_err()]
        {
            assert!(matches!(error, BlocksError::Missing { key: missing, .. } if missing == key), "{error}");
            assert!(error.to_string().contains("packs/00000001-00000001.pack"), "{error}");
        }
    });
}

#[test]
fn another_pack_in_its_place_is_found() {
    run(async {
        let mut world = World::new();
        let (seal, _) = written(&mut world, config(false, false)).await;
        let other = world.object(PackObject::of(&world.committed[0]).key).await;
        world.tamper(PackObject::of(&seal).key, |bytes| *bytes = other).await;
        let reader = world.reader(config(false, false)).await;
        assert!(matches!(
            reader.verify_pack(&seal).await,
            Err(BlocksError::Corrupt { part: Part::Table, .. })
        ));
    });
}

#[test]
fn what_no_segment_stores_is_unknown_and_slots_have_an_end() {
    run(async {
        let mut world = World::new();
        let (seal, written) = written(&mut world, config(true, true)).await;
        let reader = world.reader(config(true, true)).await;
        let nobody = BlockRef { pack: firn_journal::PackId { number: 99, ..seal.pack }, slot: 0 };
        assert!(matches!(reader.read(nobody).await, Err(BlocksError::Unknown(pack)) if pack == nobody.pack));
        let beyond = BlockRef { slot: written.len() as u32, ..written[0].0 };
        assert!(matches!(reader.read(beyond).await, Err(BlocksError::OutOfRange { .. })));
    });
}

/// A table is fetched once for all who wait for it, and so is its failure.
#[test]
fn all_who_wait_learn_of_the_damage() {
    run(async {
        let mut world = World::new();
        let (seal, written) = written(&mut world, config(false, true)).await;
        let key = PackObject::of(&seal).key;
        world.tamper(key, |bytes| *bytes.last_mut().unwrap() ^= 1).await;
        let reader = world.reader(config(false, true)).await;
        let reads = (0..3).map(|_| reader.read(written[0].0));
        for answer in futures::future::join_all(reads).await {
            assert!(matches!(answer, Err(BlocksError::Corrupt { part: Part::Table, .. })), "{answer:?}");
        }
    });
}
