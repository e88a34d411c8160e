//! The record's bytes: see `docs/formats.md`, "Writer record".

use bytes::Bytes;
use firn_clock::Timestamp;
use serde::{Deserialize, Serialize};

use super::{WriterIdentity, WriterRecord};
use crate::{Epoch, SegmentNo};

const FORMAT: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Stored {
    format: u32,
    epoch: u32,
    #[serde(flatten)]
    identity: WriterIdentity,
    heartbeat_ns: i64,
    #[serde(default)]
    last_segment: u64,
    released: bool,
}

pub(super) fn encode(record: &WriterRecord) -> Bytes {
    let stored = Stored {
        format: FORMAT,
        epoch: record.epoch.0,
        identity: record.identity.clone(),
        heartbeat_ns: record.heartbeat.0,
        last_segment: record.last_segment.0,
        released: record.released,
    };
    serde_json::to_vec_pretty(&stored).expect("numbers and text have a JSON form").into()
}

pub(super) fn decode(bytes: &[u8]) -> Result<WriterRecord, String> {
    #[derive(Deserialize)]
    struct Version {
        format: u32,
    }
    let Version { format } = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    if format != FORMAT {
        return Err(format!("it has format {format}, this program reads [{FORMAT}]: use a newer firn"));
    }
    let stored: Stored = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    Ok(WriterRecord {
        identity: stored.identity,
        epoch: Epoch(stored.epoch),
        heartbeat: Timestamp(stored.heartbeat_ns),
        last_segment: SegmentNo(stored.last_segment),
        released: stored.released,
    })
}
