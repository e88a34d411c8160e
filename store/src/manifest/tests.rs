use proptest::prelude::*;

use super::*;
use crate::crooked::{Crooked, Mishap, Quirk};

/// The first manifest form that was ever written. Never edited.
const GOLDEN_V1: &[u8] = include_bytes!("../../../testdata/manifest/v1");

fn golden() -> Manifest {
    let volume = std::array::from_fn(|i| i as u8);
    Manifest { volume, created: Timestamp(1_790_000_000_123_456_789), block_size: 131_072, format: 1 }
}

#[test]
fn the_golden_file_is_read_and_written() {
    assert_eq!(Manifest::decode(GOLDEN_V1), Ok(golden()));
    assert_eq!(golden().encode(), GOLDEN_V1);
}

fn manifest() -> impl Strategy<Value = Manifest> {
    (any::<[u8; 16]>(), any::<i64>(), 12u32..=23)
        .prop_map(|(volume, created, bits)| Manifest::new(volume, Timestamp(created), 1 << bits))
}

proptest! {
    #[test]
    fn a_manifest_survives_its_bytes(manifest in manifest()) {
        prop_assert_eq!(Manifest::decode(&manifest.encode()), Ok(manifest));
    }

    #[test]
    fn a_changed_byte_is_found(manifest in manifest(), at in any::<prop::sample::Index>(), flip in 1u8..) {
        let mut bytes = manifest.encode().to_vec();
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        prop_assert!(matches!(Manifest::decode(&bytes), Err(ManifestError::Damaged(_))));
    }

    #[test]
    fn a_shorter_or_longer_one_is_found(manifest in manifest(), at in any::<prop::sample::Index>(), more in ".{1,9}") {
        let bytes = manifest.encode();
        prop_assert!(Manifest::decode(&bytes[..at.index(bytes.len())]).is_err());
        prop_assert!(Manifest::decode(&[&bytes[..], more.as_bytes()].concat()).is_err());
    }

    #[test]
    fn noise_does_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(Manifest::decode(&bytes).is_err());
    }
}

#[test]
fn what_has_a_good_checksum_is_checked_all_the_same() {
    let decode = |body: &str| Manifest::decode(seal_envelope(body).as_bytes());
    let newer = decode(r#"{"format":7,"anything":[]}"#).unwrap_err();
    assert_eq!(newer, ManifestError::UnknownFormat { found: 7 });
    assert!(newer.to_string().contains("formats 1 to 1"));
    let volume = "00112233445566778899aabbccddeeff";
    let with = |block_size: &str| {
        decode(&format!(r#"{{"format":1,"volume":"{volume}","created":1,"block_size":{block_size}}}"#))
    };
    assert!(with("4096").is_ok());
    assert_eq!(with("0"), Err(ManifestError::BlockSize(0)));
    assert_eq!(with("5000"), Err(ManifestError::BlockSize(5000)));
    assert_eq!(with("33554432"), Err(ManifestError::BlockSize(33_554_432)));
    assert!(matches!(with("-1"), Err(ManifestError::Damaged(_))));
    assert!(matches!(with("4096,\"more\":1"), Err(ManifestError::Damaged(_))));
    for volume in ["+0112233445566778899aabbccddeeff", "00112233445566778899AABBCCDDEEFF", "00"] {
        let body = format!(r#"{{"format":1,"volume":"{volume}","created":1,"block_size":4096}}"#);
        assert!(matches!(decode(&body), Err(ManifestError::Damaged(_))), "{volume}");
    }
}

fn other() -> Manifest {
    Manifest { volume: [9; 16], ..golden() }
}

#[tokio::test]
async fn a_volume_is_made_once() {
    let store: Arc<dyn ObjectStore> = Crooked::with(Quirk::None);
    assert!(matches!(read_manifest(&store).await, Err(StoreError::NoVolume { .. })));
    create_manifest(&store, &golden()).await.unwrap();
    assert_eq!(read_manifest(&store).await.unwrap(), golden());
    assert!(matches!(create_manifest(&store, &other()).await, Err(StoreError::VolumeExists { .. })));
    assert_eq!(read_manifest(&store).await.unwrap(), golden());
    let useless = Manifest { block_size: 1000, ..golden() };
    assert!(matches!(create_manifest(&store, &useless).await, Err(StoreError::Manifest { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_resolved_by_reading_back() {
    for mishap in [Mishap::LostAnswer, Mishap::Unavailable, Mishap::Hang] {
        let script = Crooked::scripted([mishap]);
        let store: Arc<dyn ObjectStore> = script.clone();
        create_manifest(&store, &golden()).await.unwrap();
        assert_eq!(read_manifest(&store).await.unwrap(), golden());
        script.play([mishap]);
        assert!(matches!(create_manifest(&store, &other()).await, Err(StoreError::VolumeExists { .. })));
    }
}

#[tokio::test]
async fn a_damaged_manifest_is_neither_served_nor_replaced() {
    let store: Arc<dyn ObjectStore> = Crooked::with(Quirk::None);
    for content in ["", "{}", "x".repeat(100_000).as_str()] {
        patient(&store).put(Key::Manifest, Bytes::from(content.to_owned())).await.unwrap();
        let error = read_manifest(&store).await.unwrap_err();
        assert!(matches!(&error, StoreError::Manifest { .. }));
        assert!(error.to_string().contains("crooked://store"), "{error}");
        assert!(matches!(create_manifest(&store, &golden()).await, Err(StoreError::VolumeExists { .. })));
    }
}
