use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::AmazonS3ConfigKey;
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::local::LocalFileSystem;
use object_store::prefix::PrefixStore;
use object_store::{BackoffConfig, ClientConfigKey, ObjectStore, RetryConfig};

use crate::manifest::patient;
use crate::url::{Place, Service, VolumeUrl};
use crate::{Manifest, StoreError, create_manifest, probe, read_manifest};

mod aws;
mod located;
mod profile;

use located::Located;

/// A server that does not take a connection in this time is away.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// The last resort against a connection that hangs. The limits that matter are `Retrying`'s, which grow with the
/// size of what is moved.
const TRANSFER_LIMIT: Duration = Duration::from_secs(600);

/// Opens the store of a volume: its root is the volume, and its `Display` is the URL. Settings and credentials
/// come from the environment (`AWS_*`, `AZURE_*`, `GOOGLE_*`) and, for S3, from the profile files. Nothing is
/// requested yet.
///
/// # Errors
/// [`StoreError::NoVolume`] for a local directory that does not exist (only [`init`] makes it),
/// [`StoreError::Settings`] if settings are missing or wrong.
pub fn open(url: &VolumeUrl) -> Result<Arc<dyn ObjectStore>, StoreError> {
    let store: Arc<dyn ObjectStore> = match &url.0 {
        Place::Local(path) => Arc::new(local(path)?),
        Place::Bucket { service, name, prefix } => {
            let client = client(*service, name)
                .map_err(|problem| StoreError::Settings { at: url.to_string(), problem })?;
            match prefix.as_ref().is_empty() {
                true => client,
                false => Arc::new(PrefixStore::new(client, prefix.clone())),
            }
        }
    };
    Ok(Arc::new(Located::new(url.clone(), store)))
}

/// Makes a volume: creates a local directory if need be, makes sure that nothing else is there, probes the store
/// (`put_id` is unique, and names the probe), writes the manifest.
///
/// # Errors
/// [`StoreError::VolumeExists`], [`StoreError::NotEmpty`], [`StoreError::MissingCapability`], and whatever
/// [`open`] says.
pub async fn init(
    url: &VolumeUrl,
    manifest: &Manifest,
    put_id: [u8; 16],
) -> Result<Arc<dyn ObjectStore>, StoreError> {
    if let Some(path) = url.local_path() {
        create_directory(path)
            .map_err(|source| StoreError::Directory { at: url.to_string(), source: Arc::new(source) })?;
    }
    let store = open(url)?;
    match read_manifest(&store).await {
        Err(StoreError::NoVolume { .. }) => {}
        Ok(_) | Err(StoreError::Manifest { .. }) => {
            return Err(StoreError::VolumeExists { at: url.to_string() });
        }
        Err(error) => return Err(error),
    }
    if let Some(found) = patient(&store).first_stranger().await? {
        return Err(StoreError::NotEmpty { at: url.to_string(), found });
    }
    probe(&store, put_id).await?;
    create_manifest(&store, manifest).await?;
    if let Some(path) = url.local_path() {
        sweep_probe(path);
    }
    Ok(store)
}

/// A directory keeps the empty folders of objects that are gone. Whatever is not empty stays.
fn sweep_probe(volume: &Path) {
    let folder = volume.join("probe");
    for probe in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
        let _ = std::fs::remove_dir(probe.path());
    }
    let _ = std::fs::remove_dir(folder);
}

fn local(path: &Path) -> Result<LocalFileSystem, StoreError> {
    let at = || path.display().to_string();
    match path.metadata() {
        Ok(found) if found.is_dir() => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(StoreError::NoVolume { at: at() });
        }
        Ok(_) => {
            let source = Arc::new(std::io::ErrorKind::NotADirectory.into());
            return Err(StoreError::Directory { at: at(), source });
        }
        Err(error) => return Err(StoreError::Directory { at: at(), source: Arc::new(error) }),
    }
    let store = LocalFileSystem::new_with_prefix(path)
        .map_err(|error| StoreError::Settings { at: at(), problem: error.to_string() })?;
    Ok(store.with_fsync(true))
}

/// Makes a directory and its parents, and makes that last: the store syncs only what is below the volume's root.
fn create_directory(path: &Path) -> std::io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let parent = path.parent().ok_or(std::io::ErrorKind::NotFound)?;
    create_directory(parent)?;
    std::fs::create_dir(path)?;
    File::open(parent)?.sync_all()
}

/// The client takes any text for an address, and panics at its first request.
fn check_endpoint(endpoint: &str) -> Result<(), String> {
    let address = url::Url::parse(endpoint).ok();
    match address.filter(|address| matches!(address.scheme(), "http" | "https") && address.has_host()) {
        Some(_) => Ok(()),
        None => Err(format!(
            "the endpoint `{endpoint}` must be an address such as https://host:port; set AWS_ENDPOINT_URL, or \
             endpoint_url in the profile, to one, or unset it for Amazon's own"
        )),
    }
}

fn client(service: Service, name: &str) -> Result<Arc<dyn ObjectStore>, String> {
    Ok(match service {
        Service::S3 => {
            let mut builder = aws::builder(&aws::Settings::of_process()?)?;
            let endpoint = aws::endpoint(&builder);
            if let Some(endpoint) = &endpoint {
                check_endpoint(endpoint)?;
            }
            for (key, value) in transport(endpoint) {
                builder = builder.with_config(AmazonS3ConfigKey::Client(key), value);
            }
            let client = builder.with_bucket_name(name).with_retry(no_retries()).build();
            Arc::new(client.map_err(|error| error.to_string())?)
        }
        Service::Azure => {
            let mut builder = MicrosoftAzureBuilder::from_env();
            for (key, value) in transport(builder.get_config_value(&AzureConfigKey::Endpoint)) {
                builder = builder.with_config(AzureConfigKey::Client(key), value);
            }
            let client = builder.with_container_name(name).with_retry(no_retries()).build();
            Arc::new(client.map_err(|error| {
                format!("{error}; set AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY or other AZURE_* variables")
            })?)
        }
        Service::Google => {
            let mut builder = GoogleCloudStorageBuilder::from_env();
            for (key, value) in transport(builder.get_config_value(&GoogleConfigKey::BaseUrl)) {
                builder = builder.with_config(GoogleConfigKey::Client(key), value);
            }
            let client = builder.with_bucket_name(name).with_retry(no_retries()).build();
            Arc::new(client.map_err(|error| {
                format!("{error}; set GOOGLE_APPLICATION_CREDENTIALS or other GOOGLE_* variables")
            })?)
        }
    })
}

/// What is set over the environment's settings. Plain HTTP is allowed to an endpoint that was given as such.
fn transport(endpoint: Option<String>) -> impl Iterator<Item = (ClientConfigKey, String)> {
    let plain = endpoint.is_some_and(|endpoint| endpoint.starts_with("http://"));
    let limit = |time: Duration| format!("{} s", time.as_secs());
    let limits = [
        (ClientConfigKey::ConnectTimeout, limit(CONNECT_LIMIT)),
        (ClientConfigKey::Timeout, limit(TRANSFER_LIMIT)),
    ];
    limits.into_iter().chain(plain.then(|| (ClientConfigKey::AllowHttp, "true".to_owned())))
}

/// A create that the client repeats after a lost answer meets its own object, and says that it exists.
fn no_retries() -> RetryConfig {
    RetryConfig { backoff: BackoffConfig::default(), max_retries: 0, retry_timeout: Duration::ZERO }
}
