use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use firn_clock::Timestamp;
use object_store::ObjectStore;

use crate::{Key, Patience, PutOutcome, Retrying, StoreError, StoreHealth};

#[cfg(test)]
mod tests;
mod v1;

/// For how long opening waits for a store that does not answer.
const OPENING_PATIENCE: Patience = Patience::UpTo(Duration::from_secs(10));

/// A manifest is far smaller; a larger object of that name is none.
const LARGEST_BYTES: u64 = 4096;

/// What makes a place a volume: written once, by `init`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Manifest {
    /// The volume's own identity, which all its objects carry.
    pub volume: [u8; 16],
    /// When it was made.
    pub created: Timestamp,
    /// The largest block, in bytes: a power of two from 4 KiB to 8 MiB.
    pub block_size: u32,
    /// The version of the manifest's form.
    pub format: u16,
}

/// Why a manifest cannot be used.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ManifestError {
    /// It is no manifest, or not as it was written.
    #[error("it is damaged ({0}); put back the object `firn.volume` from a copy of the bucket")]
    Damaged(String),
    /// It was written by a newer Firn.
    #[error(
        "it has format {found}, and this program reads formats 1 to {}; use a newer firn",
        Manifest::FORMAT
    )]
    UnknownFormat {
        /// The version that it names.
        found: u16,
    },
    /// The block size is out of range.
    #[error("the block size {0} is no power of two from 4 KiB to 8 MiB")]
    BlockSize(u32),
}

impl Manifest {
    /// The form that is written.
    pub const FORMAT: u16 = 1;

    /// Describes a new volume.
    pub fn new(volume: [u8; 16], created: Timestamp, block_size: u32) -> Self {
        Manifest { volume, created, block_size, format: Self::FORMAT }
    }

    fn encode(&self) -> Bytes {
        v1::encode(self).into()
    }

    fn decode(bytes: &[u8]) -> Result<Manifest, ManifestError> {
        let (format, body) = open_envelope(bytes)?;
        match format {
            1 => v1::decode(body)?.checked(),
            found => Err(ManifestError::UnknownFormat { found }),
        }
    }

    fn checked(self) -> Result<Manifest, ManifestError> {
        let fits = self.block_size.is_power_of_two() && (4096..=8 << 20).contains(&self.block_size);
        if fits { Ok(self) } else { Err(ManifestError::BlockSize(self.block_size)) }
    }
}

/// What all versions have in common: a line of JSON that has a `format`, and a line with its BLAKE3.
fn open_envelope(bytes: &[u8]) -> Result<(u16, &str), ManifestError> {
    #[derive(serde::Deserialize)]
    struct Envelope {
        format: u16,
    }

    let damaged = |what: &str| ManifestError::Damaged(what.to_owned());
    let text = std::str::from_utf8(bytes).map_err(|_| damaged("it is not text"))?;
    let (body, checksum) = text.split_once('\n').ok_or_else(|| damaged("it has no second line"))?;
    if checksum != checksum_line(body) {
        return Err(damaged("its checksum is another"));
    }
    let envelope: Envelope = serde_json::from_str(body).map_err(|error| damaged(&error.to_string()))?;
    Ok((envelope.format, body))
}

fn seal_envelope(body: &str) -> String {
    format!("{body}\n{}", checksum_line(body))
}

fn checksum_line(body: &str) -> String {
    format!("blake3 {}\n", blake3::hash(body.as_bytes()).to_hex())
}

/// A volume's objects, with the patience of someone who waits for a volume to open.
pub(crate) fn patient(store: &Arc<dyn ObjectStore>) -> Retrying {
    Retrying::new(store.clone(), StoreHealth::default(), OPENING_PATIENCE)
}

/// Reads the manifest of a volume.
///
/// # Errors
/// [`StoreError::NoVolume`] if there is none, [`StoreError::Manifest`] if it cannot be used.
pub async fn read_manifest(store: &Arc<dyn ObjectStore>) -> Result<Manifest, StoreError> {
    let at = || store.to_string();
    let bytes = patient(store).get_range(Key::Manifest, 0..LARGEST_BYTES).await?;
    let bytes = bytes.ok_or_else(|| StoreError::NoVolume { at: at() })?;
    Manifest::decode(&bytes).map_err(|source| StoreError::Manifest { at: at(), source })
}

/// Writes the manifest of a new volume, unless there is one.
///
/// # Errors
/// [`StoreError::VolumeExists`] if there is one, and it is not this very one.
pub async fn create_manifest(store: &Arc<dyn ObjectStore>, manifest: &Manifest) -> Result<(), StoreError> {
    let at = || store.to_string();
    manifest.checked().map_err(|source| StoreError::Manifest { at: at(), source })?;
    // A second attempt after a lost answer tells its own manifest by the volume's identity.
    for last_attempt in [false, true] {
        match patient(store).put_if_absent(Key::Manifest, manifest.encode()).await {
            PutOutcome::Created => return Ok(()),
            PutOutcome::Refused(error) => return Err(error),
            PutOutcome::Unknown(error) if last_attempt => return Err(error),
            PutOutcome::Exists | PutOutcome::Unknown(_) => match read_manifest(store).await {
                Ok(found) if found.volume == manifest.volume => return Ok(()),
                Ok(_) | Err(StoreError::Manifest { .. }) => break,
                Err(StoreError::NoVolume { .. }) => {}
                Err(error) => return Err(error),
            },
        }
    }
    Err(StoreError::VolumeExists { at: at() })
}
