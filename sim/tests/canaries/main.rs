//! Does the simulation see? Each bug of `sim/canaries/` is planted, and must be caught within its number of seeds.
//!
//! All of them are planted into one copy of the sources, each behind the question whether the environment variable
//! `FIRN_CANARY` names it; so one build serves them all, and the real sources know nothing of them. The copy without
//! that variable must pass: what is caught is the bug, not the planting.
//!
//! A canary whose text is no longer in the sources fails here: bring its file up to date.

mod canary;
mod planting;
mod runs;

use canary::Canary;
use planting::{Sources, plant};
use runs::{Build, Run, Verdict};

/// Seeds of each profile that must pass when no bug is awake.
const CONTROL_SEEDS: u64 = 3;

#[test]
fn every_canary_has_its_place_in_the_sources() {
    let canaries = Canary::all();
    assert!(canaries.len() >= 10, "only {} canaries", canaries.len());
    let sources = Sources::of_this_workspace();
    let knowing: Vec<_> = sources.files_with(planting::VARIABLE).filter(|path| !is_of_tests(path)).collect();
    assert!(knowing.is_empty(), "these know of the canaries: {knowing:?}");
    let planted = plant(&sources, &canaries).unwrap_or_else(|problems| panic!("{problems}"));
    for canary in &canaries {
        assert!(planted.files_with(&canary.condition()).next().is_some(), "{} is nowhere", canary.name);
    }
}

fn is_of_tests(path: &str) -> bool {
    path.starts_with("sim/tests/") || path.starts_with("sim/canaries/")
}

#[test]
fn each_planted_bug_is_caught_within_its_number_of_seeds() {
    let canaries = Canary::all();
    let planted =
        plant(&Sources::of_this_workspace(), &canaries).unwrap_or_else(|problems| panic!("{problems}"));
    let build = Build::of(planted);

    let profiles: std::collections::BTreeSet<&str> = canaries.iter().map(|canary| &*canary.profile).collect();
    let control = profiles.into_iter().map(|profile| Run::without_canary(profile, CONTROL_SEEDS));
    for (run, verdict) in build.run_all(control.collect()) {
        assert!(verdict == Verdict::Passed, "without any bug, {}: {verdict}", run.profile);
    }

    let verdicts = build.run_all(canaries.iter().map(Run::of_canary).collect());
    println!("{:<32} {:<9} {:>6} {:>8}  caught by", "canary", "profile", "within", "at seed");
    let mut missed = Vec::new();
    for (canary, (_, verdict)) in canaries.iter().zip(&verdicts) {
        let Canary { name, profile, seeds, .. } = canary;
        let (at, by) = match verdict {
            Verdict::Caught { seed, oracle } => (seed.to_string(), oracle.as_str()),
            _ => ("-".into(), "nobody"),
        };
        // Which oracle is asked first depends on the plan, so that another one than was thought of is no miss.
        let expected = canary.oracles.iter().any(|oracle| oracle == by);
        let note =
            if expected { String::new() } else { format!(" (expected {})", canary.oracles.join(" or ")) };
        println!("{name:<32} {profile:<9} {seeds:>6} {at:>8}  {by}{note}");
        if !matches!(verdict, Verdict::Caught { .. }) {
            missed.push(format!(
                "{name} ({}): expected to be caught by {} within {seeds} seeds of `{profile}`; found: {verdict}",
                canary.bug,
                canary.oracles.join(" or ")
            ));
        }
    }
    assert!(missed.is_empty(), "the simulation does not see:\n{}", missed.join("\n"));
}
