//! Each fault does what it says, and `firn_store::classify` sees in it what it should.

use firn_sim::store::Damage;
use firn_store::classify;
use futures::TryStreamExt;
use object_store::{ObjectStoreExt, WriteMultipart};

use super::*;

/// What comes of a request that meets it: whether there is an effect, and what the sender hears (`None`: nothing).
#[test]
fn every_fault_of_a_put_does_what_it_says() {
    use firn_store::Fault::Transient;
    for (fault, at_once, later, heard) in [
        (Fault::LostRequest, false, false, Some(Transient)),
        (Fault::LostAnswer, true, true, Some(Transient)),
        (Fault::LateHang { ms: 500 }, false, true, None),
        (Fault::LateError { ms: 500 }, false, true, Some(Transient)),
        (Fault::Hang, false, false, None),
        (Fault::Throttled, false, false, Some(Transient)),
        (Fault::ServerError, true, true, Some(Transient)),
        (Fault::Conflict, false, false, Some(Transient)),
    ] {
        simulate(async {
            let bucket = bucket();
            let client = client_with(&bucket, fault);
            let attempt = tokio::spawn({
                let client = Arc::clone(&client);
                async move { answer(create(&client, "x")).await }
            });
            until(&bucket, 2).await;
            assert_eq!(content(&bucket).is_some(), at_once, "{fault}");
            until(&bucket, 1000).await;
            assert_eq!(content(&bucket).is_some(), later, "{fault}");
            let error = attempt.await.unwrap().map(|answer| classify(&answer.unwrap_err()));
            assert_eq!(error, heard, "{fault}");
            assert_eq!(bucket.injected(), [Injected { client: 1, nth: 0, fault }]);
            assert_eq!(bucket.fault_counts().into_iter().collect::<Vec<_>>(), [(fault.name(), 1)]);
            assert_eq!((client.requests(), client.faults_met()), (1, 1));
            let again = create(&client, "y").await.map_err(|error| classify(&error));
            assert_eq!(again.is_err(), later, "{fault}");
        });
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_breaks_in_the_middle() {
    for (number, fault, error) in [(1, Fault::BrokenBody, true), (2, Fault::ShortBody, false)] {
        let bucket = bucket();
        bucket.put(&key(), Bytes::from_static(b"0123456789"));
        let client = bucket.client(number, Faults::listed(vec![Injected { client: number, nth: 0, fault }]));
        let found = client.get(&key()).await.unwrap();
        assert_eq!(found.meta.size, 10);
        let body = found.bytes().await;
        match body {
            Ok(body) => assert!(!error && body.len() < 10 && b"0123456789".starts_with(&body)),
            Err(broken) => assert!(error && classify(&broken) == firn_store::Fault::Transient),
        }
        assert_eq!(client.get(&key()).await.unwrap().bytes().await.unwrap().len(), 10);
    }
}

/// So a plan stays one when its steps, and with them the numbers of its requests, change.
#[tokio::test(start_paused = true)]
async fn what_cannot_happen_to_a_request_does_not() {
    for fault in [Fault::Conflict, Fault::LateError { ms: 5 }, Fault::BrokenBody, Fault::Landed { ms: 5 }] {
        let bucket = bucket();
        let client = client_with(&bucket, fault);
        // There is nothing in it whose body could break.
        assert_eq!(classify(&client.get(&key()).await.unwrap_err()), firn_store::Fault::NotFound);
        assert_eq!((bucket.injected(), client.faults_met()), (vec![], 0));
    }
    let bucket = bucket();
    let overwrites = client_with(&bucket, Fault::Conflict);
    overwrites.put(&key(), "x".into()).await.unwrap();
    assert_eq!(bucket.injected(), []);
}

#[tokio::test(start_paused = true)]
async fn a_late_effect_comes_on_time_and_once() {
    let bucket = bucket();
    let client = client_with(&bucket, Fault::LateError { ms: 1000 });
    create(&client, "late").await.unwrap_err();
    until(&bucket, 1000).await;
    assert_eq!(content(&bucket), None);
    until(&bucket, 1001).await;
    assert_eq!(content(&bucket).unwrap(), "late");
    assert!(bucket.remove(&key()));
    until(&bucket, 100_000).await;
    assert_eq!(content(&bucket), None);
}

/// Nobody looks while it lands: it is as if somebody had.
#[tokio::test(start_paused = true)]
async fn a_late_effect_is_older_than_what_came_after_it() {
    let bucket = bucket();
    let late = client_with(&bucket, Fault::LateError { ms: 10 });
    late.put(&key(), "late".into()).await.unwrap_err();
    until(&bucket, 500).await;
    let other = good_client(&bucket, 2);
    assert_eq!(classify(&create(&other, "other").await.unwrap_err()), firn_store::Fault::AlreadyExists);
    let at_landing = other.head(&key()).await.unwrap().last_modified;
    bucket.put(&key(), Bytes::new());
    let now = other.head(&key()).await.unwrap().last_modified;
    assert_eq!((now - at_landing).num_milliseconds(), 502 - 11);
}

#[tokio::test(start_paused = true)]
async fn an_outage_lets_nothing_through_while_it_lasts() {
    let bucket = bucket();
    let (first, second) = (good_client(&bucket, 1), good_client(&bucket, 2));
    bucket.set_unreachable_until(1000);
    second.set_unreachable_until(2000);
    let (mut refused, mut hung) = (0, 0);
    for _ in 0..40 {
        match timeout(Duration::from_millis(10), create(&first, "x")).await {
            Ok(answer) => {
                assert_eq!(classify(&answer.unwrap_err()), firn_store::Fault::Transient);
                refused += 1;
            }
            Err(_) => hung += 1,
        }
    }
    assert!(refused > 10 && hung > 10, "{refused} {hung}");
    assert_eq!(first.faults_met(), 40);
    assert_eq!((bucket.fault_counts()["unreachable_hang"], content(&bucket)), (hung, None));
    until(&bucket, 1000).await;
    create(&first, "x").await.unwrap();
    assert!(!matches!(timeout(Duration::from_millis(10), create(&second, "y")).await, Ok(Ok(_))));
    until(&bucket, 2000).await;
    second.get(&key()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn nothing_bad_happens_after_healing() {
    let bucket = Bucket::new(Seed(1), Trace::hashed());
    let client = bucket.client(1, Faults::drawn(Rates { lost_request: 1000, ..Rates::none() }));
    create(&client, "x").await.unwrap_err();
    bucket.set_unreachable_until(1_000_000);
    client.crash_at(5, firn_sim::store::CrashPoint::BeforeEffect);
    bucket.heal();
    let start_ms = bucket.now_ms();
    for _ in 0..100 {
        client.put(&key(), "x".into()).await.unwrap();
    }
    assert!(bucket.now_ms() - start_ms <= 100 * Latency::SMALL.most_ms);
}

#[tokio::test(start_paused = true)]
async fn some_requests_are_slow() {
    let bucket = Bucket::new(Seed(1), Trace::hashed());
    let client = good_client(&bucket, 1);
    let mut slowest_ms = 0;
    for _ in 0..1000 {
        let start_ms = bucket.now_ms();
        let _ = client.head(&key()).await.unwrap_err();
        slowest_ms = slowest_ms.max(bucket.now_ms() - start_ms);
    }
    assert!((1_000..=Latency::default().slowest_ms).contains(&slowest_ms), "{slowest_ms}");
    assert_eq!((bucket.fault_counts()["slow"], 0), (client.slow_met(), client.faults_met()));
}

#[tokio::test(start_paused = true)]
async fn parts_and_the_end_of_an_upload_meet_faults() {
    let bucket = bucket();
    let at = |nth, fault| Injected { client: 1, nth, fault };
    // Requests: start 0, part 1, complete 2; start 3, part 4, complete 5.
    let faults = vec![at(2, Fault::LostAnswer), at(4, Fault::LostRequest)];
    let client = bucket.client(1, Faults::listed(faults));
    let mut whole = client.put_multipart(&key()).await.unwrap();
    whole.put_part("whole".into()).await.unwrap();
    assert_eq!(classify(&whole.complete().await.unwrap_err()), firn_store::Fault::Transient);
    assert_eq!(content(&bucket).unwrap(), "whole");
    let mut lacking = client.put_multipart(&key()).await.unwrap();
    lacking.put_part("part".into()).await.unwrap_err();
    assert_eq!(classify(&lacking.complete().await.unwrap_err()), firn_store::Fault::Permanent);
    lacking.abort().await.unwrap();
    assert_eq!(content(&bucket).unwrap(), "whole");
    WriteMultipart::new(client.put_multipart(&key()).await.unwrap()).finish().await.unwrap();
    assert_eq!(content(&bucket).unwrap(), "");
}

/// No method passes the faults by.
#[tokio::test(start_paused = true)]
async fn every_request_is_counted_and_can_fail() {
    let bucket = bucket();
    bucket.put(&key(), Bytes::from_static(b"there"));
    let client = bucket.client(1, Faults::drawn(Rates { throttled: 1000, ..Rates::none() }));
    let (from, to) = (key(), Path::from("to"));
    let errors = [
        create(&client, "x").await.err(),
        client.put_multipart(&from).await.err(),
        client.get(&from).await.err(),
        client.head(&from).await.err(),
        client.get_ranges(&from, &[0..1, 1..2]).await.err(),
        client.delete(&from).await.err(),
        client.list(None).try_collect::<Vec<_>>().await.err(),
        client.list_with_offset(None, &to).try_collect::<Vec<_>>().await.err(),
        client.list_with_delimiter(None).await.err(),
        client.copy(&from, &to).await.err(),
        client.rename(&from, &to).await.err(),
    ];
    for (nth, error) in errors.iter().enumerate() {
        let error = error.as_ref().unwrap_or_else(|| panic!("request {nth} met no fault"));
        assert_eq!(classify(error), firn_store::Fault::Transient);
    }
    assert_eq!((client.requests(), client.faults_met()), (11, 11));
}

#[tokio::test(start_paused = true)]
async fn damage_changes_what_is_stored_and_not_what_is_shown() {
    let bucket = bucket();
    let client = good_client(&bucket, 1);
    assert!(!bucket.damage(&key(), Damage::Lost));
    create(&client, "0123").await.unwrap();
    let before = client.head(&key()).await.unwrap();
    assert!(bucket.damage(&key(), Damage::Flipped { at: 6 }));
    assert_eq!(content(&bucket).unwrap(), b"01\xcd3".as_slice());
    assert_eq!(client.head(&key()).await.unwrap(), before);
    assert!(bucket.damage(&key(), Damage::Cut { to: 7 }));
    assert_eq!(content(&bucket).unwrap(), b"01\xcd".as_slice());
}
