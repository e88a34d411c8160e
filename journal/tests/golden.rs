//! The journal's bytes as earlier programs wrote them: each version ever written has its files under
//! `testdata/journal`, which are added to and never edited.

use std::sync::Arc;

use firn_clock::Timestamp;
use firn_journal::{
    Actor, Attributes, BlockRef, Epoch, Event, EventKind, Extent, Hash, Ino, JournalReader, JournalTip, Name,
    PackHome, PackId, PackSeal, PlacedExtent, Replaced, Segment, SegmentNo, Seq, TransactionKind, VolumeId,
};
use firn_store::{Key, StoreHealth};
use object_store::ObjectStoreExt;
use object_store::memory::InMemory;

const VOLUME: VolumeId = VolumeId(*b"golden volume #1");
const FILES: [(&str, &[u8]); 3] = [
    ("v1-claim", include_bytes!("../../testdata/journal/v1-claim.seg")),
    ("v1-every-kind", include_bytes!("../../testdata/journal/v1-every-kind.seg")),
    ("v1-empty", include_bytes!("../../testdata/journal/v1-empty.seg")),
];

#[tokio::test]
async fn version_1_reads_as_it_was_written() {
    let store = Arc::new(InMemory::new());
    for (no, (_, bytes)) in (1..).zip(FILES) {
        store.put(&Key::Segment(no).path(), bytes.into()).await.unwrap();
    }
    let mut replay = JournalReader::new(store, VOLUME, StoreHealth::default()).replay(JournalTip::default());
    for (expected, (name, _)) in [claim(), every_kind(), empty()].into_iter().zip(FILES) {
        let found = replay.next().await.unwrap().unwrap_or_else(|| panic!("{name} is there"));
        // Checksums cover whatever else the bytes hold; the chain has verified them.
        let expected =
            Segment { hash: found.hash, previous: found.previous, put_id: found.put_id, ..expected };
        assert_eq!(found, expected, "{name}");
    }
    assert_eq!(replay.next().await.unwrap(), None);
}

#[test]
fn every_kind_is_in_a_golden_file() {
    let mut kinds: Vec<_> =
        claim().events.iter().chain(&every_kind().events).map(|event| event.kind.number()).collect();
    kinds.sort();
    kinds.dedup();
    assert_eq!(kinds, [1, 2, 3, 16, 17, 18, 19, 20, 21, 32, 33, 34, 48, 49, 64, 65, 66, 67, 68, 69, 70]);
}

fn segment(no: u64, epoch: u32, events: Vec<Event>, seals: Vec<PackSeal>) -> Segment {
    Segment {
        no: SegmentNo(no),
        put_id: [0; 16],
        hash: Hash::NONE,
        previous: Hash::NONE,
        epoch: Epoch(epoch),
        time: (events[0].time, events[events.len() - 1].time),
        first_seq: events[0].seq,
        events,
        seals,
    }
}

const FIRST_TIME: i64 = 1_700_000_000_123_456_789;

fn claim() -> Segment {
    let kind =
        EventKind::Mounted { epoch: Epoch(1), host: "höst".into(), pid: 4711, version: "0.1.0".into() };
    let actor = Arc::new(Actor { uid: 0, gid: 0, pid: 4711, command: b"firn".to_vec() });
    segment(1, 1, vec![Event { seq: Seq(1), time: Timestamp(FIRST_TIME), actor, kind }], vec![])
}

fn empty() -> Segment {
    let before = every_kind();
    let (last, time) = (before.events[before.events.len() - 1].seq, before.time.1);
    let (events, seals) = Default::default();
    Segment { no: SegmentNo(3), time: (time, time), first_seq: last.next(), events, seals, ..before }
}

fn every_kind() -> Segment {
    let user = Arc::new(Actor { uid: 1000, gid: 100, pid: 300, command: b"cargo \xff".to_vec() });
    let kernel = Arc::new(Actor::default());
    let alone = single_events().into_iter().enumerate().map(|(at, kind)| (1 << at, kind));
    let together = transaction().into_iter().map(|kind| (1 << 40, kind));
    let event = |(at, (after, kind)): (u64, (i64, EventKind))| {
        let actor = if at % 3 == 0 { kernel.clone() } else { user.clone() };
        Event { seq: Seq(2 + at), time: Timestamp(FIRST_TIME + after), actor, kind }
    };
    let events = (0..).zip(alone.chain(together)).map(event).collect();
    segment(2, 1, events, vec![seal(0, PackHome::Object, 1 << 24), seal(1, rider_home(), 5)])
}

