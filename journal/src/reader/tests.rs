use std::future::Future;

use firn_clock::Timestamp;
use object_store::ObjectStoreExt;
use object_store::memory::InMemory;
use proptest::prelude::*;

use super::*;
use crate::arbitrary;
use crate::faulty::{Fault, Faulty};
use crate::segment::{Content, encode};
use crate::{Event, Hash, LinkError, PackHome, PackSeal, Seq};

const VOLUME: VolumeId = VolumeId(*b"a volume's own16");

fn run<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(test)
}

fn reader(store: &Arc<Faulty>) -> JournalReader {
    JournalReader::new(store.clone() as Arc<dyn ObjectStore>, VOLUME, StoreHealth::default())
}

/// The objects of a journal with these events in its segments, and the end of each.
fn objects(groups: &[Vec<Event>]) -> Vec<(JournalTip, Bytes)> {
    let mut tip = JournalTip::default();
    let object = |events: &Vec<Event>| {
        let content = Content {
            volume: VOLUME,
            epoch: tip.epoch,
            put_id: [1; 16],
            events,
            seals: Vec::new(),
            rider: b"",
        };
        let draft = encode(&tip, content).unwrap();
        tip = draft.tip;
        (tip, draft.bytes)
    };
    groups.iter().map(object).collect()
}

async fn put(store: &Faulty, no: u64, bytes: Bytes) {
    store.inner().put(&Key::Segment(no).path(), bytes.into()).await.unwrap();
}

async fn bucket(groups: &[Vec<Event>]) -> Arc<Faulty> {
    let store = Faulty::new(vec![], vec![]);
    for (tip, bytes) in objects(groups) {
        put(&store, tip.segment.0, bytes).await;
    }
    store
}

/// Plain events in so many groups, and between them times that no event has.
fn plain(sizes: &[u64]) -> Vec<Vec<Event>> {
    let mut seq = 0;
    let mut event = || {
        seq += 1;
        let kind = crate::EventKind::Evicted { ino: crate::Ino(seq) };
        Event { seq: Seq(seq), time: Timestamp(10 * seq as i64), actor: Arc::default(), kind }
    };
    sizes.iter().map(|&size| (0..size).map(|_| event()).collect()).collect()
}

async fn replay_all(replay: &mut Replay) -> Result<Vec<Segment>, JournalError> {
    let mut segments = Vec::new();
    while let Some(segment) = replay.next().await? {
        segments.push(segment);
    }
    Ok(segments)
}

/// Reads the whole journal and answers what is wrong with it.
async fn complaint(store: &Arc<Faulty>) -> JournalError {
    replay_all(&mut reader(store).replay(JournalTip::default())).await.expect_err("the journal is damaged")
}

proptest! {
    #[test]
    fn replay_gives_what_was_written(
        empty in 0..40usize,
        events in arbitrary::events_after(JournalTip::default()),
        faults in prop::collection::vec(prop_oneof![Just(Fault::None), Just(Fault::RequestLost)], 0..60),
    ) {
        run(async {
            // Transactions must stay whole, so that all real events are in the first group.
            let mut all = vec![events];
            all.resize(1 + empty, Vec::new());
            let written = objects(&all);
            let store = Faulty::new(vec![], faults);
            for (tip, bytes) in &written {
                put(&store, tip.segment.0, bytes.clone()).await;
            }
            let mut replay = reader(&store).replay(JournalTip::default());
            let read = replay_all(&mut replay).await.unwrap();
            assert_eq!(read.iter().map(|segment| &segment.events).collect::<Vec<_>>(), all.iter().collect::<Vec<_>>());
            assert_eq!(Some(replay.tip()), written.last().map(|(tip, _)| tip));
        });
    }

    #[test]
    fn locating_agrees_with_looking_at_everything(sizes in prop::collection::vec(0..4u64, 0..20)) {
        run(async {
            let groups = plain(&sizes);
            let reader = reader(&bucket(&groups).await);
            let total: u64 = sizes.iter().sum();
            let holds = |test: &dyn Fn(&Event) -> bool| {
                groups.iter().rposition(|group| group.iter().any(test)).map(|at| SegmentNo(at as u64 + 1))
            };
            for seq in (0..=total + 1).map(Seq) {
                assert_eq!(reader.locate_seq(seq).await.unwrap(), holds(&|event| event.seq == seq), "{seq}");
            }
            for time in (0..=10 * total as i64 + 10).step_by(5).map(Timestamp) {
                let expected = holds(&|event| event.time <= time);
                assert_eq!(reader.locate_time(time).await.unwrap(), expected, "{time:?}");
            }
        });
    }
}

