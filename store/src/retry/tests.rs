use std::time::Duration;

use Mishap::{Denied, Hang, LostAnswer, NoBucket, Refused, Truncated, Unavailable};
use tokio::time::Instant;

use super::*;
use crate::crooked::{Crooked, Mishap, Quirk};

const KEY: Key = Key::Segment(1);
const LONG: Duration = Duration::from_secs(3600);

fn objects(store: &Arc<Crooked>, patience: Patience) -> Retrying {
    Retrying::new(store.clone(), StoreHealth::default(), patience)
}

async fn holding(content: &'static str, script: &[Mishap]) -> Arc<Crooked> {
    let store = Crooked::with(Quirk::None);
    store.put(&KEY.path(), content.into()).await.unwrap();
    store.requests();
    store.play(script.iter().copied());
    store
}

#[tokio::test(start_paused = true)]
async fn transient_failures_are_repeated_after_growing_pauses() {
    let store = holding("content", &[Unavailable; 10]).await;
    let start = Instant::now();
    let found = objects(&store, Patience::Forever).get(KEY).await.unwrap();
    assert_eq!(found, Some(Bytes::from("content")));
    assert_eq!(store.requests(), 11);
    // Whole milliseconds, no jitter: a simulation repeats.
    assert_eq!(start.elapsed().as_millis(), 50 + 100 + 200 + 400 + 800 + 1600 + 3200 + 5000 + 5000 + 5000);
}

#[tokio::test(start_paused = true)]
async fn a_foreground_read_ends_within_its_patience() {
    for (mishap, requests) in [(Unavailable, 5), (Hang, 3)] {
        let store = holding("content", &[mishap; 99]).await;
        let start = Instant::now();
        let error = objects(&store, Patience::UpTo(Duration::from_secs(1))).get(KEY).await.unwrap_err();
        assert!(error.is_transient());
        assert!(start.elapsed() <= Duration::from_secs(1));
        assert_eq!(store.requests(), requests, "{mishap:?}");
    }
}

/// After a machine slept, its first request went to a connection that was long gone, and no other was tried.
#[tokio::test(start_paused = true)]
async fn one_connection_that_hangs_does_not_use_up_the_patience() {
    let store = holding("content", &[Hang, Hang]).await;
    let found = objects(&store, Patience::UpTo(Duration::from_secs(10))).get(KEY).await.unwrap();
    assert_eq!(found, Some(Bytes::from("content")));
}

