//! Version 1 of the manifest. Frozen: a change is a new version beside it.
//!
//! Two lines of text. The first is a JSON object on one line:
//!
//! | field | value |
//! |---|---|
//! | `format` | 1 |
//! | `volume` | the volume's identity, 32 lower-case hexadecimal digits |
//! | `created` | nanoseconds since 1970-01-01T00:00:00Z, an integer |
//! | `block_size` | bytes, an integer |
//!
//! The second is `blake3 `, the BLAKE3 of the first line without its newline in 64 lower-case hexadecimal digits,
//! and a newline. Fields that are not listed are an error: a version does not grow.

use firn_clock::Timestamp;

use super::{Manifest, ManifestError, seal_envelope};

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    format: u16,
    volume: String,
    created: i64,
    block_size: u32,
}

pub(super) fn encode(manifest: &Manifest) -> String {
    let Manifest { volume, created, block_size, .. } = manifest;
    let volume = u128::from_be_bytes(*volume);
    let created = created.0;
    seal_envelope(&format!(
        r#"{{"format":1,"volume":"{volume:032x}","created":{created},"block_size":{block_size}}}"#
    ))
}

pub(super) fn decode(body: &str) -> Result<Manifest, ManifestError> {
    let damaged = |error: serde_json::Error| ManifestError::Damaged(error.to_string());
    let body: Body = serde_json::from_str(body).map_err(damaged)?;
    let digits =
        body.volume.len() == 32 && body.volume.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let volume = u128::from_str_radix(&body.volume, 16).ok().filter(|_| digits);
    let volume = volume.ok_or_else(|| ManifestError::Damaged("its volume has no 32 digits".to_owned()))?;
    let (format, created) = (body.format, Timestamp(body.created));
    Ok(Manifest { volume: volume.to_be_bytes(), created, block_size: body.block_size, format })
}
