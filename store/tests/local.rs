//! Volumes in local directories: where they are made, and where not.

use firn_clock::Timestamp;
use firn_store::{Manifest, StoreError, VolumeUrl, init, open, read_manifest};

const PUT_ID: [u8; 16] = [3; 16];

fn manifest() -> Manifest {
    Manifest::new([5; 16], Timestamp(0), 65_536)
}

fn url(path: &std::path::Path) -> VolumeUrl {
    VolumeUrl::parse(path.to_str().unwrap()).unwrap()
}

#[tokio::test]
async fn a_volume_is_made_in_an_absent_or_empty_directory() {
    let directory = tempfile::tempdir().unwrap();
    for place in [directory.path().join("a/b/c"), directory.path().join("empty")] {
        if place.ends_with("empty") {
            std::fs::create_dir(&place).unwrap();
        }
        init(&url(&place), &manifest(), PUT_ID).await.unwrap();
        let store = open(&url(&place)).unwrap();
        assert_eq!(store.to_string(), place.to_str().unwrap());
        assert_eq!(read_manifest(&store).await.unwrap(), manifest());
        let again = init(&url(&place), &manifest(), PUT_ID).await.unwrap_err();
        assert!(matches!(again, StoreError::VolumeExists { .. }), "{again}");
        assert!(place.join("firn.volume").is_file());
    }
}

/// What an `init` that was killed has left does not stop the next one.
#[tokio::test]
async fn the_rest_of_a_probe_does_not_count() {
    let directory = tempfile::tempdir().unwrap();
    let rest = directory.path().join("probe/07070707070707070707070707070707");
    std::fs::create_dir_all(&rest).unwrap();
    std::fs::write(rest.join("0"), "x").unwrap();
    init(&url(directory.path()), &manifest(), PUT_ID).await.unwrap();
}

#[tokio::test]
async fn a_directory_with_other_things_in_it_is_refused_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("src")).unwrap();
    std::fs::write(directory.path().join("src/main.rs"), "x").unwrap();
    let error = init(&url(directory.path()), &manifest(), PUT_ID).await.unwrap_err();
    assert!(matches!(&error, StoreError::NotEmpty { .. }));
    assert!(error.to_string().contains("src/main.rs"), "{error}");
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn what_is_no_volume_is_not_opened() {
    let directory = tempfile::tempdir().unwrap();
    let absent = url(&directory.path().join("absent"));
    let error = open(&absent).unwrap_err();
    assert!(error.to_string().contains(&format!("`firn init {absent}`")), "{error}");
    assert!(!directory.path().join("absent").exists(), "opening makes nothing");

    let empty = open(&url(directory.path())).unwrap();
    assert!(matches!(read_manifest(&empty).await, Err(StoreError::NoVolume { .. })));

    let file = directory.path().join("file");
    std::fs::write(&file, "x").unwrap();
    for place in [url(&file), url(&file.join("below"))] {
        assert!(matches!(open(&place), Err(StoreError::Directory { .. })));
        assert!(matches!(init(&place, &manifest(), PUT_ID).await, Err(StoreError::Directory { .. })));
    }
}