/// Where the rider begins in `v1-every-kind.seg`.
fn rider_home() -> PackHome {
    PackHome::Rider { offset: RIDER_OFFSET }
}

const RIDER_OFFSET: u64 = 507;

fn seal(number: u32, home: PackHome, len: u64) -> PackSeal {
    let pack = PackId { epoch: Epoch(1), number };
    let table_hash = Hash([number as u8 + 1; 32]);
    PackSeal { pack, segment: SegmentNo(2), home, len, table_len: 4 + number, table_hash }
}

fn name(bytes: &[u8]) -> Name {
    Name::new(bytes)
}

fn extents() -> Vec<PlacedExtent> {
    let block = |number, slot| BlockRef { pack: PackId { epoch: Epoch(1), number }, slot };
    vec![
        PlacedExtent { offset: 4096, extent: Extent { len: 100, skip: 0, block: block(0, 0) } },
        PlacedExtent { offset: 5000, extent: Extent { len: 1 << 20, skip: 77, block: block(1, 300) } },
    ]
}

fn single_events() -> Vec<EventKind> {
    use EventKind::*;
    let (ino, parent) = (Ino(300), Ino::ROOT);
    vec![
        Checkpointed { name: "before".into(), message: "naïve".into() },
        Created {
            ino,
            parent,
            name: name(b"a \xfe"),
            mode: 0o100644,
            uid: 1000,
            gid: 100,
            rdev: 0,
            target: None,
        },
        Created {
            ino: Ino(301),
            parent,
            name: name(b"link"),
            mode: 0o120777,
            uid: 0,
            gid: u32::MAX,
            rdev: 259,
            target: Some(Arc::from(*b"../a")),
        },
        Linked { ino, parent, name: name(b"b") },
        Unlinked { ino, parent, name: name(b"b"), evict: true },
        Renamed {
            ino,
            parent,
            name: name(b"a"),
            new_parent: Ino(1 << 40),
            new_name: name(b"c"),
            replaced: None,
        },
        Renamed {
            ino,
            parent,
            name: name(b"a"),
            new_parent: parent,
            new_name: name(b"d"),
            replaced: Some(Replaced { ino: Ino(302), evict: false }),
        },
        Exchanged {
            ino,
            parent,
            name: name(b"x"),
            other: Ino(303),
            other_parent: Ino(304),
            other_name: name(b"y"),
        },
        Evicted { ino: Ino(u64::MAX) },
        AttributesSet {
            ino,
            mode: Some(0o40755),
            uid: None,
            gid: Some(7),
            atime: Some(Timestamp(-1)),
            mtime: Some(Timestamp::MAX),
        },
        XattrSet { ino, name: name(b"user.k"), value: Arc::from(*b"\0v") },
        XattrRemoved { ino, name: name(b"user.k") },
        Written { ino, offset: 4096, len: 1 << 21, extents: extents() },
        Truncated { ino, size: 1 << 50 },
    ]
}

fn transaction() -> Vec<EventKind> {
    use EventKind::*;
    let (ino, parent) = (Ino(300), Ino::ROOT);
    let attributes = Attributes {
        mode: 0o100600,
        uid: 1,
        gid: 2,
        nlink: 3,
        rdev: 4,
        size: 5 << 40,
        atime: Timestamp::MIN,
        mtime: Timestamp(0),
        ctime: Timestamp(1),
        btime: Timestamp(2),
    };
    vec![
        TransactionBegan {
            kind: TransactionKind::Restore,
            target: Seq(9),
            count: 8,
            path: Some(b"src/\xfe".to_vec()),
        },
        InodePut { ino, attributes: attributes.clone(), target: Some(Arc::from(*b"t")) },
        InodeDropped { ino: Ino(301) },
        DirentPut { parent, name: name(b"a"), ino, replaced: Some(Ino(302)) },
        DirentPut { parent, name: name(b"b"), ino, replaced: None },
        DirentDropped { parent, name: name(b"c"), ino: Ino(303) },
        ExtentsPut { ino, offset: 0, len: u64::MAX, extents: extents() },
        XattrPut { ino, name: name(b"user.e"), value: Arc::from(*b"") },
        XattrDropped { ino, name: name(b"user.f") },
    ]
}
