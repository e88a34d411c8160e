//! Which requests meet a fault: those that are drawn, or those that are listed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::faults::{Fault, Injected};
use crate::draw::{Draw, Seed};

/// How many of 1000 requests meet each fault, if it is one that can happen to such a request.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(missing_docs, reason = "the fields are named after the faults")]
pub struct Rates {
    pub lost_request: u64,
    pub lost_answer: u64,
    pub late_hang: u64,
    pub late_error: u64,
    pub hang: u64,
    pub throttled: u64,
    pub server_error: u64,
    pub broken_body: u64,
    pub short_body: u64,
    pub conflict: u64,
    /// Of the writes that were on their way when their client died or gave them up.
    pub landed: u64,
}

impl Rates {
    /// No faults.
    pub fn none() -> Self {
        Rates::default()
    }

    /// Each kind of fault as often as the others; half of what is on its way at a crash lands.
    pub fn each(per_mille: u64) -> Self {
        Rates {
            lost_request: per_mille,
            lost_answer: per_mille,
            late_hang: per_mille,
            late_error: per_mille,
            hang: per_mille,
            throttled: per_mille,
            server_error: per_mille,
            broken_body: per_mille,
            short_body: per_mille,
            conflict: per_mille,
            landed: 500,
        }
    }

    fn draw(&self, mut draw: Draw) -> Option<Fault> {
        let mut left = draw.below(1000);
        let ms = late_ms(&mut draw);
        for (rate, fault) in [
            (self.lost_request, Fault::LostRequest),
            (self.lost_answer, Fault::LostAnswer),
            (self.late_hang, Fault::LateHang { ms }),
            (self.late_error, Fault::LateError { ms }),
            (self.hang, Fault::Hang),
            (self.throttled, Fault::Throttled),
            (self.server_error, Fault::ServerError),
            (self.broken_body, Fault::BrokenBody),
            (self.short_body, Fault::ShortBody),
            (self.conflict, Fault::Conflict),
        ] {
            if left < rate {
                return Some(fault);
            }
            left -= rate;
        }
        None
    }
}

/// From a millisecond to a minute, each magnitude as often as the others: some are over before the sender has
/// looked again, some come after it has given up for good.
fn late_ms(draw: &mut Draw) -> u64 {
    let magnitude = draw.between(0, 16);
    draw.between(1, 1 << magnitude)
}

/// Which requests meet a fault.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Faults(Policy);

#[derive(Clone, PartialEq, Eq, Debug)]
enum Policy {
    Drawn(Rates),
    /// By client, request, and whether it happens on the way: a request can have one of each.
    Listed(BTreeMap<(u32, u64, bool), Fault>),
}

impl Faults {
    /// Draws them from the bucket's seed.
    pub fn drawn(rates: Rates) -> Self {
        Faults(Policy::Drawn(rates))
    }

    /// Injects these. Those of other clients are passed over, as are those that cannot happen to such a request.
    pub fn listed(faults: Vec<Injected>) -> Self {
        let place = |injected: Injected| {
            let on_the_way = matches!(injected.fault, Fault::Landed { .. });
            ((injected.client, injected.nth, on_the_way), injected.fault)
        };
        Faults(Policy::Listed(faults.into_iter().map(place).collect()))
    }

    /// What happens to a request that arrives.
    pub(super) fn on_arrival(&self, seed: Seed, client: u32, nth: u64) -> Option<Fault> {
        match &self.0 {
            Policy::Drawn(rates) => rates.draw(seed.draw("store fault", &[u64::from(client), nth])),
            Policy::Listed(faults) => faults.get(&(client, nth, false)).copied(),
        }
    }

    /// After how many milliseconds a write takes effect whose sender was gone before it arrived.
    pub(super) fn landing(&self, seed: Seed, client: u32, nth: u64) -> Option<u64> {
        match &self.0 {
            Policy::Drawn(rates) => {
                let mut draw = seed.draw("store landing", &[u64::from(client), nth]);
                draw.chance(rates.landed).then(|| late_ms(&mut draw))
            }
            Policy::Listed(faults) => match faults.get(&(client, nth, true)) {
                Some(Fault::Landed { ms }) => Some(*ms),
                _ => None,
            },
        }
    }
}
