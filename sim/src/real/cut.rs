//! Where in the history a state is: a place in each lane, so that all of them together are one moment of one line.

use std::collections::BTreeSet;

use super::lane::Lane;
use super::look::Seen;

/// What is known beforehand.
#[derive(Clone, Copy)]
pub struct Bounds<'a> {
    /// What had ended before this is in it.
    pub least: u64,
    /// What began after this is not in it.
    pub most: u64,
    /// No lane is further than here.
    pub within: Option<&'a [usize]>,
}

/// A place in each lane: the last state that is in it.
pub type Cut = Vec<usize>;

/// Finds the latest cut that is what was seen.
///
/// # Errors
/// Why there is none.
pub fn find(lanes: &[Lane], seen: &[Seen], bounds: Bounds<'_>) -> Result<Cut, String> {
    let mut choices = Vec::new();
    for (number, (lane, seen)) in lanes.iter().zip(seen).enumerate() {
        choices.push(choices_of(number, lane, seen, bounds)?);
    }
    let mut cut = vec![0; lanes.len()];
    let mut reason = String::new();
    match settle(lanes, bounds, &choices, &mut cut, 0, &mut reason) {
        true => Ok(cut),
        false => {
            Err(format!("each directory is one that there was, but not all at the same moment: {reason}"))
        }
    }
}

/// The states of a lane that look so, the latest first.
fn choices_of(number: usize, lane: &Lane, seen: &Seen, bounds: Bounds<'_>) -> Result<Vec<usize>, String> {
    let last = bounds.within.map_or(lane.len() - 1, |within| within[number].min(lane.len() - 1));
    let is_in_time = |state: &usize| lane.state(*state).1.start <= bounds.most;
    let may_be: Vec<usize> = (0..=last).rev().filter(is_in_time).collect();
    let (mut found, mut too_old, mut differences) = (Vec::new(), None, Vec::new());
    for state in may_be {
        match seen.is(lane.state(state).0) {
            Ok(()) if next_ends_before(lane, state, bounds.least) => too_old = too_old.or(Some(state)),
            Ok(()) => found.push(state),
            Err(what) => differences.push(format!("{state}: {what}")),
        }
    }
    if !found.is_empty() {
        return Ok(found);
    }
    let name = &lane.name;
    if let Some(state) = too_old {
        let lost = (state + 1..=last).filter(|lost| lane.state(*lost).1.finish < bounds.least).count();
        return Err(format!(
            "{name} is as it was after {state} of {last} changes, and {lost} more were acknowledged as durable"
        ));
    }
    let newest = differences.len().min(12);
    Err(format!(
        "{name} is not what it was after any of {last} changes; beside the latest of them, {}",
        differences[..newest].join("; ")
    ))
}

/// Whether the operation after a state had ended before a moment.
fn next_ends_before(lane: &Lane, state: usize, moment: u64) -> bool {
    state + 1 < lane.len() && lane.state(state + 1).1.finish < moment
}

fn settle(
    lanes: &[Lane],
    bounds: Bounds<'_>,
    choices: &[Vec<usize>],
    cut: &mut Cut,
    lane: usize,
    reason: &mut String,
) -> bool {
    let Some(own) = choices.get(lane) else {
        return match is_one_moment(lanes, bounds, cut) {
            Ok(()) => true,
            Err(what) => {
                // Of the latest choice, which comes first.
                if reason.is_empty() {
                    *reason = what;
                }
                false
            }
        };
    };
    own.iter().any(|state| {
        cut[lane] = *state;
        settle(lanes, bounds, choices, cut, lane + 1, reason)
    })
}

/// # Errors
/// What is in it, though something that came before is not.
fn is_one_moment(lanes: &[Lane], bounds: Bounds<'_>, cut: &Cut) -> Result<(), String> {
    let begun = |(lane, state): (&Lane, &usize)| lane.state(*state).1.start;
    let latest = lanes.iter().zip(cut).map(begun).max().unwrap_or(0).max(bounds.least);
    for (lane, state) in lanes.iter().zip(cut) {
        if next_ends_before(lane, *state, latest) {
            return Err(format!(
                "change {} of {} is not there, had ended at {}, and something is there that began at {latest}",
                state + 1,
                lane.name,
                lane.state(state + 1).1.finish
            ));
        }
    }
    let joint = |range: fn(usize, usize) -> bool| -> BTreeSet<u64> {
        let of_lane = |(lane, state): (&Lane, &usize)| {
            let chosen = (0..lane.len()).filter(|other| range(*other, *state));
            chosen.filter_map(|other| lane.state(other).1.joint).collect::<Vec<_>>()
        };
        lanes.iter().zip(cut).flat_map(of_lane).collect()
    };
    match joint(|other, state| other <= state).intersection(&joint(|other, state| other > state)).next() {
        Some(number) => Err(format!("what was done in several directories at once ({number}) is half there")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
