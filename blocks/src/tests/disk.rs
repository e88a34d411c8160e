//! The cache on disk helps when it can and harms never. On real threads, since it has its own.

use std::path::Path;
use std::sync::Arc;

use firn_journal::BlockRef;

use super::support::{World, check, noise, small, text};
use crate::disk::{DiskCache, PartKey};
use crate::objects::PackObject;
use crate::pack::HEADER_LEN;
use crate::{Blocks, BlocksConfig, DiskCacheConfig};

fn with_disk(dir: &Path) -> BlocksConfig {
    let disk_cache = Some(DiskCacheConfig { dir: dir.into(), bytes: DiskCacheConfig::LEAST });
    BlocksConfig { disk_cache, pack_target: 1 << 20, rider_limit: 0, ..small() }
}

/// A pack that is read whole, and one that is read by ranges.
async fn written(world: &mut World) -> Vec<(BlockRef, Vec<u8>)> {
    let blocks = world.open(BlocksConfig { pack_target: 1 << 20, ..small() }).await;
    let mut written = Vec::new();
    for (from, to) in [(0, 5), (5, 100)] {
        for seed in from..to {
            let data = if seed % 10 == 0 { text(seed, 4096) } else { noise(seed, 4096) };
            written.push((blocks.stage(data.clone()), data.to_vec()));
        }
        world.commit(&blocks).await;
    }
    written
}

async fn check_all(blocks: &Blocks, written: &[(BlockRef, Vec<u8>)]) {
    for (block, bytes) in written {
        check(blocks, *block, bytes).await;
    }
}

/// Ends a reader, and waits until its cache is given back.
async fn close(blocks: Arc<Blocks>) {
    blocks.flush_cache().await;
    assert!(Arc::try_unwrap(blocks).is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_start_is_warm() {
    let (dir, mut world) = (tempfile::tempdir().unwrap(), World::new());
    let written = written(&mut world).await;
    let blocks = world.reader(with_disk(dir.path())).await;
    assert!(blocks.cache_stats().has_disk);
    check_all(&blocks, &written).await;
    assert!(blocks.cache_stats().store_gets > 0);
    close(blocks).await;

    let blocks = world.reader(with_disk(dir.path())).await;
    check_all(&blocks, &written).await;
    let stats = blocks.cache_stats();
    assert_eq!((stats.store_gets, stats.disk_hits), (0, 95), "{stats:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_directory_may_vanish_while_it_is_used() {
    let (dir, mut world) = (tempfile::tempdir().unwrap(), World::new());
    let written = written(&mut world).await;
    let blocks = world.reader(with_disk(dir.path())).await;
    check_all(&blocks, &written[..50]).await;
    std::fs::remove_dir_all(dir.path()).unwrap();
    check_all(&blocks, &written).await;
    close(blocks).await;
    let blocks = world.reader(with_disk(dir.path())).await;
    assert!(blocks.cache_stats().has_disk, "it is made anew");
    check_all(&blocks, &written).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_in_the_files_is_read_past() {
    let (dir, mut world) = (tempfile::tempdir().unwrap(), World::new());
    let written = written(&mut world).await;
    let blocks = world.reader(with_disk(dir.path())).await;
    check_all(&blocks, &written).await;
    blocks.flush_cache().await;
    // One byte in every page of the files that are in use, then all of them.
    for step in [4096, 1] {
        for file in std::fs::read_dir(dir.path().join("07".repeat(16))).unwrap() {
            let path = file.unwrap().path();
            let mut bytes = std::fs::read(&path).unwrap();
            bytes.iter_mut().skip(100).step_by(step).for_each(|byte| *byte = byte.wrapping_add(1));
            std::fs::write(&path, bytes).unwrap();
        }
        check_all(&blocks, &written).await;
    }
    close(blocks).await;
    let blocks = world.reader(with_disk(dir.path())).await;
    check_all(&blocks, &written).await;
}

/// Parts that are whole for the cache, but are not what the journal says.
#[tokio::test(flavor = "multi_thread")]
async fn parts_that_lie_are_read_past() {
    let (dir, mut world) = (tempfile::tempdir().unwrap(), World::new());
    let written = written(&mut world).await;
    let config = with_disk(dir.path());
    let cache =
        DiskCache::open(config.disk_cache.as_ref().unwrap(), firn_journal::VolumeId([7; 16])).await.unwrap();
    for (block, _) in &written {
        cache.put(PartKey::block(*block), &noise(777, 4096));
        cache.put(PartKey::index(block.pack), &noise(778, 300));
    }
    // The whole of the small pack, with one bit of its first block changed.
    let mut damaged = world.object(PackObject::of(&world.committed[0]).key).await;
    damaged[HEADER_LEN] ^= 1;
    cache.put(PartKey::index(world.committed[0].pack), &damaged.into());
    cache.flush().await;
    drop(cache);
    let blocks = world.reader(config.clone()).await;
    check_all(&blocks, &written).await;
    assert_eq!(blocks.cache_stats().disk_hits, 0);
    close(blocks).await;
    let blocks = world.reader(config).await;
    check_all(&blocks, &written).await;
    assert!(blocks.cache_stats().disk_hits > 0, "they were replaced by good ones");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_usable_directory_there_is_no_cache() {
    let (dir, mut world) = (tempfile::tempdir().unwrap(), World::new());
    let written = written(&mut world).await;
    let file = dir.path().join("file");
    std::fs::write(&file, b"not a directory").unwrap();
    let too_small = DiskCacheConfig { dir: dir.path().join("small"), bytes: 1000 };
    let configs = [with_disk(&file), BlocksConfig { disk_cache: Some(too_small), ..small() }];
    for config in configs {
        let blocks = world.reader(config).await;
        assert!(!blocks.cache_stats().has_disk);
        check_all(&blocks, &written).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_of_two_has_the_cache() {
    let (dir, mut world) = (tempfile::tempdir().unwrap(), World::new());
    let written = written(&mut world).await;
    let first = world.reader(with_disk(dir.path())).await;
    let second = world.reader(with_disk(dir.path())).await;
    assert!(first.cache_stats().has_disk && !second.cache_stats().has_disk);
    check_all(&first, &written).await;
    check_all(&second, &written).await;
    close(first).await;
    assert!(world.reader(with_disk(dir.path())).await.cache_stats().has_disk, "it was given back");
}
