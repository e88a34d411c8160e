//! Packs in the store: which object holds a pack, and bytes of it.

use std::ops::Range;

use bytes::Bytes;
use firn_journal::{PackHome, PackId, PackSeal};
use firn_store::{Key, Retrying};

use crate::{BlocksError, PackError, Part};

/// A pack as a range of an object.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PackObject {
    pub key: Key,
    pub pack: PackId,
    /// Where the pack begins in the object.
    start: u64,
}

/// The object of a pack that has one of its own.
pub(crate) fn own_key(pack: PackId) -> Key {
    Key::Pack { epoch: pack.epoch.0, number: pack.number }
}

impl PackObject {
    pub(crate) fn of(seal: &PackSeal) -> Self {
        match seal.home {
            PackHome::Object => PackObject { key: own_key(seal.pack), pack: seal.pack, start: 0 },
            PackHome::Rider { offset } => {
                PackObject { key: Key::Segment(seal.segment.0), pack: seal.pack, start: offset }
            }
        }
    }

    /// Exactly these bytes of the pack; `part` is what they are, for errors.
    pub(crate) async fn read(
        &self,
        store: &Retrying,
        range: Range<u64>,
        part: Part,
    ) -> Result<Bytes, BlocksError> {
        let expected = range.end - range.start;
        let end = self
            .start
            .checked_add(range.end)
            .ok_or_else(|| self.corrupt(part, PackError::Short { expected: u64::MAX, found: 0 }))?;
        let found = store.get_range(self.key, self.start + range.start..end).await?;
        let bytes = found.ok_or(BlocksError::Missing { key: self.key, pack: self.pack })?;
        if bytes.len() as u64 != expected {
            return Err(self.corrupt(part, PackError::Short { expected, found: bytes.len() as u64 }));
        }
        Ok(bytes)
    }

    pub(crate) fn corrupt(&self, part: Part, problem: PackError) -> BlocksError {
        BlocksError::Corrupt { key: self.key, part, problem }
    }
}
