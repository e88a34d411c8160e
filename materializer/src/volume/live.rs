use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use firn_blocks::Blocks;
use firn_clock::{Clock, Timestamp};
use firn_journal::{
    Actor, BlockRef, Epoch, Event, EventKind, Extent, Ino, PlacedExtent, Seq, TransactionKind,
};
use tokio::sync::{Notify, mpsc, watch};

use super::changes::Changes;
use super::commit::Durable;
use super::lease::Lease;
use super::open::VolumeConfig;
use super::snapshots::Schedule;
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

/// What a transaction is for; its effects come with it.
#[derive(Clone, PartialEq, Debug)]
pub struct Transaction {
    /// Why it is made.
    pub kind: TransactionKind,
    /// The instant that it goes to, or takes content from.
    pub target: Seq,
    /// Its scope, as bytes relative to the root; the whole tree if absent.
    pub path: Option<Vec<u8>>,
    /// What it does, in order.
    pub effects: Vec<EventKind>,
}

/// Why a transaction was not made. Nothing was changed.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
pub enum TransactError {
    /// Something else happened since it was planned.
    #[error("the volume is at {head} and the change was planned at {planned}: plan it again")]
    Moved {
        /// Where it was planned.
        planned: Seq,
        /// Where the volume is.
        head: Seq,
    },
    /// The volume takes no more changes.
    #[error("the volume is read-only: {0}")]
    ReadOnly(String),
    /// An effect does not fit the tree.
    #[error("the planned change does not fit the tree, nothing was changed: {0}")]
    Unfit(String),
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
    tail: Option<Tail>,
    /// How often each inode is held open.
    open: HashMap<Ino, u32>,
    /// Why nothing may be changed any more.
    pub read_only: Option<String>,
}

