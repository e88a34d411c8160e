//! The read side of a volume, beside a store that fails for a while.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use firn_blocks::BlocksConfig;
use firn_clock::{ManualClock, SeededEntropy, Timestamp};
use firn_journal::{Actor, Ino, Seq, WriterIdentity};
use firn_materializer::decide::Command;
use firn_materializer::history::{History, HistoryConfig};
use firn_materializer::volume::{Volume, VolumeConfig};
use firn_sim::draw::Seed;
use firn_sim::store::{Bucket, Faults, Rates};
use firn_sim::trace::Trace;
use firn_store::{Key, Manifest};
use object_store::ObjectStore;

const BLOCK: u32 = 64 << 10;
const SNAPSHOT_EVERY: u64 = 40;

fn store(bucket: &Bucket, client: u32) -> Arc<dyn ObjectStore> {
    bucket.client(client, Faults::drawn(Rates::none()))
}

fn reading() -> HistoryConfig {
    let blocks = BlocksConfig { block_size: BLOCK, ..BlocksConfig::default() };
    HistoryConfig { blocks, views_in_memory: 1 }
}

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(Timestamp(1_000_000_000_000)))
}

/// Files one after the other, each in a segment of its own, until there are two snapshot files.
async fn fill(bucket: &Bucket) -> Seq {
    let manifest = Manifest { volume: [7; 16], created: Timestamp(0), block_size: BLOCK, format: 1 };
    firn_store::create_manifest(&store(bucket, 1), &manifest).await.unwrap();
    let writer = WriterIdentity {
        host: "here".into(),
        machine: "machine".into(),
        pid: 1,
        started_ticks: 1,
        socket: None,
        mountpoint: None,
    };
    let mut config = VolumeConfig::new(reading());
    config.snapshot_every = SNAPSHOT_EVERY;
    let entropy = Arc::new(SeededEntropy::new(1));
    let volume = Volume::open(store(bucket, 2), config, writer, clock(), entropy).await.unwrap();
    let actor = Arc::new(Actor::default());
    let mut first = None;
    for file in 0.. {
        let name = format!("{file}").as_str().into();
        let create = Command::Create {
            parent: Ino::ROOT,
            name,
            mode: 0o100_644,
            uid: 0,
            gid: 0,
            rdev: 0,
            target: None,
        };
        volume.execute(&actor, create).unwrap();
        volume.sync().await.unwrap();
        tokio::time::sleep(Duration::from_secs(1)).await;
        let newest = volume.status().snapshot_seq;
        first = first.or(newest);
        if newest != first {
            break;
        }
    }
    volume.close().await.unwrap();
    first.unwrap()
}

fn simulate<T>(run: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.unwrap().block_on(run)
}

/// Found by a review of the simulation: a snapshot file that could not be read while the store was away was passed over
/// for the life of the process, as if it were damaged.
#[test]
fn a_snapshot_file_that_was_out_of_reach_is_read_when_the_store_is_back() {
    simulate(async {
        let bucket = Bucket::new(Seed(1), Trace::hashed());
        let first = fill(&bucket).await;
        let history = History::open(store(&bucket, 3), reading(), clock()).await.unwrap();

        bucket.set_unreachable_until(bucket.now_ms() + 600_000);
        history.view(first.next()).await.expect_err("the store is away");
        tokio::time::sleep(Duration::from_secs(600)).await;

        // Without the first segment only the snapshot file leads to this instant.
        assert!(bucket.remove(&Key::Segment(1).path()));
        let view = history.view(first.next()).await.expect("the snapshot file is there");
        assert_eq!(view.seq(), first.next());
    });
}
