//! Plays a plan: the code that ships, over the simulated store, beside the model.
//!
//! **Purpose.** A [`World`] has one bucket, one clock, the lives of writers that come and go, and actors that work in
//! the latest of them through the mount's operations ([`firn_mount::Fs`]). Each step is done to the volume and to
//! the model, and everything that the volume says is compared ([`oracle`](crate::oracle)).
//!
//! **How.** One thread, virtual time. The driver goes through the plan: steps of actors go to their queues, steps of
//! the world (crashes, second writers, outages) are its own. A life ends by the death of its client of the store:
//! whatever of it still waits will wait for ever, and nothing it does has an effect any more, as after a kill -9
//! at that await.
//!
//! **Invariants.**
//! - An operation and its double in the model are done without an await between them: the model is never behind.
//! - An error is excused only by a fault that the same client met meanwhile, or by a second writer that came.
//! - Judgements that could not be made are counted as skipped.

mod actor;
mod birth;
mod clock;
mod contents;
mod damage;
mod ends;
mod excuse;
mod files;
mod finish;
mod history;
mod life;
mod relive;
mod through;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::fmt::Display;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use firn_blocks::BlocksConfig;
use firn_materializer::history::HistoryConfig;
use firn_materializer::volume::VolumeConfig;
use futures::FutureExt;
use object_store::path::Path;
use tokio::sync::Notify;

use crate::oracle::{Coverage, Failure, Oracle};
use crate::plan::{FaultSource, Plan, Step};
use crate::recorded::Recorded;
use crate::store::{Bucket, Client, Faults, Injected};
use crate::trace::Trace;
use clock::WorldClock;
use life::Life;
use relive::Beginning;

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Report {
    /// The first thing that did not hold.
    pub failure: Option<Failure>,
    /// How often things really happened.
    pub counts: BTreeMap<String, u64>,
    /// The faults that the store made.
    pub injected: Vec<Injected>,
    /// How long it took in virtual time, in milliseconds.
    pub virtual_ms: u64,
    /// What is in the bucket in the end.
    pub objects: Vec<(Path, Bytes)>,
}

/// Clients that only read have numbers from here on.
const READERS: u32 = 500_000;

/// See the module.
pub(crate) struct World {
    plan: Plan,
    /// What was there before the plan.
    recorded: Option<Arc<Recorded>>,
    beginning: RefCell<Beginning>,
    bucket: Bucket,
    clock: WorldClock,
    trace: Trace,
    coverage: Coverage,
    /// The number of the next client.
    clients: Cell<u32>,
    queues: Vec<RefCell<VecDeque<Step>>>,
    /// Something was put into a queue, or a life is over.
    queued: Notify,
    failure: RefCell<Option<Failure>>,
    failed: Notify,
    /// Attempts to open the volume that may have taken it over and left.
    lost_claims: Cell<u32>,
    /// The clock has jumped.
    jumped: Cell<bool>,
    /// Writers that were taken over and go on.
    taken_over: RefCell<Vec<Rc<Life>>>,
    /// The number of the next reader.
    readers: Cell<u32>,
    /// The writer after the next crash runs on another machine.
    elsewhere: Cell<bool>,
}

/// Plays a plan, after a recorded history if there is one, to its end, or to the first thing that does not hold. Runs on
/// a runtime with one thread and paused time, within a `LocalSet`.
pub(crate) async fn play(plan: Plan, recorded: Option<Arc<Recorded>>, trace: Trace) -> Report {
    let world = Rc::new(World::new(plan, recorded, trace));
    // A panic here, too, leaves the faults behind that led to it.
    let driven = AssertUnwindSafe(world.clone().drive()).catch_unwind().await;
    let failure = driven.unwrap_or_else(|_| Err(Oracle::Internal.fails("the world panicked"))).err();
    let failure = failure.or_else(|| world.failure.borrow_mut().take());
    if let Some(failure) = &failure {
        world.note(failure);
    }
    for (what, times) in world.bucket.fault_counts() {
        world.coverage.add("fault", what, times);
    }
    Report {
        failure,
        counts: world.coverage.counts(),
        injected: world.bucket.injected(),
        virtual_ms: world.clock.elapsed_ms(),
        objects: world.bucket.objects(),
    }
}

