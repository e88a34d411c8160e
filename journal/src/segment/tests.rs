use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::arbitrary;
use crate::{Actor, EventKind, Ino, Name, PackHome, PackId, TransactionKind};

const VOLUME: VolumeId = VolumeId(*b"a volume's own16");

fn draft(tip: &JournalTip, events: &[Event], packs: (Vec<PackSeal>, Vec<u8>)) -> Result<Draft, SegmentError> {
    let (seals, rider) = packs;
    encode(tip, Content { volume: VOLUME, epoch: tip.epoch, put_id: [7; 16], events, seals, rider: &rider })
}

type Sample = (JournalTip, Vec<Event>, (Vec<PackSeal>, Vec<u8>));

fn sample() -> impl Strategy<Value = Sample> {
    arbitrary::tip().prop_flat_map(|tip| (Just(tip), arbitrary::events_after(tip), arbitrary::packs()))
}

proptest! {
    #[test]
    fn a_segment_round_trips((tip, events, (seals, rider)) in sample()) {
        let draft = draft(&tip, &events, (seals.clone(), rider.clone())).unwrap();
        let header = decode_header(&draft.bytes).unwrap();
        let segment = decode(&draft.bytes).unwrap();
        prop_assert_eq!(&segment.events, &events);
        prop_assert_eq!(&segment.seals, &draft.seals);
        prop_assert_eq!(header.volume, VOLUME);
        prop_assert_eq!(segment.put_id, [7; 16]);
        prop_assert_eq!(header.object_len(), draft.bytes.len() as u64);
        prop_assert_eq!(&draft.bytes[header.rider_offset() as usize..], &rider[..]);
        prop_assert_eq!(tip.follow(&segment), Ok(draft.tip));
        prop_assert_eq!(JournalTip::of_header(&header), draft.tip);
        for (found, given) in segment.seals.iter().zip(&seals) {
            prop_assert_eq!(found.segment, header.no);
            let home = match given.home {
                PackHome::Object => PackHome::Object,
                PackHome::Rider { .. } => PackHome::Rider { offset: header.rider_offset() },
            };
            prop_assert_eq!(found, &PackSeal { segment: header.no, home, ..*given });
        }
    }

    #[test]
    fn events_alone_round_trip((tip, events, _) in sample()) {
        let (object, end) = Segment::encode_events(&tip, VOLUME, tip.epoch, &events).unwrap();
        let (header, segment) = Segment::decode(&object).unwrap();
        prop_assert_eq!(header.object_len(), object.len() as u64);
        prop_assert_eq!((header.volume, segment.events, segment.seals), (VOLUME, events, vec![]));
        prop_assert_eq!(JournalTip::of_header(&header), end);
    }

    #[test]
    fn a_changed_byte_is_found((tip, events, packs) in sample(), at: prop::sample::Index, change in 1..=255u8) {
        let draft = draft(&tip, &events, packs).unwrap();
        let rider = decode_header(&draft.bytes).unwrap().rider_offset() as usize;
        let mut object = draft.bytes.to_vec();
        object[at.index(rider)] ^= change;
        prop_assert!(decode(&object).is_err());
    }

    #[test]
    fn a_missing_end_is_found((tip, events, packs) in sample(), at: prop::sample::Index) {
        let draft = draft(&tip, &events, packs).unwrap();
        let rider = decode_header(&draft.bytes).unwrap().rider_offset() as usize;
        prop_assert!(decode(&draft.bytes[..at.index(rider)]).is_err());
    }

    #[test]
    fn a_forged_header_is_an_error_or_harmless((tip, events, packs) in sample(), at in 12..168usize, value: u8) {
        // Whoever can write the bucket can compute the checksum too.
        let mut object = draft(&tip, &events, packs).unwrap().bytes.to_vec();
        object[at] = value;
        let hash = Hash::of(&object[..168]);
        object[168..200].copy_from_slice(&hash.0);
        let _ = decode(&object);
    }

    #[test]
    fn any_body_is_an_error_or_harmless(raw in prop::collection::vec(any::<u8>(), 0..300), count in 0..20u32) {
        let mut object = draft(&JournalTip::default(), &[], Default::default()).unwrap().bytes.to_vec();
        let body = zstd::bulk::compress(&raw, 1).unwrap();
        object.truncate(HEADER_LEN as usize);
        object[64..68].copy_from_slice(&count.to_le_bytes());
        object[120..124].copy_from_slice(&(raw.len() as u32).to_le_bytes());
        object[124..128].copy_from_slice(&(body.len() as u32).to_le_bytes());
        object[136..168].copy_from_slice(&Hash::of(&body).0);
        let hash = Hash::of(&object[..168]);
        object[168..200].copy_from_slice(&hash.0);
        object.extend_from_slice(&body);
        let _ = decode(&object);
    }
}

