use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use clap::Args;
use firn_clock::{Clock, Entropy, OsEntropy, SystemClock, Timestamp};
use firn_sim::Report;
use firn_sim::draw::Seed;
use firn_sim::oracle::Coverage;
use firn_sim::plan::generate::generate;
use firn_sim::plan::{FaultSource, Plan, Profile};
use firn_sim::store::Fault;
use firn_sim::trace::Trace;

use super::{Verdict, profiles, write};

/// Options of `run`.
#[derive(Args, Debug)]
pub struct Run {
    /// The first seed; a random one if absent
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// How many seeds to play [default: 100, or as many as fit in --minutes]
    #[arg(long, value_name = "N")]
    seeds: Option<u64>,
    /// For how long to go on with further seeds
    #[arg(long, value_name = "M")]
    minutes: Option<f64>,
    /// What the runs are about: calm, faults, crashes, writers, history, damage, mixed, or `all` in turn
    #[arg(long, value_name = "P", default_value = "mixed")]
    profile: String,
    /// How many seeds are played at once
    #[arg(long, value_name = "J", default_value_t = 1)]
    jobs: u32,
    /// Stops after so many failing seeds
    #[arg(long, value_name = "N", default_value_t = 5)]
    failures: u64,
    /// Where the plans of failing seeds go
    #[arg(long, value_name = "DIR", default_value = "failing-plans")]
    plans: PathBuf,
    /// Writes everything that happened to this file
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
    /// Fails if 200 seeds were played and a kind of step, of fault or an oracle never ran
    #[arg(long)]
    cover: bool,
}

/// So many seeds have met everything.
const ENOUGH_TO_COVER: u64 = 200;

/// What a run of seeds shares.
struct Shared {
    first: u64,
    next: AtomicU64,
    failed: AtomicU64,
    stop: AtomicBool,
    tally: Mutex<Tally>,
}

#[derive(Default)]
struct Tally {
    coverage: Coverage,
    seeds: u64,
    virtual_ms: u64,
    problem: Option<String>,
    traces: String,
}

impl Run {
    /// Plays the seeds.
    pub fn execute(&self) -> Result<Verdict, String> {
        let profiles = profiles(&self.profile)?;
        let first = self.seed.unwrap_or_else(|| OsEntropy.bits() as u64 >> 24);
        let shared = Shared {
            first,
            next: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            stop: AtomicBool::new(false),
            tally: Mutex::default(),
        };
        let started = SystemClock.now();
        std::thread::scope(|scope| {
            for _ in 0..self.jobs.max(1) {
                scope.spawn(|| self.play(&shared, &profiles, started));
            }
        });
        let tally = shared
            .tally
            .into_inner()
            .map_err(|_| "a job of the run panicked; please report this".to_owned())?;
        if let Some(problem) = tally.problem {
            return Err(problem);
        }
        if let Some(file) = &self.trace {
            write(file, &tally.traces)?;
        }
        let failed = shared.failed.load(Ordering::Relaxed);
        let seconds = SystemClock.now().since(started).as_secs_f64();
        self.summarize(&tally, first, failed, seconds);
        let demanded = self.cover && tally.seeds >= ENOUGH_TO_COVER;
        let never = if demanded { never(&tally.coverage) } else { Vec::new() };
        for what in &never {
            println!("never ran: {what}");
        }
        Ok(Verdict::of(failed == 0 && never.is_empty() && tally.seeds > 0))
    }

    fn has_time(&self, played: u64, started: Timestamp) -> bool {
        let time = self.minutes.map(|minutes| Duration::from_secs_f64(minutes * 60.0));
        let within = time.is_none_or(|time| SystemClock.now().since(started) < time);
        let most = self.seeds.unwrap_or(if self.minutes.is_some() { u64::MAX } else { 100 });
        within && played < most
    }

    fn play(&self, shared: &Shared, profiles: &[Profile], started: Timestamp) {
        while !shared.stop.load(Ordering::Relaxed) {
            let number = shared.next.fetch_add(1, Ordering::Relaxed);
            if !self.has_time(number, started) {
                return;
            }
            let seed = Seed(shared.first.wrapping_add(number));
            let plan = generate(seed, profiles[(number % profiles.len() as u64) as usize]);
            let trace = if self.trace.is_some() { Trace::kept() } else { Trace::hashed() };
            let report = firn_sim::run(&plan, &trace);
            let Ok(mut tally) = shared.tally.lock() else { return };
            if report.failure.is_some() {
                let failed = shared.failed.fetch_add(1, Ordering::Relaxed) + 1;
                shared.stop.fetch_or(failed >= self.failures, Ordering::Relaxed);
                tally.problem = tally.problem.take().or(self.leave(&plan, &report).err());
            }
            tally.seeds += 1;
            tally.virtual_ms += report.virtual_ms;
            tally.coverage.merge(&report.counts);
            tally.traces.push_str(&trace.text());
        }
    }

    /// Leaves a failing plan behind, with the faults as they came.
    fn leave(&self, plan: &Plan, report: &Report) -> Result<(), String> {
        let Some(failure) = &report.failure else { return Ok(()) };
        println!("seed {} failed: {failure}", plan.seed);
        let plan = Plan { faults: FaultSource::Listed(report.injected.clone()), ..plan.clone() };
        let file = self.plans.join(format!("{}-{}.plan", plan.profile.name(), plan.seed));
        write(&file, &plan.to_string())?;
        println!("its plan is {0}; make it small with: firn-sim shrink {0}", file.display());
        Ok(())
    }

    fn summarize(&self, tally: &Tally, first: u64, failed: u64, seconds: f64) {
        let counts = tally.coverage.counts();
        let sum = |family: &str| -> u64 {
            counts.iter().filter(|(what, _)| what.starts_with(family)).map(|(_, times)| times).sum()
        };
        for (what, times) in &counts {
            println!("{times:>12}  {what}");
        }
        let (operations, faults) = (sum("step "), sum("fault "));
        println!(
            "{} seeds from {first} ({}), {failed} failed; {operations} operations, {faults} faults, {} crashes, {} \
             judgements; {:.1} seeds/s, {:.0} operations/s, {:.0} hours of virtual time in {seconds:.0} s",
            tally.seeds,
            self.profile,
            sum("crash "),
            sum("oracle "),
            tally.seeds as f64 / seconds,
            operations as f64 / seconds,
            tally.virtual_ms as f64 / 3_600_000.0,
        );
    }
}

/// What happens to the store as a whole, as it counts it.
const TROUBLES: [&str; 4] =
    ["unreachable_refused", "unreachable_hang", "crash_before_effect", "crash_after_effect"];

/// Kinds of steps, of faults and of ends, and oracles, that never came.
fn never(coverage: &Coverage) -> Vec<String> {
    let counts = coverage.counts();
    let steps = firn_sim::plan::LABELS.iter().map(|label| format!("step {label}"));
    let oracles = firn_sim::oracle::Oracle::ALL.iter().map(|oracle| format!("oracle {oracle}"));
    let faults = Fault::NAMES.iter().chain(&TROUBLES).map(|fault| format!("fault {fault}"));
    let ends =
        ["crash of a writer", "crash while opening", "writer was taken over", "writer kept its volume"];
    // A panic is not asked for.
    let wanted = steps.chain(oracles).filter(|what| what != "oracle internal");
    let wanted = wanted.chain(faults).chain(ends.map(str::to_owned));
    wanted.filter(|what| !counts.contains_key(what)).collect()
}
