//! The appender over a store that loses requests and answers, in paused time.

use std::future::Future;

use firn_clock::SeededEntropy;
use firn_store::StoreHealth;
use object_store::ObjectStore;
use proptest::prelude::*;

use super::*;
use crate::faulty::{Fault, Faulty};
use crate::{Ino, PackHome, PackId, VolumeId};

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

async fn claim(store: &Arc<Faulty>, tip: JournalTip, host: &str) -> Result<(Appender, Segment), ClaimError> {
    let seed = host.bytes().map(u64::from).sum();
    let mounting = Mounting {
        host: host.into(),
        pid: 7,
        version: "1.2.3".into(),
        actor: Arc::default(),
        time: Timestamp(1_000),
    };
    Appender::claim(&reader(store), tip, mounting, Arc::new(SeededEntropy::new(seed))).await
}

/// `count` events after `tip`.
fn group(tip: &JournalTip, count: u64) -> Group {
    let event = |n| Event {
        seq: Seq(tip.seq.0 + n),
        time: Timestamp(tip.time.0 + n as i64),
        actor: Arc::default(),
        kind: EventKind::Evicted { ino: Ino(tip.seq.0 + n) },
    };
    Group { events: (1..=count).map(event).collect(), ..Group::default() }
}

/// Everything that a bystander finds in the bucket.
async fn stored(store: &Arc<Faulty>) -> Vec<Segment> {
    let bystander = Faulty::over(store.inner(), vec![], vec![]);
    let mut replay = reader(&bystander).replay(JournalTip::default());
    let mut segments = Vec::new();
    while let Some(segment) = replay.next().await.expect("the journal is whole") {
        segments.push(segment);
    }
    segments
}

fn faults() -> impl Strategy<Value = Vec<Fault>> {
    prop::collection::vec(Fault::transient(), 0..24)
}

fn read_faults() -> impl Strategy<Value = Vec<Fault>> {
    prop::collection::vec(prop_oneof![2 => Just(Fault::None), 1 => Just(Fault::RequestLost)], 0..24)
}

proptest! {
    #[test]
    fn what_is_acknowledged_is_stored_in_order(
        puts in faults(),
        reads in read_faults(),
        sizes in prop::collection::vec(0..4u64, 1..6),
    ) {
        run(async {
            let store = Faulty::new(puts, reads);
            let (mut appender, first) = claim(&store, JournalTip::default(), "a").await.unwrap();
            let mut expected = first.events.clone();
            let mut tip = JournalTip::of(&first);
            for size in sizes {
                let group = group(&tip, size);
                let receipt = appender.append(group.clone()).await.unwrap();
                assert_eq!(receipt.segment, tip.segment.next());
                expected.extend(group.events);
                tip = receipt.tip;
                // At this very moment, not a little later.
                let segments = stored(&store).await;
                assert_eq!(JournalTip::of(segments.last().unwrap()), tip);
                assert_eq!(segments.into_iter().flat_map(|segment| segment.events).collect::<Vec<_>>(), expected);
            }
            assert_eq!(store.most_puts_in_flight(), 1);
        });
    }

    #[test]
    fn of_two_writers_one_goes_on(
        puts in [faults(), faults()],
        reads in [read_faults(), read_faults()],
        pause_ms in 0..60u64,
    ) {
        run(async {
            let [puts_a, puts_b] = puts;
            let [reads_a, reads_b] = reads;
            let a = Faulty::new(puts_a, reads_a);
            let b = Faulty::over(a.inner(), puts_b, reads_b);
            let (mut older, first) = claim(&a, JournalTip::default(), "a").await.unwrap();
            let tip = JournalTip::of(&first);
            // Both try to come after the first segment.
            let newer = tokio::spawn({
                let b = b.clone();
                async move {
                    tokio::time::sleep(Duration::from_millis(pause_ms)).await;
                    claim(&b, tip, "b").await
                }
            });
            let appended = older.append(group(&tip, 2)).await;
            let claimed = newer.await.unwrap();
            let segments = stored(&a).await;
            match (&appended, &claimed) {
                (Ok(receipt), Err(ClaimError::Raced { by })) => {
                    assert_eq!((by.epoch, &by.host), (Epoch(1), &None));
                    assert_eq!(segments[1].epoch, Epoch(1));
                    let tip = receipt.tip;
                    let (mut newer, segment) = claim(&b, tip, "b").await.unwrap();
                    assert!(matches!(older.append(group(&tip, 1)).await, Err(AppendError::Fenced(_))));
                    newer.append(group(&JournalTip::of(&segment), 1)).await.unwrap();
                }
                (Err(AppendError::Fenced(rival)), Ok((_, segment))) => {
                    let by_b = Rival { epoch: Epoch(2), host: Some("b".into()), pid: Some(7) };
                    assert_eq!(rival, &by_b);
                    assert_eq!(segments.last(), Some(segment));
                    assert!(matches!(older.append(group(&tip, 2)).await, Err(AppendError::Fenced(_))));
                }
                other => panic!("not exactly one: {other:?}"),
            }
            stored(&a).await;
        });
    }
}

