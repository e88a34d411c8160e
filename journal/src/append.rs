//! Extending the journal: one writer at a time, one put at a time, nothing acknowledged that is not stored.

mod driver;
mod machine;
mod parts;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use firn_clock::{Entropy, Timestamp};
use tokio::sync::{mpsc, oneshot};

use driver::Driver;

use crate::{
    Actor, Epoch, Event, EventKind, JournalError, JournalReader, JournalTip, PackSeal, Segment, SegmentError,
    SegmentNo, Seq,
};
/// What becomes one segment.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Group {
    /// What happened, in order; the first continues the journal. Transactions are whole.
    pub events: Vec<Event>,
    /// The packs that hold the events' content. The journal fills in their segment, and the rider's place.
    pub seals: Vec<PackSeal>,
    /// The pack whose seal says [`crate::PackHome::Rider`]; empty if none does.
    pub rider: Bytes,
}

/// What is stored now.
#[derive(Clone, PartialEq, Debug)]
pub struct AppendReceipt {
    /// The segment that holds the group.
    pub segment: SegmentNo,
    /// The end of the journal.
    pub tip: JournalTip,
    /// The group's seals, with their places.
    pub seals: Vec<PackSeal>,
}

/// Who takes the journal over: what the event of it says.
#[derive(Clone, Debug)]
pub struct Mounting {
    /// The machine's name.
    pub host: String,
    /// The process.
    pub pid: u32,
    /// The program's version.
    pub version: String,
    /// Who asked for it.
    pub actor: Arc<Actor>,
    /// The present. The event is later than the last one in any case.
    pub time: Timestamp,
}

/// The writer of a segment that is where another writer's should have been.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rival {
    /// Its turn.
    pub epoch: Epoch,
    /// Its machine, if the segment tells.
    pub host: Option<String>,
    /// Its process, if the segment tells.
    pub pid: Option<u32>,
}

impl Rival {
    fn of(segment: &Segment) -> Self {
        let mounted = segment.events.iter().find_map(|event| match &event.kind {
            EventKind::Mounted { host, pid, .. } => Some((host.clone(), *pid)),
            _ => None,
        });
        let (host, pid) = mounted.unzip();
        Rival { epoch: segment.epoch, host, pid }
    }
}

impl std::fmt::Display for Rival {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.host, self.pid) {
            (Some(host), Some(pid)) => write!(f, "pid {pid} on {host} (turn {})", self.epoch.0),
            _ => write!(f, "another writer (turn {})", self.epoch.0),
        }
    }
}

/// Why a group is not acknowledged.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AppendError {
    /// Another writer has taken over. The group is not stored, and never will be.
    #[error("{0} has taken this volume over, and this mount can no longer write: unmount it and mount again")]
    Fenced(Rival),
    /// The store refuses for good. Whether the group is stored is not known until the journal is read again.
    #[error("the journal cannot be extended: {0}; set it right, unmount, and mount again")]
    Refused(Arc<JournalError>),
    /// The group is not one that a reader would accept: a mistake of the caller. It is not stored.
    #[error("the journal cannot hold these events: {0}; this is a bug in firn, please report it")]
    Invalid(#[from] SegmentError),
    /// The runtime ended while the group was on its way. Whether it is stored is not known.
    #[error(
        "the program is ending; whether the last changes are stored shows when the volume is mounted again"
    )]
    Ended,
}

