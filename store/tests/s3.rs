//! Volumes on a real S3 server: when `FIRN_TEST_S3_ENDPOINT` names one (`scripts/test` starts one).
//!
//! Settings come from the environment of the process, and that is what is tested; so the test runs itself again,
//! once with variables and once with profile files.

use std::io::{Read, Write};
use std::process::Command;
use std::time::Duration;

use bytes::Bytes;
use firn_clock::Timestamp;
use firn_store::{
    Family, Key, Manifest, Patience, PutOutcome, Retrying, StoreError, StoreHealth, VolumeUrl, init, open,
    read_manifest,
};

/// The bucket that the inner run uses: set by the outer one.
const BUCKET: &str = "FIRN_TEST_S3_BUCKET";

const PUT_ID: [u8; 16] = [3; 16];

#[test]
fn a_volume_on_an_s3_server() {
    if let Ok(bucket) = std::env::var(BUCKET) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        return runtime.block_on(story(&bucket));
    }
    let Ok(endpoint) = std::env::var("FIRN_TEST_S3_ENDPOINT") else {
        eprintln!("skipped: FIRN_TEST_S3_ENDPOINT is not set");
        return;
    };
    let home = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = home.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.into_os_string().into_string().unwrap()
    };
    let empty = file("empty", "");
    let keys = file("credentials", "[test]\naws_access_key_id = key\naws_secret_access_key = secret\n");
    let config = file("config", &format!("[profile test]\nregion = us-east-1\nendpoint_url = {endpoint}\n"));
    let files = |keys: &str, config: &str| {
        [("AWS_SHARED_CREDENTIALS_FILE", keys.to_owned()), ("AWS_CONFIG_FILE", config.to_owned())]
    };
    let variables = [
        ("AWS_ACCESS_KEY_ID", "key".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "secret".to_owned()),
        ("AWS_ENDPOINT_URL", endpoint.clone()),
    ];
    let profile = [("AWS_PROFILE", "test".to_owned())];
    again(&endpoint, "variables", files(&empty, &empty).into_iter().chain(variables));
    again(&endpoint, "profile", files(&keys, &config).into_iter().chain(profile));
}

/// Runs this test in a process of its own, in a new bucket, with these variables and no other `AWS_*`.
fn again(endpoint: &str, name: &str, variables: impl Iterator<Item = (&'static str, String)>) {
    let bucket = format!("firn-{name}-{}", std::process::id());
    let address = endpoint.strip_prefix("http://").unwrap();
    let mut connection = std::net::TcpStream::connect(address).unwrap();
    let request = format!(
        "PUT /{bucket} HTTP/1.1\r\nHost: {address}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    );
    connection.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");

    let mut command = Command::new(std::env::current_exe().unwrap());
    for (key, _) in std::env::vars_os().filter(|(key, _)| key.to_string_lossy().starts_with("AWS_")) {
        command.env_remove(key);
    }
    let done = command
        .args(["--exact", "a_volume_on_an_s3_server"])
        .env(BUCKET, bucket)
        .envs(variables)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success() && said.contains("1 passed"), "with {name}: {said}");
}

async fn story(bucket: &str) {
    let url = |prefix: &str| VolumeUrl::parse(&format!("s3://{bucket}{prefix}")).unwrap();
    let manifest = Manifest::new([5; 16], Timestamp(1), 65_536);

    let volume = url("/some where/vol+ume");
    let store = init(&volume, &manifest, PUT_ID).await.unwrap();
    assert_eq!(store.to_string(), volume.to_string());
    assert_eq!(read_manifest(&open(&volume).unwrap()).await.unwrap(), manifest);
    let twice = init(&volume, &manifest, PUT_ID).await.unwrap_err();
    assert!(matches!(twice, StoreError::VolumeExists { .. }), "{twice}");

    let outer = init(&url(""), &manifest, PUT_ID).await.unwrap_err();
    assert!(outer.to_string().contains("some where/vol+ume/firn.volume"), "{outer}");
    let absent = read_manifest(&open(&url("/absent")).unwrap()).await.unwrap_err();
    assert!(absent.to_string().contains(&format!("`firn init s3://{bucket}/absent`")), "{absent}");
    let no_bucket = VolumeUrl::parse("s3://firn-no-such-bucket/x").unwrap();
    let no_bucket = init(&no_bucket, &manifest, PUT_ID).await.unwrap_err();
    assert!(no_bucket.to_string().contains("make sure that the bucket exists"), "{no_bucket}");

    let health = StoreHealth::default();
    requests(&Retrying::new(store, health.clone(), Patience::UpTo(Duration::from_secs(10)))).await;
    assert!(health.is_well());
}

/// Every kind of request that there is.
async fn requests(objects: &Retrying) {
    let numbers = [1, 2, 9, 10];
    for number in numbers {
        let outcome = objects.put_if_absent(Key::Segment(number), Bytes::from("0123456789")).await;
        assert!(matches!(outcome, PutOutcome::Created), "{outcome:?}");
    }
    assert!(matches!(objects.put_if_absent(Key::Segment(2), Bytes::from("other")).await, PutOutcome::Exists));
    assert_eq!(objects.get(Key::Segment(2)).await.unwrap().unwrap(), "0123456789");
    for (range, expected) in [(2..5, "234"), (8..20, "89"), (10..12, ""), (50..60, ""), (3..3, "")] {
        assert_eq!(objects.get_range(Key::Segment(2), range).await.unwrap().unwrap(), expected);
    }
    assert_eq!(objects.get(Key::Segment(3)).await.unwrap(), None);
    assert_eq!(objects.get_range(Key::Segment(3), 0..9).await.unwrap(), None);
    assert_eq!(objects.size(Key::Segment(9)).await.unwrap(), Some(10));
    assert_eq!(objects.size(Key::Segment(3)).await.unwrap(), None);

    let after = objects.list(Family::Segments, Some(Key::Segment(2))).await.unwrap();
    assert_eq!(
        after.iter().map(|object| object.key).collect::<Vec<_>>(),
        [Key::Segment(9), Key::Segment(10)]
    );
    assert_eq!(objects.list(Family::Segments, None).await.unwrap().len(), numbers.len());
    assert_eq!(objects.list(Family::Packs, None).await.unwrap(), []);

    objects.put(Key::Writer, Bytes::from("one")).await.unwrap();
    objects.put(Key::Writer, Bytes::from("two")).await.unwrap();
    assert_eq!(objects.get(Key::Writer).await.unwrap().unwrap(), "two");
    objects.delete(Key::Writer).await.unwrap();
    objects.delete(Key::Writer).await.unwrap();
    assert_eq!(objects.get(Key::Writer).await.unwrap(), None);
}
