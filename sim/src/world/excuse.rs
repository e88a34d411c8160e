//! Which errors a failing store excuses: those that say that it failed, and nothing else. Damage, what is missing, what
//! does not follow from what was before: for these there is no excuse.

use firn_blocks::BlocksError;
use firn_journal::{ClaimError, JournalError, WriterError};
use firn_materializer::history::HistoryError;
use firn_materializer::volume::{InstantError, OpenError};
use firn_recovery::{LogError, TimelineError, UndoError};
use firn_store::StoreError;

use crate::store::Client;

/// What a client had met when something began.
#[derive(Clone, Copy, Debug)]
pub struct Since(u64);

impl Since {
    /// From now on.
    pub fn now(client: &Client) -> Self {
        Since(client.faults_met())
    }

    /// Since the client was made.
    pub fn birth() -> Self {
        Since(0)
    }

    /// Whether the store has failed often enough since to make a request fail for good: one failure never does, since
    /// requests are repeated.
    pub fn has_failed_twice(self, client: &Client) -> bool {
        client.faults_met() >= self.0 + 2
    }
}

/// Whether an error says that the store failed, for now.
pub trait Passing {
    /// See the trait.
    fn is_passing(&self) -> bool;
}

impl Passing for StoreError {
    fn is_passing(&self) -> bool {
        self.is_transient()
    }
}

impl Passing for JournalError {
    fn is_passing(&self) -> bool {
        matches!(self, JournalError::Store(error) if error.is_passing())
    }
}

impl Passing for BlocksError {
    fn is_passing(&self) -> bool {
        match self {
            BlocksError::Store(error) => error.is_passing(),
            BlocksError::Abandoned => true,
            _ => false,
        }
    }
}

impl Passing for HistoryError {
    fn is_passing(&self) -> bool {
        match self {
            HistoryError::Store(error) => error.is_passing(),
            HistoryError::Journal(error) => error.is_passing(),
            HistoryError::Blocks(error) => error.is_passing(),
            _ => false,
        }
    }
}

impl Passing for OpenError {
    fn is_passing(&self) -> bool {
        match self {
            OpenError::History(error) => error.is_passing(),
            OpenError::Claim(ClaimError::Unreachable { .. }) => true,
            OpenError::Claim(ClaimError::Refused(error)) => error.is_passing(),
            OpenError::Writer(WriterError::Store(error)) => error.is_passing(),
            _ => false,
        }
    }
}

impl Passing for InstantError {
    fn is_passing(&self) -> bool {
        matches!(self, InstantError::History(error) if error.is_passing())
    }
}

impl Passing for UndoError {
    fn is_passing(&self) -> bool {
        match self {
            UndoError::Timeline(TimelineError::Instant(error)) => error.is_passing(),
            UndoError::Timeline(TimelineError::Log(LogError::Journal(error))) => error.is_passing(),
            _ => false,
        }
    }
}
