//! `firn-sim`: plays histories under faults, replays those that failed, and makes them small.

mod commands;

use std::process::ExitCode;

use clap::Parser;

/// Deterministic simulation of Firn: what ships, in virtual time, over a store that fails.
#[derive(Parser, Debug)]
#[command(version, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: commands::Command,
    /// Shows what the product logs, from this level on: error, warn, info, debug, trace.
    #[arg(long, global = true, value_name = "LEVEL")]
    log: Option<tracing::Level>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Some(level) = arguments.log {
        tracing_subscriber::fmt().with_max_level(level).with_writer(std::io::stderr).without_time().init();
    }
    match commands::execute(arguments.command) {
        Ok(commands::Verdict::Holds) => ExitCode::SUCCESS,
        Ok(commands::Verdict::Fails) => ExitCode::from(1),
        Err(problem) => {
            eprintln!("firn-sim: {problem}");
            ExitCode::from(2)
        }
    }
}
