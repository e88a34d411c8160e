//! What can happen to a request.

use std::fmt;

use object_store::Error;
use serde::{Deserialize, Serialize};

use super::errors;

/// What happens to a request.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The connection breaks before the store sees it: no effect.
    LostRequest,
    /// It takes effect, and the connection breaks before the answer.
    LostAnswer,
    /// It is never answered, and takes effect so many milliseconds after it arrived.
    LateHang {
        /// The delay.
        ms: u64,
    },
    /// The connection breaks, and it takes effect so many milliseconds after that.
    LateError {
        /// The delay.
        ms: u64,
    },
    /// It is never answered: no effect.
    Hang,
    /// The store says that it is asked too much: no effect.
    Throttled,
    /// It takes effect, and the store says that something went wrong.
    ServerError,
    /// The body of a get ends early, with an error.
    BrokenBody,
    /// The body of a get ends early, as if that were all.
    ShortBody,
    /// A create is told that it met another one and was not decided: no effect.
    Conflict,
    /// Whoever sent it died or gave it up while it was on its way; it takes effect so many milliseconds after that.
    Landed {
        /// The delay.
        ms: u64,
    },
}

/// When a request's effect happens.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Effect {
    Never,
    Now,
    After(u64),
}

/// What its sender hears of it.
pub(super) enum Answer {
    Nothing,
    Error(Error),
    /// The true one, with a body that ends early: with this error, or as if that were all.
    Cut(Option<Error>),
}

impl Fault {
    /// The name of each kind of fault.
    pub const NAMES: [&str; 11] = [
        "lost_request",
        "lost_answer",
        "late_hang",
        "late_error",
        "hang",
        "throttled",
        "server_error",
        "broken_body",
        "short_body",
        "conflict",
        "landed",
    ];

    /// Its name, as in a plan.
    pub fn name(self) -> &'static str {
        match self {
            Fault::LostRequest => "lost_request",
            Fault::LostAnswer => "lost_answer",
            Fault::LateHang { .. } => "late_hang",
            Fault::LateError { .. } => "late_error",
            Fault::Hang => "hang",
            Fault::Throttled => "throttled",
            Fault::ServerError => "server_error",
            Fault::BrokenBody => "broken_body",
            Fault::ShortBody => "short_body",
            Fault::Conflict => "conflict",
            Fault::Landed { .. } => "landed",
        }
    }

    /// What it does to a request for this key.
    pub(super) fn consequence(self, key: String) -> (Effect, Answer) {
        match self {
            Fault::LostRequest => (Effect::Never, Answer::Error(errors::connection_reset())),
            Fault::LostAnswer => (Effect::Now, Answer::Error(errors::connection_reset())),
            Fault::LateHang { ms } | Fault::Landed { ms } => (Effect::After(ms), Answer::Nothing),
            Fault::LateError { ms } => (Effect::After(ms), Answer::Error(errors::connection_reset())),
            Fault::Hang => (Effect::Never, Answer::Nothing),
            Fault::Throttled => (Effect::Never, Answer::Error(errors::slow_down())),
            Fault::ServerError => (Effect::Now, Answer::Error(errors::internal_error())),
            Fault::BrokenBody => (Effect::Now, Answer::Cut(Some(errors::body_ended_early()))),
            Fault::ShortBody => (Effect::Now, Answer::Cut(None)),
            Fault::Conflict => (Effect::Never, Answer::Error(errors::conflict(key))),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        match self {
            Fault::LateHang { ms } | Fault::LateError { ms } | Fault::Landed { ms } => write!(f, " {ms} ms"),
            _ => Ok(()),
        }
    }
}

/// A fault, and the request that met it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Injected {
    /// The client's number.
    pub client: u32,
    /// The request's number.
    pub nth: u64,
    /// What happened.
    pub fault: Fault,
}
