//! S3's settings. The environment comes first, then the profile, as with Amazon's own tools; the credentials are
//! taken all from one source. Unlike there, the profile files are read only for static keys: a profile that signs
//! in or assumes a role is refused with the command that turns it into keys.

use std::collections::BTreeMap;
use std::path::PathBuf;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey, S3ConditionalPut};

use super::profile::{self, Section};

#[cfg(test)]
mod tests;

/// What there is to read settings from.
pub(super) struct Settings {
    /// The environment variables whose names begin with `AWS_`.
    pub(super) environment: BTreeMap<String, String>,
    /// The profile's section in the credentials file and in the configuration file.
    pub(super) profile: Profile,
}

/// A profile as the two files have it.
#[derive(Default)]
pub(super) struct Profile {
    name: String,
    credentials: Section,
    config: Section,
}

impl Settings {
    /// From the environment of this process, and the files that it names.
    pub(super) fn of_process() -> Result<Settings, String> {
        let text = |(key, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((key.into_string().ok()?, value.into_string().ok()?))
        };
        let environment = std::env::vars_os().filter_map(text).filter(|(key, _)| key.starts_with("AWS_"));
        let home = std::env::home_dir().map(|home| home.join(".aws"));
        Settings::read(environment.collect(), home)
    }

    /// From this environment, with the files in `directory` where it names no others.
    fn read(environment: BTreeMap<String, String>, directory: Option<PathBuf>) -> Result<Settings, String> {
        let chosen = environment.get("AWS_PROFILE").filter(|name| !name.is_empty());
        let name = chosen.map_or("default", String::as_str);
        let file = |variable: &str, file: &str| {
            let named = environment.get(variable).filter(|path| !path.is_empty()).map(PathBuf::from);
            read_file(named.or_else(|| Some(directory.as_ref()?.join(file))))
        };
        let credentials = profile::section(&file("AWS_SHARED_CREDENTIALS_FILE", "credentials")?, name);
        let config_text = file("AWS_CONFIG_FILE", "config")?;
        let config = profile::section(&config_text, &format!("profile {name}"))
            .or_else(|| profile::section(&config_text, name).filter(|_| name == "default"));
        if chosen.is_some() && credentials.is_none() && config.is_none() {
            return Err(format!(
                "AWS_PROFILE names the profile {name:?}, which is neither in ~/.aws/credentials nor in ~/.aws/config; \
                 add it or unset AWS_PROFILE"
            ));
        }
        let (credentials, mut config) = (credentials.unwrap_or_default(), config.unwrap_or_default());
        // Addresses of single services are in a section of their own.
        if let Some(services) = config.get("services") {
            let services =
                profile::section(&config_text, &format!("services {services}")).unwrap_or_default();
            config.extend(services.into_iter().filter(|(key, _)| key.starts_with("s3.")));
        }
        let profile = Profile { name: name.to_owned(), credentials, config };
        Ok(Settings { environment, profile })
    }
}

/// A file that is not there is an empty one.
fn read_file(path: Option<PathBuf>) -> Result<String, String> {
    let Some(path) = path else { return Ok(String::new()) };
    match std::fs::read_to_string(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        answer => answer.map_err(|error| format!("{} cannot be read: {error}", path.display())),
    }
}

/// A builder with everything but the bucket.
pub(super) fn builder(settings: &Settings) -> Result<AmazonS3Builder, String> {
    use AmazonS3ConfigKey as Setting;
    let mut builder = AmazonS3Builder::new();
    for (variable, value) in settings.environment.iter().filter(|(_, value)| !value.is_empty()) {
        // Of the many variables that begin with AWS_, most are someone else's.
        if let Ok(setting) = variable.to_ascii_lowercase().parse::<AmazonS3ConfigKey>() {
            builder = builder.with_config(setting, value);
        }
    }
    let Profile { credentials, config, .. } = &settings.profile;
    let fill = |builder: AmazonS3Builder, setting: Setting, value: Option<&String>| match value {
        Some(value) if builder.get_config_value(&setting).is_none() => builder.with_config(setting, value),
        _ => builder,
    };
    if !has_credentials(&builder) {
        let keys =
            [credentials, config].into_iter().find(|section| section.contains_key("aws_access_key_id"));
        match keys {
            Some(keys) => {
                builder = fill(builder, Setting::AccessKeyId, keys.get("aws_access_key_id"));
                builder = fill(builder, Setting::SecretAccessKey, keys.get("aws_secret_access_key"));
                builder = fill(builder, Setting::Token, keys.get("aws_session_token"));
            }
            None => refuse_sign_in(&settings.profile)?,
        }
    }
    builder = fill(builder, Setting::Region, config.get("region").or_else(|| credentials.get("region")));
    let profile_endpoint = ["s3.endpoint_url", "endpoint_url"].iter().find_map(|name| config.get(*name));
    if endpoint(&builder).is_none() {
        builder =
            fill(builder, Setting::Endpoint, profile_endpoint.or_else(|| credentials.get("endpoint_url")));
    }
    Ok(builder.with_conditional_put(S3ConditionalPut::ETagMatch))
}

/// The server's address, if it is not Amazon's.
pub(super) fn endpoint(builder: &AmazonS3Builder) -> Option<String> {
    let value = |setting| builder.get_config_value(&setting);
    value(AmazonS3ConfigKey::S3Endpoint).or_else(|| value(AmazonS3ConfigKey::Endpoint))
}

/// Whether the environment says whose requests these are.
fn has_credentials(builder: &AmazonS3Builder) -> bool {
    use AmazonS3ConfigKey as Setting;
    [
        Setting::AccessKeyId,
        Setting::SecretAccessKey,
        Setting::WebIdentityTokenFile,
        Setting::ContainerCredentialsRelativeUri,
        Setting::ContainerCredentialsFullUri,
    ]
    .iter()
    .any(|setting| builder.get_config_value(setting).is_some())
        || builder.get_config_value(&Setting::SkipSignature).as_deref() == Some("true")
}

fn refuse_sign_in(profile: &Profile) -> Result<(), String> {
    const WAYS: [&str; 5] =
        ["sso_session", "sso_start_url", "role_arn", "credential_process", "login_session"];
    let sections = [&profile.credentials, &profile.config];
    let way = WAYS.iter().find(|way| sections.iter().any(|section| section.contains_key(**way)));
    way.map_or(Ok(()), |way| {
        let name = &profile.name;
        Err(format!(
            "the profile {name:?} gets its keys by {way}, which Firn does not do itself; \
             run `eval \"$(aws configure export-credentials --profile {name} --format env)\"` first"
        ))
    })
}