#[test]
fn a_claim_whose_answer_is_lost_is_a_claim() {
    run(async {
        let store = Faulty::new(vec![Fault::AnswerLost], vec![]);
        let (_, segment) = claim(&store, JournalTip::default(), "a").await.unwrap();
        let mounted =
            EventKind::Mounted { epoch: Epoch(1), host: "a".into(), pid: 7, version: "1.2.3".into() };
        assert_eq!(segment.events[0].kind, mounted);
        assert_eq!(stored(&store).await, [segment]);
    });
}

#[test]
fn a_claim_is_later_than_all_before_even_if_the_clock_is_not() {
    run(async {
        let store = Faulty::new(vec![], vec![]);
        let (mut first, segment) = claim(&store, JournalTip::default(), "a").await.unwrap();
        let tip = JournalTip { time: Timestamp(i64::MAX - 9), ..JournalTip::of(&segment) };
        let tip = first.append(group(&tip, 1)).await.unwrap().tip;
        let (_, segment) = claim(&store, tip, "b").await.unwrap();
        assert_eq!(segment.time.0, tip.time.next());
    });
}

#[test]
fn a_caller_that_leaves_stops_nothing() {
    run(async {
        let store = Faulty::new(vec![], vec![]);
        let (mut appender, first) = claim(&store, JournalTip::default(), "a").await.unwrap();
        let group_2 = group(&JournalTip::of(&first), 2);
        store.fail_puts([Fault::RequestLost; 3]);
        let impatient =
            tokio::time::timeout(Duration::from_millis(1), appender.append(group_2.clone())).await;
        assert!(impatient.is_err());
        drop(appender);
        tokio::time::sleep(Duration::from_secs(10)).await;
        assert_eq!(stored(&store).await[1].events, group_2.events);
    });
}

#[test]
fn a_writer_waits_for_its_credentials_to_be_set_right() {
    run(async {
        let store = Faulty::new(vec![], vec![]);
        let (mut appender, first) = claim(&store, JournalTip::default(), "a").await.unwrap();
        store.fail_puts([Fault::Denied; 5]);
        appender.append(group(&JournalTip::of(&first), 1)).await.unwrap();
        assert_eq!(stored(&store).await.len(), 2);
    });
}

#[test]
fn a_claim_that_is_denied_says_so() {
    run(async {
        let store = Faulty::new(vec![Fault::Denied], vec![]);
        let refused = claim(&store, JournalTip::default(), "a").await.unwrap_err();
        assert!(matches!(refused, ClaimError::Refused(_)), "{refused}");
        assert!(refused.to_string().contains("journal/00000000000000000001.seg"), "{refused}");
    });
}

#[test]
fn a_claim_gives_up_on_a_store_that_does_not_answer() {
    run(async {
        let store = Faulty::new(vec![Fault::RequestLost; 9_999], vec![]);
        let given_up = claim(&store, JournalTip::default(), "a").await.unwrap_err();
        assert!(matches!(given_up, ClaimError::Unreachable { .. }), "{given_up}");
        assert!(given_up.to_string().contains("connection reset by test"), "{given_up}");
    });
}