impl World {
    fn new(plan: Plan, recorded: Option<Arc<Recorded>>, trace: Trace) -> Self {
        World {
            bucket: Bucket::new(plan.seed, trace.clone()),
            clock: WorldClock::start(),
            trace,
            coverage: Coverage::default(),
            clients: Cell::new(0),
            queues: (0..plan.shape.actors).map(|_| RefCell::default()).collect(),
            queued: Notify::new(),
            failure: RefCell::default(),
            failed: Notify::new(),
            lost_claims: Cell::new(0),
            jumped: Cell::new(false),
            elsewhere: Cell::new(false),
            taken_over: RefCell::default(),
            readers: Cell::new(READERS),
            plan,
            recorded,
            beginning: RefCell::default(),
        }
    }

    fn note(&self, what: impl Display) {
        self.trace.line(self.clock.elapsed_ms(), what);
    }

    fn fail(&self, failure: Failure) {
        self.failure.borrow_mut().get_or_insert(failure);
        self.failed.notify_waiters();
    }

    fn has_failed(&self) -> Result<(), Failure> {
        self.failure.borrow().clone().map_or(Ok(()), Err)
    }

    /// A new client of the store, for a writer.
    fn client(&self) -> Arc<Client> {
        let number = self.clients.get();
        self.clients.set(number + 1);
        self.client_of(number)
    }

    /// A new client of the store, for a reader: their numbers are their own, so that leaving one out of a plan does
    /// not give those of the writers other faults.
    fn reader(&self) -> Arc<Client> {
        let number = self.readers.get();
        self.readers.set(number + 1);
        self.client_of(number)
    }

    fn client_of(&self, number: u32) -> Arc<Client> {
        let faults = match &self.plan.faults {
            FaultSource::Drawn => Faults::drawn(self.plan.profile.rates()),
            FaultSource::Listed(faults) => Faults::listed(faults.clone()),
        };
        self.bucket.client(number, faults)
    }

    fn config(&self) -> VolumeConfig {
        let shape = &self.plan.shape;
        let blocks = BlocksConfig {
            block_size: shape.block_size,
            pack_target: shape.pack_target,
            rider_limit: shape.rider_limit,
            dirty_limit: shape.dirty_limit,
            memory_cache: shape.memory_cache,
            table_cache: shape.table_cache,
            dedup_limit: shape.dedup_limit,
            disk_cache: None,
            readahead: 2,
            uploads_in_flight: 2,
            read_patience: Duration::from_secs(30),
        };
        let mut config = VolumeConfig::new(HistoryConfig { blocks, views_in_memory: shape.views_in_memory });
        config.commit_interval = Duration::from_millis(shape.commit_ms);
        config.snapshot_every = shape.snapshot_every;
        config.pending_events_limit = shape.pending_events;
        config
    }

    /// Goes through the plan.
    async fn drive(self: Rc<Self>) -> Result<(), Failure> {
        self.found().await;
        if let Some(recorded) = self.recorded.clone() {
            self.relive(&recorded).await?;
        }
        let mut life = self.open(0, None).await?;
        self.employ(&life);
        for step in &self.plan.steps {
            if self.pause(&life, step.pause_ms).await? || life.over.get() {
                life = self.after_death(life).await?;
            }
            match &step.action {
                action if action.is_of_the_world() => life = self.clone().turn(life, action).await?,
                _ => {
                    self.queues[usize::from(step.actor) % self.queues.len()]
                        .borrow_mut()
                        .push_back(step.clone());
                    self.queued.notify_waiters();
                }
            }
        }
        self.finish(life).await
    }

    /// Lets time pass. True if the life died meanwhile.
    async fn pause(&self, life: &Life, ms: u64) -> Result<bool, Failure> {
        tokio::select! {
            biased;
            () = self.failed.notified() => {}
            () = life.client.died() => {}
            () = tokio::time::sleep(Duration::from_millis(ms)) => {}
        }
        self.has_failed()?;
        Ok(life.client.is_dead())
    }

    /// Has the actors work in this life.
    fn employ(self: &Rc<Self>, life: &Rc<Life>) {
        for actor in 0..self.plan.shape.actors {
            let task = tokio::task::spawn_local(self.clone().act(life.clone(), actor));
            life.tasks.borrow_mut().push(task);
        }
        // The driver may be busy with something else when the life dies.
        let (dying, clock) = (life.clone(), self.clock.clone());
        let watch = tokio::task::spawn_local(async move {
            dying.client.died().await;
            dying.died_ms.set(Some(clock.elapsed_ms()));
        });
        life.tasks.borrow_mut().push(watch);
    }
}
