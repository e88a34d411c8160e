use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use firn_clock::{Clock, Entropy, OsEntropy, SystemClock};
use firn_sim::draw::Seed;
use firn_sim::real::{self, Settings};

use super::Verdict;

/// Options of `kill`.
#[derive(Args, Debug)]
pub struct Kill {
    /// The program
    #[arg(long, value_name = "FILE")]
    firn: PathBuf,
    /// Where to make the volume: a directory or a URL, as `firn init` takes it; nothing may be there
    #[arg(long, value_name = "URL")]
    volume: String,
    /// How often to kill
    #[arg(long, value_name = "N", default_value_t = 100)]
    rounds: u64,
    /// What is done, and when to kill; random if absent
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// For the mount point and what firn keeps on this machine; stays when something was found [default: one of
    /// its own in the system's temporary directory]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

impl Kill {
    /// Kills.
    pub fn execute(&self) -> Result<Verdict, String> {
        let seed = Seed(self.seed.unwrap_or_else(|| OsEntropy.bits() as u64 >> 24));
        let own = || std::env::temp_dir().join(format!("firn-sim-kill-{}", std::process::id()));
        let scratch = self.dir.clone().unwrap_or_else(own);
        let absolute = |path: &Path| {
            std::path::absolute(path).map_err(|error| format!("{} has no place: {error}", path.display()))
        };
        let settings = Settings {
            firn: absolute(&self.firn)?,
            volume: self.volume.clone(),
            rounds: self.rounds,
            seed,
            scratch: absolute(&scratch)?,
        };
        let started = SystemClock.now();
        let outcome = real::kill(&settings, |line| eprintln!("{line}"))?;
        let seconds = SystemClock.now().since(started).as_secs_f64();
        summarize(seed, &outcome.counts, usize::from(outcome.failure.is_some()), seconds);
        let Some(failure) = outcome.failure else {
            if self.dir.is_none() {
                std::fs::remove_dir_all(&scratch)
                    .map_err(|error| format!("{} cannot be removed: {error}", scratch.display()))?;
            }
            return Ok(Verdict::Holds);
        };
        println!("seed {seed} failed: {failure}");
        println!(
            "the volume is {}; the log of its mount is in {}",
            self.volume,
            scratch.join("state").display()
        );
        Ok(Verdict::Fails)
    }
}

fn summarize(seed: Seed, counts: &BTreeMap<String, u64>, findings: usize, seconds: f64) {
    for (what, times) in counts {
        println!("{times:>12}  {what}");
    }
    let of = |family: &str| -> Vec<(&str, u64)> {
        let named = counts.iter().filter_map(|(what, times)| Some((what.strip_prefix(family)?, *times)));
        named.collect()
    };
    let sum = |family: &str| -> u64 { of(family).iter().map(|(_, times)| times).sum() };
    let moments: Vec<String> = of("kill ").iter().map(|(what, times)| format!("{what} {times}")).collect();
    println!(
        "seed {seed}: {} kills ({}), {} operations, {} acknowledgements, {} instants looked at {} times, {} bytes \
         compared, findings {findings}, in {seconds:.0} s",
        sum("kill "),
        moments.join(", "),
        sum("call "),
        sum("acknowledgement "),
        sum("instant new"),
        sum("instant "),
        sum("bytes "),
    );
}
