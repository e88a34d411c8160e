use std::time::Duration;

use object_store::ObjectStoreExt;

use super::*;
use crate::crooked::{Crooked, Mishap, Quirk};

const PUT_ID: [u8; 16] = [7; 16];

async fn probe_with(quirk: Quirk) -> Result<(), StoreError> {
    let store = Crooked::with(quirk);
    let verdict = probe(&(store.clone() as Arc<dyn ObjectStore>), PUT_ID).await;
    assert_eq!(store.keys().await, Vec::<String>::new(), "the probe cleans up behind itself");
    verdict
}

#[tokio::test(start_paused = true)]
async fn a_store_that_can_do_everything_passes() {
    probe_with(Quirk::None).await.unwrap();
    probe_with(Quirk::CreateSaysPrecondition).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_store_that_lacks_something_is_refused_by_its_name() {
    use Capability::*;
    for (quirk, expected) in [
        (Quirk::CreateReplaces, PutIfAbsent),
        (Quirk::CreateReplacesAndSaysNo, PutIfAbsent),
        (Quirk::CreateLooksFirst, PutIfAbsent),
        (Quirk::CreateForgets, PutIfAbsent),
        (Quirk::CreateUnknown, PutIfAbsent),
        (Quirk::RangeIgnored, RangedGet),
        (Quirk::RangeMisreported, RangedGet),
        (Quirk::RangeRefused, RangedGet),
        (Quirk::OffsetIgnored, ListWithOffset),
        (Quirk::OffsetIncluded, ListWithOffset),
    ] {
        let error = probe_with(quirk).await.unwrap_err();
        let StoreError::MissingCapability { capability, .. } = &error else { panic!("{quirk:?}: {error}") };
        assert_eq!(*capability, expected, "{quirk:?}");
        let said = error.to_string();
        assert!(said.contains("crooked://store") && said.contains(&expected.to_string()), "{said}");
    }
}

/// A store that is away for a moment is not one that lacks something.
#[tokio::test(start_paused = true)]
async fn a_failure_is_not_a_missing_capability() {
    for mishap in [Mishap::Unavailable, Mishap::LostAnswer, Mishap::Hang] {
        for spared in 0..16 {
            let script = std::iter::repeat_n(Mishap::None, spared).chain([mishap]);
            let store: Arc<dyn ObjectStore> = Crooked::scripted(script);
            match probe(&store, PUT_ID).await {
                Ok(()) => {}
                Err(error) => assert!(error.is_transient(), "{mishap:?} after {spared}: {error}"),
            }
        }
    }
    let away: Arc<dyn ObjectStore> = Crooked::scripted([Mishap::Unavailable; 999]);
    let start = tokio::time::Instant::now();
    assert!(probe(&away, PUT_ID).await.unwrap_err().is_transient());
    assert!(start.elapsed() < Duration::from_secs(30));
}

#[tokio::test(start_paused = true)]
async fn what_other_probes_left_does_not_matter() {
    let store: Arc<dyn ObjectStore> = Crooked::with(Quirk::None);
    for put_id in [[0; 16], [0xff; 16]] {
        for part in 0..4 {
            store.put(&Key::Probe { put_id, part }.path(), "old".into()).await.unwrap();
        }
    }
    probe(&store, PUT_ID).await.unwrap();
}

#[tokio::test]
async fn a_local_directory_passes() {
    let directory = tempfile::tempdir().unwrap();
    let store = object_store::local::LocalFileSystem::new_with_prefix(directory.path()).unwrap();
    probe(&(Arc::new(store) as Arc<dyn ObjectStore>), PUT_ID).await.unwrap();
}