/// The open end of a sequential write.
struct Tail {
    /// The namespace without the event.
    before: Namespace,
    ino: Ino,
    /// Bytes from the beginning of the file: where the next write continues.
    end: u64,
    /// Where the last block may not grow beyond: the next multiple of the block size.
    limit: u64,
    block: BlockRef,
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
        }
    }

    /// Makes the last event final.
    pub fn close_tail(&mut self) {
        self.tail = None;
    }

    /// After the last event's time, even when the clock went back.
    fn tick(&self, clock: &dyn Clock) -> Timestamp {
        clock.now().max(self.ns.time().next())
    }

    /// Applies an event and keeps it for the journal.
    fn record(&mut self, time: Timestamp, actor: &Arc<Actor>, kind: EventKind) -> Result<(), Errno> {
        let event = Event { seq: self.ns.seq().next(), time, actor: actor.clone(), kind };
        if let Err(error) = self.ns.apply(&event) {
            tracing::error!(%error, ?event, "an event that was decided does not fit the tree");
            self.read_only = Some(format!("internal error: {error}; mount again and report this"));
            return Err(Errno::IO);
        }
        self.pending_since.get_or_insert(time);
        self.pending_bytes += event.most_bytes();
        self.pending.push(event);
        Ok(())
    }

    fn writable(&self) -> Result<(), Errno> {
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

    /// Writes bytes into a file. In memory only: callers that can wait ask [`Volume::has_room`] first.
    ///
    /// # Errors
    /// `ENOENT`, `EISDIR`, `EINVAL` (not a regular file), `EFBIG`, `EROFS`.
    pub fn write(&self, actor: &Arc<Actor>, ino: Ino, offset: u64, data: &[u8]) -> Result<(), Errno> {
        let mut live = self.lock();
        live.writable()?;
        if data.is_empty() {
            return Ok(());
        }
        let written = self.grow_tail(&mut live, actor, ino, offset, data)?;
        if written < data.len() {
            self.write_blocks(&mut live, actor, ino, offset + written as u64, &data[written..])?;
        }
        drop(live);
        self.pending.notify_one();
        Ok(())
    }

    /// Puts as much as fits into the last event's block, if this write continues it. Answers how much.
    fn grow_tail(
        &self,
        live: &mut Live,
        actor: &Arc<Actor>,
        ino: Ino,
        offset: u64,
        data: &[u8],
    ) -> Result<usize, Errno> {
        let Some(tail) = live.tail.as_ref() else { return Ok(0) };
        let Some(last) = live.pending.last() else { return Ok(0) };
        if tail.ino != ino || tail.end != offset || last.actor != *actor {
            return Ok(0);
        }
        let take = data.len().min((tail.limit - tail.end) as usize);
        if take == 0 || !self.blocks.extend(tail.block, &data[..take]) {
            return Ok(0);
        }
        let Some(mut event) = live.pending.pop() else { return Ok(0) };
        live.pending_bytes -= event.most_bytes();
        event.time = live.tick(&*self.clock);
        if let EventKind::Written { len, extents, .. } = &mut event.kind {
            *len += take as u64;
            if let Some(placed) = extents.last_mut() {
                placed.extent.len += take as u32;
            }
        }
        let Some(mut tail) = live.tail.take() else { return Ok(0) };
        tail.end += take as u64;
        live.ns = tail.before.clone();
        live.record(event.time, actor, event.kind)?;
        live.tail = Some(tail);
        Ok(take)
    }

    /// Writes as one new event, in blocks that end at multiples of the block size, and leaves its end open.
    fn write_blocks(
        &self,
        live: &mut Live,
        actor: &Arc<Actor>,
        ino: Ino,
        offset: u64,
        data: &[u8],
    ) -> Result<(), Errno> {
        live.close_tail();
        let size = u64::from(self.config.block_size);
        let end = offset
            .checked_add(data.len() as u64)
            .filter(|end| i64::try_from(*end).is_ok())
            .ok_or(Errno::FBIG)?;
        let time = live.tick(&*self.clock);
        // Decided without content first, so that a refused write stages nothing.
        let refused_or_not = Command::Write { ino, offset, len: data.len() as u64, extents: Vec::new() };
        {
            let Live { ns, open, .. } = &*live;
            let is_open = |ino: Ino| open.contains_key(&ino);
            decide(ns, &refused_or_not, &Context { now: time, actor, is_open: &is_open })?;
        }
        let mut extents = Vec::with_capacity(data.len() / size as usize + 2);
        let mut at = offset;
        while at < end {
            let stop = end.min(at - at % size + size);
            let piece = &data[(at - offset) as usize..(stop - offset) as usize];
            let block = self.blocks.stage(Bytes::copy_from_slice(piece));
            extents.push(PlacedExtent {
                offset: at,
                extent: Extent { len: piece.len() as u32, skip: 0, block },
            });
            at = stop;
        }
        let Some(last) = extents.last().copied() else { return Ok(()) };
        let before = live.ns.clone();
        live.record(time, actor, EventKind::Written { ino, offset, len: data.len() as u64, extents })?;
        let limit = last.offset - last.offset % size + size;
        live.tail = Some(Tail { before, ino, end, limit, block: last.extent.block });
        Ok(())
    }

    /// Applies a planned change of many things at once: all of it, in one segment, or nothing.
    ///
    /// # Errors
    /// [`TransactError::Moved`] if anything happened since `planned`; the caller plans again.
    pub fn transact(
        &self,
        actor: &Arc<Actor>,
        planned: Seq,
        what: Transaction,
    ) -> Result<Seq, TransactError> {
        let live = self.lock();
        if live.ns.seq() != planned && live.read_only.is_none() {
            return Err(TransactError::Moved { planned, head: live.ns.seq() });
        }
        self.transact_locked(live, actor, what)
    }

    /// The same, planned while nothing else can happen: for a tree that never stands still. Everybody waits
    /// meanwhile, so this is for when planning beside them has failed. `plan` must not use the volume; what it
    /// tells besides is given back, with the last event, if there was anything to change.
    ///
    /// # Errors
    /// Those of `plan`, and those of [`Volume::transact`] but [`TransactError::Moved`].
    pub fn transact_at_rest<R, E: From<TransactError>>(
        &self,
        actor: &Arc<Actor>,
        plan: impl FnOnce(&Namespace) -> Result<(Transaction, R), E>,
    ) -> Result<(Option<Seq>, R), E> {
        let mut live = self.lock();
        live.close_tail();
        let (what, told) = plan(&live.ns)?;
        if what.effects.is_empty() {
            return Ok((None, told));
        }
        Ok((Some(self.transact_locked(live, actor, what)?), told))
    }

    fn transact_locked(
        &self,
        mut live: MutexGuard<'_, Live>,
        actor: &Arc<Actor>,
        what: Transaction,
    ) -> Result<Seq, TransactError> {
        if let Some(reason) = &live.read_only {
            return Err(TransactError::ReadOnly(reason.clone()));
        }
        live.close_tail();
        let bytes: u64 = what.effects.iter().map(EventKind::most_bytes).sum();
        if bytes > EventKind::TRANSACTION_BYTES {
            return Err(TransactError::Unfit(format!(
                "it takes {} MiB in the journal, and one change may take {}; go back in parts, path by path",
                bytes >> 20,
                EventKind::TRANSACTION_BYTES >> 20
            )));
        }
        let changes = Arc::new(Changes::of(&what.effects));
        let count = u32::try_from(what.effects.len())
            .map_err(|_| TransactError::Unfit("more than 4,294,967,295 changes at once".into()))?;
        let began =
            EventKind::TransactionBegan { kind: what.kind, target: what.target, count, path: what.path };
        let time = live.tick(&*self.clock);
        let mut ns = live.ns.clone();
        let mut events = Vec::with_capacity(what.effects.len() + 1);
        for kind in std::iter::once(began).chain(what.effects) {
            let event = Event { seq: ns.seq().next(), time, actor: actor.clone(), kind };
            ns.apply(&event).map_err(|error| TransactError::Unfit(error.to_string()))?;
            events.push(event);
        }
        live.ns = ns;
        live.pending_bytes += bytes;
        live.pending_since.get_or_insert(time);
        live.pending.append(&mut events);
        let seq = live.ns.seq();
        drop(live);
        self.pending.notify_one();
        self.publish(&changes);
        Ok(seq)
    }

    fn publish(&self, changes: &Arc<Changes>) {
        let mut subscribers = self.subscribers.lock().unwrap_or_else(PoisonError::into_inner);
        subscribers.retain(|subscriber| subscriber.send(changes.clone()).is_ok());
    }

    /// What later transactions change, each as it is applied.
    pub fn changes(&self) -> mpsc::UnboundedReceiver<Arc<Changes>> {
        let (sender, receiver) = mpsc::unbounded_channel();
        self.subscribers.lock().unwrap_or_else(PoisonError::into_inner).push(sender);
        receiver
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
        while !self.has_room() && durable.borrow_and_update().stopped.is_none() {
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
