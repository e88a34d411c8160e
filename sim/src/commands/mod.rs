//! The commands.

mod kill;
mod meta;
mod replay;
mod run;
mod shrink;

use std::path::Path;

use clap::Subcommand;
use firn_sim::plan::{Plan, Profile};

/// What there is to do.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Plays generated plans, and leaves behind those that fail
    Run(run::Run),
    /// Plays a plan that was left behind, or a history that was exported
    Replay(replay::Replay),
    /// Makes a failing plan as small as it goes, while the same oracle fails
    Shrink(shrink::Shrink),
    /// Plays seeds in two fresh processes each, and compares their traces byte by byte
    Meta(meta::Meta),
    /// Kills a real mount under load again and again, and looks at what comes back
    Kill(kill::Kill),
}

/// Whether everything held.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It did.
    Holds,
    /// Something did not.
    Fails,
}

impl Verdict {
    fn of(holds: bool) -> Self {
        if holds { Verdict::Holds } else { Verdict::Fails }
    }
}

/// Carries a command out.
///
/// # Errors
/// What could not be read, written or understood, for people.
pub fn execute(command: Command) -> Result<Verdict, String> {
    match command {
        Command::Run(run) => run.execute(),
        Command::Replay(replay) => replay.execute(),
        Command::Shrink(shrink) => shrink.execute(),
        Command::Meta(meta) => meta.execute(),
        Command::Kill(kill) => kill.execute(),
    }
}

/// The profiles of this name, to be taken in turn.
fn profiles(name: &str) -> Result<Vec<Profile>, String> {
    match name {
        "all" => Ok(Profile::ALL.to_vec()),
        name => Ok(vec![name.parse()?]),
    }
}

fn read_plan(file: &Path) -> Result<Plan, String> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| format!("{} cannot be read: {error}", file.display()))?;
    Plan::parse(&text).map_err(|error| format!("{}: {error}", file.display()))
}

fn write(file: &Path, text: &str) -> Result<(), String> {
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)
            .map_err(|error| format!("{} cannot be made: {error}", folder.display()))?;
    }
    std::fs::write(file, text).map_err(|error| format!("{} cannot be written: {error}", file.display()))
}
