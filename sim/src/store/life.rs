//! One life of a client: what it has sent, until it dies.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use super::bucket::{Bucket, State};
use super::faults::Fault;
use super::policy::Faults;
use super::request::Unheard;
use crate::draw::Draw;

/// Where a client dies, seen from one of its requests.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CrashPoint {
    /// The request has no effect.
    BeforeEffect,
    /// The request has its effect, and no answer.
    AfterEffect,
}

/// Locks are taken in one order: the bucket's, then the life's.
#[derive(Debug)]
pub(super) struct Life {
    pub bucket: Bucket,
    pub number: u32,
    pub faults: Faults,
    state: Mutex<LifeState>,
    death: Notify,
}

#[derive(Default, Debug)]
pub(super) struct LifeState {
    pub requests: u64,
    pub faults_met: u64,
    pub slow_met: u64,
    pub dead: bool,
    pub crash: Option<(u64, CrashPoint)>,
    pub unreachable_until_ms: u64,
    /// The requests that have not arrived yet.
    pub on_the_way: BTreeMap<u64, Box<dyn Unheard>>,
}

impl Life {
    pub fn new(bucket: Bucket, number: u32, faults: Faults) -> Self {
        Life { bucket, number, faults, state: Mutex::default(), death: Notify::new() }
    }

    pub fn state(&self) -> MutexGuard<'_, LifeState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub async fn died(&self) {
        // Made before looking, so that a death in between is not missed.
        let death = self.death.notified();
        if !self.state().dead {
            death.await;
        }
    }

    /// Once; what is on the way is left to itself.
    pub fn die(&self, bucket: &mut State) {
        let on_the_way = {
            let mut state = self.state();
            if std::mem::replace(&mut state.dead, true) {
                return;
            }
            std::mem::take(&mut state.on_the_way)
        };
        bucket.line(format_args!("store {} dies", self.number));
        for (nth, request) in on_the_way {
            self.abandon(bucket, nth, request);
        }
        self.death.notify_waiters();
    }

    /// Takes a request off the way: `None` if its client has died meanwhile, or it was taken before.
    pub fn take(&self, nth: u64) -> Option<Box<dyn Unheard>> {
        self.state().on_the_way.remove(&nth)
    }

    /// Nobody waits any more for a request that has not arrived.
    pub fn abandon(&self, bucket: &mut State, nth: u64, request: Box<dyn Unheard>) {
        let may_land = request.writes() && !bucket.healed;
        let landing = self.faults.landing(self.bucket.seed(), self.number, nth).filter(|_| may_land);
        match landing {
            None => self.line(bucket, nth, &*request, "abandoned"),
            Some(ms) => {
                let fault = Fault::Landed { ms };
                self.line(bucket, nth, &*request, format_args!("abandoned, {fault}"));
                self.record(bucket, nth, fault);
                bucket.announce(ms, self.number, nth, request);
            }
        }
    }

    pub fn record(&self, bucket: &mut State, nth: u64, fault: Fault) {
        bucket.record(self.number, nth, fault);
        self.state().faults_met += 1;
    }

    /// Something befell a request that is no fault of its own.
    pub fn count(&self, bucket: &mut State, what: &'static str) {
        bucket.count(what);
        self.state().faults_met += 1;
    }

    pub fn line(&self, bucket: &mut State, nth: u64, request: &dyn Unheard, outcome: impl fmt::Display) {
        bucket.line(format_args!("store {}.{nth} {}: {outcome}", self.number, request.describe()));
    }

    pub fn draw(&self, label: &str, nth: u64) -> Draw {
        self.bucket.seed().draw(label, &[u64::from(self.number), nth])
    }
}
