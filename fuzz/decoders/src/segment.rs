use std::ops::Range;
use std::sync::{Arc, LazyLock};

use firn_clock::{SeededEntropy, Timestamp};
use firn_journal::{
    Actor, AppendError, Appender, Event, EventKind, Group, JournalReader, JournalTip, Mounting, PackHome,
    PackSeal, Segment, SegmentError, SegmentHeader, SegmentNo, Seq, VolumeId,
};
use firn_materializer::namespace::{Namespace, resets};
use firn_store::{Key, StoreHealth};

use crate::memory;

/// Places in the header of version 1: `docs/formats.md`, "Segments".
mod header {
    use std::ops::Range;

    pub const LEN: usize = 200;
    pub const HASHED_LEN: usize = 168;
    pub const MAGIC_AND_VERSION: Range<usize> = 0..12;
    pub const VOLUME: Range<usize> = 16..32;
    pub const NUMBER: Range<usize> = 48..56;
    pub const BODY_RAW_LEN: Range<usize> = 120..124;
    pub const BODY_LEN: Range<usize> = 124..128;
    pub const BODY_HASH: Range<usize> = 136..168;
    pub const HASH: Range<usize> = 168..200;
}

/// A rider is not read with its segment; a longer one is not made up for the way back.
const LONGEST_RIDER: u64 = 64 << 10;

/// The object of a segment, with its checksums put right.
pub fn segment(bytes: &[u8]) -> bool {
    let mut object = bytes.to_vec();
    put_checksums(&mut object);
    memory::run(reads(object))
}

/// The header of a segment up to its checksum, and the body before it is compressed: as an object that is read in
/// one request, and as one that takes two.
pub fn segment_body(bytes: &[u8]) -> bool {
    let Some((fields, raw)) = bytes.split_at_checked(header::HASHED_LEN) else { return false };
    let body = zstd::bulk::compress(raw, 1).expect("anything can be compressed");
    let long_body = [&body[..], &NOTHING_LONG].concat();
    let [whole, ranged] = [body, long_body].map(|body| {
        let mut object = [fields, &[0; header::HASH.end - header::HASH.start], &body].concat();
        object[header::MAGIC_AND_VERSION].copy_from_slice(b"firn.seg\x01\0\0\0");
        object[header::BODY_RAW_LEN].copy_from_slice(&(raw.len() as u32).to_le_bytes());
        object[header::BODY_LEN].copy_from_slice(&(body.len() as u32).to_le_bytes());
        put_checksums(&mut object);
        memory::run(reads(object))
    });
    assert_eq!(whole, ranged, "it is read in one request, or in two, but not in either way");
    whole
}

/// A frame that every zstd decoder passes over; longer than what a reader of segments asks for first.
static NOTHING_LONG: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let len: u32 = 64 << 10;
    [&b"\x50\x2a\x4d\x18"[..], &len.to_le_bytes(), &vec![0; len as usize]].concat()
});

fn put_checksums(object: &mut [u8]) {
    if object.len() < header::LEN {
        return;
    }
    let body_len = u32::from_le_bytes(field(object, header::BODY_LEN)) as usize;
    if let Some(body) = object[header::LEN..].get(..body_len) {
        let hash = blake3::hash(body);
        object[header::BODY_HASH].copy_from_slice(hash.as_bytes());
    }
    let hash = blake3::hash(&object[..header::HASHED_LEN]);
    object[header::HASH].copy_from_slice(hash.as_bytes());
}

fn field<const N: usize>(object: &[u8], place: Range<usize>) -> [u8; N] {
    std::array::from_fn(|at| object[place.start + at])
}