#[tokio::test(start_paused = true)]
async fn a_request_without_an_answer_is_given_up_and_repeated() {
    let store = holding("content", &[Hang, Hang]).await;
    let start = Instant::now();
    let objects = objects(&store, Patience::Forever);
    assert!(objects.get_range(KEY, 0..3).await.unwrap().is_some());
    assert_eq!(start.elapsed(), 2 * REQUEST_LIMIT + Duration::from_millis(150));

    store.play([Hang]);
    let start = Instant::now();
    objects.put(KEY, Bytes::from(vec![0; 640_000])).await.unwrap();
    assert_eq!(start.elapsed(), REQUEST_LIMIT + Duration::from_secs(10) + Duration::from_millis(50));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_succeed_is_not_repeated() {
    let store = holding("content", &[Refused, Denied]).await;
    let objects = objects(&store, Patience::UpTo(LONG));
    assert_eq!(objects.get(KEY).await.unwrap_err().fault(), Fault::Permanent);
    assert_eq!(objects.get(KEY).await.unwrap_err().fault(), Fault::Denied);
    assert_eq!(store.requests(), 2);
    assert_eq!(objects.get(Key::Segment(2)).await.unwrap(), None);
    assert_eq!(objects.size(Key::Segment(2)).await.unwrap(), None);
    assert_eq!(objects.get_range(Key::Segment(2), 0..1).await.unwrap(), None);
    objects.delete(Key::Segment(2)).await.unwrap();
}

/// Credentials expired while data waited to be written: the data were dropped, though someone would have renewed
/// them within the hour.
#[tokio::test(start_paused = true)]
async fn a_writer_in_the_background_outlives_refused_credentials() {
    let store = Crooked::scripted([Denied; 100]);
    let objects = objects(&store, Patience::Forever);
    objects.put(KEY, Bytes::from("content")).await.unwrap();
    assert_eq!(store.requests(), 101);
    store.play([Denied, NoBucket]);
    assert!(matches!(objects.put_if_absent(KEY, Bytes::new()).await, PutOutcome::Unknown(_)));
    assert!(matches!(objects.put_if_absent(KEY, Bytes::new()).await, PutOutcome::Unknown(_)));
}

/// A gateway answered 404 for everything while the store behind it was started again.
#[tokio::test(start_paused = true)]
async fn a_writer_in_the_background_outlives_a_bucket_that_is_away() {
    let store = Crooked::scripted([NoBucket; 3]);
    objects(&store, Patience::Forever).put(KEY, Bytes::from("content")).await.unwrap();

    let store = Crooked::scripted([NoBucket; 3]);
    let waited_for = objects(&store, Patience::UpTo(LONG));
    let error = waited_for.put(KEY, Bytes::new()).await.unwrap_err();
    assert!(error.to_string().contains("bucket exists"), "{error}");
    assert!(matches!(waited_for.put_if_absent(KEY, Bytes::new()).await, PutOutcome::Refused(_)));
    assert!(!waited_for.health().is_well());
}

#[tokio::test(start_paused = true)]
async fn a_create_is_tried_once_and_its_outcome_is_told() {
    let store = Crooked::scripted([Refused, Denied, Unavailable, LostAnswer, Hang]);
    let objects = objects(&store, Patience::UpTo(LONG));
    let create = || objects.put_if_absent(KEY, Bytes::from("mine"));
    assert!(matches!(create().await, PutOutcome::Refused(_)));
    assert!(matches!(create().await, PutOutcome::Refused(_)));
    assert!(matches!(create().await, PutOutcome::Unknown(_)));
    assert_eq!(store.keys().await, Vec::<String>::new());
    assert!(matches!(create().await, PutOutcome::Unknown(_)));
    assert_eq!(store.keys().await, [KEY.to_string()]);
    assert!(matches!(create().await, PutOutcome::Unknown(_)));
    assert!(matches!(create().await, PutOutcome::Exists));
    assert_eq!(store.requests(), 6);
    assert!(matches!(objects.put_if_absent(Key::Segment(2), Bytes::new()).await, PutOutcome::Created));
}

/// Azure said Precondition where others say AlreadyExists.
#[tokio::test]
async fn a_failed_precondition_of_a_create_means_that_the_object_exists() {
    let store = Crooked::with(Quirk::CreateSaysPrecondition);
    let objects = objects(&store, Patience::Forever);
    assert!(matches!(objects.put_if_absent(KEY, Bytes::new()).await, PutOutcome::Created));
    assert!(matches!(objects.put_if_absent(KEY, Bytes::new()).await, PutOutcome::Exists));
}

#[tokio::test(start_paused = true)]
async fn a_range_is_cut_at_the_end_of_the_object() {
    let store = holding("0123456789", &[]).await;
    let objects = objects(&store, Patience::UpTo(LONG));
    for (range, expected) in
        [(2..5, "234"), (8..20, "89"), (10..12, ""), (50..60, ""), (u64::MAX - 1..u64::MAX, ""), (3..3, "")]
    {
        let start = Instant::now();
        let found = objects.get_range(KEY, range.clone()).await.unwrap().unwrap();
        assert_eq!(found, expected, "{range:?}");
        assert_eq!(
            start.elapsed(),
            Duration::ZERO,
            "an end that was reached is not a failure to be repeated"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_ends_early_is_read_again() {
    let store = holding("0123456789", &[Truncated, Mishap::None, Truncated]).await;
    let objects = objects(&store, Patience::Forever);
    assert_eq!(objects.get(KEY).await.unwrap().unwrap(), "0123456789");
    assert_eq!(objects.get_range(KEY, 0..9).await.unwrap().unwrap(), "012345678");
    assert_eq!(store.requests(), 4);
}

#[tokio::test]
async fn a_listing_is_in_order_and_leaves_strangers_out() {
    let store = Crooked::with(Quirk::None);
    let objects = objects(&store, Patience::Forever);
    for number in [10, 9, 300, 1] {
        objects.put(Key::Segment(number), Bytes::from("12")).await.unwrap();
    }
    store.put(&"journal/notes.txt".into(), "x".into()).await.unwrap();
    objects.put(Key::Manifest, Bytes::new()).await.unwrap();
    let listed = |objects: Vec<Listed>| objects.into_iter().map(|o| (o.key, o.size)).collect::<Vec<_>>();
    let all = listed(objects.list(Family::Segments, None).await.unwrap());
    assert_eq!(all, [1, 9, 10, 300].map(|n| (Key::Segment(n), 2)));
    let after = listed(objects.list(Family::Segments, Some(Key::Segment(9))).await.unwrap());
    assert_eq!(after, [10, 300].map(|n| (Key::Segment(n), 2)));
    assert_eq!(objects.list(Family::Packs, None).await.unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn health_tells_since_when_the_store_fails() {
    let store = Crooked::scripted([Unavailable, Unavailable, Unavailable]);
    let objects = objects(&store, Patience::UpTo(Duration::from_millis(60)));
    let health = objects.health().clone();
    objects.put(KEY, Bytes::new()).await.unwrap_err();
    tokio::time::sleep(Duration::from_secs(9)).await;
    let outage = health.outage().unwrap();
    assert_eq!((outage.failures, outage.lasting, outage.writes), (2, Duration::from_millis(9050), true));
    assert!(outage.last_error.contains("out for lunch"));

    // A read that fails and one that succeeds say nothing about writes.
    objects.get(KEY).await.unwrap();
    objects.get(KEY).await.unwrap();
    assert_eq!(health.outage().unwrap().failures, 2);
    assert!(!health.is_well());
    objects.put(KEY, Bytes::new()).await.unwrap();
    assert_eq!(health.outage(), None);
    assert!(health.is_well());
}

#[tokio::test(start_paused = true)]
async fn a_missing_object_is_no_outage() {
    let store = Crooked::with(Quirk::None);
    let objects = objects(&store, Patience::Forever);
    assert_eq!(objects.get(KEY).await.unwrap(), None);
    assert!(matches!(objects.put_if_absent(KEY, Bytes::new()).await, PutOutcome::Created));
    assert!(matches!(objects.put_if_absent(KEY, Bytes::new()).await, PutOutcome::Exists));
    assert!(objects.health().is_well());
}
