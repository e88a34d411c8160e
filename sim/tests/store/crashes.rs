//! Clients die, and what they had sent is all that is left of them.

use firn_sim::store::CrashPoint;
use object_store::ObjectStoreExt;
use tokio::task::JoinSet;

use super::*;

/// Creates that have set out and not arrived, each for its own key.
async fn send(client: &Arc<Client>, count: u64) -> JoinSet<()> {
    let mut sent = JoinSet::new();
    let all = client.requests() + count;
    for index in 0..count {
        let client = Arc::clone(client);
        sent.spawn(async move {
            let at = Path::from(format!("sent/{index}"));
            let _ = client.put_opts(&at, "x".into(), PutMode::Create.into()).await;
            panic!("a dead client has answered");
        });
    }
    while client.requests() < all {
        tokio::task::yield_now().await;
    }
    sent
}

#[tokio::test(start_paused = true)]
async fn a_dead_client_neither_answers_nor_acts() {
    let bucket = bucket();
    let client = good_client(&bucket, 1);
    create(&client, "before").await.unwrap();
    let mut listed = client.list(None);
    let found = client.get(&key()).await.unwrap();
    let mut sent = send(&client, 10).await;
    client.kill();
    client.died().await;
    assert_eq!(answer(client.put(&Path::from("after"), "x".into())).await.map(drop), None);
    assert_eq!(answer(client.delete(&key())).await.map(drop), None);
    assert_eq!(answer(futures::StreamExt::next(&mut listed)).await.map(drop), None);
    assert_eq!(answer(found.bytes()).await.map(drop), None);
    assert_eq!(sent.try_join_next().map(drop), None);
    drop(sent);
    assert_eq!(bucket.keys(), [key()]);
    assert_eq!(bucket.injected(), []);
}

#[tokio::test(start_paused = true)]
async fn some_of_what_is_on_the_way_lands_once_and_is_on_record() {
    let bucket = bucket();
    let client = bucket.client(1, Faults::drawn(Rates { landed: 500, ..Rates::none() }));
    let mut sent = send(&client, 100).await;
    client.kill();
    assert_eq!(bucket.keys(), []);
    let landings = bucket.injected();
    assert!((30..70).contains(&landings.len()), "{}", landings.len());
    assert_eq!(bucket.fault_counts()["landed"], landings.len() as u64);
    sleep(Duration::from_secs(100)).await;
    let landed = bucket.keys();
    assert_eq!(landed.len(), landings.len());
    landed.iter().for_each(|at| assert!(bucket.remove(at)));
    sent.abort_all();
    while sent.join_next().await.is_some() {}
    sleep(Duration::from_secs(100)).await;
    assert_eq!(bucket.keys(), []);
}

/// A caller's timeout does not call a request back.
#[tokio::test(start_paused = true)]
async fn what_is_given_up_on_its_way_may_land() {
    let bucket = bucket();
    bucket.set_latency(Latency { least_ms: 1000, most_ms: 1000, ..AT_ONCE });
    let client = client_with(&bucket, Fault::Landed { ms: 5 });
    for bytes in ["first", "second"] {
        assert!(timeout(Duration::from_millis(1), create(&client, bytes)).await.is_err());
    }
    assert_eq!(content(&bucket), None);
    until(&bucket, 6).await;
    assert_eq!(content(&bucket).unwrap(), "first");
}

#[test]
fn a_client_dies_at_a_point_of_a_request() {
    for (point, effect) in [(CrashPoint::BeforeEffect, false), (CrashPoint::AfterEffect, true)] {
        simulate(async {
            let bucket = bucket();
            let client = bucket.client(1, Faults::drawn(Rates { landed: 1000, ..Rates::none() }));
            client.crash_at(1, point);
            client.put(&Path::from("first"), "x".into()).await.unwrap();
            assert!(!client.is_dead());
            let request = tokio::spawn({
                let client = Arc::clone(&client);
                async move { create(&client, "x").await.map(drop) }
            });
            client.died().await;
            client.died().await;
            assert_eq!((client.is_dead(), bucket.now_ms()), (true, 2));
            assert_eq!(content(&bucket).is_some(), effect);
            until(&bucket, 1_000_000).await;
            assert_eq!(content(&bucket).is_some(), effect);
            assert!(!request.is_finished());
            let name = if effect { "crash_after_effect" } else { "crash_before_effect" };
            assert_eq!(bucket.fault_counts().into_iter().collect::<Vec<_>>(), [(name, 1)]);
        });
    }
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "there was a client 1 already")]
async fn each_life_has_a_number_of_its_own() {
    let bucket = bucket();
    let _first = good_client(&bucket, 1);
    good_client(&bucket, 1);
}
