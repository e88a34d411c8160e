//! The bucket of a run: its objects, its clock, what is still to happen to it, and what has happened.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use object_store::path::Path;

use super::client::Client;
use super::clock::Clock;
use super::faults::{Fault, Injected};
use super::latency::Latency;
use super::life::Life;
use super::objects::Objects;
use super::policy::Faults;
use super::request::{Unheard, digest};
use crate::draw::Seed;
use crate::trace::Trace;

/// The objects of a run and everything that its clients share. Clones are the same bucket.
///
/// It belongs to one runtime with paused time. What is asked here costs no time and meets no fault: it is for the
/// oracles. What clients may do is asked of a [`Client`].
#[derive(Clone, Debug)]
pub struct Bucket(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    seed: Seed,
    state: Mutex<State>,
}

#[derive(Debug)]
pub(super) struct State {
    pub objects: Objects,
    pub latency: Latency,
    /// No request succeeds before.
    pub unreachable_until_ms: u64,
    /// Nothing bad happens any more.
    pub healed: bool,
    clock: Clock,
    trace: Trace,
    /// Effects that are still to come, by the time at which they do, and the order in which they were announced.
    due: BTreeMap<(u64, u64), Due>,
    announced: u64,
    injected: Vec<Injected>,
    counts: BTreeMap<&'static str, u64>,
    clients: BTreeSet<u32>,
}

/// An effect that is still to come.
#[derive(Debug)]
struct Due {
    client: u32,
    nth: u64,
    request: Box<dyn Unheard>,
}

impl Bucket {
    /// An empty one. Its time begins now, or when it is first used within a runtime.
    pub fn new(seed: Seed, trace: Trace) -> Self {
        let state = State {
            objects: Objects::default(),
            latency: Latency::default(),
            unreachable_until_ms: 0,
            healed: false,
            clock: Clock::default(),
            trace,
            due: BTreeMap::new(),
            announced: 0,
            injected: Vec::new(),
            counts: BTreeMap::new(),
            clients: BTreeSet::new(),
        };
        let bucket = Bucket(Arc::new(Shared { seed, state: Mutex::new(state) }));
        bucket.now_ms();
        bucket
    }

    /// A connection for one life of a writer or reader.
    ///
    /// # Panics
    /// If the number was given before: both would draw the same.
    pub fn client(&self, number: u32, faults: Faults) -> Arc<Client> {
        let new = self.open().clients.insert(number);
        assert!(new, "there was a client {number} already; each life has a number of its own");
        let life = Life::new(self.clone(), number, faults);
        Arc::new(Client::new(Arc::new(life)))
    }

    /// How long requests take from now on.
    pub fn set_latency(&self, latency: Latency) {
        self.open().latency = latency;
    }

    /// All requests of all clients fail until this time (see [`Bucket::now_ms`]).
    pub fn set_unreachable_until(&self, ms: u64) {
        let mut bucket = self.open();
        bucket.unreachable_until_ms = bucket.unreachable_until_ms.max(ms);
        bucket.line(format_args!("store unreachable until {ms}"));
    }

    /// Ends all faults, outages and crash points, for clients to come as well; requests are quick from now on. What
    /// was late before still comes.
    pub fn heal(&self) {
        let mut bucket = self.open();
        bucket.healed = true;
        bucket.latency = Latency::SMALL;
        bucket.line("store heals");
    }

    /// All keys, in order.
    pub fn keys(&self) -> Vec<Path> {
        self.open().objects.keys()
    }

    /// The bytes of an object.
    pub fn get(&self, key: &Path) -> Option<Bytes> {
        self.open().objects.bytes(key).cloned()
    }

    /// All keys, in order, with their bytes.
    pub fn objects(&self) -> Vec<(Path, Bytes)> {
        let bucket = self.open();
        let bytes = |key: Path| bucket.objects.bytes(&key).cloned().map(|bytes| (key, bytes));
        bucket.objects.keys().into_iter().filter_map(bytes).collect()
    }

    /// Writes an object, replacing any.
    pub fn put(&self, key: &Path, bytes: Bytes) {
        let mut bucket = self.open();
        bucket.line(format_args!("bucket put {key} {}", digest(&bytes)));
        let now_ms = bucket.now_ms();
        bucket.objects.write(key, bytes, Default::default(), now_ms);
    }

    /// Removes an object, and says whether it was there.
    pub fn remove(&self, key: &Path) -> bool {
        let mut bucket = self.open();
        bucket.line(format_args!("bucket remove {key}"));
        bucket.objects.remove(key)
    }

    /// The virtual milliseconds since the bucket's time began.
    pub fn now_ms(&self) -> u64 {
        self.open().now_ms()
    }

    /// Every fault that a request has met: [`Faults::listed`] makes the same ones happen again.
    pub fn injected(&self) -> Vec<Injected> {
        self.open().injected.clone()
    }

    /// How often each fault was met, and what else befell requests: `slow`, `unreachable_refused`,
    /// `unreachable_hang`, `crash_before_effect`, `crash_after_effect`.
    pub fn fault_counts(&self) -> BTreeMap<&'static str, u64> {
        self.open().counts.clone()
    }

    pub(super) fn seed(&self) -> Seed {
        self.0.seed
    }

    /// The state as it is now: with everything that was due.
    pub(super) fn open(&self) -> MutexGuard<'_, State> {
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.settle();
        state
    }
}

impl State {
    pub fn now_ms(&mut self) -> u64 {
        self.clock.now_ms()
    }

    /// Applies the effects whose time has come.
    fn settle(&mut self) {
        let now_ms = self.now_ms();
        while let Some(next) = self.due.first_entry().filter(|next| next.key().0 <= now_ms) {
            let ((at_ms, _), Due { client, nth, request }) = next.remove_entry();
            let outcome = request.take_effect(&mut self.objects, at_ms);
            self.trace
                .line(at_ms, format_args!("store {client}.{nth} {} lands: {outcome}", request.describe()));
        }
    }

    /// Has an effect happen later.
    pub fn announce(&mut self, in_ms: u64, client: u32, nth: u64, request: Box<dyn Unheard>) {
        let at_ms = self.now_ms() + in_ms;
        self.announced += 1;
        self.due.insert((at_ms, self.announced), Due { client, nth, request });
    }

    pub fn record(&mut self, client: u32, nth: u64, fault: Fault) {
        self.injected.push(Injected { client, nth, fault });
        self.count(fault.name());
    }

    pub fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    pub fn line(&mut self, what: impl fmt::Display) {
        let now_ms = self.now_ms();
        self.trace.line(now_ms, what);
    }
}
