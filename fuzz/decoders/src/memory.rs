//! A volume in memory, and a runtime whose clock is paused: patience with a store passes at once.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use firn_store::{Key, Patience, Retrying, StoreHealth};
use object_store::ObjectStore;
use object_store::memory::InMemory;

/// Runs on this thread.
pub fn run<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime without IO takes nothing").block_on(future)
}

/// An empty bucket.
pub fn empty() -> Arc<dyn ObjectStore> {
    Arc::new(InMemory::new())
}

/// The objects of a bucket by their keys.
pub fn objects(store: &Arc<dyn ObjectStore>) -> Retrying {
    Retrying::new(store.clone(), StoreHealth::default(), Patience::UpTo(Duration::from_secs(1)))
}

/// A bucket with one object.
pub async fn holding(key: Key, bytes: impl Into<Bytes>) -> Arc<dyn ObjectStore> {
    let store = empty();
    objects(&store).put(key, bytes.into()).await.expect("memory takes any object");
    store
}
