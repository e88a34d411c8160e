//! Carries out what the machine says.

use std::sync::Arc;

use firn_clock::Entropy;
use firn_store::{Key, Patience, PutOutcome};

use super::machine::{Effect, Input, Machine, Stop};
use super::{AppendError, AppendReceipt, ClaimError, Group, Rival};
use crate::segment::{self, Content, Draft};
use crate::{Epoch, JournalError, JournalReader, JournalTip, Segment, SegmentError, SegmentNo};

type Refusal = Arc<JournalError>;
type Outcome = Input<Rival, Refusal>;

pub(super) struct Driver {
    reader: JournalReader,
    machine: Machine<Rival, Refusal>,
    epoch: Epoch,
    entropy: Arc<dyn Entropy>,
}

impl Driver {
    pub fn new(reader: &JournalReader, tip: JournalTip, epoch: Epoch, entropy: Arc<dyn Entropy>) -> Self {
        Driver { reader: reader.clone(), machine: Machine::new(tip), epoch, entropy }
    }

    /// Stores the first group of an epoch.
    pub async fn claim(&mut self, group: Group) -> Result<Segment, ClaimError> {
        let draft = self.draft(group)?;
        let segment = segment::decode(&draft.bytes)?;
        self.store(draft).await?;
        // From now on there are changes that wait for the store, however long it takes.
        self.reader = self.reader.with_patience(Patience::Forever);
        Ok(segment)
    }

    /// Stores a group, or says why that will never happen.
    pub async fn append(&mut self, group: Group) -> Result<AppendReceipt, AppendError> {
        if let Some(stop) = self.machine.stopped() {
            return Err(stop.clone().into());
        }
        let draft = self.draft(group)?;
        let Draft { tip, seals, .. } = self.store(draft).await?;
        Ok(AppendReceipt { segment: tip.segment, tip, seals })
    }

    fn draft(&self, group: Group) -> Result<Draft, SegmentError> {
        let content = Content {
            volume: self.reader.volume(),
            epoch: self.epoch,
            put_id: self.entropy.bits().to_le_bytes(),
            events: &group.events,
            seals: group.seals,
            rider: &group.rider,
        };
        segment::encode(self.machine.tip(), content)
    }

    async fn store(&mut self, draft: Draft) -> Result<Draft, Stop<Rival, Refusal>> {
        let mut effect = self.machine.step(Input::Submit(draft));
        loop {
            let outcome = match effect {
                Effect::Put(draft) => self.put(draft).await,
                Effect::ReadBack(no) => self.read_back(no).await,
                Effect::Rest(rest) => {
                    tokio::time::sleep(rest).await;
                    Input::Wake
                }
                Effect::Acknowledge(draft) => return Ok(draft),
                Effect::Stop(stop) => return Err(stop),
            };
            effect = self.machine.step(outcome);
        }
    }

    async fn put(&self, draft: Draft) -> Outcome {
        let key = Key::Segment(draft.tip.segment.0);
        match self.reader.objects().put_if_absent(key, draft.bytes).await {
            PutOutcome::Created => Input::PutSucceeded,
            PutOutcome::Exists => Input::PutFoundExisting,
            PutOutcome::Unknown(error) => {
                tracing::debug!(%key, %error, "a segment may be stored or not; reading it back");
                Input::PutUnknown
            }
            PutOutcome::Refused(error) => Input::PutRefused(Arc::new(error.into())),
        }
    }

    async fn read_back(&self, no: SegmentNo) -> Outcome {
        match self.reader.read(no).await {
            Ok(Some(segment)) => Input::ReadBackFound { hash: segment.hash, rival: Rival::of(&segment) },
            Ok(None) => Input::ReadBackAbsent,
            Err(JournalError::Store(error)) if error.is_transient() => Input::ReadBackFailed,
            Err(error) => Input::ReadBackRefused(Arc::new(error)),
        }
    }
}

impl From<Stop<Rival, Refusal>> for AppendError {
    fn from(stop: Stop<Rival, Refusal>) -> Self {
        match stop {
            Stop::Fenced(rival) => AppendError::Fenced(rival),
            Stop::Refused(why) => AppendError::Refused(why),
        }
    }
}

impl From<Stop<Rival, Refusal>> for ClaimError {
    fn from(stop: Stop<Rival, Refusal>) -> Self {
        match stop {
            Stop::Fenced(by) => ClaimError::Raced { by },
            Stop::Refused(why) => ClaimError::Refused(why),
        }
    }
}
