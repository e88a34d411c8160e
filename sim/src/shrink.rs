//! Makes failing plans small, while the same oracle fails.
//!
//! What is tried: to end the plan after the step that failed; to list the faults instead of drawing them; to leave
//! out ranges of steps, halves first, then quarters, down to single steps; faults in the same way; whole actors;
//! the pauses. Whatever still fails by the same oracle is kept, until nothing more can be left out.

use crate::oracle::{Failure, Oracle};
use crate::plan::{FaultSource, Plan};
use crate::store::Injected;

#[cfg(test)]
mod tests;

/// A plan from which nothing more can be left out.
#[derive(Clone, Debug)]
pub struct Small {
    /// The plan.
    pub plan: Plan,
    /// How it fails.
    pub failure: Failure,
    /// How many plans were tried.
    pub tries: u32,
}

/// Plays a plan: how it fails, if it does, and the faults that the store made.
pub type Play<'a> = dyn Fn(&Plan) -> (Option<Failure>, Vec<Injected>) + 'a;

struct Shrinker<'a> {
    small: Small,
    oracle: Oracle,
    most: u32,
    play: &'a Play<'a>,
    tell: &'a mut dyn FnMut(String),
}

/// Makes a plan small with at most so many tries; `None` if it does not fail. `tell` hears of the progress.
pub fn shrink(plan: Plan, most: u32, play: &Play<'_>, mut tell: impl FnMut(String)) -> Option<Small> {
    let (failure, injected) = play(&plan);
    let failure = failure?;
    let oracle = failure.oracle;
    let small = Small { plan, failure, tries: 0 };
    let mut shrinker = Shrinker { small, oracle, most, play, tell: &mut tell };
    let listed = FaultSource::Listed(injected);
    shrinker.attempt(Plan { faults: listed, ..shrinker.small.plan.clone() });
    loop {
        let before = shrinker.small.plan.clone();
        shrinker.end_early();
        shrinker.without_actors();
        shrinker.without_steps();
        shrinker.without_faults();
        shrinker.without_pauses();
        if shrinker.small.plan == before || shrinker.is_tired() {
            return Some(shrinker.small);
        }
    }
}

impl Shrinker<'_> {
    fn is_tired(&self) -> bool {
        self.small.tries >= self.most
    }

    /// Keeps a plan if it fails in the same way.
    fn attempt(&mut self, plan: Plan) -> bool {
        if self.is_tired() || plan == self.small.plan {
            return false;
        }
        self.small.tries += 1;
        let failure = (self.play)(&plan).0.filter(|failure| failure.oracle == self.oracle);
        let Some(failure) = failure else { return false };
        (self.tell)(format!("{} steps, {} faults: {failure}", plan.steps.len(), plan.listed()));
        self.small.plan = plan;
        self.small.failure = failure;
        true
    }

    /// The shortest beginning that fails.
    fn end_early(&mut self) {
        let (mut holds, mut fails) = (0, self.small.plan.steps.len());
        while holds + 1 < fails && !self.is_tired() {
            let middle = holds + (fails - holds) / 2;
            let mut plan = self.small.plan.clone();
            plan.steps.truncate(middle);
            if self.attempt(plan) { fails = middle } else { holds = middle }
        }
    }

    fn without_actors(&mut self) {
        for actor in 0..self.small.plan.shape.actors {
            let mut plan = self.small.plan.clone();
            plan.steps.retain(|step| step.actor != actor || step.action.is_of_the_world());
            self.attempt(plan);
        }
    }

    fn without_steps(&mut self) {
        self.without_ranges(|plan| plan.steps.len(), |plan, range| drop(plan.steps.drain(range)));
    }

    fn without_faults(&mut self) {
        self.without_ranges(Plan::listed, |plan, range| {
            if let FaultSource::Listed(faults) = &mut plan.faults {
                faults.drain(range);
            }
        });
    }

    /// Leaves ranges out: large ones first, from the end.
    fn without_ranges(
        &mut self,
        len: impl Fn(&Plan) -> usize,
        leave_out: impl Fn(&mut Plan, std::ops::Range<usize>),
    ) {
        let mut size = len(&self.small.plan);
        while size > 0 {
            let mut end = len(&self.small.plan);
            while end > 0 {
                let start = end.saturating_sub(size);
                let mut plan = self.small.plan.clone();
                leave_out(&mut plan, start..end);
                self.attempt(plan);
                end = start;
            }
            size /= 2;
        }
    }

    fn without_pauses(&mut self) {
        let mut plan = self.small.plan.clone();
        plan.steps.iter_mut().for_each(|step| step.pause_ms = 0);
        if self.attempt(plan) {
            return;
        }
        for at in 0..self.small.plan.steps.len() {
            if self.small.plan.steps[at].pause_ms > 0 {
                let mut plan = self.small.plan.clone();
                plan.steps[at].pause_ms = 0;
                self.attempt(plan);
            }
        }
    }
}
