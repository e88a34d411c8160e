//! What object_store's S3 client says: the parts of its errors that `firn_store::classify` looks at.

use std::io;

use object_store::client::{HttpError, HttpErrorKind};
use object_store::path::Path;
use object_store::{Error, GetRange};

const STORE: &str = "S3";

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// The client's text for an answer that is no success.
fn answer(status: &str, code: &str) -> Cause {
    format!("Server returned non-2xx status code: {status}: <Error><Code>{code}</Code></Error>").into()
}

fn connection(kind: HttpErrorKind, cause: io::ErrorKind, message: &str) -> Error {
    let source = HttpError::new(kind, io::Error::new(cause, message));
    Error::Generic { store: STORE, source: Box::new(source) }
}

pub(super) fn connection_reset() -> Error {
    connection(HttpErrorKind::Interrupted, io::ErrorKind::ConnectionReset, "connection reset by peer")
}

pub(super) fn connection_refused() -> Error {
    connection(HttpErrorKind::Connect, io::ErrorKind::ConnectionRefused, "connection refused")
}

pub(super) fn body_ended_early() -> Error {
    connection(
        HttpErrorKind::Interrupted,
        io::ErrorKind::UnexpectedEof,
        "the connection closed within the body",
    )
}

pub(super) fn slow_down() -> Error {
    Error::Generic { store: STORE, source: answer("503 Service Unavailable", "SlowDown") }
}

pub(super) fn internal_error() -> Error {
    Error::Generic { store: STORE, source: answer("500 Internal Server Error", "InternalError") }
}

/// Two conditional requests met, and this one was not decided.
pub(super) fn conflict(key: String) -> Error {
    Error::AlreadyExists { path: key, source: answer("409 Conflict", "ConditionalRequestConflict") }
}

pub(super) fn not_found(at: &Path) -> Error {
    Error::NotFound { path: at.to_string(), source: answer("404 Not Found", "NoSuchKey") }
}

pub(super) fn no_such_upload(at: &Path) -> Error {
    Error::NotFound { path: at.to_string(), source: answer("404 Not Found", "NoSuchUpload") }
}

pub(super) fn invalid_part() -> Error {
    Error::Generic { store: STORE, source: answer("400 Bad Request", "InvalidPart") }
}

pub(super) fn already_exists(at: &Path) -> Error {
    Error::AlreadyExists {
        path: at.to_string(),
        source: answer("412 Precondition Failed", "PreconditionFailed"),
    }
}

pub(super) fn precondition_failed(at: &Path) -> Error {
    Error::Precondition {
        path: at.to_string(),
        source: answer("412 Precondition Failed", "PreconditionFailed"),
    }
}

pub(super) fn out_of_range(range: &GetRange, size: u64) -> Error {
    let status = format!("416 Range Not Satisfiable ({range:?} of {size} bytes)");
    Error::Generic { store: STORE, source: answer(&status, "InvalidRange") }
}

pub(super) fn no_versions() -> Error {
    Error::NotSupported { source: "the simulated bucket keeps no old versions; ask for none".into() }
}

/// A word for the trace.
pub(super) fn word<T>(outcome: &Result<T, Error>) -> &'static str {
    match outcome {
        Ok(_) => "ok",
        Err(Error::NotFound { .. }) => "not_found",
        Err(Error::AlreadyExists { .. }) => "already_exists",
        Err(Error::Precondition { .. }) => "precondition",
        Err(Error::NotModified { .. }) => "not_modified",
        Err(_) => "refused",
    }
}