#[test]
fn replay_goes_on_where_it_stopped() {
    run(async {
        let groups = plain(&[1; 40]);
        let written = objects(&groups);
        let store = Faulty::new(vec![], vec![]);
        let mut replay = reader(&store).replay(JournalTip::default());
        for (tip, bytes) in &written {
            assert_eq!(replay.next().await.unwrap(), None);
            put(&store, tip.segment.0, bytes.clone()).await;
            assert_eq!(replay.next().await.unwrap().unwrap().hash, tip.hash);
        }
        let rest = replay_all(&mut reader(&store).replay(written[24].0)).await.unwrap();
        assert_eq!(rest.first().unwrap().no, SegmentNo(26));
        assert_eq!(rest.len(), 15);
    });
}

#[test]
fn after_an_error_the_same_segment_is_tried_again() {
    run(async {
        let groups = plain(&[1; 5]);
        let store = bucket(&groups).await;
        put(&store, 2, Bytes::from_static(b"nonsense")).await;
        let mut replay = reader(&store).replay(JournalTip::default());
        assert!(replay.next().await.unwrap().is_some());
        for _ in 0..2 {
            assert!(matches!(replay.next().await, Err(JournalError::Damaged { .. })));
        }
        put(&store, 2, objects(&groups)[1].1.clone()).await;
        assert_eq!(replay_all(&mut replay).await.unwrap().len(), 4);
    });
}

#[test]
fn a_missing_segment_is_named() {
    run(async {
        let store = bucket(&plain(&[1; 4])).await;
        store.inner().delete(&Key::Segment(2).path()).await.unwrap();
        let error = complaint(&store).await;
        assert!(
            matches!(&error, JournalError::Missing { key, .. } if key == "journal/00000000000000000002.seg")
        );
        assert!(error.to_string().contains("goes on to segment 4 at least; put back the object"), "{error}");
        let error = reader(&store).locate_seq(Seq(2)).await.unwrap_err();
        assert!(matches!(error, JournalError::Missing { .. }));
    });
}

#[test]
fn a_foreign_segment_is_told_from_a_damaged_one() {
    run(async {
        let groups = plain(&[1; 4]);
        let written = objects(&groups);

        let store = bucket(&groups).await;
        put(&store, 2, written[2].1.clone()).await;
        let (expected, found) = (SegmentNo(2), SegmentNo(3));
        let error = complaint(&store).await;
        assert!(
            matches!(error, JournalError::OtherNumber { expected: e, found: f, .. } if (e, f) == (expected, found))
        );

        let stranger = JournalReader { volume: VolumeId([9; 16]), ..reader(&store) };
        let error = stranger.read(SegmentNo(1)).await.unwrap_err();
        assert!(matches!(error, JournalError::OtherVolume { found: VOLUME, .. }), "{error}");

        for bytes in [&b""[..], &written[1].1[..100], &written[1].1[..210]] {
            put(&store, 2, Bytes::copy_from_slice(bytes)).await;
            let error = complaint(&store).await;
            let found = bytes.len() as u64;
            assert!(
                matches!(&error, JournalError::Damaged { source: SegmentError::Short { found: f, .. }, .. } if *f == found),
                "{error}"
            );
        }

        let mut newer = written[1].1.to_vec();
        newer[8] = 2;
        put(&store, 2, newer.into()).await;
        let error = complaint(&store).await;
        assert!(matches!(error, JournalError::Newer { .. }));
        assert!(error.to_string().ends_with("use a newer firn"), "{error}");
    });
}

