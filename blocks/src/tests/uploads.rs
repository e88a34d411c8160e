//! The way to the store: in the background, bounded, and with writers that wait.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use firn_journal::{BlockRef, Epoch, PackHome};
use futures::FutureExt;

use super::support::{World, check, noise, run, small};
use crate::{Blocks, BlocksConfig, BlocksError};

/// Lets everything happen that can happen without the store's answer.
async fn settle() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

fn fill(blocks: &Blocks, seeds: std::ops::Range<u64>) -> Vec<BlockRef> {
    seeds.map(|seed| blocks.stage(noise(seed, 4096))).collect()
}

#[test]
fn full_packs_are_uploaded_without_being_asked_and_never_too_many_at_once() {
    run(async {
        let mut world = World::new();
        let blocks = world.open(BlocksConfig { uploads_in_flight: 2, ..small() }).await;
        world.store.hold_puts();
        // Three blocks fill a pack.
        let written = fill(&blocks, 0..16);
        settle().await;
        assert_eq!(world.store.puts_in_flight.load(Ordering::SeqCst), 2);
        world.store.gate.add_permits(1_000);
        settle().await;
        assert_eq!(world.store.puts.load(Ordering::SeqCst), 5, "five are full");
        assert_eq!(world.store.most_puts_in_flight.load(Ordering::SeqCst), 2);
        let seals = world.commit(&blocks).await;
        assert_eq!(seals.len(), 6);
        assert!(seals.windows(2).all(|pair| pair[0].pack < pair[1].pack));
        for (seed, block) in written.into_iter().enumerate() {
            check(&blocks, block, &noise(seed as u64, 4096)).await;
        }
    });
}

#[test]
fn a_small_last_pack_rides_and_a_larger_one_does_not() {
    run(async {
        let mut world = World::new();
        let blocks = world.open(small()).await;
        let rides = blocks.stage(noise(1, 1000));
        let seals = world.commit(&blocks).await;
        assert!(matches!(seals[..], [seal] if seal.home != PackHome::Object));
        assert_eq!(world.store.puts.load(Ordering::SeqCst), 1, "one put in all: the segment");
        let does_not = blocks.stage(noise(2, 4096));
        let seals = world.commit(&blocks).await;
        assert!(matches!(seals[..], [seal] if seal.home == PackHome::Object));
        let sealed = blocks.seal(blocks.cut()).await.unwrap();
        assert!(sealed.seals.is_empty() && sealed.rider.is_empty(), "nothing was staged");
        let reader = world.reader(small()).await;
        check(&reader, rides, &noise(1, 1000)).await;
        check(&reader, does_not, &noise(2, 4096)).await;
    });
}

/// A small sync does not queue behind the uploads of a large copy that it does not depend on.
#[test]
fn a_rider_does_not_wait_for_an_upload_permit() {
    run(async {
        let mut world = World::new();
        let blocks = world.open(BlocksConfig { uploads_in_flight: 1, ..small() }).await;
        world.store.hold_puts();
        fill(&blocks, 0..3);
        let large = blocks.cut();
        blocks.stage(noise(9, 10));
        let sealed = blocks.seal(blocks.cut()).now_or_never();
        assert!(sealed.is_some_and(|sealed| !sealed.unwrap().rider.is_empty()));
        world.store.gate.add_permits(10);
        assert_eq!(blocks.seal(large).await.unwrap().seals.len(), 1);
    });
}

#[test]
fn writers_wait_until_what_they_wrote_is_durable() {
    run(async {
        let mut world = World::new();
        let blocks = world.open(BlocksConfig { dirty_limit: 20 << 10, ..small() }).await;
        fill(&blocks, 0..4);
        assert!(blocks.has_room());
        assert!(blocks.room().now_or_never().is_some());
        fill(&blocks, 4..5);
        assert_eq!(blocks.dirty_bytes(), 20 << 10);
        assert!(!blocks.has_room());
        let (first, second) = (waiter(&blocks), waiter(&blocks));
        let sealed = blocks.seal(blocks.cut()).await.unwrap();
        settle().await;
        assert!(!first.is_finished(), "stored is not durable: the segment is missing");
        let seals = world.put_segment(sealed).await;
        blocks.committed(&seals);
        settle().await;
        assert!(first.is_finished() && second.is_finished());
        assert_eq!(blocks.dirty_bytes(), 0);
    });
}

fn waiter(blocks: &Arc<Blocks>) -> tokio::task::JoinHandle<()> {
    let blocks = blocks.clone();
    tokio::spawn(async move { blocks.room().await })
}

/// A writer that lost its turn: what it staged is gone, its uploads end, and whoever waits goes on.
#[test]
fn another_epoch_drops_what_was_staged() {
    run(async {
        let mut world = World::new();
        let blocks = world.open(BlocksConfig { dirty_limit: 8 << 10, ..small() }).await;
        world.store.hold_puts();
        let lost = fill(&blocks, 0..3);
        let waits = waiter(&blocks);
        settle().await;
        blocks.begin_epoch(Epoch(9));
        settle().await;
        assert!(waits.is_finished());
        assert_eq!(blocks.dirty_bytes(), 0);
        assert!(matches!(blocks.read(lost[0]).await, Err(BlocksError::Unknown(_))));
        world.store.gate.add_permits(10);
        settle().await;
        assert_eq!(world.store.puts.load(Ordering::SeqCst), 0, "the upload was given up");
        assert_eq!(blocks.stage(noise(1, 1)).pack.epoch, Epoch(9));
    });
}

/// The file system's threads belong to no runtime; and what they read is whole while the block grows.
#[test]
fn threads_stage_extend_and_read_at_the_same_time() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap();
    let mut world = World::new();
    let blocks = runtime.block_on(world.open(BlocksConfig { pack_target: 64 << 10, ..small() }));
    let (blocks, done) = (&blocks, &std::sync::atomic::AtomicBool::new(false));
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut written = Vec::new();
            for _ in 0..200 {
                let mut bytes = vec![1];
                let block = blocks.stage(bytes.clone().into());
                while bytes.len() < 2000 {
                    let next = bytes[bytes.len() - 1].wrapping_mul(5).wrapping_add(1);
                    if !blocks.extend(block, &[next; 1]) {
                        break;
                    }
                    bytes.push(next);
                }
                written.push((block, bytes));
            }
            done.store(true, Ordering::SeqCst);
            written
        });
        scope.spawn(|| {
            let pack = firn_journal::PackId { epoch: Epoch(1), number: 0 };
            while !done.load(Ordering::SeqCst) {
                if let Some(found) = blocks.read_cached(BlockRef { pack, slot: 0 }) {
                    let follows = |pair: &[u8]| pair[1] == pair[0].wrapping_mul(5).wrapping_add(1);
                    assert!(found.windows(2).all(follows));
                }
            }
        });
        let written = writer.join().unwrap();
        runtime.block_on(async {
            world.commit(blocks).await;
            for (block, bytes) in &written {
                check(blocks, *block, bytes).await;
            }
        });
    });
}

#[test]
fn settings_out_of_range_are_refused() {
    let refused = [
        BlocksConfig { block_size: 4095, ..small() },
        BlocksConfig { block_size: (8 << 20) + 1, ..small() },
        BlocksConfig { pack_target: 0, ..small() },
        BlocksConfig { dirty_limit: 0, ..small() },
        BlocksConfig { uploads_in_flight: 0, ..small() },
    ];
    for config in refused {
        assert!(matches!(config.check(), Err(BlocksError::Config { .. })), "{config:?}");
    }
    assert!(BlocksConfig::default().check().is_ok());
}
