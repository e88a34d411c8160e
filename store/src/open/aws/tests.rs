use super::*;

const CREDENTIALS: &str = "\
[default]
aws_access_key_id = from-default
aws_secret_access_key = secret
[work]
aws_access_key_id = from-work
aws_secret_access_key = secret
aws_session_token = token-of-work
";

const CONFIG: &str = "\
[default]
region = eu-north-1
[profile work]
region = us-west-2
endpoint_url = http://localhost:9000
[profile local]
services = here
aws_access_key_id = from-config
aws_secret_access_key = secret
[services here]
s3 =
  endpoint_url = http://localhost:1
[profile office]
sso_session = office
";

/// The builder for these variables, with the files above in the home directory.
fn built(environment: &[(&str, &str)]) -> Result<AmazonS3Builder, String> {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("credentials"), CREDENTIALS).unwrap();
    std::fs::write(home.path().join("config"), CONFIG).unwrap();
    let environment = environment.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
    builder(&Settings::read(environment, Some(home.path().to_owned()))?)
}

/// Key, token, region and endpoint.
fn found(environment: &[(&str, &str)]) -> [String; 4] {
    let builder = built(environment).unwrap();
    let value = |setting| builder.get_config_value(&setting).unwrap_or_default();
    [
        value(AmazonS3ConfigKey::AccessKeyId),
        value(AmazonS3ConfigKey::Token),
        value(AmazonS3ConfigKey::Region),
        endpoint(&builder).unwrap_or_default(),
    ]
}

#[test]
fn a_profile_is_read_from_both_files() {
    assert_eq!(found(&[]), ["from-default", "", "eu-north-1", ""]);
    assert_eq!(found(&[("AWS_PROFILE", "")]), found(&[]));
    let work = ["from-work", "token-of-work", "us-west-2", "http://localhost:9000"];
    assert_eq!(found(&[("AWS_PROFILE", "work")]), work);
    assert_eq!(found(&[("AWS_PROFILE", "local")]), ["from-config", "", "", "http://localhost:1"]);
}

#[test]
fn the_environment_goes_before_the_profile() {
    let environment = [
        ("AWS_PROFILE", "work"),
        ("AWS_ACCESS_KEY_ID", "mine"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_DEFAULT_REGION", "sa-east-1"),
        ("AWS_ENDPOINT_URL", "http://localhost:2"),
    ];
    // A token of the profile's would not fit a key of the environment's.
    assert_eq!(found(&environment), ["mine", "", "sa-east-1", "http://localhost:2"]);
    let special =
        [&environment[..], &[("AWS_ENDPOINT_URL_S3", "http://localhost:3"), ("AWS_REGION", "us-east-1")]];
    assert_eq!(found(&special.concat()), ["mine", "", "us-east-1", "http://localhost:3"]);
}

#[test]
fn the_files_may_be_elsewhere_or_nowhere() {
    let directory = tempfile::tempdir().unwrap();
    let elsewhere = directory.path().join("keys");
    std::fs::write(&elsewhere, "[default]\naws_access_key_id=elsewhere\naws_secret_access_key=s\n").unwrap();
    let nowhere = directory.path().join("nowhere");
    let variables = [
        ("AWS_SHARED_CREDENTIALS_FILE", elsewhere.to_str().unwrap()),
        ("AWS_CONFIG_FILE", nowhere.to_str().unwrap()),
    ];
    assert_eq!(found(&variables), ["elsewhere", "", "", ""]);
    let none = builder(&Settings::read(BTreeMap::new(), None).unwrap()).unwrap();
    assert_eq!(none.get_config_value(&AmazonS3ConfigKey::AccessKeyId), None);
}

#[test]
fn what_cannot_be_used_is_said() {
    let unknown = built(&[("AWS_PROFILE", "nosuch")]).err().unwrap();
    assert!(unknown.contains("\"nosuch\"") && unknown.contains("AWS_PROFILE"), "{unknown}");
    let sso = built(&[("AWS_PROFILE", "office")]).err().unwrap();
    assert!(sso.contains("sso_session") && sso.contains("export-credentials"), "{sso}");
    let own_keys = [("AWS_PROFILE", "office"), ("AWS_ACCESS_KEY_ID", "mine"), ("AWS_SECRET_ACCESS_KEY", "s")];
    assert_eq!(found(&own_keys)[0], "mine");
}
