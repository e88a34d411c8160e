use firn_clock::Timestamp;
use firn_journal::{JournalReader, Seq};
use firn_materializer::history::{History, HistoryError, Instant};
use firn_materializer::instant::When;
use firn_materializer::namespace::Namespace;
use firn_materializer::volume::{InstantError, Volume};

use crate::log::{LogCursor, LogError, LogQuery};

/// A volume's instants: those of a writer, whose latest are not stored yet, or those that are stored.
#[derive(Clone, Copy)]
pub enum Timeline<'a> {
    /// Of a volume that this process writes.
    Live(&'a Volume),
    /// Of one that it only reads.
    Stored(&'a History),
}

/// Why an instant or the events up to it could not be read.
#[derive(Debug, thiserror::Error)]
pub enum TimelineError {
    /// It is not there, or not readable.
    #[error(transparent)]
    Instant(#[from] InstantError),
    /// The events could not be read.
    #[error(transparent)]
    Log(#[from] LogError),
}

impl From<HistoryError> for TimelineError {
    fn from(error: HistoryError) -> Self {
        TimelineError::Instant(error.into())
    }
}

impl<'a> Timeline<'a> {
    /// The read side.
    pub fn history(self) -> &'a History {
        match self {
            Timeline::Live(volume) => volume.history(),
            Timeline::Stored(history) => history,
        }
    }

    /// The present tree, as an instant of the history.
    ///
    /// # Errors
    /// What reading the end of the journal says.
    pub async fn head(self) -> Result<Namespace, TimelineError> {
        match self {
            Timeline::Live(volume) => Ok(volume.view()),
            Timeline::Stored(history) => {
                history.refresh().await?;
                Ok(history.durable().0)
            }
        }
    }

    /// The instant that `when` means.
    ///
    /// # Errors
    /// There is none, and the range that there is; or what reading says.
    pub async fn resolve(self, when: &When) -> Result<Instant, TimelineError> {
        Ok(match self {
            Timeline::Live(volume) => volume.resolve(when).await?,
            Timeline::Stored(history) => history.resolve(when).await?,
        })
    }

    /// The tree right after event `seq`, or after the transaction around it.
    ///
    /// # Errors
    /// There is none, or what reading says.
    pub async fn view(self, seq: Seq) -> Result<Namespace, TimelineError> {
        Ok(match self {
            Timeline::Live(volume) => volume.view_at(seq).await?,
            Timeline::Stored(history) => history.view(seq).await?,
        })
    }

    /// The log of everything up to `base`, a view of this timeline. Waits until that is in the journal.
    ///
    /// # Errors
    /// See [`TimelineError`].
    pub async fn log(self, base: Namespace, query: &LogQuery) -> Result<LogCursor, TimelineError> {
        self.settle().await?;
        Ok(LogCursor::open(self.journal(), base, query).await?)
    }

    /// The present.
    pub(crate) fn now(self) -> Timestamp {
        self.history().now()
    }

    /// Makes everything until now durable, so that the journal holds it.
    async fn settle(self) -> Result<(), TimelineError> {
        if let Timeline::Live(volume) = self {
            volume.sync().await.map_err(InstantError::from)?;
        }
        Ok(())
    }

    fn journal(self) -> &'a JournalReader {
        self.history().journal()
    }
}
