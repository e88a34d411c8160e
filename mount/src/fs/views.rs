use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use firn_journal::{Ino, Seq};
use firn_materializer::decide::Errno;
use firn_materializer::history::HistoryError;
use firn_materializer::instant::{self, When};
use firn_materializer::namespace::Namespace;
use firn_materializer::volume::{InstantError, Volume};
use jiff::tz::TimeZone;

use super::attr::{Attr, Entry, FOREVER};
use super::errno::NFILE;
use super::numbers::{Place, Slot};
use super::slots::Slots;

/// Instants that stay open in memory; older ones are opened again when the kernel asks.
const KEPT_OPEN: usize = 32;

/// The shortest time for which the kernel keeps what `.at/<time>` leads to.
const SHORTEST: Duration = Duration::from_secs(1);
/// The longest, when the time is a time of day or an age.
const LONGEST: Duration = Duration::from_secs(3600);

/// The instants that the kernel holds inodes of, below the `.at` directories of a live mount.
pub(super) struct Views {
    /// In which the times in `.at/<time>` are read.
    zone: TimeZone,
    state: Mutex<State>,
}

struct State {
    slots: Slots,
    /// The most recently used last.
    open: VecDeque<(Seq, Arc<Namespace>)>,
}

impl State {
    fn recall(&mut self, seq: Seq) -> Option<Arc<Namespace>> {
        let at = self.open.iter().position(|(known, _)| *known == seq)?;
        let found = self.open.remove(at)?;
        let ns = found.1.clone();
        self.open.push_back(found);
        Some(ns)
    }

    fn keep(&mut self, seq: Seq, ns: Arc<Namespace>) {
        self.open.retain(|(known, _)| *known != seq);
        self.open.push_back((seq, ns));
        if self.open.len() > KEPT_OPEN {
            self.open.pop_front();
        }
    }
}

impl Views {
    pub fn new(zone: TimeZone) -> Self {
        let state = State { slots: Slots::new(Slot::MAX.into()), open: VecDeque::new() };
        Views { zone, state: Mutex::new(state) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The tree that a slot means, if it is open. `ESTALE` if the slot means none.
    pub fn recall(&self, slot: Slot) -> Result<Option<Arc<Namespace>>, Errno> {
        let mut state = self.lock();
        let seq = state.slots.seq(slot).ok_or(Errno::STALE)?;
        Ok(state.recall(seq))
    }

    /// The tree that a slot means, opened again if need be.
    pub async fn open(&self, volume: &Volume, slot: Slot) -> Result<Arc<Namespace>, Errno> {
        let seq = self.lock().slots.seq(slot).ok_or(Errno::STALE)?;
        self.open_seq(volume, seq).await
    }

    async fn open_seq(&self, volume: &Volume, seq: Seq) -> Result<Arc<Namespace>, Errno> {
        if let Some(ns) = self.lock().recall(seq) {
            return Ok(ns);
        }
        let ns = Arc::new(volume.view_at(seq).await.map_err(|error| errno_of(&error))?);
        self.lock().keep(seq, ns.clone());
        Ok(ns)
    }

    /// The directory `dir` as it was at the time that `text` tells. The kernel is told of it.
    pub async fn enter(&self, volume: &Volume, dir: Ino, text: &[u8]) -> Result<Entry, Errno> {
        let text = std::str::from_utf8(text).map_err(|_| Errno::NOENT)?;
        let when = instant::parse(text, volume.history().now(), &self.zone).map_err(|_| Errno::NOENT)?;
        let at = volume.resolve(&when).await.map_err(|error| errno_of(&error))?;
        let ns = self.open_seq(volume, at.seq).await?;
        if ns.inode(dir).is_none() {
            return Err(Errno::NOENT);
        }
        let slot = self.lock().slots.look_up_seq(at.seq).ok_or(NFILE)?;
        let attr =
            Attr::of(&ns, dir, Place::Past(slot, dir), FOREVER).inspect_err(|_| self.forget(slot, 1))?;
        Ok(Entry { attr: Some(attr), ttl: good_for(&when, volume) })
    }

    /// The kernel is told of one more inode of a slot.
    pub fn look_up(&self, slot: Slot) {
        self.lock().slots.look_up(slot);
    }

    /// The kernel has forgotten an inode of a slot.
    pub fn forget(&self, slot: Slot, lookups: u64) {
        self.lock().slots.forget(slot, lookups);
    }
}

/// How long a form of time means the same instant, well enough. A number always does; a name can be given to
/// another instant; `2h-ago` means it to within a hundredth of the age, so that a walk through the tree of then
/// does not see the tree move under it.
fn good_for(when: &When, volume: &Volume) -> Duration {
    match when {
        When::Seq(_) => FOREVER,
        When::Checkpoint(_) => SHORTEST,
        When::Time(time) => (volume.history().now().since(*time) / 100).clamp(SHORTEST, LONGEST),
    }
}

/// A time that is not in the history is a name that is not there; anything else is told to the log.
fn errno_of(error: &InstantError) -> Errno {
    if let InstantError::History(HistoryError::Resolve(_)) = error {
        return Errno::NOENT;
    }
    tracing::error!(%error, "an instant cannot be opened");
    Errno::IO
}
