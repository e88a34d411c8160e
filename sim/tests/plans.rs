//! Plans that failed once, each with its story in docs/simulation.md, are played for ever.

use std::path::PathBuf;

use firn_sim::draw::Seed;
use firn_sim::plan::generate::generate;
use firn_sim::plan::{FaultSource, Plan, Profile};
use firn_sim::trace::Trace;

fn kept() -> Vec<(PathBuf, Plan)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../testdata/plans");
    let files = std::fs::read_dir(folder).expect("the kept plans are there");
    let mut plans: Vec<(PathBuf, Plan)> = files
        .map(|file| file.expect("a file").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "plan"))
        .map(|path| {
            let text = std::fs::read_to_string(&path).expect("a text");
            let plan = Plan::parse(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            (path, plan)
        })
        .collect();
    plans.sort_by(|a, b| a.0.cmp(&b.0));
    plans
}

#[test]
fn what_was_found_once_is_not_found_again() {
    let plans = kept();
    assert!(!plans.is_empty(), "no plan was kept");
    for (path, plan) in plans {
        let report = firn_sim::run(&plan, &Trace::hashed());
        assert_eq!(report.failure, None, "{}", path.display());
        assert!(report.counts.keys().any(|what| what.starts_with("oracle ")), "nothing was judged");
    }
}

#[test]
fn plans_are_read_as_they_were_written() {
    for profile in Profile::ALL {
        let plan = generate(Seed(11), profile);
        assert_eq!(Plan::parse(&plan.to_string()).as_ref(), Ok(&plan));
        let listed = Plan { faults: FaultSource::Listed(Vec::new()), ..plan };
        assert_eq!(Plan::parse(&listed.to_string()).as_ref(), Ok(&listed));
    }
    let error = Plan::parse("{\"format\": 2}").expect_err("it is no plan");
    assert!(error.to_string().contains("firn-sim run"), "{error}");
}

/// What a run leaves behind plays as the run did.
#[test]
fn listed_faults_play_as_the_drawn_ones_did() {
    for seed in 40..52 {
        let plan = generate(Seed(seed), Profile::Mixed);
        let (drawn, listed) = (Trace::hashed(), Trace::hashed());
        let report = firn_sim::run(&plan, &drawn);
        let again = Plan { faults: FaultSource::Listed(report.injected.clone()), ..plan };
        firn_sim::run(&again, &listed);
        assert_eq!(drawn.fingerprint(), listed.fingerprint(), "seed {seed}");
    }
}