fn event(seq: u64, time: i64, kind: EventKind) -> Event {
    Event { seq: Seq(seq), time: Timestamp(time), actor: Arc::new(Actor::default()), kind }
}

fn evicted(seq: u64, time: i64) -> Event {
    event(seq, time, EventKind::Evicted { ino: Ino(9) })
}

fn began(seq: u64, time: i64, count: u32) -> Event {
    event(
        seq,
        time,
        EventKind::TransactionBegan { kind: TransactionKind::Undo, target: Seq(0), count, path: None },
    )
}

#[test]
fn what_no_reader_would_accept_is_not_written() {
    let tip = JournalTip { seq: Seq(4), time: Timestamp(10), ..JournalTip::default() };
    let refused =
        |events: &[Event]| draft(&tip, events, Default::default()).expect_err("events out of order");
    assert!(matches!(refused(&[evicted(6, 11)]), SegmentError::Sequence { expected: Seq(5), found: Seq(6) }));
    assert!(matches!(refused(&[evicted(5, 10)]), SegmentError::Time { seq: Seq(5), .. }));
    assert!(matches!(refused(&[evicted(5, 12), evicted(6, 12)]), SegmentError::Time { seq: Seq(6), .. }));
    assert!(matches!(refused(&[began(5, 11, 1)]), SegmentError::Transaction { seq: Seq(5), count: 1 }));
    assert!(matches!(refused(&[began(5, 11, 1), evicted(6, 12)]), SegmentError::Transaction { .. }));
    assert!(matches!(refused(&[began(5, 11, 1), began(6, 11, 0)]), SegmentError::Transaction { .. }));
    let bad_name = EventKind::Linked { ino: Ino(2), parent: Ino::ROOT, name: Name::new(b"a/b") };
    assert!(matches!(
        refused(&[event(5, 11, bad_name)]),
        SegmentError::Value { part: Part::Event(Seq(5)), .. }
    ));
    assert!(draft(&tip, &[began(5, 11, 1), evicted(6, 11), evicted(7, 12)], Default::default()).is_ok());
}

#[test]
fn a_rider_needs_its_seal() {
    let pack = PackId { epoch: Epoch(1), number: 0 };
    let home = PackHome::Rider { offset: 0 };
    let seal = PackSeal { pack, segment: SegmentNo(0), home, len: 3, table_len: 1, table_hash: Hash::NONE };
    for (seals, rider) in
        [(vec![], &b"abc"[..]), (vec![seal], b""), (vec![seal], b"ab"), (vec![seal, seal], b"abc")]
    {
        let refused = draft(&JournalTip::default(), &[], (seals, rider.to_vec()));
        assert!(matches!(refused, Err(SegmentError::Rider { .. })));
    }
}

#[test]
fn a_bomb_stops_at_the_promised_length() {
    let object = draft(&JournalTip::default(), &[], Default::default()).unwrap().bytes;
    let mut header = decode_header(&object).unwrap();
    let mut bomb = zstd::bulk::compress(&vec![0; 1 << 24], 1).unwrap();
    // Whoever reads on finds that the end is missing.
    bomb.pop();
    (header.body_len, header.body_hash) = (bomb.len() as u32, Hash::of(&bomb));
    let Err(SegmentError::Compression { why, .. }) = decode_body(&header, &bomb) else {
        panic!("it must not pass")
    };
    assert_eq!(why, "more come out");
}

#[test]
fn another_version_is_named_with_those_supported() {
    let mut object = draft(&JournalTip::default(), &[], Default::default()).unwrap().bytes.to_vec();
    object[8] = 2;
    let refused = decode_header(&object).unwrap_err();
    assert_eq!(refused.to_string(), "it has format version 2, this program reads [1]");
    assert!(matches!(decode_header(b"PAR1 and so on"), Err(SegmentError::Magic { .. })));
    assert!(matches!(decode_header(b""), Err(SegmentError::Short { .. })));
}
