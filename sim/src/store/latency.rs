//! How long requests travel.

use serde::{Deserialize, Serialize};

use crate::draw::Draw;

/// How long a request and its answer take together, in milliseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Latency {
    /// At least.
    pub least_ms: u64,
    /// At most, if the request is not slow.
    pub most_ms: u64,
    /// So many of 1000 are slow.
    pub slow_per_mille: u64,
    /// A slow one takes up to this long.
    pub slowest_ms: u64,
}

impl Latency {
    /// Of a store that is well and near.
    pub const SMALL: Latency = Latency { least_ms: 1, most_ms: 5, slow_per_mille: 0, slowest_ms: 5 };
}

impl Default for Latency {
    fn default() -> Self {
        Latency { least_ms: 1, most_ms: 40, slow_per_mille: 5, slowest_ms: 4_000 }
    }
}

/// One request's share.
#[derive(Clone, Copy, Debug)]
pub(super) struct Travel {
    /// Until it arrives; never 0, so that whoever asks lets others go first.
    pub there_ms: u64,
    /// Until the answer is back.
    pub back_ms: u64,
    pub slow: bool,
}

impl Latency {
    pub(super) fn travel(&self, mut draw: Draw) -> Travel {
        let least = self.least_ms.max(1);
        let most = self.most_ms.max(least);
        let slow = draw.chance(self.slow_per_mille);
        let all_ms =
            if slow { draw.between(most, self.slowest_ms.max(most)) } else { draw.between(least, most) };
        let there_ms = draw.between(1, all_ms);
        Travel { there_ms, back_ms: all_ms - there_ms, slow }
    }
}
