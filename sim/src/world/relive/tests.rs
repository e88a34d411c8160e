//! Whether the judges see: the model is told something else than the bucket.

use std::rc::Rc;
use std::sync::Arc;

use firn_clock::SystemClock;
use firn_materializer::history::{History, HistoryConfig};
use firn_recovery::export::export;
use object_store::memory::InMemory;
use object_store::{ObjectStore, ObjectStoreExt};

use super::super::World;
use crate::draw::Seed;
use crate::model::{Body, Kind, Timeline, Tree};
use crate::oracle::{Failure, Oracle};
use crate::plan::Profile;
use crate::plan::generate::generate;
use crate::recorded::{Recorded, fold};
use crate::trace::Trace;

/// What a simulated volume exports.
async fn recorded() -> Arc<Recorded> {
    let played = crate::run(&generate(Seed(11), Profile::History), &Trace::hashed());
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    for (key, bytes) in played.objects {
        store.put(&key, bytes.into()).await.unwrap();
    }
    let config = HistoryConfig { blocks: Default::default(), views_in_memory: 4 };
    let history = History::open(store, config, Arc::new(SystemClock)).await.unwrap();
    let mut file = Vec::new();
    export(&history, None, None, &mut file, |_| {}).await.unwrap();
    Arc::new(Recorded::read(file.into()).unwrap())
}

/// Begins a world with this history and with a model that says `lie` of each instant.
async fn begun(lie: impl Fn(&mut Tree)) -> Result<(), Failure> {
    let recorded = recorded().await;
    let world = World::new(recorded.inspection(), Some(recorded.clone()), Trace::hashed());
    world.found().await;
    let truth = fold(&recorded, &world.coverage)?;
    let mut line = Timeline::default();
    for record in &truth.records()[1..] {
        let mut tree = Tree::clone(&record.tree);
        lie(&mut tree);
        line.push(tree, 0).unwrap();
    }
    world.begin_with(&recorded, line).await
}

#[tokio::test(start_paused = true)]
async fn the_truth_holds() {
    begun(|_| {}).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_byte_that_is_another_is_seen() {
    let failure = begun(|tree| {
        for node in tree.nodes.values_mut() {
            let node = Rc::make_mut(node);
            if let Body::File(content) = &mut node.body
                && let Some(last) = content.data().last().map(|range| range.end - 1)
            {
                let byte = content.read(last, 1)[0];
                content.write(last, &[!byte]);
            }
        }
    });
    let Failure { oracle, what } = failure.await.unwrap_err();
    assert_eq!(oracle, Oracle::Prefix);
    assert!(what.starts_with("cut after #") && what.contains("oracle content"), "{what}");
}

#[tokio::test(start_paused = true)]
async fn a_mode_that_is_another_is_seen() {
    let failure = begun(|tree| {
        for node in tree.nodes.values_mut().filter(|node| node.kind() == Kind::File) {
            Rc::make_mut(node).mode ^= 0o001;
        }
    });
    let Failure { what, .. } = failure.await.unwrap_err();
    assert!(what.contains("mode"), "{what}");
}
