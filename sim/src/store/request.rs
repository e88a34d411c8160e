//! What all requests have in common.

use std::fmt;

use bytes::Bytes;
use object_store::{Error, Result};

use super::errors;
use super::faults::Fault;
use super::objects::Objects;
use crate::draw::Draw;

/// One request to the store.
pub(super) trait Request: Clone + fmt::Debug + Send + Sync + 'static {
    type Answer: Send;

    /// For the trace.
    const NAME: &'static str;
    /// Whether it changes the bucket.
    const WRITES: bool;

    /// The key that it is about, or the prefix.
    fn key(&self) -> String;

    /// What else the trace says of it.
    fn details(&self) -> String {
        String::new()
    }

    /// Whether this can happen to such a request.
    fn admits(&self, fault: Fault, _objects: &Objects) -> bool {
        match fault {
            Fault::LateHang { .. } | Fault::LateError { .. } | Fault::Landed { .. } => Self::WRITES,
            Fault::BrokenBody | Fault::ShortBody | Fault::Conflict => false,
            Fault::LostRequest | Fault::LostAnswer | Fault::Hang | Fault::Throttled | Fault::ServerError => {
                true
            }
        }
    }

    /// Its effect and its answer.
    fn carry_out(&self, objects: &mut Objects, now_ms: u64) -> Result<Self::Answer>;

    /// The answer with a body that ends early, if it has one: with an error or without.
    fn cut(answer: Self::Answer, _draw: Draw, _error: Option<Error>) -> Self::Answer {
        answer
    }
}

/// A request whose answer nobody hears.
pub(super) trait Unheard: fmt::Debug + Send {
    fn describe(&self) -> String;
    fn writes(&self) -> bool;
    /// Carries it out and says how it went, for the trace.
    fn take_effect(&self, objects: &mut Objects, now_ms: u64) -> &'static str;
}

impl<R: Request> Unheard for R {
    fn describe(&self) -> String {
        let details = self.details();
        let pause = if details.is_empty() { "" } else { " " };
        format!("{} {}{pause}{details}", R::NAME, self.key())
    }

    fn writes(&self) -> bool {
        R::WRITES
    }

    fn take_effect(&self, objects: &mut Objects, now_ms: u64) -> &'static str {
        errors::word(&self.carry_out(objects, now_ms))
    }
}

/// Bytes, as the trace shows them.
pub(super) fn digest(bytes: &Bytes) -> String {
    format!("{} {}", bytes.len(), &blake3::hash(bytes).to_hex()[..8])
}
