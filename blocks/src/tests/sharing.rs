//! What is stored already is not stored again, and what many ask for is fetched once.

use std::time::Duration;

use firn_journal::PackSeal;

use super::support::{World, check, noise, run, small, text};
use crate::BlocksConfig;

fn stored(seals: &[PackSeal]) -> u64 {
    seals.iter().map(|seal| seal.len).sum()
}

#[test]
fn a_duplicate_costs_a_table_entry() {
    run(async {
        let mut world = World::new();
        let blocks = world.open(small()).await;
        let first = blocks.stage(noise(1, 4096));
        let once = stored(&world.commit(&blocks).await);
        assert!(once > 4096);
        // In the same pack, in another one, and once more after that.
        let twice = [blocks.stage(noise(2, 4096)), blocks.stage(noise(2, 4096))];
        assert!(stored(&world.commit(&blocks).await) < once + 100, "the second is in the same pack");
        let thrice = [blocks.stage(noise(1, 4096)), blocks.stage(noise(2, 4096))];
        assert!(stored(&world.commit(&blocks).await) < 300, "both are in other packs");
        let again = blocks.stage(noise(1, 4096));
        assert!(stored(&world.commit(&blocks).await) < 300);

        let reader = world.reader(small()).await;
        for blocks in [&blocks, &reader] {
            for block in [first, thrice[0], again] {
                check(blocks, block, &noise(1, 4096)).await;
            }
            for block in [twice[0], twice[1], thrice[1]] {
                check(blocks, block, &noise(2, 4096)).await;
            }
        }
    });
}

/// A block of a pack that never was committed must not be what another stands for.
#[test]
fn only_committed_packs_are_shared() {
    run(async {
        let mut world = World::new();
        let blocks = world.open(small()).await;
        blocks.stage(noise(1, 4096));
        let abandoned = blocks.seal(blocks.cut()).await.unwrap();
        drop(abandoned);
        let block = blocks.stage(noise(1, 4096));
        world.commit(&blocks).await;
        check(&*world.reader(small()).await, block, &noise(1, 4096)).await;
    });
}

#[test]
fn blocks_smaller_than_a_page_stay_near() {
    run(async {
        let mut world = World::new();
        let blocks = world.open(small()).await;
        for _ in 0..2 {
            blocks.stage(noise(1, 4095));
            assert!(stored(&world.commit(&blocks).await) > 4095, "another object is dearer than its bytes");
        }
    });
}

#[test]
fn what_compresses_is_compressed_and_what_does_not_is_stored_as_it_is() {
    run(async {
        let mut world = World::new();
        let blocks = world.open(small()).await;
        let block = blocks.stage(text(1, 4096));
        assert!(stored(&world.commit(&blocks).await) < 300);
        check(&blocks, block, &text(1, 4096)).await;
        blocks.stage(noise(1, 4096));
        let overhead = stored(&world.commit(&blocks).await) - 4096;
        assert_eq!(overhead, 36 + 49 + 48);
    });
}

#[test]
fn many_readers_one_get() {
    run(async {
        let mut world = World::new();
        let config = BlocksConfig { memory_cache: 1 << 20, table_cache: 1 << 20, ..small() };
        let blocks = world.open(config.clone()).await;
        let small_pack = blocks.stage(noise(1, 4096));
        world.commit(&blocks).await;
        let reader = world.reader(config).await;
        let answers = futures::future::join_all((0..10).map(|_| reader.read(small_pack))).await;
        assert!(answers.iter().all(|answer| answer.as_ref().unwrap() == &noise(1, 4096)));
        assert_eq!(world.store.gets(), 1, "a small pack is one get, table and all");
        check(&reader, small_pack, &noise(1, 4096)).await;
        assert_eq!(world.store.gets(), 1, "and then it is in memory");
        assert_eq!(reader.cache_stats().store_gets, 1);
    });
}

#[test]
fn a_large_pack_is_read_by_ranges() {
    run(async {
        let mut world = World::new();
        let config =
            BlocksConfig { pack_target: 2 << 20, memory_cache: 4 << 20, table_cache: 1 << 20, ..small() };
        let blocks = world.open(config.clone()).await;
        let written: Vec<_> = (0..256).map(|seed| blocks.stage(noise(seed, 4096))).collect();
        world.commit(&blocks).await;
        let reader = world.reader(config).await;
        check(&reader, written[100], &noise(100, 4096)).await;
        check(&reader, written[200], &noise(200, 4096)).await;
        assert_eq!(world.store.gets(), 3, "the table once, and a range each");
        let stats = reader.cache_stats();
        assert!(stats.store_bytes < 30_000, "{stats:?}");
        reader.prefetch(written[..4].to_vec());
        tokio::time::sleep(Duration::from_millis(1)).await;
        assert!(reader.read_cached(written[3]).is_some(), "it was read ahead");
    });
}

#[test]
fn what_was_just_committed_is_warm() {
    run(async {
        let mut world = World::new();
        let config = BlocksConfig { memory_cache: 1 << 20, ..small() };
        let blocks = world.open(config).await;
        let block = blocks.stage(noise(1, 4096));
        assert!(blocks.extend(blocks.stage(noise(2, 10)), b"more"));
        world.commit(&blocks).await;
        assert_eq!(blocks.read_cached(block), Some(noise(1, 4096)));
        assert_eq!(blocks.read_cached_range(block, 100, 7), Some(noise(1, 4096).slice(100..107)));
        assert_eq!(blocks.read_cached_range(block, 4090, 7), None, "it has no such bytes");
        assert_eq!(world.store.gets(), 0);
    });
}

/// Memory stays within its budget, whatever is read.
#[test]
fn the_memory_cache_is_bounded() {
    run(async {
        let mut world = World::new();
        let config = BlocksConfig { memory_cache: 64 << 10, ..small() };
        let blocks = world.open(config).await;
        for seed in 0..100 {
            let block = blocks.stage(noise(seed, 4096));
            world.commit(&blocks).await;
            check(&blocks, block, &noise(seed, 4096)).await;
            let stats = blocks.cache_stats();
            assert!(stats.memory_bytes <= stats.memory_capacity, "{stats:?}");
        }
    });
}
