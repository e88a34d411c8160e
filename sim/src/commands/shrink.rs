use std::path::PathBuf;

use clap::Args;
use firn_sim::plan::Plan;
use firn_sim::shrink::shrink;
use firn_sim::trace::Trace;

use super::{Verdict, read_plan, write};

/// Options of `shrink`.
#[derive(Args, Debug)]
pub struct Shrink {
    /// The failing plan
    file: PathBuf,
    /// Where the small one goes [default: beside it, ending in .small.plan]
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// How many plans to try at most
    #[arg(long, value_name = "N", default_value_t = 2_000)]
    tries: u32,
}

impl Shrink {
    /// Makes the plan small.
    pub fn execute(&self) -> Result<Verdict, String> {
        let plan = read_plan(&self.file)?;
        let (before, faults) = (plan.steps.len(), plan.listed());
        let play = |plan: &Plan| {
            let report = firn_sim::run(plan, &Trace::hashed());
            (report.failure, report.injected)
        };
        let Some(small) = shrink(plan, self.tries, &play, |line| eprintln!("{line}")) else {
            println!("{}: everything holds, there is nothing to make small", self.file.display());
            return Ok(Verdict::Holds);
        };
        let output = self.output.clone().unwrap_or_else(|| self.file.with_extension("small.plan"));
        write(&output, &small.plan.to_string())?;
        println!(
            "{before} steps became {}, {faults} faults became {}, in {} tries: {}",
            small.plan.steps.len(),
            small.plan.listed(),
            small.tries,
            output.display()
        );
        println!("{}", small.failure);
        Ok(Verdict::Fails)
    }
}
