//! The simulated object store is a good store without faults, does with them what they say, and repeats.

mod conformance;
mod crashes;
mod faults;
mod repeats;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use firn_sim::draw::Seed;
use firn_sim::store::{Bucket, Client, Fault, Faults, Injected, Latency, Rates};
use firn_sim::trace::Trace;
use object_store::path::Path;
use object_store::{ObjectStore, PutMode, PutResult, Result};
use tokio::time::{sleep, timeout};

/// Requests arrive after 1 ms and are answered in the same: so that tests can name instants.
const AT_ONCE: Latency = Latency { least_ms: 1, most_ms: 1, slow_per_mille: 0, slowest_ms: 1 };

fn bucket() -> Bucket {
    let bucket = Bucket::new(Seed(1), Trace::kept());
    bucket.set_latency(AT_ONCE);
    bucket
}

fn key() -> Path {
    Path::from("journal/1")
}

/// A client whose first request meets this.
fn client_with(bucket: &Bucket, fault: Fault) -> Arc<Client> {
    bucket.client(1, Faults::listed(vec![Injected { client: 1, nth: 0, fault }]))
}

fn good_client(bucket: &Bucket, number: u32) -> Arc<Client> {
    bucket.client(number, Faults::drawn(Rates::none()))
}

async fn create(client: &Client, bytes: &'static str) -> Result<PutResult> {
    client.put_opts(&key(), bytes.into(), PutMode::Create.into()).await
}

/// The answer of a request, if there is one within a day.
async fn answer<T>(request: impl Future<Output = T>) -> Option<T> {
    timeout(Duration::from_secs(24 * 3600), request).await.ok()
}

async fn until(bucket: &Bucket, ms: u64) {
    sleep(Duration::from_millis(ms - bucket.now_ms())).await;
}

fn content(bucket: &Bucket) -> Option<Bytes> {
    bucket.get(&key())
}

/// Runs in virtual time, from its beginning.
fn simulate<T>(run: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.unwrap().block_on(run)
}
