use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use firn_sim::draw::Seed;
use firn_sim::oracle::Coverage;
use firn_sim::plan::Plan;
use firn_sim::plan::generate::generate;
use firn_sim::recorded::Recorded;
use firn_sim::trace::Trace;

use super::{Verdict, profiles, read_plan, write};

/// How an export begins. A plan begins with a brace.
const EXPORT: &[u8] = b"firn.exp";

/// Options of `replay`.
#[derive(Args, Debug)]
pub struct Replay {
    /// A plan, or what `firn export --events` has written
    file: PathBuf,
    /// For an export: the first seed of the plans that are played after its history
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// For an export: how many plans are played after its history
    #[arg(long, value_name = "N", default_value_t = 7)]
    seeds: u64,
    /// For an export: what these plans are about: as for `run`
    #[arg(long, value_name = "P", default_value = "all")]
    profile: String,
    /// For an export: how many instants of its history are looked at [default: up to 2000, fewer of large trees]
    #[arg(long, value_name = "N")]
    instants: Option<u64>,
    /// Writes everything that happened to this file
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
}

impl Replay {
    /// Plays the plan, or the history.
    pub fn execute(&self) -> Result<Verdict, String> {
        if begins_as_export(&self.file)? { self.replay_history() } else { self.replay_plan() }
    }

    fn replay_plan(&self) -> Result<Verdict, String> {
        let plan = read_plan(&self.file)?;
        let trace = self.new_trace();
        let report = firn_sim::run(&plan, &trace);
        if let Some(file) = &self.trace {
            write(file, &trace.text())?;
        }
        let (file, steps) = (self.file.display(), plan.steps.len());
        match &report.failure {
            Some(failure) => println!("{file}: {steps} steps, failed: {failure}"),
            None => println!("{file}: {steps} steps, everything holds"),
        }
        Ok(Verdict::of(report.failure.is_none()))
    }

    /// First the history as it is, then plans that go on after it, as long as everything holds.
    fn replay_history(&self) -> Result<Verdict, String> {
        let profiles = profiles(&self.profile)?;
        let recorded = Recorded::open(&self.file)
            .map_err(|error| format!("{}: {error}", self.file.display()))
            .map(|recorded| match self.instants {
                Some(most) => recorded.keeping(most),
                None => recorded,
            })
            .map(Arc::new)?;
        self.introduce(&recorded);
        let (coverage, mut traces) = (Coverage::default(), String::new());
        let mut holds = true;
        for number in 0..=self.seeds {
            let plan = match number.checked_sub(1) {
                None => recorded.inspection(),
                Some(at) => {
                    let profile = profiles[(at % profiles.len() as u64) as usize];
                    recorded.continued_by(generate(Seed(self.seed.wrapping_add(at)), profile))
                }
            };
            let trace = self.new_trace();
            let report = firn_sim::run_after(Some(&recorded), &plan, &trace);
            coverage.merge(&report.counts);
            traces.push_str(&trace.text());
            if let Some(failure) = &report.failure {
                println!("{}: failed: {failure}", self.played(number, &plan));
                holds = false;
                break;
            }
            println!("{}: everything holds", self.played(number, &plan));
        }
        if let Some(file) = &self.trace {
            write(file, &traces)?;
        }
        let counts = coverage.counts();
        let wanted = ["oracle ", "recorded ", "crash ", "skipped "];
        for (what, times) in counts.iter().filter(|(what, _)| wanted.iter().any(|of| what.starts_with(of))) {
            println!("{times:>12}  {what}");
        }
        println!("{}: {}", self.file.display(), if holds { "everything holds" } else { "failed" });
        Ok(Verdict::of(holds))
    }

    fn introduce(&self, recorded: &Recorded) {
        let (counts, file) = (recorded.counts(), self.file.display());
        let redacted = if recorded.is_redacted() { ", redacted" } else { "" };
        println!(
            "{file}: {} events in {} groups{redacted}; of {} instants about {} are looked at",
            counts.events,
            counts.groups,
            counts.instants,
            recorded.kept()
        );
    }

    /// What was played, and how to play it again.
    fn played(&self, number: u64, plan: &Plan) -> String {
        match number {
            0 => "the history as it is".into(),
            _ => format!(
                "after it, {} steps (--seed {} --seeds 1 --profile {})",
                plan.steps.len(),
                plan.seed,
                plan.profile.name()
            ),
        }
    }

    fn new_trace(&self) -> Trace {
        if self.trace.is_some() { Trace::kept() } else { Trace::hashed() }
    }
}

fn begins_as_export(file: &Path) -> Result<bool, String> {
    let mut start = Vec::new();
    let read = std::fs::File::open(file).and_then(|file| file.take(8).read_to_end(&mut start));
    read.map_err(|error| format!("{} cannot be read: {error}", file.display()))?;
    Ok(start == EXPORT)
}
