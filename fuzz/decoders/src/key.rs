use bytes::Bytes;
use firn_store::{Family, Key};
use object_store::ObjectStoreExt;
use object_store::path::Path;

use crate::memory;

/// The name of an object. What is a key has one form only; and an object of any name harms no listing.
pub fn key(bytes: &[u8]) -> bool {
    let Some(path) = std::str::from_utf8(bytes).ok().and_then(|text| Path::parse(text).ok()) else {
        return false;
    };
    let key = Key::of(&path);
    assert!(key.is_none_or(|key| key.path() == path), "{path} is read as {key:?}");
    memory::run(is_listed_as(&path, key));
    key.is_some()
}

/// It is listed once, with its family, if it is of one.
async fn is_listed_as(path: &Path, key: Option<Key>) {
    let store = memory::empty();
    // No object can have the root's name.
    if store.put(path, Bytes::new().into()).await.is_err() {
        return;
    }
    for family in [Family::Segments, Family::Packs, Family::Snapshots, Family::Probes] {
        let listed = memory::objects(&store).list(family, None).await.expect("memory lists");
        let found: Vec<Key> = listed.iter().map(|object| object.key).collect();
        let expected = key.filter(|_| path.prefix_matches(&family.prefix()));
        assert_eq!(found, Vec::from_iter(expected), "{family:?}");
    }
}
