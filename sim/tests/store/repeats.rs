//! Under all faults at once: creates have one winner, and a run repeats, by its seed and by its list of faults.

use std::collections::{BTreeMap, BTreeSet};

use firn_sim::draw::Draw;
use firn_sim::store::CrashPoint;
use futures::TryStreamExt;
use object_store::{Error, ObjectStoreExt};
use tokio::task::JoinSet;

use super::*;

const PATIENCE: Duration = Duration::from_secs(30);

/// Tries to create the object until it knows who has; what it believes is the answer.
async fn contend(client: Arc<Client>, bytes: &'static str) -> bool {
    let mut asked_before = false;
    loop {
        match timeout(PATIENCE, create(&client, bytes)).await {
            Ok(Ok(_)) => return true,
            Ok(Err(Error::AlreadyExists { source, .. })) if !source.to_string().contains("Conflict") => break,
            _ => asked_before = true,
        }
    }
    loop {
        let Ok(Ok(found)) = timeout(PATIENCE, client.get(&key())).await else { continue };
        match found.bytes().await {
            Ok(found) if found.len() == bytes.len() => return asked_before && found == bytes,
            _ => {}
        }
    }
}

#[test]
fn racing_creates_have_one_winner() {
    let mut met = BTreeMap::new();
    for seed in 0..400 {
        let counts = simulate(async move {
            let bucket = Bucket::new(Seed(seed), Trace::hashed());
            let mut racers = JoinSet::new();
            for (number, bytes) in [(1, "aaaa"), (2, "bbbb"), (3, "cccc")] {
                let client = bucket.client(number, Faults::drawn(Rates::each(60)));
                racers.spawn(async move { (bytes, contend(client, bytes).await) });
            }
            let mut winners = Vec::new();
            let mut seen = BTreeSet::new();
            while let Some(raced) = racers.join_next().await {
                let (bytes, won) = raced.unwrap();
                winners.extend(won.then_some(bytes));
                seen.extend(content(&bucket));
            }
            sleep(Duration::from_secs(200)).await;
            seen.extend(content(&bucket));
            assert_eq!(winners.len(), 1, "seed {seed}: {winners:?}");
            assert_eq!(seen.into_iter().collect::<Vec<_>>(), winners, "seed {seed}");
            bucket.fault_counts()
        });
        counts.into_iter().for_each(|(fault, count)| *met.entry(fault).or_insert(0) += count);
    }
    // Nobody gives up a request here.
    for fault in Fault::NAMES.into_iter().filter(|fault| *fault != "landed").chain(["slow"]) {
        assert!(met.contains_key(fault), "{fault} was not met");
    }
}

/// Requests of all kinds, as they are drawn.
async fn work(client: Arc<Client>, mut draw: Draw) {
    for _ in 0..40 {
        let at = Path::from(format!("some/{}", draw.below(5)));
        let bytes = Bytes::from(vec![7; draw.below(100) as usize]);
        let kind = draw.below(8);
        let request = async {
            match kind {
                0 => client.put(&at, bytes.into()).await.map(drop),
                1 => client.put_opts(&at, bytes.into(), PutMode::Create.into()).await.map(drop),
                2 => client.get(&at).await?.bytes().await.map(drop),
                3 => client.list(None).try_collect::<Vec<_>>().await.map(drop),
                4 => client.delete(&at).await,
                5 => client.copy(&at, &key()).await,
                6 => client.list_with_delimiter(None).await.map(drop),
                _ => {
                    let mut upload = client.put_multipart(&at).await?;
                    upload.put_part(bytes.into()).await?;
                    upload.complete().await.map(drop)
                }
            }
        };
        let _ = timeout(Duration::from_millis(draw.between(1, 3000)), request).await;
    }
}

/// Everything that can happen: faults, an outage, a crash, a kill, and healing.
fn run(seed: Seed, faults: Faults) -> (String, Vec<Injected>) {
    simulate(async {
        let trace = Trace::kept();
        let bucket = Bucket::new(seed, trace.clone());
        let clients = [1, 2, 3, 4].map(|number| bucket.client(number, faults.clone()));
        let mut tasks = JoinSet::new();
        for (client, number) in clients.iter().zip(1..) {
            tasks.spawn(work(Arc::clone(client), seed.draw("work", &[number])));
        }
        clients[0].crash_at(seed.draw("crash", &[]).below(60), CrashPoint::AfterEffect);
        sleep(Duration::from_millis(300)).await;
        bucket.set_unreachable_until(bucket.now_ms() + 100);
        sleep(Duration::from_millis(500)).await;
        clients[1].kill();
        sleep(Duration::from_secs(300)).await;
        bucket.heal();
        sleep(Duration::from_secs(300)).await;
        drop(tasks);
        (trace.text(), bucket.injected())
    })
}

#[test]
fn a_seed_has_one_trace_and_so_has_its_list_of_faults() {
    let mut traces = BTreeSet::new();
    let mut kinds = BTreeSet::new();
    for seed in (0..30).map(Seed) {
        let (trace, injected) = run(seed, Faults::drawn(Rates::each(30)));
        assert_eq!(
            run(seed, Faults::drawn(Rates::each(30))),
            (trace.clone(), injected.clone()),
            "seed {seed}"
        );
        assert_eq!(run(seed, Faults::listed(injected.clone())), (trace.clone(), injected.clone()));
        kinds.extend(injected.iter().map(|injected| injected.fault.name()));
        traces.insert(trace);
    }
    assert_eq!(traces.len(), 30);
    assert_eq!(kinds, BTreeSet::from(Fault::NAMES));
}

#[test]
fn a_plan_is_readable() {
    let injected = Injected { client: 2, nth: 17, fault: Fault::LateHang { ms: 300 } };
    let text = serde_json::to_string(&injected).unwrap();
    assert_eq!(text, r#"{"client":2,"nth":17,"fault":{"late_hang":{"ms":300}}}"#);
    assert_eq!(serde_json::from_str::<Injected>(&text).unwrap(), injected);
    for fault in [Fault::ShortBody, Fault::ServerError] {
        assert_eq!(serde_json::to_string(&fault).unwrap(), format!("{:?}", fault.name()));
    }
    assert_eq!(serde_json::from_str::<Rates>(r#"{"hang":5}"#).unwrap(), Rates { hang: 5, ..Rates::none() });
}
