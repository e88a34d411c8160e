use proptest::prelude::*;

use super::*;

proptest! {
    #[test]
    fn the_text_form_parses_to_itself(text in "(s3://|az://|gs://|file:///|/|\\./)?[a-z0-9.-]{1,8}(/[ -~é]{1,8}){0,3}/?") {
        if let Ok(url) = VolumeUrl::parse(&text) {
            prop_assert_eq!(VolumeUrl::parse(&url.to_string()).unwrap(), url);
        }
    }

    #[test]
    fn noise_does_not_panic(text in ".{0,40}") {
        let _ = VolumeUrl::parse(&text);
    }
}

#[test]
fn one_place_has_one_name() {
    for (text, name) in [
        ("/var/lib/vol/", "/var/lib/vol"),
        ("file:///var/lib/my%20vol", "/var/lib/my vol"),
        ("/odd/s3://name", "/odd/s3:/name"),
        ("s3://bucket/", "s3://bucket"),
        ("s3://bucket/a%20b/c/", "s3://bucket/a%20b/c"),
        ("az://container/x", "az://container/x"),
        ("gs://bucket/x", "gs://bucket/x"),
    ] {
        assert_eq!(VolumeUrl::parse(text).unwrap().to_string(), name);
    }
}

#[test]
fn a_relative_path_becomes_absolute() {
    let url = VolumeUrl::parse("some/vol").unwrap();
    assert_eq!(url.local_path(), Some(std::env::current_dir().unwrap().join("some/vol").as_path()));
    assert!(url.is_local());
}

#[test]
fn what_is_wrong_is_said() {
    for (text, expected) in [
        ("", "empty"),
        ("s3:/bucket", "two slashes"),
        ("s3://", "no bucket"),
        ("s3:///prefix", "no bucket"),
        ("s3://key:secret@bucket", "environment"),
        ("s3://bucket/x?region=eu", "environment"),
        ("s3://bucket/a//b", "prefix"),
        ("s3://bucket/../b", "prefix"),
        ("s3a://bucket/x", "write s3://bucket/x"),
        ("https://minio.example.org/bucket", "AWS_ENDPOINT_URL"),
        ("abfss://c@a.dfs.core.windows.net/x", "az://"),
        ("ftp://host/x", "Firn reads"),
        ("file://host/x", "three slashes"),
        ("file:///vol/%A0", "UTF-8"),
    ] {
        let said = VolumeUrl::parse(text).unwrap_err().to_string();
        assert!(said.contains(expected), "{text}: {said}");
    }
}
