//! The table of every object key.
//!
//! | key | object |
//! |---|---|
//! | `firn.volume` | the manifest: what makes a place a volume |
//! | `writer` | who writes at present: advice for people and other machines, the only object that changes |
//! | `journal/{number:020}.seg` | a segment of the journal |
//! | `packs/{epoch:08x}-{number:08x}.pack` | a pack of blocks |
//! | `snapshots/{seq:020}-{segment:020}/{table}` | the tables of a snapshot file, and its `snapshot.toc`, written last |
//! | `probe/{put-id:32 hex}/{part}` | what a capability probe leaves if it dies; ignored, may be deleted |
//!
//! Numbers have leading zeros, so that the order of keys is the order of numbers.

use std::fmt;
use std::str::FromStr;

use object_store::path::Path;

#[cfg(test)]
mod tests;

/// The name of an object of a volume.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Key {
    /// The volume's manifest.
    Manifest,
    /// The advisory record of who writes.
    Writer,
    /// A journal segment, by its number.
    Segment(u64),
    /// A pack of blocks that is an object of its own.
    Pack {
        /// The writer that made it.
        epoch: u32,
        /// Which of that writer's packs.
        number: u32,
    },
    /// One object of a snapshot file.
    Snapshot {
        /// The last event that the snapshot holds.
        seq: u64,
        /// The segment that this event is in.
        segment: u64,
        /// Which part of it.
        object: SnapshotObject,
    },
    /// An object of a capability probe.
    Probe {
        /// Names the probe.
        put_id: [u8; 16],
        /// Which of its objects.
        part: u8,
    },
}

/// The objects that make up a snapshot file.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum SnapshotObject {
    /// The table of inodes.
    Inodes,
    /// The table of directory entries.
    Dirents,
    /// The table of extents.
    Extents,
    /// The table of extended attributes.
    Xattrs,
    /// The table of packs.
    Packs,
    /// The table of checkpoints.
    Checkpoints,
    /// The table of contents: written last, so that a snapshot that has one is complete.
    Toc,
}

impl SnapshotObject {
    /// All of them, in the order in which they are written.
    pub const ALL: [SnapshotObject; 7] = [
        SnapshotObject::Inodes,
        SnapshotObject::Dirents,
        SnapshotObject::Extents,
        SnapshotObject::Xattrs,
        SnapshotObject::Packs,
        SnapshotObject::Checkpoints,
        SnapshotObject::Toc,
    ];

    /// The object's name inside its snapshot's directory.
    pub fn file_name(self) -> &'static str {
        match self {
            SnapshotObject::Inodes => "inodes.parquet",
            SnapshotObject::Dirents => "dirents.parquet",
            SnapshotObject::Extents => "extents.parquet",
            SnapshotObject::Xattrs => "xattrs.parquet",
            SnapshotObject::Packs => "packs.parquet",
            SnapshotObject::Checkpoints => "checkpoints.parquet",
            SnapshotObject::Toc => "snapshot.toc",
        }
    }

    fn parse(name: &str) -> Option<SnapshotObject> {
        SnapshotObject::ALL.into_iter().find(|object| object.file_name() == name)
    }
}

/// The kinds of key that there are many of: what can be listed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Family {
    /// [`Key::Segment`]
    Segments,
    /// [`Key::Pack`]
    Packs,
    /// [`Key::Snapshot`]
    Snapshots,
    /// [`Key::Probe`]
    Probes,
}

impl Family {
    /// What all keys of the family begin with, up to the slash.
    pub fn prefix(self) -> Path {
        Path::from(self.as_str())
    }

    fn as_str(self) -> &'static str {
        match self {
            Family::Segments => "journal",
            Family::Packs => "packs",
            Family::Snapshots => "snapshots",
            Family::Probes => "probe",
        }
    }
}

impl Key {
    /// The key as object stores take it, relative to the volume.
    pub fn path(self) -> Path {
        Path::from(self.to_string())
    }

    /// The inverse of [`Key::path`]; `None` for an object that is none of Firn's.
    pub fn of(path: &Path) -> Option<Key> {
        path.as_ref().parse().ok()
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Key::Manifest => f.write_str("firn.volume"),
            Key::Writer => f.write_str("writer"),
            Key::Segment(number) => write!(f, "{}/{number:020}.seg", Family::Segments.as_str()),
            Key::Pack { epoch, number } => {
                write!(f, "{}/{epoch:08x}-{number:08x}.pack", Family::Packs.as_str())
            }
            Key::Snapshot { seq, segment, object } => {
                write!(f, "{}/{seq:020}-{segment:020}/{}", Family::Snapshots.as_str(), object.file_name())
            }
            Key::Probe { put_id, part } => {
                write!(f, "{}/{:032x}/{part}", Family::Probes.as_str(), u128::from_be_bytes(*put_id))
            }
        }
    }
}

/// The text is not the key of any object that Firn writes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not the key of an object of a Firn volume")]
pub struct ForeignKey;

impl FromStr for Key {
    type Err = ForeignKey;

    fn from_str(text: &str) -> Result<Key, ForeignKey> {
        parse(text).ok_or(ForeignKey)
    }
}

fn parse(text: &str) -> Option<Key> {
    match text {
        "firn.volume" => return Some(Key::Manifest),
        "writer" => return Some(Key::Writer),
        _ => {}
    }
    let (family, rest) = text.split_once('/')?;
    match family {
        "journal" => decimal(rest.strip_suffix(".seg")?).map(Key::Segment),
        "packs" => {
            let (epoch, number) = rest.strip_suffix(".pack")?.split_once('-')?;
            Some(Key::Pack { epoch: hex(epoch, 8)? as u32, number: hex(number, 8)? as u32 })
        }
        "snapshots" => {
            let (name, object) = rest.split_once('/')?;
            let (seq, segment) = name.split_once('-')?;
            let object = SnapshotObject::parse(object)?;
            Some(Key::Snapshot { seq: decimal(seq)?, segment: decimal(segment)?, object })
        }
        "probe" => {
            let (put_id, part) = rest.split_once('/')?;
            let canonical = part == "0" || !part.starts_with(['0', '+']);
            let part = part.parse().ok().filter(|_| canonical)?;
            Some(Key::Probe { put_id: hex(put_id, 32)?.to_be_bytes(), part })
        }
        _ => None,
    }
}

/// Exactly 20 decimal digits.
fn decimal(text: &str) -> Option<u64> {
    let canonical = text.len() == 20 && text.bytes().all(|b| b.is_ascii_digit());
    canonical.then(|| text.parse().ok()).flatten()
}

/// Exactly `digits` lower-case hexadecimal digits (at most 32).
fn hex(text: &str, digits: usize) -> Option<u128> {
    let canonical = text.len() == digits && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    canonical.then(|| u128::from_str_radix(text, 16).ok()).flatten()
}
