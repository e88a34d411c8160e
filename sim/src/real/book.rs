use std::rc::Rc;

use super::call::{Call, Refusal};
use super::lane::{Lane, Span, learn, unknown};
use super::load::Drawn;
use super::workers::{Answer, Order};
use crate::draw::Seed;
use crate::model::Tree;
use crate::oracle::{Coverage, Failure, Oracle};

/// Why it does not go on.
pub enum Stop {
    /// Something does not hold.
    Found(Failure),
    /// Something that the test needs does not work.
    Broken(String),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Stop::Found(failure)
    }
}

impl From<String> for Stop {
    fn from(problem: String) -> Self {
        Stop::Broken(problem)
    }
}

/// A checkpoint that nobody has looked at yet.
pub struct Fresh {
    /// Its name.
    pub name: String,
    /// When it was asked for.
    pub start: u64,
    /// When it was acknowledged, if it was.
    pub acknowledged: Option<u64>,
}

/// A checkpoint whose tree is known: it must not change any more.
pub struct Instant {
    /// Its name.
    pub name: String,
    /// Its sequence number.
    pub seq: u64,
    /// The tree of each lane.
    pub trees: Vec<Rc<Tree>>,
}

/// A call that is under way.
pub struct Pending {
    drawn: Drawn,
    /// What is asked for its times: the place in what comes of the call, and the inode.
    touched: Vec<(usize, u64)>,
}

impl Pending {
    /// Whether it changes this lane.
    pub fn changes(&self, lane: usize) -> bool {
        self.drawn.after.iter().any(|(changed, _)| *changed == lane)
    }
}

/// Everything that was done, and may have been.
pub struct Book {
    /// What everything is drawn from.
    pub seed: Seed,
    /// One for each thread, and the shared one.
    pub lanes: Vec<Lane>,
    /// What ended before this is durable.
    pub acknowledged: u64,
    /// Checkpoints of this round.
    pub fresh: Vec<Fresh>,
    /// Checkpoints of the rounds before.
    pub instants: Vec<Instant>,
    /// What really happened, and how often.
    pub tally: Coverage,
    /// Numbers of what is done in several lanes at once, and of checkpoints.
    pub next: u64,
}

impl Book {
    /// Makes an order of a call.
    pub fn order(&self, drawn: Drawn) -> (Order, Pending) {
        let (mut paths, mut touched) = (Vec::new(), Vec::new());
        for (place, (lane, tree)) in drawn.after.iter().enumerate() {
            // Nobody sees the times between two changes of one call.
            if drawn.after[place + 1..].iter().any(|(later, _)| later == lane) {
                continue;
            }
            for (path, ino) in unknown(tree) {
                paths.push(self.lanes[*lane].path(&path));
                touched.push((place, ino));
            }
        }
        (Order { call: drawn.call.clone(), touched: paths }, Pending { drawn, touched })
    }

    /// Notes how a call went; `killed` if the process may have been dead by then.
    ///
    /// # Errors
    /// If it is not how it must go.
    pub fn took(&mut self, pending: Pending, answer: Answer, killed: bool) -> Result<(), Stop> {
        let Pending { mut drawn, touched } = pending;
        self.tally.count("call", drawn.call.label());
        self.tally.judged(Oracle::Outcome);
        for ((place, ino), times) in touched.into_iter().zip(&answer.times) {
            if let Some(times) = times {
                learn(&mut drawn.after[place].1, ino, *times);
            }
        }
        match (&answer.result, drawn.expected) {
            (Ok(()), Ok(())) => self.happened(drawn, answer.start, Some(answer.finish)),
            (Err(Refusal::Errno(found)), Err(expected)) if *found == expected => Ok(()),
            (Err(refusal), expected) if killed && refusal.is_of_a_dead_mount() => {
                self.tally.count("call", "cut off by the kill");
                match expected {
                    Ok(()) => self.happened(drawn, answer.start, None),
                    Err(_) => Ok(()),
                }
            }
            (found, expected) => {
                let told = |refusal: &Refusal| refusal.to_string();
                let found = found.as_ref().map_err(told);
                let expected = expected.map_err(|number| told(&Refusal::Errno(number)));
                let text = format!("{:?}: expected {expected:?}, found {found:?}", drawn.call);
                Err(Oracle::Outcome.fails(text).into())
            }
        }
    }

    /// It happened, or, without a `finish`, may have.
    fn happened(&mut self, drawn: Drawn, start: u64, finish: Option<u64>) -> Result<(), Stop> {
        if drawn.call.acknowledges() && finish.is_some() {
            self.acknowledge(start);
        }
        if let Call::Checkpoint { name } = drawn.call {
            self.fresh.push(Fresh { name, start, acknowledged: finish });
        }
        self.did(drawn.after, start, finish)
    }

    /// Everything that had ended before is durable.
    pub fn acknowledge(&mut self, before: u64) {
        self.tally.count("acknowledgement", "of what had ended before");
        self.acknowledged = self.acknowledged.max(before);
    }

    /// The lanes are so now, or may be.
    ///
    /// # Errors
    /// If the model does not go on.
    pub fn did(&mut self, after: Vec<(usize, Tree)>, start: u64, finish: Option<u64>) -> Result<(), Stop> {
        let several = after.iter().any(|(lane, _)| *lane != after[0].0);
        let joint = several.then(|| self.number());
        for (lane, tree) in after {
            self.lanes[lane].did(tree, Span { start, finish: finish.unwrap_or(u64::MAX), joint })?;
        }
        Ok(())
    }

    /// A number that nothing else has.
    pub fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }
}
