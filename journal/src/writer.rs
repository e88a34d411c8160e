//! The writer record: who writes to a volume, and when it was last seen. It is a courtesy, so that a second
//! mount is refused with a name instead of fencing the first. Nothing rests on it: two writers are kept apart
//! by put-if-absent of segments, and a record that is lost, old or wrong costs a minute of waiting at most.

mod process;
mod record;

use std::time::Duration;

use firn_clock::Timestamp;
use firn_store::{Key, Retrying, StoreError};
use serde::{Deserialize, Serialize};

use crate::{Epoch, SegmentNo};

/// No record is longer; what is beyond is not read.
const LONGEST_BYTES: u64 = 64 << 10;

/// A process that writes to volumes, as others can recognize it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct WriterIdentity {
    /// The machine's name, for people.
    pub host: String,
    /// The machine, as long as it runs, as its processes see one another: its boot id and its process
    /// namespace. Empty if it is not known.
    pub machine: String,
    /// The process.
    pub pid: u32,
    /// When the process started, in the kernel's ticks since boot: a later process with the same number has
    /// another one.
    pub started_ticks: u64,
    /// Where it takes commands, if it does. A path.
    pub socket: Option<String>,
    /// Where the volume is mounted, if it is. A path.
    pub mountpoint: Option<String>,
}

/// The record in the bucket.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WriterRecord {
    /// Who.
    pub identity: WriterIdentity,
    /// The writer's turn.
    pub epoch: Epoch,
    /// When the record was last written, by the writer's clock.
    pub heartbeat: Timestamp,
    /// The last segment that was stored by then; 0 if none is known. A journal that ends before it has lost its end.
    pub last_segment: SegmentNo,
    /// The writer has ended in good order.
    pub released: bool,
}

/// Whether a writer is at work.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Liveness {
    /// It is, or may be.
    Alive {
        /// Since its last sign of life.
        age: Duration,
    },
    /// It is not: it said so, or its process is gone.
    Dead,
    /// It has not been heard of for longer than [`WriterRecord::LEASE`].
    Expired,
}

/// Why the writer record cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum WriterError {
    /// The store does not answer, or refuses.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The object is something else.
    #[error(
        "the writer record {key} cannot be read: {why}; it is only a hint, so if no other firn writes to this \
         volume, delete that object and mount again"
    )]
    Unreadable {
        /// The object.
        key: String,
        /// What is wrong with it.
        why: String,
    },
}

impl WriterRecord {
    /// How long a writer counts as alive after its last sign of life, if its process cannot be looked at.
    pub const LEASE: Duration = Duration::from_secs(60);

    /// The record of a writer that begins.
    pub fn new(identity: WriterIdentity, epoch: Epoch, now: Timestamp) -> Self {
        WriterRecord { identity, epoch, heartbeat: now, last_segment: SegmentNo(0), released: false }
    }

    /// Whether the writer is at work, as seen by `observer` at `now`.
    ///
    /// On the writer's machine its process decides. Elsewhere its last sign of life does; one from the future
    /// (clocks differ) counts as fresh.
    pub fn liveness(&self, observer: &WriterIdentity, now: Timestamp) -> Liveness {
        self.judge(observer, now, process::started_ticks)
    }

    fn judge(
        &self,
        observer: &WriterIdentity,
        now: Timestamp,
        started_ticks: impl FnOnce(u32) -> Option<u64>,
    ) -> Liveness {
        let age = now.since(self.heartbeat);
        if self.released {
            return Liveness::Dead;
        }
        if !self.identity.machine.is_empty() && self.identity.machine == observer.machine {
            return match started_ticks(self.identity.pid) {
                Some(ticks) if ticks == self.identity.started_ticks => Liveness::Alive { age },
                _ => Liveness::Dead,
            };
        }
        if age <= Self::LEASE { Liveness::Alive { age } } else { Liveness::Expired }
    }

    /// The record of the writer that wrote it last, if there ever was one.
    ///
    /// # Errors
    /// See [`WriterError`].
    pub async fn read(objects: &Retrying) -> Result<Option<WriterRecord>, WriterError> {
        let Some(bytes) = objects.get_range(Key::Writer, 0..LONGEST_BYTES).await? else { return Ok(None) };
        match record::decode(&bytes) {
            Ok(record) => Ok(Some(record)),
            Err(why) => Err(WriterError::Unreadable { key: Key::Writer.to_string(), why }),
        }
    }

    /// Writes the record over whatever there is.
    ///
    /// # Errors
    /// [`WriterError::Store`].
    pub async fn write(&self, objects: &Retrying) -> Result<(), WriterError> {
        Ok(objects.put(Key::Writer, record::encode(self)).await?)
    }
}

#[cfg(test)]
mod tests;