/// Reads the object as the segment of the volume and of the number that it says it is.
async fn reads(object: Vec<u8>) -> bool {
    let (mut volume, mut no) = (VolumeId([0; 16]), SegmentNo(1));
    if object.len() >= header::LEN {
        volume = VolumeId(field(&object, header::VOLUME));
        no = SegmentNo(u64::from_le_bytes(field(&object, header::NUMBER)));
    }
    let store = memory::holding(Key::Segment(no.0), object).await;
    let reader = JournalReader::new(store, volume, StoreHealth::default());
    let header = reader.header(no).await;
    let Ok(Some(segment)) = reader.read(no).await else { return false };
    agrees(&segment, &header.expect("its segment was read").expect("its segment is there"));
    assert_eq!(reader.last().await.expect("memory lists"), no);
    // Segments before it are missing, and that is an error.
    let _ = reader.locate_seq(segment.first_seq).await;
    let _ = reader.locate_time(segment.time.1).await;
    replays(&segment);
    reads_again(&segment).await;
    true
}

fn agrees(segment: &Segment, header: &SegmentHeader) {
    assert_eq!(JournalTip::of(segment), JournalTip::of_header(header));
    assert_eq!(segment.events.len(), header.count as usize);
    assert_eq!(segment.seals.len(), header.seals as usize);
    assert!(segment.events.is_sorted_by(|a, b| a.seq.next() == b.seq && a.time <= b.time));
}

/// The events numbered anew, from `first` on.
fn renumbered(events: &[Event], first: u64) -> Vec<Event> {
    (first..).zip(events).map(|(seq, event)| Event { seq: Seq(seq), ..event.clone() }).collect()
}

/// Each event fits a tree or is refused, and the tree that comes of it can be gone back from.
fn replays(segment: &Segment) {
    let mut ns = Namespace::default();
    for event in &segment.events {
        let mut next = ns.clone();
        if next.apply(&Event { seq: ns.seq().next(), ..event.clone() }).is_ok() {
            ns = next;
        }
    }
    let _ = resets(&ns, &Namespace::default());
    let _ = resets(&Namespace::default(), &ns);
}

/// A writer can write what was read, and reads it again: as the segment after its own first one.
async fn reads_again(segment: &Segment) {
    let rider_len =
        segment.seals.iter().find(|seal| seal.home != PackHome::Object).map_or(0, |seal| seal.len);
    let Some(before) = segment.time.0.0.checked_sub(1).filter(|_| rider_len <= LONGEST_RIDER) else { return };
    let (reader, mut appender) = journal_at(Timestamp(before)).await;
    let events = renumbered(&segment.events, 2);
    let rider = vec![0; rider_len as usize].into();
    let group = Group { events: events.clone(), seals: segment.seals.clone(), rider };
    let receipt = match appender.append(group).await {
        Ok(receipt) => receipt,
        // A reader leaves it to the replay that time goes on.
        Err(AppendError::Invalid(SegmentError::Time { .. })) => return,
        Err(error) => panic!("what was read cannot be written: {error}"),
    };
    let again = reader.require(receipt.segment).await.expect("what was written can be read");
    assert_eq!(again.events, events);
    assert_eq!(again.seals, receipt.seals);
    let bare = |seal: &PackSeal| (seal.pack, seal.len, seal.table_len, seal.table_hash);
    assert!(again.seals.iter().map(bare).eq(segment.seals.iter().map(bare)));
}

/// A journal whose first segment has one event, at `time`.
async fn journal_at(time: Timestamp) -> (JournalReader, Appender) {
    let reader = JournalReader::new(memory::empty(), VolumeId([7; 16]), StoreHealth::default());
    let actor = Arc::new(Actor::default());
    let mounting = Mounting { host: String::new(), pid: 1, version: String::new(), actor, time };
    let entropy = Arc::new(SeededEntropy::new(1));
    let claimed = Appender::claim(&reader, JournalTip::default(), mounting, entropy).await;
    let (appender, first) = claimed.expect("an empty journal can be claimed");
    assert!(matches!(first.events[..], [Event { kind: EventKind::Mounted { .. }, .. }]));
    (reader, appender)
}
