//! What the mount shows after a crash, beside what it may be.

use super::book::{Book, Fresh, Instant, Stop};
use super::cut::{self, Bounds, Cut};
use super::firn::Firn;
use super::look::{Seen, look, names};
use crate::oracle::Oracle;

/// Known instants that are looked at again after each crash.
const LOOKS_BACK: u64 = 3;

/// Looks at all lanes below a directory.
fn look_at_all(book: &Book, top: &std::path::Path) -> Result<Vec<Seen>, Stop> {
    let seen: Result<Vec<Seen>, String> = book.lanes.iter().map(|lane| look(&top.join(&lane.name))).collect();
    book.tally.judged(Oracle::Content);
    let seen = seen.map_err(|what| Oracle::Content.fails(what))?;
    book.tally.add("bytes", "read and compared", seen.iter().map(Seen::bytes).sum());
    Ok(seen)
}

/// Judges a mount that has just come back, and begins the lanes anew from what it shows.
///
/// # Errors
/// What does not hold.
pub fn judge(firn: &Firn, book: &mut Book, round: u64) -> Result<(), Stop> {
    book.tally.judged(Oracle::Prefix);
    let lost = |what: String| Oracle::Prefix.fails(what);
    let mut found = names(&firn.dir).map_err(|error| lost(format!("the root cannot be listed: {error}")))?;
    found.sort();
    let mut expected: Vec<&[u8]> = book.lanes.iter().map(|lane| lane.name.as_bytes()).collect();
    expected.sort_unstable();
    if found != expected {
        return Err(lost(format!("the root lists {} names, expected {}", found.len(), expected.len())).into());
    }
    let seen = look_at_all(book, &firn.dir)?;
    let bounds = Bounds { least: book.acknowledged, most: u64::MAX, within: None };
    let cut = cut::find(&book.lanes, &seen, bounds).map_err(lost)?;
    let checkpoints = checkpoints(firn)?;
    meet_new_instants(firn, book, &checkpoints, &cut)?;
    for ((lane, state), seen) in book.lanes.iter_mut().zip(cut).zip(&seen) {
        book.tally.add("operations", "survived", state as u64);
        book.tally.add("operations", "lost, unacknowledged", (lane.len() - 1 - state) as u64);
        let mut tree = (**lane.state(state).0).clone();
        seen.teach(&mut tree);
        lane.restart(tree)?;
    }
    let mut draw = book.seed.draw("look back", &[round]);
    for _ in 0..LOOKS_BACK.min(book.instants.len() as u64) {
        let instant = draw.below(book.instants.len() as u64) as usize;
        look_back(firn, book, instant, draw.chance(500))?;
    }
    Ok(())
}

/// The checkpoints that there are: name and sequence number.
fn checkpoints(firn: &Firn) -> Result<Vec<(String, u64)>, Stop> {
    let told = firn.ask(&["checkpoints", "--volume", &firn.url])?;
    let row = |row: serde_json::Value| Some((row["name"].as_str()?.to_owned(), row["seq"].as_u64()?));
    Ok(told.into_iter().filter_map(row).collect())
}

/// Looks at the checkpoints of the round for the first time. What they show must be a moment while they were made,
/// and from now on must stay.
fn meet_new_instants(firn: &Firn, book: &mut Book, there: &[(String, u64)], cut: &Cut) -> Result<(), Stop> {
    book.tally.judged(Oracle::Instant);
    let is_there = |name: &str| there.iter().find(|(found, _)| found == name).map(|(_, seq)| *seq);
    for old in &book.instants {
        Oracle::Instant.holds(is_there(&old.name) == Some(old.seq), || {
            format!("the checkpoint {} of #{} is {:?} now", old.name, old.seq, is_there(&old.name))
        })?;
    }
    for Fresh { name, start, acknowledged } in std::mem::take(&mut book.fresh) {
        let Some(seq) = is_there(&name) else {
            Oracle::Prefix.holds(acknowledged.is_none(), || {
                format!("the checkpoint {name} was acknowledged, and is not there")
            })?;
            continue;
        };
        let seen = look_at_all(book, &firn.dir.join(".at").join(format!("@{name}")))?;
        let bounds =
            Bounds { least: start, most: acknowledged.unwrap_or(u64::MAX), within: Some(cut.as_slice()) };
        let shown = cut::find(&book.lanes, &seen, bounds)
            .map_err(|what| Oracle::Instant.fails(format!("the checkpoint {name}: {what}")))?;
        let mut trees = Vec::new();
        for ((lane, state), seen) in book.lanes.iter().zip(shown).zip(&seen) {
            let mut tree = (**lane.state(state).0).clone();
            seen.teach(&mut tree);
            trees.push(tree.into());
        }
        book.tally.count("instant", "new");
        book.instants.push(Instant { name, seq, trees });
    }
    Ok(())
}

/// Looks at an instant that is known, by its name or its number.
///
/// # Errors
/// What is not as it was.
pub fn look_back(firn: &Firn, book: &Book, number: usize, by_name: bool) -> Result<(), Stop> {
    let instant = &book.instants[number];
    let time = if by_name { format!("@{}", instant.name) } else { format!("#{}", instant.seq) };
    let seen = look_at_all(book, &firn.dir.join(".at").join(&time))?;
    book.tally.judged(Oracle::Instant);
    book.tally.count("instant", "looked at again");
    for ((lane, tree), seen) in book.lanes.iter().zip(&instant.trees).zip(&seen) {
        seen.is(tree).map_err(|what| {
            Oracle::Instant.fails(format!("{time} is not as it was: {}: {what}", lane.name))
        })?;
    }
    Ok(())
}
