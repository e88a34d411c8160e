//! The table of contents: one line of JSON, and on a second line the JSON's BLAKE3 in hexadecimal.

use firn_clock::Timestamp;
use firn_journal::{Epoch, Hash, Ino, JournalTip, SegmentNo, Seq, VolumeId};
use serde::{Deserialize, Serialize};

use super::FORMAT;
use crate::snapshot::Damage;

/// What a snapshot file is of, and what its tables are.
#[derive(Clone, PartialEq, Debug)]
pub struct Toc {
    /// Whose namespace.
    pub volume: VolumeId,
    /// The namespace's time: the last event's.
    pub time: Timestamp,
    /// The number of the next inode.
    pub next_ino: Ino,
    /// The end of the journal that the namespace stands for; its sequence number is the namespace's.
    pub tip: JournalTip,
    /// The tables.
    pub tables: Tables,
}

/// A value for each table.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tables {
    pub inodes: TableEntry,
    pub dirents: TableEntry,
    pub extents: TableEntry,
    pub xattrs: TableEntry,
    pub packs: TableEntry,
    pub checkpoints: TableEntry,
}

/// How a table is known again.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableEntry {
    /// Rows.
    pub rows: u64,
    /// Bytes of the object.
    pub len: u64,
    /// BLAKE3 of the object.
    #[serde(with = "hex")]
    pub hash: [u8; 32],
}

#[derive(Deserialize)]
struct Version {
    format: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Contents {
    format: u32,
    #[serde(with = "hex")]
    volume: [u8; 16],
    seq: u64,
    time: i64,
    next_ino: u64,
    journal: Tip,
    tables: Tables,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Tip {
    segment: u64,
    #[serde(with = "hex")]
    hash: [u8; 32],
    time: i64,
    epoch: u32,
}

impl Toc {
    /// The bytes of the object.
    pub fn encode(&self) -> Vec<u8> {
        let contents = Contents {
            format: FORMAT,
            volume: self.volume.0,
            seq: self.tip.seq.0,
            time: self.time.0,
            next_ino: self.next_ino.0,
            journal: Tip {
                segment: self.tip.segment.0,
                hash: self.tip.hash.0,
                time: self.tip.time.0,
                epoch: self.tip.epoch.0,
            },
            tables: self.tables.clone(),
        };
        let mut bytes = serde_json::to_vec(&contents).expect("numbers and texts are JSON");
        let checksum = blake3::hash(&bytes);
        bytes.extend_from_slice(format!("\n{checksum}\n").as_bytes());
        bytes
    }

    /// Reads a table of contents.
    ///
    /// # Errors
    /// It is of another version, changed, or none at all.
    pub fn decode(bytes: &[u8]) -> Result<Toc, Damage> {
        let json = verified(bytes)?;
        let version: Version = serde_json::from_slice(json).map_err(not_contents)?;
        if version.format != FORMAT {
            return Err(Damage::Version { supported: FORMAT, found: version.format });
        }
        let contents: Contents = serde_json::from_slice(json).map_err(not_contents)?;
        Ok(Toc {
            volume: VolumeId(contents.volume),
            time: Timestamp(contents.time),
            next_ino: Ino(contents.next_ino),
            tip: JournalTip {
                segment: SegmentNo(contents.journal.segment),
                hash: Hash(contents.journal.hash),
                seq: Seq(contents.seq),
                time: Timestamp(contents.journal.time),
                epoch: Epoch(contents.journal.epoch),
            },
            tables: contents.tables,
        })
    }
}

/// The first line, if the second line is its checksum. The same in all versions.
fn verified(bytes: &[u8]) -> Result<&[u8], Damage> {
    let end = bytes.iter().position(|b| *b == b'\n').ok_or(Damage::Checksum)?;
    let (json, checksum) = bytes.split_at(end);
    if checksum == format!("\n{}\n", blake3::hash(json)).as_bytes() {
        Ok(json)
    } else {
        Err(Damage::Checksum)
    }
}

fn not_contents(error: serde_json::Error) -> Damage {
    Damage::Contents(error.to_string())
}

/// Bytes as hexadecimal digits.
mod hex {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<const N: usize, S: Serializer>(
        bytes: &[u8; N],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&bytes.iter().map(|b| format!("{b:02x}")).collect::<String>())
    }

    pub fn deserialize<'de, const N: usize, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<[u8; N], D::Error> {
        let text = String::deserialize(deserializer)?;
        let digits: Option<Vec<u8>> =
            text.bytes().map(|b| char::from(b).to_digit(16).map(|d| d as u8)).collect();
        let digits = digits.filter(|d| d.len() == 2 * N).ok_or_else(|| {
            D::Error::custom(format_args!("expected {} hexadecimal digits, found {text:?}", 2 * N))
        })?;
        Ok(std::array::from_fn(|i| digits[2 * i] << 4 | digits[2 * i + 1]))
    }
}
