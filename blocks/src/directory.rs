//! Where packs are: what the journal has recorded of them.

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

use firn_journal::{PackId, PackSeal, SegmentNo};

/// The seals of all committed packs that are known. It only grows.
#[derive(Default)]
pub(crate) struct Directory(RwLock<BTreeMap<PackId, PackSeal>>);

impl Directory {
    /// Takes over seals. A pack is sealed once: what is known already stays.
    pub(crate) fn learn(&self, seals: &[PackSeal]) {
        let mut packs = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for seal in seals {
            let known = packs.entry(seal.pack).or_insert(*seal);
            if known != seal {
                tracing::warn!(?known, other = ?seal, "a pack is sealed twice; the first seal counts");
            }
        }
    }

    pub(crate) fn get(&self, pack: PackId) -> Option<PackSeal> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(&pack).copied()
    }

    /// The packs that segments up to this one commit, in the order of their ids.
    pub(crate) fn up_to(&self, last: SegmentNo) -> Vec<PackSeal> {
        let packs = self.0.read().unwrap_or_else(PoisonError::into_inner);
        packs.values().filter(|seal| seal.segment <= last).copied().collect()
    }
}
