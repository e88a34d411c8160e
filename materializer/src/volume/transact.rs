//! Planned changes of many things at once.

use std::sync::{Arc, MutexGuard, PoisonError};

use firn_journal::{Actor, Attributes, Event, EventKind, Seq, TransactionKind};
use tokio::sync::mpsc;

use super::changes::Changes;
use super::live::{Live, Volume};
use crate::namespace::Namespace;

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

impl Volume {
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
        let effects: Vec<EventKind> =
            what.effects.into_iter().map(|kind| live.spare_what_is_open(kind)).collect();
        let bytes: u64 = effects.iter().map(EventKind::most_bytes).sum();
        if bytes > EventKind::TRANSACTION_BYTES {
            return Err(TransactError::Unfit(format!(
                "it takes {} MiB in the journal, and one change may take {}; go back in parts, path by path",
                bytes >> 20,
                EventKind::TRANSACTION_BYTES >> 20
            )));
        }
        let changes = Arc::new(Changes::of(&effects));
        let count = u32::try_from(effects.len())
            .map_err(|_| TransactError::Unfit("more than 4,294,967,295 changes at once".into()))?;
        let began =
            EventKind::TransactionBegan { kind: what.kind, target: what.target, count, path: what.path };
        let time = live.tick(&*self.clock);
        let mut ns = live.ns.clone();
        let mut events = Vec::with_capacity(effects.len() + 1);
        for kind in std::iter::once(began).chain(effects) {
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
}

impl Live {
    /// What somebody holds open does not go with its entry: it becomes an orphan, as by an unlink.
    fn spare_what_is_open(&self, kind: EventKind) -> EventKind {
        match kind {
            EventKind::InodeDropped { ino } if self.open.contains_key(&ino) => match self.ns.inode(ino) {
                Some(inode) => EventKind::InodePut {
                    ino,
                    attributes: Attributes { nlink: 0, ..inode.attributes.clone() },
                    target: inode.target.clone(),
                },
                None => kind,
            },
            kind => kind,
        }
    }
}
