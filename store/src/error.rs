use std::error::Error;
use std::fmt;
use std::sync::Arc;

use object_store::client::{HttpError, HttpErrorKind};

use crate::manifest::ManifestError;

#[cfg(test)]
mod tests;

/// What went wrong at the bucket, for people: what was expected, what was found, what to do.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// The text is no URL of a volume.
    #[error("{given:?} does not name a volume: {problem}")]
    Url {
        /// What was given.
        given: String,
        /// What is wrong with it, and what to write instead.
        problem: String,
    },
    /// The settings from the environment or from profile files do not do.
    #[error("{at} cannot be reached with the present settings: {problem}")]
    Settings {
        /// The volume's URL.
        at: String,
        /// What is wrong with them, and what to set.
        problem: String,
    },
    /// There is no volume at this place.
    #[error("no Firn volume at {at}; create one with `firn init {at}`")]
    NoVolume {
        /// The volume's URL.
        at: String,
    },
    /// There is a volume at this place already.
    #[error("{at} is already a Firn volume; use it as it is, or give `firn init` another place")]
    VolumeExists {
        /// The volume's URL.
        at: String,
    },
    /// A volume is made only where there is nothing else.
    #[error(
        "{at} is not empty (there is {found}) and is no Firn volume; give `firn init` an empty or new place"
    )]
    NotEmpty {
        /// The volume's URL.
        at: String,
        /// One of the things that are there.
        found: String,
    },
    /// The local place is not a directory, or cannot be made one.
    #[error("the directory {at} cannot be used: {source}")]
    Directory {
        /// The path.
        at: String,
        /// Why.
        source: Arc<std::io::Error>,
    },
    /// The store does not do something that Firn relies on.
    #[error(
        "{at} cannot hold a volume, since its store lacks {capability}: {found}; use a store that has it"
    )]
    MissingCapability {
        /// The volume's URL.
        at: String,
        /// What is missing.
        capability: Capability,
        /// What the store did instead.
        found: String,
    },
    /// The manifest is there and cannot be used.
    #[error("the manifest of {at} cannot be used: {source}")]
    Manifest {
        /// The volume's URL.
        at: String,
        /// Why.
        source: ManifestError,
    },
    /// A request failed.
    #[error("cannot {action} {key} in {at}: {}{}", brief(source), hint(*fault, source))]
    Request {
        /// What was being done: `read`, `write`, `list`, `delete`.
        action: &'static str,
        /// The key, or the prefix of the keys.
        key: String,
        /// The volume's URL.
        at: String,
        /// What kind of failure it is.
        fault: Fault,
        /// What the store said.
        source: Arc<dyn Error + Send + Sync>,
    },
}

impl StoreError {
    /// What kind of failure this is, to a caller that must decide what to do.
    pub fn fault(&self) -> Fault {
        match self {
            StoreError::Request { fault, .. } => *fault,
            StoreError::NoVolume { .. } => Fault::NotFound,
            StoreError::VolumeExists { .. } => Fault::AlreadyExists,
            _ => Fault::Permanent,
        }
    }

    /// Whether the same request may succeed later, without anyone's doing.
    pub fn is_transient(&self) -> bool {
        self.fault() == Fault::Transient
    }
}

/// Something that Firn needs of an object store.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Capability {
    /// Creating an object only if there is none of that name.
    PutIfAbsent,
    /// Reading a part of an object.
    RangedGet,
    /// Listing the keys after a given one.
    ListWithOffset,
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Capability::PutIfAbsent => "put-if-absent",
            Capability::RangedGet => "ranged get",
            Capability::ListWithOffset => "list with offset",
        })
    }
}

/// What a failed request means.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Fault {
    /// There is no such object, or no such bucket.
    NotFound,
    /// The condition of a create does not hold: there is such an object.
    AlreadyExists,
    /// The store may well answer the same request later. Whether a write took effect is not known.
    Transient,
    /// The credentials are missing, refused or expired: it takes a person to change that.
    Denied,
    /// The same request will never succeed.
    Permanent,
}

/// Says what a store's error means: the only place that does.
///
/// Errors that are not recognized are [`Fault::Transient`]: repeating in vain is visible in the store's health,
/// while giving up on a write loses it.
pub fn classify(error: &object_store::Error) -> Fault {
    recognize(error).unwrap_or(Fault::Transient)
}

