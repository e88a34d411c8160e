use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use firn_blocks::Blocks;
use firn_clock::{Clock, Timestamp};
use firn_journal::{Actor, Epoch, Event, EventKind, Ino, Seq};
use tokio::sync::{Notify, mpsc, watch};

use super::changes::Changes;
use super::commit::Durable;
use super::lease::Lease;
use super::open::VolumeConfig;
use super::snapshots::Schedule;
use super::write::Tail;
use crate::decide::{Command, Context, Errno, decide};
use crate::history::History;
use crate::namespace::Namespace;

/// What a command did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Outcome {
    /// The position of its last event; of the last event before it, if it made none.
    pub seq: Seq,
    /// The inode that it made.
    pub ino: Option<Ino>,
    /// How many bytes it copied.
    pub copied: u64,
}

/// The writer of a volume. Shared as an `Arc`; every method may be called from any thread.
pub struct Volume {
    pub(super) config: VolumeConfig,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) history: Arc<History>,
    pub(super) blocks: Arc<Blocks>,
    pub(super) live: Mutex<Live>,
    pub(super) durable: watch::Sender<Durable>,
    /// Wakes the committer: something is pending.
    pub(super) pending: Notify,
    /// Wakes the committer: somebody waits.
    pub(super) urgent: Notify,
    pub(super) subscribers: Mutex<Vec<mpsc::UnboundedSender<Arc<Changes>>>>,
    pub(super) lease: Lease,
    pub(super) epoch: Epoch,
    pub(super) snapshots: Mutex<Schedule>,
    pub(super) tasks: Mutex<Option<super::commit::Tasks>>,
}

/// What the lock protects.
pub(super) struct Live {
    pub ns: Namespace,
    /// Applied and not yet handed to the journal, in order.
    pub pending: Vec<Event>,
    /// At most so many bytes of the journal are they, before compression.
    pub pending_bytes: u64,
    /// The time of the oldest pending event.
    pub pending_since: Option<Timestamp>,
    /// How many events the committer has in hand.
    pub in_flight: usize,
    /// At most so many bytes of the journal are they.
    pub in_flight_bytes: u64,
    /// The time of the oldest of them.
    pub in_flight_since: Option<Timestamp>,
    /// The last pending event, while it may still grow.
    pub tail: Option<Tail>,
    /// How often each inode is held open.
    pub open: HashMap<Ino, u32>,
    /// Why nothing may be changed any more.
    pub read_only: Option<String>,
    /// The namespace is not what the events give: nothing of it may be stored.
    pub broken: bool,
}

impl Live {
    pub fn new(ns: Namespace) -> Self {
        Live {
            ns,
            pending: Vec::new(),
            pending_bytes: 0,
            pending_since: None,
            in_flight: 0,
            in_flight_bytes: 0,
            in_flight_since: None,
            tail: None,
            open: HashMap::new(),
            read_only: None,
            broken: false,
        }
    }

    /// Makes the last event final.
    pub fn close_tail(&mut self) {
        self.tail = None;
    }

    /// After the last event's time, even when the clock went back.
    pub fn tick(&self, clock: &dyn Clock) -> Timestamp {
        clock.now().max(self.ns.time().next())
    }

    /// Applies an event and keeps it for the journal.
    pub fn record(&mut self, time: Timestamp, actor: &Arc<Actor>, kind: EventKind) -> Result<(), Errno> {
        let event = Event { seq: self.ns.seq().next(), time, actor: actor.clone(), kind };
        if let Err(error) = self.ns.apply(&event) {
            tracing::error!(%error, ?event, "an event that was decided does not fit the tree");
            self.broken = true;
            self.read_only = Some(format!("internal error: {error}; mount again and report this"));
            return Err(Errno::IO);
        }
        self.pending_since.get_or_insert(time);
        self.pending_bytes += event.most_bytes();
        self.pending.push(event);
        Ok(())
    }

    pub fn writable(&self) -> Result<(), Errno> {
        if self.read_only.is_some() { Err(Errno::ROFS) } else { Ok(()) }
    }
}

impl Volume {
    pub(super) fn lock(&self) -> MutexGuard<'_, Live> {
        // A panic under the lock is a bug that has been reported; the data is plain and still consistent.
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Decides a command and applies its events. In memory only.
    ///
    /// # Errors
    /// The error number that the command earns; `EROFS` once the volume is read-only.
    pub fn execute(&self, actor: &Arc<Actor>, command: Command) -> Result<Outcome, Errno> {
        let mut live = self.lock();
        live.writable()?;
        live.close_tail();
        let time = live.tick(&*self.clock);
        let decision = {
            let Live { ns, open, .. } = &*live;
            let is_open = |ino: Ino| open.contains_key(&ino);
            decide(ns, &command, &Context { now: time, actor, is_open: &is_open })?
        };
        let mut at = time;
        for kind in decision.events {
            live.record(at, actor, kind)?;
            at = at.next();
        }
        let outcome = Outcome { seq: live.ns.seq(), ino: decision.ino, copied: decision.copied };
        drop(live);
        self.pending.notify_one();
        Ok(outcome)
    }

    /// Looks at the present under the lock: for short look-ups.
    pub fn with<R>(&self, look: impl FnOnce(&Namespace) -> R) -> R {
        look(&self.lock().ns)
    }

    /// The present tree, whose last event may still grow: for reading.
    pub fn current(&self) -> Namespace {
        self.lock().ns.clone()
    }

    /// The present as an instant of the history.
    pub fn view(&self) -> Namespace {
        let mut live = self.lock();
        live.close_tail();
        live.ns.clone()
    }

    /// Whether writers need not wait.
    pub fn has_room(&self) -> bool {
        self.blocks.has_room() && self.events_have_room()
    }

    fn events_have_room(&self) -> bool {
        let live = self.lock();
        live.pending.len() + live.in_flight < self.config.pending_events_limit
            && live.pending_bytes + live.in_flight_bytes < self.config.pending_bytes_limit
    }

    /// Waits until there is room for more changes, or until the volume takes none any more.
    pub async fn room(&self) {
        let mut durable = self.durable.subscribe();
        // First marked as seen, then looked at: a commit between the two must wake us.
        while durable.borrow_and_update().stopped.is_none() && !self.has_room() {
            self.urgent.notify_one();
            tokio::select! {
                biased;
                () = self.blocks.room(), if !self.blocks.has_room() => {}
                changed = durable.changed() => if changed.is_err() { return },
            }
        }
    }

    /// Somebody holds this inode open: it stays when its last entry goes.
    pub fn opened(&self, ino: Ino) {
        *self.lock().open.entry(ino).or_insert(0) += 1;
    }

    /// One holder less; the last one of an orphan ends it.
    pub fn closed(&self, actor: &Arc<Actor>, ino: Ino) {
        let mut live = self.lock();
        let Some(holders) = live.open.get_mut(&ino) else { return };
        *holders -= 1;
        if *holders > 0 {
            return;
        }
        live.open.remove(&ino);
        let orphan = live.ns.is_orphan(ino);
        drop(live);
        if orphan && let Err(error) = self.execute(actor, Command::Evict { ino }) {
            tracing::debug!(?ino, ?error, "an orphan is left for the next mount to collect");
        }
    }

    /// The read side: past instants and the journal.
    pub fn history(&self) -> &Arc<History> {
        &self.history
    }
}
