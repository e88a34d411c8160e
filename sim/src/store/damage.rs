//! Damage to stored objects, for the profile that tests detection.

use object_store::path::Path;
use serde::{Deserialize, Serialize};

use super::bucket::Bucket;

/// What happens to an object that nobody touches. Positions are taken modulo the object's length, so that a plan
/// stays meaningful when the objects in it change.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Damage {
    /// One byte is another.
    Flipped {
        /// Which.
        at: u64,
    },
    /// It ends early.
    Cut {
        /// After so many bytes.
        to: u64,
    },
    /// It is gone.
    Lost,
}

impl Bucket {
    /// Damages an object, and says whether that changed anything: there may be no such object, or no byte in it.
    /// What a listing shows of it besides its size stays the same.
    pub fn damage(&self, key: &Path, damage: Damage) -> bool {
        let mut bucket = self.open();
        let changed = match damage {
            Damage::Lost => bucket.objects.remove(key),
            Damage::Flipped { at } => bucket.objects.bytes_mut(key).is_some_and(|bytes| {
                let Some(at) = at.checked_rem(bytes.len() as u64) else { return false };
                let mut flipped = bytes.to_vec();
                flipped[at as usize] ^= 0xff;
                *bytes = flipped.into();
                true
            }),
            Damage::Cut { to } => bucket.objects.bytes_mut(key).is_some_and(|bytes| {
                let Some(to) = to.checked_rem(bytes.len() as u64) else { return false };
                bytes.truncate(to as usize);
                true
            }),
        };
        bucket.line(format_args!("damage {key} {damage:?}: {changed}"));
        changed
    }
}
