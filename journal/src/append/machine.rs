//! The append protocol, pure: what to do next, given what happened. One put is in flight at most.
//!
//! A put ends in one of four ways. It succeeded; or the name is taken; or nobody knows (a lost answer: the
//! object may be there, or may still come); or the store refused it for good. When the name is taken or nobody
//! knows, the segment is read back: if it is ours, the put has succeeded; another's means that this writer is
//! fenced; if nothing is there, the same bytes are put again. A late arrival of the first attempt is harmless,
//! as it is the same object under the same name.

use std::time::Duration;

use firn_store::Backoff;

use crate::segment::Draft;
use crate::{Hash, JournalTip, SegmentNo};

/// What happened. `Rival` is what is known of a segment that is not ours, `Refusal` why the store will never
/// do what it was asked.
pub(super) enum Input<Rival, Refusal> {
    /// There is a segment to store. It continues the machine's tip.
    Submit(Draft),
    /// The segment was stored, by this put.
    PutSucceeded,
    /// There is an object of that name already, ours or not.
    PutFoundExisting,
    /// The answer was lost.
    PutUnknown,
    /// The store refused, and will.
    PutRefused(Refusal),
    /// The segment that was read back.
    ReadBackFound { hash: Hash, rival: Rival },
    /// No such segment.
    ReadBackAbsent,
    /// No answer.
    ReadBackFailed,
    /// The object that was read back is no good, or cannot be read at all.
    ReadBackRefused(Refusal),
    /// The rest is over.
    Wake,
}

/// What to do now. Its outcome is the next input.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Effect<Rival, Refusal> {
    /// Put this segment, if there is none.
    Put(Draft),
    /// Read this segment.
    ReadBack(SegmentNo),
    /// Wait, then wake the machine.
    Rest(Duration),
    /// The segment is stored. Submit the next one.
    Acknowledge(Draft),
    /// Nothing more can be appended, now or later.
    Stop(Stop<Rival, Refusal>),
}

/// Why a writer is at its end.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Stop<Rival, Refusal> {
    /// Another writer has stored its segment where ours should be.
    Fenced(Rival),
    /// The store refuses. Whether the last segment is stored is not known.
    Refused(Refusal),
}

#[derive(Clone, Debug)]
enum State<Rival, Refusal> {
    Idle,
    Putting(Draft),
    ReadingBack(Draft),
    /// Resting before the next put, or before reading back.
    Resting {
        draft: Draft,
        then_put: bool,
    },
    Stopped(Stop<Rival, Refusal>),
}

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Machine<Rival, Refusal> {
    tip: JournalTip,
    backoff: Backoff,
    state: State<Rival, Refusal>,
}

impl<Rival: Clone, Refusal: Clone> Machine<Rival, Refusal> {
    /// At the end of a journal, with nothing to do.
    pub fn new(tip: JournalTip) -> Self {
        Machine { tip, backoff: Backoff::default(), state: State::Idle }
    }

    /// The last segment that is known to be stored.
    pub fn tip(&self) -> &JournalTip {
        &self.tip
    }

    /// Why nothing more can be appended, if so.
    pub fn stopped(&self) -> Option<&Stop<Rival, Refusal>> {
        match &self.state {
            State::Stopped(stop) => Some(stop),
            _ => None,
        }
    }

    /// Takes what happened, and says what to do.
    ///
    /// # Panics
    /// If that cannot have happened: each effect has its inputs.
    pub fn step(&mut self, input: Input<Rival, Refusal>) -> Effect<Rival, Refusal> {
        match (std::mem::replace(&mut self.state, State::Idle), input) {
            (State::Idle, Input::Submit(draft)) => {
                assert_eq!(draft.tip.segment, self.tip.segment.next(), "a draft continues the journal");
                self.put(draft)
            }
            (State::Putting(draft), Input::PutSucceeded) => self.acknowledge(draft),
            (State::Putting(draft), Input::PutFoundExisting | Input::PutUnknown) => self.read_back(draft),
            (State::Putting(_), Input::PutRefused(why)) => self.stop(Stop::Refused(why)),
            (State::ReadingBack(draft), Input::ReadBackFound { hash, .. }) if hash == draft.tip.hash => {
                self.acknowledge(draft)
            }
            (State::ReadingBack(_), Input::ReadBackFound { rival, .. }) => self.stop(Stop::Fenced(rival)),
            (State::ReadingBack(draft), Input::ReadBackAbsent) => self.rest(draft, true),
            (State::ReadingBack(draft), Input::ReadBackFailed) => self.rest(draft, false),
            (State::ReadingBack(_), Input::ReadBackRefused(why)) => self.stop(Stop::Refused(why)),
            (State::Resting { draft, then_put: true }, Input::Wake) => self.put(draft),
            (State::Resting { draft, then_put: false }, Input::Wake) => self.read_back(draft),
            (State::Stopped(stop), Input::Submit(_)) => self.stop(stop),
            _ => panic!("an input that no effect asked for"),
        }
    }

    fn put(&mut self, draft: Draft) -> Effect<Rival, Refusal> {
        self.state = State::Putting(draft.clone());
        Effect::Put(draft)
    }

    fn read_back(&mut self, draft: Draft) -> Effect<Rival, Refusal> {
        let no = draft.tip.segment;
        self.state = State::ReadingBack(draft);
        Effect::ReadBack(no)
    }

    fn rest(&mut self, draft: Draft, then_put: bool) -> Effect<Rival, Refusal> {
        self.state = State::Resting { draft, then_put };
        Effect::Rest(self.backoff.next_pause())
    }

    fn acknowledge(&mut self, draft: Draft) -> Effect<Rival, Refusal> {
        self.tip = draft.tip;
        self.backoff = Backoff::default();
        Effect::Acknowledge(draft)
    }

    fn stop(&mut self, stop: Stop<Rival, Refusal>) -> Effect<Rival, Refusal> {
        self.state = State::Stopped(stop.clone());
        Effect::Stop(stop)
    }
}

#[cfg(test)]
mod tests;
