use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use object_store::path::Path as KeyPrefix;

use crate::StoreError;

#[cfg(test)]
mod tests;

/// Where a volume is: a local directory, or a prefix of a bucket. Its text form parses to itself again.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct VolumeUrl(pub(crate) Place);

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Place {
    /// An absolute path.
    Local(PathBuf),
    Bucket {
        service: Service,
        name: String,
        prefix: KeyPrefix,
    },
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Service {
    S3,
    Azure,
    Google,
}

impl Service {
    pub(crate) fn scheme(self) -> &'static str {
        match self {
            Service::S3 => "s3",
            Service::Azure => "az",
            Service::Google => "gs",
        }
    }
}

impl VolumeUrl {
    /// Reads a URL: a path, `file:///PATH`, `s3://BUCKET/PREFIX`, `az://CONTAINER/PREFIX` or `gs://BUCKET/PREFIX`.
    /// A relative path is taken from the current directory, once and for all. A prefix is taken as it is
    /// written: no percent sign is decoded.
    ///
    /// # Errors
    /// [`StoreError::Url`] with what is wrong and what to write instead.
    pub fn parse(text: &str) -> Result<VolumeUrl, StoreError> {
        let wrong = |problem: String| StoreError::Url { given: text.to_owned(), problem };
        let place = match text.split_once("://") {
            _ if text.is_empty() => Err("it is empty".to_owned()),
            _ if text.starts_with(['/', '.']) => local(text),
            None => not_mistyped(text).and_then(|()| local(text)),
            Some(("file", _)) => file_url(text),
            Some(("s3", rest)) => bucket(Service::S3, rest),
            Some(("az", rest)) => bucket(Service::Azure, rest),
            Some(("gs", rest)) => bucket(Service::Google, rest),
            Some((scheme, rest)) => Err(unknown_scheme(scheme, rest)),
        };
        place.map(VolumeUrl).map_err(wrong)
    }

    /// Whether the volume is a directory of this machine.
    pub fn is_local(&self) -> bool {
        self.local_path().is_some()
    }

    /// The directory, if the volume is one: an absolute path.
    pub fn local_path(&self) -> Option<&Path> {
        match &self.0 {
            Place::Local(path) => Some(path),
            Place::Bucket { .. } => None,
        }
    }
}

fn local(text: &str) -> Result<Place, String> {
    let absolute =
        std::path::absolute(text).map_err(|error| format!("no absolute path can be made of it: {error}"))?;
    directory(&absolute)
}

/// A directory has one name: without a trailing slash, and one that can be written down.
fn directory(path: &Path) -> Result<Place, String> {
    match path.to_str() {
        Some(_) => Ok(Place::Local(path.components().collect())),
        None => Err("its path is not UTF-8; give the directory another name".to_owned()),
    }
}

/// `s3:/bucket` would otherwise become a directory called `s3:`.
fn not_mistyped(text: &str) -> Result<(), String> {
    match text.split_once(':') {
        Some((scheme @ ("file" | "s3" | "az" | "gs"), _)) => {
            Err(format!("{scheme}: is followed by two slashes, as in {scheme}://..."))
        }
        _ => Ok(()),
    }
}

fn file_url(text: &str) -> Result<Place, String> {
    let url = url::Url::parse(text).map_err(|error| error.to_string())?;
    let path = url
        .to_file_path()
        .map_err(|()| "a file URL has three slashes and an absolute path: file:///PATH".to_owned())?;
    directory(&path)
}

fn bucket(service: Service, rest: &str) -> Result<Place, String> {
    let (name, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    let scheme = service.scheme();
    if name.is_empty() {
        return Err(format!("it has no bucket: write {scheme}://BUCKET/PREFIX"));
    }
    if let Some(c) = name.chars().find(|c| !c.is_ascii_alphanumeric() && !matches!(c, '.' | '-' | '_')) {
        return Err(format!(
            "{c:?} cannot be in the name of a bucket; credentials and endpoints come from the environment"
        ));
    }
    if prefix.contains('?') {
        return Err("settings after `?` are not read; they come from the environment".to_owned());
    }
    let prefix = KeyPrefix::parse(prefix).map_err(|error| format!("its prefix cannot be used: {error}"))?;
    Ok(Place::Bucket { service, name: name.to_owned(), prefix })
}

fn unknown_scheme(scheme: &str, rest: &str) -> String {
    let instead = match scheme {
        "s3a" | "s3n" | "S3" => format!("write s3://{rest}"),
        "gcs" => format!("write gs://{rest}"),
        "azure" | "adl" | "abfs" | "abfss" | "wasb" | "wasbs" => {
            "write az://CONTAINER/PREFIX and set AZURE_STORAGE_ACCOUNT_NAME".to_owned()
        }
        "http" | "https" => {
            "write s3://BUCKET/PREFIX and set AWS_ENDPOINT_URL to the server's address".to_owned()
        }
        _ => "Firn reads a path, file://, s3://, az:// and gs://".to_owned(),
    };
    format!("{scheme}:// is not known; {instead}")
}

impl fmt::Display for VolumeUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Place::Local(path) => write!(f, "{}", path.display()),
            Place::Bucket { service, name, prefix } if prefix.as_ref().is_empty() => {
                write!(f, "{}://{name}", service.scheme())
            }
            Place::Bucket { service, name, prefix } => write!(f, "{}://{name}/{prefix}", service.scheme()),
        }
    }
}

impl FromStr for VolumeUrl {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<VolumeUrl, StoreError> {
        VolumeUrl::parse(text)
    }
}
