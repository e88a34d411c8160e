//! Instants of a live volume: those in the journal, and those that are on their way to it.

use firn_journal::Seq;

use super::commit::VolumeError;
use super::live::Volume;
use crate::history::{HistoryError, Instant, ResolveError};
use crate::instant::When;
use crate::namespace::Namespace;

/// Why an instant of a live volume could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum InstantError {
    /// It is not there, or not readable.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// It is not in the journal yet, and will not be.
    #[error(transparent)]
    Volume(#[from] VolumeError),
}

impl Volume {
    /// The instant that `when` means. Waits for the store only if the instant is among the last changes.
    ///
    /// # Errors
    /// See [`InstantError`].
    pub async fn resolve(&self, when: &When) -> Result<Instant, InstantError> {
        let head = self.view();
        let durable = self.durable.borrow().clone();
        let now = self.clock.now().max(head.time());
        match when {
            When::Time(asked) if *asked >= head.time() && *asked <= now => {
                self.history.remember(head.clone());
                return Ok(Instant { seq: head.seq(), time: head.time() });
            }
            When::Time(asked) if *asked >= durable.time && *asked <= now => {
                self.sync().await?;
            }
            When::Seq(seq) if *seq > head.seq() => {
                return Err(HistoryError::from(ResolveError::Beyond { seq: *seq, head: head.seq() }).into());
            }
            When::Seq(seq) if *seq > durable.seq => {
                self.sync().await?;
            }
            When::Checkpoint(name) => {
                if let Some(checkpoint) = head.checkpoint(name) {
                    return Ok(Instant { seq: checkpoint.seq, time: checkpoint.time });
                }
            }
            _ => {}
        }
        Ok(self.history.resolve(when).await?)
    }

    /// The tree at an instant of the history, or of the changes that are not stored yet.
    ///
    /// # Errors
    /// See [`InstantError`].
    pub async fn view_at(&self, seq: Seq) -> Result<Namespace, InstantError> {
        let head = self.view();
        if seq == head.seq() {
            return Ok(head);
        }
        if seq > self.durable.borrow().seq {
            self.sync().await?;
        }
        Ok(self.history.view(seq).await?)
    }
}
