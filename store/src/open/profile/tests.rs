use proptest::prelude::*;

use super::*;

const CONFIG: &str = "\
# a comment
orphan = before any section
[default]
region = eu-north-1   # where the snow is
output=json

[profile  work]
Region=us-west-2
s3 =
  addressing_style = path
  endpoint_url = http://127.0.0.1:9000/a#b
endpoint_url = https://other.example.org ; not for S3
[profile work]
region = us-east-2
[services local]
s3 =
\tendpoint_url = http://localhost:1
[broken
key = value
";

fn get(name: &str, key: &str) -> Option<String> {
    section(CONFIG, name)?.remove(key)
}

#[test]
fn settings_are_found_in_their_section() {
    let text = |found: Option<String>| found.unwrap_or_default();
    assert_eq!(text(get("default", "region")), "eu-north-1");
    assert_eq!(text(get("default", "output")), "json");
    assert_eq!(get("default", "orphan"), None);
    assert_eq!(text(get("profile work", "region")), "us-east-2");
    assert_eq!(text(get("profile work", "s3.endpoint_url")), "http://127.0.0.1:9000/a#b");
    assert_eq!(text(get("profile work", "s3.addressing_style")), "path");
    assert_eq!(text(get("profile work", "endpoint_url")), "https://other.example.org");
    assert_eq!(get("profile work", "s3"), None);
    assert_eq!(text(get("services local", "s3.endpoint_url")), "http://localhost:1");
    assert_eq!(text(get("broken", "key")), "value");
    assert!(section(CONFIG, "work").is_none());
    assert!(section("", "default").is_none());
}

/// Secrets have equals signs and slashes in them.
#[test]
fn a_value_is_all_that_follows_the_first_equals_sign() {
    let found = section("[a]\r\naws_secret_access_key = x/y+z==\r\n", "a").unwrap();
    assert_eq!(found["aws_secret_access_key"], "x/y+z==");
}

proptest! {
    #[test]
    fn noise_does_not_panic(text in "[\\[\\]a =#;\t\n\r.é-]{0,80}", name in ".{0,9}") {
        let _ = section(&text, &name);
    }
}