/// As [`classify`], but leaves open what is not recognized.
pub(crate) fn recognize(error: &object_store::Error) -> Option<Fault> {
    use object_store::Error as E;
    match error {
        E::NotFound { .. } => Some(Fault::NotFound),
        // S3 says 409, which the client calls AlreadyExists, when a create met another one that is not decided yet.
        E::AlreadyExists { .. } if is_undecided(error) => Some(Fault::Transient),
        // Azure has said Precondition, and relatives of S3 NotModified, where others say AlreadyExists.
        E::AlreadyExists { .. } | E::Precondition { .. } | E::NotModified { .. } => {
            Some(Fault::AlreadyExists)
        }
        E::PermissionDenied { .. } | E::Unauthenticated { .. } => Some(Fault::Denied),
        E::InvalidPath { .. }
        | E::NotSupported { .. }
        | E::NotImplemented { .. }
        | E::UnknownConfigurationKey { .. } => Some(Fault::Permanent),
        _ => links(error).find_map(classify_link),
    }
}

fn is_undecided(error: &object_store::Error) -> bool {
    let text = error.to_string();
    text.contains("ConditionalRequestConflict") || text.contains("OperationAborted")
}

/// The error and its causes.
fn links<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

fn classify_link(error: &(dyn Error + 'static)) -> Option<Fault> {
    if let Some(error) = error.downcast_ref::<std::io::Error>() {
        return Some(classify_io(error.kind()));
    }
    if let Some(error) = error.downcast_ref::<HttpError>() {
        return (error.kind() != HttpErrorKind::Unknown).then_some(Fault::Transient);
    }
    classify_answer(&error.to_string())
}

fn classify_io(kind: std::io::ErrorKind) -> Fault {
    use std::io::ErrorKind as K;
    match kind {
        K::PermissionDenied | K::ReadOnlyFilesystem => Fault::Denied,
        K::NotADirectory | K::IsADirectory | K::InvalidFilename | K::Unsupported => Fault::Permanent,
        // A full disk as well: someone will make room, and the data wait for it.
        _ => Fault::Transient,
    }
}

/// The client's error type for an HTTP status is private; its text is what there is. A test against a real
/// connection watches over it.
fn classify_answer(text: &str) -> Option<Fault> {
    if text.starts_with("Received redirect without LOCATION") {
        return Some(Fault::Permanent);
    }
    let (status, body) = text.strip_prefix("Server returned non-2xx status code: ")?.split_at_checked(3)?;
    Some(match status.parse::<u16>().ok()? {
        401 | 403 => Fault::Denied,
        404 => Fault::NotFound,
        400 if ["ExpiredToken", "InvalidToken", "TokenRefreshRequired"].iter().any(|c| body.contains(c)) => {
            Fault::Denied
        }
        // The connection broke or dawdled while the body was under way.
        400 if ["RequestTimeout", "IncompleteBody", "BadDigest"].iter().any(|c| body.contains(c)) => {
            Fault::Transient
        }
        408 | 409 | 425 | 429 => Fault::Transient,
        501 | 505 => Fault::Permanent,
        300..=499 => Fault::Permanent,
        _ => Fault::Transient,
    })
}

/// At most this many characters of what a store said are shown: some say it with a page of HTML.
const BRIEF_CHARS: usize = 400;

/// One line, not too long.
pub(crate) fn brief(error: &dyn Error) -> String {
    let text = error.to_string();
    let mut words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((end, _)) = words.char_indices().nth(BRIEF_CHARS) {
        words.truncate(end);
        words.push_str(" ...");
    }
    words
}

fn hint(fault: Fault, error: &dyn Error) -> &'static str {
    let text = error.to_string();
    // Without credentials the clients turn to the address where a cloud machine asks who it is.
    if text.contains("169.254.169.254") || text.contains("metadata.google.internal") {
        return "; no credentials were found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, \
                AZURE_STORAGE_ACCOUNT_KEY or GOOGLE_APPLICATION_CREDENTIALS";
    }
    if text.contains("Received redirect without LOCATION") {
        return "; set AWS_REGION to the region of the bucket";
    }
    match fault {
        Fault::NotFound => "; make sure that the bucket exists and is spelled right",
        Fault::Denied => {
            "; make sure that the credentials are valid and may read, write, list and delete there"
        }
        Fault::AlreadyExists | Fault::Transient | Fault::Permanent => "",
    }
}