/// Why a journal could not be taken over.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ClaimError {
    /// Somebody else appended after the tip: read what is new, and try again.
    #[error("{by} was faster; try again")]
    Raced {
        /// Who.
        by: Rival,
    },
    /// The store refuses for good.
    #[error("the volume cannot be taken over for writing: {0}; set it right and mount again")]
    Refused(Arc<JournalError>),
    /// The store did not answer for this long. The claim may be stored nevertheless, which harms nobody.
    #[error("the store has not answered for {} s ({last_error}); check that it can be reached, then mount again", patience.as_secs())]
    Unreachable {
        /// How long it was tried.
        patience: Duration,
        /// The last thing that the store said.
        last_error: String,
    },
    /// The claim is not one that a reader would accept.
    #[error("the volume cannot be taken over for writing: {0}; this is a bug in firn, please report it")]
    Invalid(#[from] SegmentError),
    /// The numbers of turns are used up.
    #[error("the volume has had all its 4,294,967,295 turns of writers; copy its tree to a new volume")]
    NoTurnLeft,
}

/// How long a claim waits for a store that does not answer.
const CLAIM_PATIENCE: Duration = Duration::from_secs(60);

/// The right to extend the journal, for as long as nobody else takes it over. There is one group on its way at
/// a time, on a task of its own: whoever drops the future of [`Appender::append`] stops waiting, and stops
/// nothing. Dropping the appender lets the groups that it has taken on go through.
#[derive(Debug)]
pub struct Appender {
    requests: mpsc::UnboundedSender<Request>,
}

struct Request {
    group: Group,
    answer: oneshot::Sender<Result<AppendReceipt, AppendError>>,
}

impl Appender {
    /// Takes the journal over: appends a segment with a [`EventKind::Mounted`] event of the next epoch, after
    /// `tip`, which must be the present end. Fences whoever wrote before. Answers the segment, too, since the
    /// caller's state is that of `tip`.
    ///
    /// # Errors
    /// See [`ClaimError`].
    pub async fn claim(
        reader: &JournalReader,
        tip: JournalTip,
        mounting: Mounting,
        entropy: Arc<dyn Entropy>,
    ) -> Result<(Appender, Segment), ClaimError> {
        let epoch = tip.epoch.0.checked_add(1).map(Epoch).ok_or(ClaimError::NoTurnLeft)?;
        let time = if tip.seq == Seq::ZERO { mounting.time } else { mounting.time.max(tip.time.next()) };
        let Mounting { host, pid, version, actor, .. } = mounting;
        let mounted = Event {
            seq: tip.seq.next(),
            time,
            actor,
            kind: EventKind::Mounted { epoch, host, pid, version },
        };
        let mut driver = Driver::new(reader, tip, epoch, entropy);
        let group = Group { events: vec![mounted], ..Group::default() };
        let claimed = tokio::time::timeout(CLAIM_PATIENCE, driver.claim(group)).await;
        let segment = claimed.unwrap_or_else(|_| Err(unreachable(reader)))?;
        let (requests, received) = mpsc::unbounded_channel();
        tokio::spawn(serve(driver, received));
        Ok((Appender { requests }, segment))
    }

    /// Appends a group as the next segment, and answers once it is stored. Store errors that may pass are tried
    /// again for as long as they last.
    ///
    /// # Errors
    /// See [`AppendError`]. None of them passes, but for a group that was [`AppendError::Invalid`].
    pub async fn append(&mut self, group: Group) -> Result<AppendReceipt, AppendError> {
        let (answer, answered) = oneshot::channel();
        self.requests.send(Request { group, answer }).map_err(|_| AppendError::Ended)?;
        answered.await.unwrap_or(Err(AppendError::Ended))
    }
}

fn unreachable(reader: &JournalReader) -> ClaimError {
    let outage = reader.objects().health().outage();
    let last_error = outage.map_or_else(|| "no answer".into(), |outage| outage.last_error);
    ClaimError::Unreachable { patience: CLAIM_PATIENCE, last_error }
}

/// Appends group after group, until the appender is dropped.
async fn serve(mut driver: Driver, mut requests: mpsc::UnboundedReceiver<Request>) {
    while let Some(Request { group, answer }) = requests.recv().await {
        // Nobody may be waiting any more; the group is stored all the same.
        let _ = answer.send(driver.append(group).await);
    }
}

#[cfg(test)]
mod tests;