#[test]
fn a_group_that_does_not_fit_is_not_stored_and_stops_nothing() {
    run(async {
        let store = Faulty::new(vec![], vec![]);
        let (mut appender, first) = claim(&store, JournalTip::default(), "a").await.unwrap();
        let tip = JournalTip::of(&first);
        let gap = JournalTip { seq: tip.seq.next(), ..tip };
        assert!(matches!(appender.append(group(&gap, 1)).await, Err(AppendError::Invalid(_))));
        appender.append(group(&tip, 1)).await.unwrap();
        assert_eq!(stored(&store).await.len(), 2);
    });
}

#[test]
fn an_object_that_is_no_segment_stops_the_writer() {
    run(async {
        let store = Faulty::new(vec![], vec![]);
        let (mut appender, first) = claim(&store, JournalTip::default(), "a").await.unwrap();
        let path = firn_store::Key::Segment(2).path();
        object_store::ObjectStoreExt::put(&*store.inner(), &path, "what is this".into()).await.unwrap();
        let group = group(&JournalTip::of(&first), 1);
        for _ in 0..2 {
            let stopped = appender.append(group.clone()).await.unwrap_err();
            assert!(
                matches!(&stopped, AppendError::Refused(why) if matches!(**why, JournalError::Damaged { .. }))
            );
        }
    });
}

#[test]
fn a_receipt_says_where_the_packs_are() {
    run(async {
        let store = Faulty::new(vec![], vec![]);
        let (mut appender, first) = claim(&store, JournalTip::default(), "a").await.unwrap();
        let pack = PackId { epoch: Epoch(1), number: 3 };
        let home = PackHome::Rider { offset: 0 };
        let seal = PackSeal {
            pack,
            segment: SegmentNo(0),
            home,
            len: 5,
            table_len: 2,
            table_hash: crate::Hash::NONE,
        };
        let riding = Group { seals: vec![seal], rider: "hello".into(), ..group(&JournalTip::of(&first), 1) };
        let receipt = appender.append(riding).await.unwrap();
        assert_eq!(receipt.seals, stored(&store).await[1].seals);
        let PackHome::Rider { offset } = receipt.seals[0].home else { panic!("it rides") };
        let path = firn_store::Key::Segment(2).path();
        let rider = object_store::ObjectStoreExt::get_range(&*store.inner(), &path, offset..offset + 5)
            .await
            .unwrap();
        assert_eq!(rider, "hello");
    });
}

proptest! {
    /// Each part fits, in bytes that are not underrated, unless it is one transaction; together they are the group.
    #[test]
    fn a_group_is_divided_into_parts_that_fit(
        (tip, events, (seals, rider)) in crate::arbitrary::tip().prop_flat_map(|tip| {
            (Just(tip), crate::arbitrary::events_after(tip), crate::arbitrary::packs())
        }),
        limit in 1..4_000_u64,
    ) {
        let group = Group { events, seals, rider: rider.into() };
        let parts = group.clone().parts_of(limit);
        let mut tip = tip;
        for (number, part) in parts.iter().enumerate() {
            let content = crate::segment::Content {
                volume: VOLUME,
                epoch: tip.epoch,
                put_id: [7; 16],
                events: &part.events,
                seals: part.seals.clone(),
                rider: &part.rider,
            };
            let draft = crate::segment::encode(&tip, content).unwrap();
            let rated: u64 = part.events.iter().map(Event::most_bytes).sum();
            let header = crate::segment::decode_header(&draft.bytes).unwrap();
            if number > 0 {
                prop_assert!(part.seals.is_empty() && part.rider.is_empty());
                prop_assert!(u64::from(header.body_raw_len) <= rated + 10, "{} {}", header.body_raw_len, rated);
            }
            // Too much is only what could not be divided: one event, or a transaction at the end.
            let began = part.events.iter().rposition(|e| matches!(e.kind, EventKind::TransactionBegan { .. }));
            let divisible = &part.events[..began.unwrap_or(part.events.len().saturating_sub(1))];
            prop_assert!(divisible.iter().map(Event::most_bytes).sum::<u64>() <= limit || divisible.is_empty());
            tip = draft.tip;
        }
        let together: Vec<Event> = parts.into_iter().flat_map(|part| part.events).collect();
        prop_assert_eq!(together, group.events);
    }
}
