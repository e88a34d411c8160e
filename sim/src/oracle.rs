//! What is judged, and what was.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;

/// Something that must hold.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Oracle {
    /// After a crash the state is some prefix of what was done, at or above what was acknowledged as durable.
    Prefix,
    /// Any instant equals the model at that instant, now and later.
    Instant,
    /// One writer extends the history; the fenced one acknowledges nothing more; a live one is not taken over from
    /// another machine.
    Writer,
    /// No view refers to content that is missing, and every byte is what was written.
    Content,
    /// Opening from a snapshot file plus the tail equals replay from the first event.
    Snapshot,
    /// Undo equals the past, redo takes it back, history before stays.
    Undo,
    /// After faults stop, everything pending becomes durable; and what nobody waits for, by its interval.
    Liveness,
    /// Verify finds each damage and names it, and no read returns wrong bytes.
    Damage,
    /// An answer, an attribute, a listing or an error is what the model says.
    Outcome,
    /// Nothing panics.
    Internal,
}

impl Oracle {
    /// All of them.
    pub const ALL: [Oracle; 10] = [
        Oracle::Prefix,
        Oracle::Instant,
        Oracle::Writer,
        Oracle::Content,
        Oracle::Snapshot,
        Oracle::Undo,
        Oracle::Liveness,
        Oracle::Damage,
        Oracle::Outcome,
        Oracle::Internal,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Oracle::Prefix => "prefix",
            Oracle::Instant => "instant",
            Oracle::Writer => "writer",
            Oracle::Content => "content",
            Oracle::Snapshot => "snapshot",
            Oracle::Undo => "undo",
            Oracle::Liveness => "liveness",
            Oracle::Damage => "damage",
            Oracle::Outcome => "outcome",
            Oracle::Internal => "internal",
        }
    }

    /// Fails.
    pub fn fails(self, what: impl Into<String>) -> Failure {
        Failure { oracle: self, what: what.into() }
    }

    /// Fails, unless it holds.
    ///
    /// # Errors
    /// If it does not.
    pub fn holds(self, holds: bool, what: impl FnOnce() -> String) -> Result<(), Failure> {
        if holds { Ok(()) } else { Err(self.fails(what())) }
    }
}

impl fmt::Display for Oracle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What does not hold.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("oracle {oracle}: {what}")]
pub struct Failure {
    /// Which of them.
    pub oracle: Oracle,
    /// What was expected, and what was found.
    pub what: String,
}

/// How often things really happened in a run.
#[derive(Clone, Default, Debug)]
pub struct Coverage(RefCell<BTreeMap<String, u64>>);

impl Coverage {
    /// Something happened.
    pub fn count(&self, family: &str, what: &str) {
        self.add(family, what, 1);
    }

    /// Something happened so often.
    pub fn add(&self, family: &str, what: &str, times: u64) {
        if times > 0 {
            *self.0.borrow_mut().entry(format!("{family} {what}")).or_default() += times;
        }
    }

    /// An oracle was asked, and could have said no.
    pub fn judged(&self, oracle: Oracle) {
        self.count("oracle", oracle.name());
    }

    /// The sum of all counts.
    pub fn total(&self) -> u64 {
        self.0.borrow().values().sum()
    }

    /// Takes over the counts of another run.
    pub fn merge(&self, counts: &BTreeMap<String, u64>) {
        for (what, times) in counts {
            *self.0.borrow_mut().entry(what.clone()).or_default() += times;
        }
    }

    /// All counts: family and name, and how often.
    pub fn counts(&self) -> BTreeMap<String, u64> {
        self.0.borrow().clone()
    }
}
