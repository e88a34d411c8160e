//! Any sequence of operations against a plain model: a list of byte strings.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use firn_journal::{BlockRef, PackSeal, SegmentNo};
use proptest::prelude::*;
use proptest::sample::Index;

use super::support::{World, check, noise, run, small, text};
use crate::{Blocks, BlocksConfig, BlocksError, Cut, Sealed};

#[derive(Clone, Debug)]
enum Op {
    Stage(Bytes),
    /// Of the last block, or of any.
    Extend(Option<Index>, Bytes),
    Cut,
    Seal,
    Segment,
    Committed,
    Read(Index, u32, u32),
    /// The writer dies; another one begins with what is committed.
    Reopen,
}

fn data(most: usize) -> impl Strategy<Value = Bytes> {
    // Few seeds, and full blocks often, so that there are duplicates.
    let len = prop_oneof![1..=most, Just(most), Just(1)];
    (0..4u64, len, any::<bool>())
        .prop_map(|(seed, len, random)| if random { noise(seed, len) } else { text(seed, len) })
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        8 => data(4096).prop_map(Op::Stage),
        6 => data(1500).prop_map(|data| Op::Extend(None, data)),
        1 => (any::<Index>(), data(10)).prop_map(|(which, data)| Op::Extend(Some(which), data)),
        2 => Just(Op::Cut),
        2 => Just(Op::Seal),
        2 => Just(Op::Segment),
        2 => Just(Op::Committed),
        8 => (any::<Index>(), 0..5000u32, 0..5000u32).prop_map(|(which, skip, len)| Op::Read(which, skip, len)),
        1 => Just(Op::Reopen),
    ]
}

struct Test {
    world: World,
    config: BlocksConfig,
    blocks: Arc<Blocks>,
    model: Vec<(BlockRef, Vec<u8>)>,
    cuts: VecDeque<(Cut, usize)>,
    sealed: VecDeque<(Sealed, usize)>,
    segments: VecDeque<(Vec<PackSeal>, usize)>,
    /// Blocks of the model that were cut, and that segments hold.
    cut: usize,
    stored: usize,
}

impl Test {
    async fn new(config: BlocksConfig) -> Test {
        let mut world = World::new();
        let blocks = world.open(config.clone()).await;
        let (cuts, sealed, segments) = Default::default();
        Test { world, config, blocks, model: Vec::new(), cuts, sealed, segments, cut: 0, stored: 0 }
    }

    async fn step(&mut self, op: Op) {
        match op {
            Op::Stage(data) => self.model.push((self.blocks.stage(data.clone()), data.to_vec())),
            Op::Extend(which, data) => self.extend(which, &data),
            Op::Cut => {
                self.cut = self.model.len();
                self.cuts.push_back((self.blocks.cut(), self.cut));
            }
            Op::Seal => {
                if let Some((cut, blocks)) = self.cuts.pop_front() {
                    self.sealed.push_back((self.blocks.seal(cut).await.unwrap(), blocks));
                }
            }
            Op::Segment => {
                if let Some((sealed, blocks)) = self.sealed.pop_front() {
                    self.segments.push_back((self.world.put_segment(sealed).await, blocks));
                    self.stored = blocks;
                }
            }
            Op::Committed => {
                if let Some((seals, _)) = self.segments.pop_front() {
                    self.blocks.committed(&seals);
                }
            }
            Op::Read(which, skip, len) => self.read(which, skip, len).await,
            Op::Reopen => {
                self.model.truncate(self.stored);
                self.cut = self.stored;
                (self.cuts, self.sealed, self.segments) = Default::default();
                self.blocks = self.world.open(self.config.clone()).await;
                assert_eq!(self.blocks.dirty_bytes(), 0);
            }
        }
    }

    fn extend(&mut self, which: Option<Index>, data: &[u8]) {
        let Some(last) = self.model.len().checked_sub(1) else { return };
        let which = which.map_or(last, |which| which.index(self.model.len()));
        let (block, bytes) = &mut self.model[which];
        if self.blocks.extend(*block, data) {
            assert!(which == last && which >= self.cut, "only the last staged block grows");
            bytes.extend_from_slice(data);
            assert!(bytes.len() <= 4096);
        }
    }

    async fn read(&self, which: Index, skip: u32, len: u32) {
        if self.model.is_empty() {
            return;
        }
        let (block, bytes) = which.get(&self.model);
        check(&self.blocks, *block, bytes).await;
        let expected = bytes.get(skip as usize..(skip + len) as usize);
        let cached = self.blocks.read_cached_range(*block, skip, len);
        assert!(cached.is_none() || cached.as_deref() == expected);
        match (self.blocks.read_range(*block, skip, len).await, expected) {
            (Ok(found), Some(expected)) => assert!(found == expected),
            (Err(BlocksError::OutOfRange { len, .. }), None) => assert_eq!(len as usize, bytes.len()),
            (found, expected) => panic!("found {found:?}, expected {expected:?}"),
        }
    }

    /// All that is committed is there for whoever comes later, and nothing of it is dirty.
    async fn finish(mut self) {
        self.step(Op::Cut).await;
        while !(self.cuts.is_empty() && self.sealed.is_empty() && self.segments.is_empty()) {
            for op in [Op::Seal, Op::Segment, Op::Committed] {
                self.step(op).await;
            }
        }
        assert_eq!(self.blocks.dirty_bytes(), 0, "everything is durable");
        let reader = self.world.reader(self.config.clone()).await;
        for blocks in [&self.blocks, &reader] {
            for (block, bytes) in &self.model {
                check(blocks, *block, bytes).await;
            }
        }
        let mut committed = self.world.committed.clone();
        committed.sort_by_key(|seal| seal.pack);
        assert_eq!(reader.known_packs(SegmentNo(u64::MAX)), committed);
        assert_eq!(self.blocks.known_packs(SegmentNo(u64::MAX)), committed);
        for seal in &committed {
            reader.verify_pack(seal).await.unwrap();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn blocks_are_what_was_staged(ops in prop::collection::vec(op(), 1..120), memory in prop::bool::ANY) {
        run(async {
            let caches = if memory { 8 << 10 } else { 0 };
            let mut test = Test::new(BlocksConfig { memory_cache: caches, table_cache: caches, ..small() }).await;
            for op in ops {
                test.step(op).await;
            }
            test.finish().await;
        });
    }
}

#[test]
fn known_packs_stop_at_a_segment() {
    run(async {
        let mut world = World::new();
        let blocks = world.open(small()).await;
        for seed in 0..3 {
            blocks.stage(noise(seed, 100));
            world.commit(&blocks).await;
        }
        assert_eq!(blocks.known_packs(SegmentNo(2)), world.committed[..2]);
    });
}