/// A segment that is valid by itself, but was not the one that the journal went on from.
#[test]
fn a_replaced_segment_breaks_the_chain() {
    run(async {
        let groups = plain(&[1, 1, 1]);
        let store = bucket(&groups).await;
        let mut forged = groups.clone();
        forged[1][0].kind = crate::EventKind::Evicted { ino: crate::Ino(666) };
        put(&store, 2, objects(&forged)[1].1.clone()).await;
        let error = complaint(&store).await;
        assert!(
            matches!(&error, JournalError::Unlinked { key, source: LinkError::Hash { .. } } if key.contains("3.seg")),
            "{error}"
        );
    });
}

#[test]
fn a_body_of_any_size_is_read_and_a_rider_is_not() {
    run(async {
        let store = Faulty::new(vec![], vec![]);
        let mut tip = JournalTip::default();
        // Around the length of the first request, and far beyond.
        for len in [60_000, 65_300, 65_336, 70_000, 300_000] {
            let noise: Vec<u8> = (0..len as u64 / 32).flat_map(|n| Hash::of(&n.to_le_bytes()).0).collect();
            let kind =
                crate::EventKind::XattrSet { ino: crate::Ino(2), name: "user.n".into(), value: noise.into() };
            let event = Event { seq: tip.seq.next(), time: tip.time.next(), actor: Arc::default(), kind };
            let rider = vec![7; 100_000];
            let seal = PackSeal {
                pack: crate::PackId::from_u64(1),
                segment: SegmentNo(0),
                home: PackHome::Rider { offset: 0 },
                len: rider.len() as u64,
                table_len: 1,
                table_hash: Hash::NONE,
            };
            let events = std::slice::from_ref(&event);
            let (volume, epoch, put_id, seals) = (VOLUME, tip.epoch, [1; 16], vec![seal]);
            let draft =
                encode(&tip, Content { volume, epoch, put_id, events, seals, rider: &rider }).unwrap();
            let no = draft.tip.segment;
            put(&store, no.0, draft.bytes.clone()).await;
            let segment = reader(&store).require(no).await.unwrap();
            assert_eq!((&segment.events[..], &segment.seals), (events, &draft.seals));
            // The rider may be gone altogether: it is for whoever reads the pack to say so.
            let end = reader(&store).require_header(no).await.unwrap().rider_offset();
            put(&store, no.0, draft.bytes.slice(..end as usize)).await;
            assert_eq!(reader(&store).require(no).await.unwrap(), segment);
            put(&store, no.0, draft.bytes.slice(..end as usize - 1)).await;
            assert!(matches!(reader(&store).read(no).await, Err(JournalError::Damaged { .. })));
            tip = draft.tip;
        }
    });
}

#[test]
fn objects_that_are_not_ours_are_passed_over() {
    run(async {
        let store = bucket(&plain(&[1, 1])).await;
        for stray in ["journal/readme.txt", "journal/99.seg", "journal/00000000000000000009.seg.tmp"] {
            store.inner().put(&stray.into(), "stray".into()).await.unwrap();
        }
        assert_eq!(reader(&store).last().await.unwrap(), SegmentNo(2));
        assert_eq!(reader(&Faulty::new(vec![], vec![])).last().await.unwrap(), SegmentNo(0));
        assert_eq!(reader(&store).read(SegmentNo(3)).await.unwrap(), None);
    });
}

/// A snapshot file by another hand may claim to be of the last segment that there can be.
#[test]
fn after_the_last_number_there_is_comes_nothing() {
    let reader = JournalReader::new(Arc::new(InMemory::new()), VOLUME, StoreHealth::default());
    let (segment, seq) = (SegmentNo(u64::MAX), Seq(u64::MAX));
    let tip = JournalTip { segment, seq, ..JournalTip::default() };
    let next = run(async { reader.replay(tip).next().await });
    assert!(matches!(next, Err(JournalError::Missing { .. })), "{next:?}");
}
