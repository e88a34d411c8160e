use std::sync::Arc;

use firn_blocks::BlocksConfig;
use firn_clock::Timestamp;
use firn_journal::{Epoch, Event, EventKind, Extent, Name, PackHome, SegmentNo, VolumeId};
use firn_store::StoreHealth;
use object_store::memory::InMemory;
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

const FILE: Ino = Ino(2);

/// A file of a namespace, and beside it the bytes that it should have.
struct Scene {
    ns: Namespace,
    blocks: Arc<Blocks>,
    model: Vec<u8>,
}

#[derive(Clone, Debug)]
enum Step {
    Write { offset: usize, data: Vec<u8>, block: usize },
    Punch { offset: usize, len: usize },
    Truncate { size: usize },
}

impl Scene {
    async fn new() -> Scene {
        let config =
            BlocksConfig { rider_limit: 0, memory_cache: 0, table_cache: 0, ..BlocksConfig::default() };
        let store = Arc::new(InMemory::new());
        let blocks = Blocks::open(store, VolumeId([3; 16]), config, StoreHealth::default()).await;
        let blocks = blocks.expect("blocks are opened");
        blocks.begin_epoch(Epoch(1));
        let mut scene = Scene { ns: Namespace::default(), blocks, model: Vec::new() };
        let (parent, name, mode) = (Ino::ROOT, Name::from("file"), 0o100_644);
        scene.apply(EventKind::Created {
            ino: FILE,
            parent,
            name,
            mode,
            uid: 0,
            gid: 0,
            rdev: 0,
            target: None,
        });
        scene
    }

    fn apply(&mut self, kind: EventKind) {
        let (seq, time) = (self.ns.seq().next(), self.ns.time().next());
        self.ns
            .apply(&Event { seq, time: time.max(Timestamp(1)), actor: Arc::default(), kind })
            .expect("it fits");
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Write { offset, data, block } => {
                let extents = data.chunks(block).zip((offset..).step_by(block));
                let extents = extents.map(|(bytes, offset)| {
                    // What precedes the bytes in their block is none of the file's.
                    let whole = [b"skipped", bytes].concat();
                    let block = self.blocks.stage(whole.into());
                    PlacedExtent {
                        offset: offset as u64,
                        extent: Extent { len: bytes.len() as u32, skip: 7, block },
                    }
                });
                let (extents, len) = (extents.collect(), data.len());
                self.apply(EventKind::Written { ino: FILE, offset: offset as u64, len: len as u64, extents });
                self.model.resize(self.model.len().max(offset + len), 0);
                self.model[offset..offset + len].copy_from_slice(&data);
            }
            Step::Punch { offset, len } => {
                let (at, bytes) = (offset as u64, len as u64);
                self.apply(EventKind::Written { ino: FILE, offset: at, len: bytes, extents: Vec::new() });
                self.model.resize(self.model.len().max(offset + len), 0);
                self.model[offset..offset + len].fill(0);
            }
            Step::Truncate { size } => {
                self.apply(EventKind::Truncated { ino: FILE, size: size as u64 });
                self.model.resize(size, 0);
            }
        }
    }

    /// Makes everything durable, so that nothing is in memory any more.
    async fn commit(&self) {
        let mut sealed = self.blocks.seal(self.blocks.cut()).await.expect("it is stored");
        for seal in &mut sealed.seals {
            assert_eq!(seal.home, PackHome::Object);
            seal.segment = SegmentNo(1);
        }
        self.blocks.committed(&sealed.seals);
    }

    fn expected(&self, offset: usize, len: usize) -> &[u8] {
        let end = (offset + len).min(self.model.len());
        &self.model[offset.min(end)..end]
    }
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0..3000_usize, vec(any::<u8>(), 1..1000), 1..500_usize)
            .prop_map(|(offset, data, block)| Step::Write { offset, data, block }),
        1 => (0..3000_usize, 1..1000_usize).prop_map(|(offset, len)| Step::Punch { offset, len }),
        1 => (0..4000_usize).prop_map(|size| Step::Truncate { size }),
    ]
}

fn run<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime").block_on(future)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn a_read_gives_what_was_written_from_memory_and_from_the_store(
        steps in vec(step(), 0..12),
        reads in vec((0..5000_usize, 0..5000_usize), 1..8),
    ) {
        run(async {
            let mut scene = Scene::new().await;
            steps.into_iter().for_each(|step| scene.step(step));
            for (offset, len) in &reads {
                let staged = try_read(&scene.ns, &scene.blocks, FILE, *offset as u64, *len).expect("it is staged");
                prop_assert_eq!(&staged[..], scene.expected(*offset, *len));
            }
            scene.commit().await;
            for (offset, len) in reads {
                let stored = read(&scene.ns, &scene.blocks, FILE, offset as u64, len).await.expect("it is stored");
                prop_assert_eq!(&stored[..], scene.expected(offset, len));
            }
            Ok(())
        })?;
    }
}

#[test]
fn what_is_not_in_memory_is_not_waited_for() {
    run(async {
        let mut scene = Scene::new().await;
        scene.step(Step::Write { offset: 10, data: vec![1; 100], block: 40 });
        scene.commit().await;
        assert_eq!(try_read(&scene.ns, &scene.blocks, FILE, 10, 100), None);
        assert_eq!(try_read(&scene.ns, &scene.blocks, FILE, 0, 10), Some(vec![0; 10].into()));
    });
}

#[test]
fn what_is_no_file_has_no_bytes() {
    run(async {
        let scene = Scene::new().await;
        for ino in [Ino::ROOT, Ino(99)] {
            assert_eq!(try_read(&scene.ns, &scene.blocks, ino, 0, 100), Some(Bytes::new()));
            assert_eq!(
                read(&scene.ns, &scene.blocks, ino, u64::MAX, usize::MAX).await.ok(),
                Some(Bytes::new())
            );
        }
    });
}

#[test]
fn missing_bytes_are_an_error_and_not_zeros() {
    run(async {
        let mut scene = Scene::new().await;
        let block = scene.blocks.stage(Bytes::from_static(b"short"));
        let placed = PlacedExtent { offset: 0, extent: Extent { len: 6, skip: 0, block } };
        scene.apply(EventKind::Written { ino: FILE, offset: 0, len: 6, extents: vec![placed] });
        assert_eq!(try_read(&scene.ns, &scene.blocks, FILE, 0, 6), None);
        let error = read(&scene.ns, &scene.blocks, FILE, 0, 6).await;
        assert!(matches!(error, Err(BlocksError::OutOfRange { len: 5, .. })), "{error:?}");
        assert_eq!(try_read(&scene.ns, &scene.blocks, FILE, 0, 5), Some(Bytes::from_static(b"short")));
    });
}

#[test]
fn upcoming_blocks_are_named_once_in_the_order_of_the_file() {
    run(async {
        let mut scene = Scene::new().await;
        scene.step(Step::Write { offset: 0, data: vec![1; 400], block: 100 });
        scene.step(Step::Punch { offset: 110, len: 10 });
        let all: Vec<BlockRef> = upcoming(&scene.ns, FILE, 0..u64::MAX);
        assert_eq!(all.iter().map(|block| block.slot).collect::<Vec<_>>(), [0, 1, 2, 3]);
        assert_eq!(upcoming(&scene.ns, FILE, 150..250), all[1..3]);
        assert!(upcoming(&scene.ns, FILE, 400..500).is_empty());
    });
}
