use std::collections::VecDeque;
use std::fmt;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::canary::Canary;
use super::planting::{Sources, VARIABLE};

/// The copy's binary has a name of its own: both trees are built into the same directory.
const BINARY: &str = "firn-sim-canary";
/// Runs at a time.
const AT_ONCE: usize = 2;
/// All runs begin with the same seed, so that a result can be had again.
const FIRST_SEED: u64 = 1;

/// The simulation with all bugs in it, asleep.
pub struct Build {
    binary: PathBuf,
    scratch: PathBuf,
}

/// One run of it.
#[derive(Clone, Debug)]
pub struct Run {
    pub canary: Option<String>,
    pub profile: String,
    pub seeds: u64,
}

/// What came of a run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// No oracle complained.
    Passed,
    /// An oracle did, at the so-many-th seed.
    Caught { seed: u64, oracle: String },
    /// It did not run as it should.
    Broken(String),
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::Passed => f.write_str("all seeds passed"),
            Verdict::Caught { seed, oracle } => write!(f, "seed {seed} failed: oracle {oracle}"),
            Verdict::Broken(why) => f.write_str(why),
        }
    }
}

impl Run {
    pub fn without_canary(profile: &str, seeds: u64) -> Run {
        Run { canary: None, profile: profile.to_owned(), seeds }
    }

    pub fn of_canary(canary: &Canary) -> Run {
        let Canary { name, profile, seeds, .. } = canary;
        Run { canary: Some(name.clone()), profile: profile.clone(), seeds: *seeds }
    }

    fn name(&self) -> String {
        self.canary.clone().unwrap_or_else(|| format!("control-{}", self.profile))
    }
}

impl Build {
    /// Builds the copy where the build of this test finds and leaves its dependencies.
    pub fn of(mut planted: Sources) -> Build {
        let temporary = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let target = temporary.parent().expect("it lies in the target directory");
        let scratch = temporary.join("canaries");
        let root = scratch.join("tree");
        let binary = |name| format!("[[bin]]\nname = \"{name}\"\n");
        planted.replace("sim/Cargo.toml", &binary("firn-sim"), &binary(BINARY));
        planted.set_apart(concat!(env!("CARGO_PKG_VERSION"), "+canary"));
        planted.write(&root);
        inherit_settings(&root);
        let profile = if cfg!(debug_assertions) { ("dev", "debug") } else { ("release", "release") };
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--locked", "--offline", "--quiet", "--package", "firn-sim", "--bin", BINARY]);
        cargo.args(["--profile", profile.0]).arg("--target-dir").arg(target).current_dir(&root);
        let built = cargo.output().expect("cargo runs");
        assert!(
            built.status.success(),
            "the planted copy in {} does not build:\n{}",
            root.display(),
            String::from_utf8_lossy(&built.stderr)
        );
        Build { binary: target.join(profile.1).join(BINARY), scratch }
    }

    /// Carries the runs out, a few at a time; answers in their order.
    pub fn run_all(&self, runs: Vec<Run>) -> Vec<(Run, Verdict)> {
        let mut under_way: VecDeque<(Run, Child)> = VecDeque::new();
        let mut verdicts = Vec::with_capacity(runs.len());
        for run in runs {
            if under_way.len() == AT_ONCE {
                verdicts.extend(under_way.pop_front().map(|started| self.finish(started)));
            }
            let child = self.start(&run);
            under_way.push_back((run, child));
        }
        verdicts.extend(under_way.into_iter().map(|started| self.finish(started)));
        verdicts
    }

    /// What it writes, plans of failures too, goes to a folder of its own.
    fn start(&self, run: &Run) -> Child {
        let folder = self.folder(run);
        if folder.exists() {
            fs::remove_dir_all(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
        }
        fs::create_dir_all(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
        // Files, since nobody reads from a pipe while another run is waited for.
        let file = |name: &str| Stdio::from(File::create(folder.join(name)).expect("a file in a new folder"));
        let mut command = Command::new(&self.binary);
        command.args(["run", "--profile", &run.profile, "--jobs", "1"]);
        command.args(["--seed", &FIRST_SEED.to_string(), "--seeds", &run.seeds.to_string()]);
        command.env_remove(VARIABLE).envs(run.canary.iter().map(|name| (VARIABLE, name)));
        command.current_dir(&folder).stdin(Stdio::null()).stdout(file("stdout")).stderr(file("stderr"));
        command.spawn().unwrap_or_else(|e| panic!("{}: {e}", self.binary.display()))
    }

    fn finish(&self, (run, mut child): (Run, Child)) -> (Run, Verdict) {
        let status = child.wait().expect("a child can be waited for");
        let folder = self.folder(&run);
        let text =
            |name| String::from_utf8_lossy(&fs::read(folder.join(name)).unwrap_or_default()).into_owned();
        let verdict = judge(status.code(), &text("stdout"), &text("stderr"));
        (run, verdict)
    }

    fn folder(&self, run: &Run) -> PathBuf {
        self.scratch.join("runs").join(run.name())
    }
}

/// What the exit code and the output of a run mean.
fn judge(code: Option<i32>, stdout: &str, stderr: &str) -> Verdict {
    let failure = stdout.lines().find_map(|line| {
        let (seed, rest) = line.strip_prefix("seed ")?.split_once(" failed: oracle ")?;
        Some((seed.parse().ok()?, rest.split_once(':')?.0.to_owned()))
    });
    match (code, failure) {
        (Some(0), None) => Verdict::Passed,
        (Some(1), Some((seed, oracle))) => Verdict::Caught { seed, oracle },
        _ => {
            let code = code.map_or_else(|| "a signal".into(), |code| format!("code {code}"));
            let last: Vec<&str> = stderr.lines().rev().take(5).collect();
            let last: Vec<&str> = last.into_iter().rev().collect();
            Verdict::Broken(format!("it ended with {code}, and named no failed seed: {}", last.join("\n")))
        }
    }
}

/// The copy needs the workspace's settings of Cargo, unless it lies within the workspace: then Cargo finds them, and
/// a copy of them would count twice and change every dependency.
fn inherit_settings(root: &Path) {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a crate lies in the workspace");
    if root.starts_with(workspace) {
        return;
    }
    let folder = root.join(".cargo");
    fs::create_dir_all(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    fs::copy(workspace.join(".cargo/config.toml"), folder.join("config.toml"))
        .unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
}

#[test]
fn the_output_of_a_run_is_understood() {
    let caught = |seed, oracle: &str| Verdict::Caught { seed, oracle: oracle.into() };
    let failed = "seed 12 failed: oracle prefix: expected at least #7: found #5\nplan: x\n";
    assert_eq!(judge(Some(0), "10 seeds\n", ""), Verdict::Passed);
    assert_eq!(judge(Some(1), failed, ""), caught(12, "prefix"));
    assert!(matches!(judge(Some(0), failed, ""), Verdict::Broken(_)));
    assert!(matches!(judge(Some(1), "", "why"), Verdict::Broken(why) if why.contains("why")));
    assert!(matches!(judge(None, failed, ""), Verdict::Broken(why) if why.contains("a signal")));
}
