use std::collections::BTreeMap;

use bytes::Bytes;
use firn_clock::SeededEntropy;
use firn_journal::{
    BlockRef, Epoch, Event, EventKind, Hash, PackId, PlacedExtent, Segment, Seq, TransactionKind, VolumeId,
};
use firn_materializer::namespace::Namespace;
use proptest::prelude::*;

use super::write::Writer;
use super::{Export, ExportError, Header, Redactor};
use crate::testing::{World, steps};

mod golden;
mod hostile;
mod redacted;

const VOLUME: VolumeId = VolumeId(*b"golden volume #1");

type Contents = BTreeMap<BlockRef, Bytes>;

fn header(last: Seq) -> Header {
    Header { volume: VOLUME, block_size: 4096, redacted: false, first: Seq(1), last }
}

fn block(number: u32, slot: u32) -> BlockRef {
    BlockRef { pack: PackId { epoch: Epoch(1), number }, slot }
}

/// An export of these groups with the content that they name.
fn written(groups: &[Vec<Event>], contents: &Contents) -> Bytes {
    let last = groups.iter().flatten().last().expect("there are events").seq;
    let mut file = Vec::new();
    let mut writer = Writer::begin(&mut file, &header(last)).unwrap();
    for group in groups {
        for block in writer.missing(group) {
            writer.block(block, &contents[&block]).unwrap();
        }
        writer.group(Epoch(1), group).unwrap();
    }
    writer.finish().unwrap();
    file.into()
}

/// A history of some steps with a transaction at its end, cut into groups.
fn history(steps: &[crate::testing::Step], cuts: &[prop::sample::Index]) -> Vec<Vec<Event>> {
    let mut world = World::after(steps);
    world.make("a directory/a file");
    let alone = world.events.len();
    let path = Some(&b"a directory/../x"[..]);
    world.transact(TransactionKind::Undo, Seq(1), path, vec![]);
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(alone)).collect();
    cuts.extend([0, world.events.len()]);
    cuts.sort();
    cuts.windows(2).map(|pair| world.events[pair[0]..pair[1]].to_vec()).collect()
}

fn named(events: &[Event]) -> impl Iterator<Item = BlockRef> {
    let extents = |event: &Event| match &event.kind {
        EventKind::Written { extents, .. } => extents.clone(),
        _ => vec![],
    };
    events.iter().flat_map(extents).map(|PlacedExtent { extent, .. }| extent.block)
}

/// Content for every block that is named; many of them equal.
fn contents(groups: &[Vec<Event>], bytes: &[Vec<u8>]) -> Contents {
    let blocks = groups.iter().flat_map(|group| named(group));
    blocks.map(|block| (block, bytes[block.slot as usize % bytes.len()].clone().into())).collect()
}

fn assert_holds(export: &Export, groups: &[Vec<Event>], contents: &Contents) {
    let found: Vec<Vec<Event>> = export.groups().map(Result::unwrap).collect();
    assert_eq!(found, groups);
    let events: Vec<Event> = export.events().map(Result::unwrap).collect();
    assert_eq!(events, groups.concat());
    for (block, bytes) in contents {
        assert_eq!(export.block(*block).unwrap(), bytes);
    }
    assert!(export.blocks().eq(contents.keys().copied()));
    assert_eq!((export.volume(), export.block_size(), export.is_redacted()), (VOLUME, 4096, false));
    assert_eq!(export.range(), (Seq(1), events[events.len() - 1].seq));
}

proptest! {
    #[test]
    fn what_was_written_is_read_from_memory_and_from_a_file(
        steps in steps(40), cuts: [prop::sample::Index; 5],
        bytes in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..500), 1..9),
    ) {
        let groups = history(&steps, &cuts);
        let contents = contents(&groups, &bytes);
        let file = written(&groups, &contents);
        assert_holds(&Export::read(file.clone()).unwrap(), &groups, &contents);
        let on_disk = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(on_disk.path(), &file).unwrap();
        assert_holds(&Export::open(on_disk.path()).unwrap(), &groups, &contents);
    }
}

#[test]
fn equal_content_is_there_once() {
    let mut world = World::new();
    let ino = world.make("file");
    (0..50).for_each(|at| world.write(ino, at, 7));
    let groups = vec![world.events.clone()];
    let noise: Vec<u8> = (0..4096u32).flat_map(|n| Hash::of(&n.to_le_bytes()).0).take(4096).collect();
    let file = written(&groups, &contents(&groups, &[noise]));
    assert!(file.len() < 10_000, "{} bytes", file.len());
}
