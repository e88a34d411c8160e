use std::path::Path;
use std::process::Command;

use clap::Args;

use super::Verdict;

/// Options of `meta`.
#[derive(Args, Debug)]
pub struct Meta {
    /// The first seed
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// How many seeds
    #[arg(long, value_name = "N", default_value_t = 20)]
    seeds: u64,
    /// What the runs are about
    #[arg(long, value_name = "P", default_value = "all")]
    profile: String,
}

impl Meta {
    /// Compares.
    pub fn execute(&self) -> Result<Verdict, String> {
        let program =
            std::env::current_exe().map_err(|error| format!("this program cannot be found: {error}"))?;
        let folder = std::env::temp_dir().join(format!("firn-sim-meta-{}", std::process::id()));
        std::fs::create_dir_all(&folder)
            .map_err(|error| format!("{} cannot be made: {error}", folder.display()))?;
        let compared = self.compare(&program, &folder);
        // What is left behind in the system's temporary folder is no reason to fail.
        let _ = std::fs::remove_dir_all(&folder);
        compared
    }

    fn compare(&self, program: &Path, folder: &Path) -> Result<Verdict, String> {
        let (first, second) =
            (self.trace(program, &folder.join("1"))?, self.trace(program, &folder.join("2"))?);
        let lines = first.lines().count();
        for (number, (one, two)) in (1..).zip(first.lines().zip(second.lines())) {
            if one != two {
                println!("the traces differ from line {number} on:\n- {one}\n+ {two}");
                return Ok(Verdict::Fails);
            }
        }
        println!(
            "{} seeds from {}: {lines} lines, {} bytes, twice the same",
            self.seeds,
            self.seed,
            first.len()
        );
        Ok(Verdict::of(first == second && lines > 0))
    }

    fn trace(&self, program: &Path, file: &Path) -> Result<String, String> {
        let (seed, seeds) = (self.seed.to_string(), self.seeds.to_string());
        let plans = file.with_extension("plans");
        let mut run = Command::new(program);
        run.args([
            "run",
            "--seed",
            &seed,
            "--seeds",
            &seeds,
            "--profile",
            &self.profile,
            "--failures",
            "1000000",
        ]);
        run.arg("--plans").arg(plans).arg("--trace").arg(file);
        let ran = run.output().map_err(|error| format!("{} cannot be run: {error}", program.display()))?;
        if ran.status.code().is_none_or(|code| code > 1) {
            return Err(String::from_utf8_lossy(&ran.stderr).into_owned());
        }
        std::fs::read_to_string(file).map_err(|error| format!("{} cannot be read: {error}", file.display()))
    }
}
