//! The command line of Firn.
//!
//! **Purpose.** Turns what a user types into requests ([`firn_control::Request`]), finds who can answer them
//! (the process of a mount, or a volume opened here), and shows the answers to people or as JSON. `firn mount`
//! is also the process that serves a mount.
//!
//! **Invariants.** Times are resolved to absolute ones here, where the user's clock and time zone are; every
//! answer says to which instant. Nothing from a volume reaches a terminal unescaped. What a command prints on
//! standard output is its answer; notes, progress and errors go to standard error.
//!
//! **Failure.** One readable line, and an exit code for each kind: see `docs/cli.md`.

mod arguments;
mod commands;
mod doctor;
mod exit;
mod export;
mod generate;
mod init;
mod logging;
mod mount;
mod open;
mod output;
mod reach;
mod show;
mod signals;
mod sizes;
mod times;
mod umount;

use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;
use firn_control::Failure;

use crate::arguments::{Arguments, Command};
use crate::commands::Outcome;
use crate::output::{Output, Stop};
use crate::times::Times;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error)
            if !error.use_stderr() || error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand =>
        {
            error.exit()
        }
        Err(error) => {
            let json = std::env::args_os().any(|argument| argument == "--json");
            let failure = arguments::unreadable(&error);
            Output::new(json, Times::of_the_system()).failure(&failure);
            return ExitCode::from(exit::code(failure.kind));
        }
    };
    let mut out = Output::new(arguments.global.json, Times::of_the_system());
    let outcome = run(&arguments, &mut out).and_then(|code| out.finish().map(|()| code));
    match outcome {
        Ok(code) => ExitCode::from(code),
        Err(Stop::ReaderGone) => ExitCode::SUCCESS,
        Err(Stop::Failure(failure)) => {
            out.failure(&failure);
            ExitCode::from(exit::code(failure.kind))
        }
    }
}

fn run(arguments: &Arguments, out: &mut Output) -> Outcome {
    let global = &arguments.global;
    arguments.one_volume()?;
    match &arguments.command {
        Command::Completions(completions) => generate::completions(completions.shell, out).map(|()| 0),
        Command::Doctor => doctor::doctor(out),
        Command::Man(man) => generate::man_pages(&man.dir, out).map(|()| 0),
        Command::Mount(options) => mount::mount(global, options, out),
        command => {
            logging::start(global.verbose, false);
            runtime()?.block_on(ask(arguments, command, out))
        }
    }
}

async fn ask(arguments: &Arguments, command: &Command, out: &mut Output) -> Outcome {
    let global = &arguments.global;
    match command {
        Command::Init(init) => init::init(init, out).await,
        Command::Umount(umount) => umount::umount(&umount.dir, out).await,
        Command::Status(status) => commands::status(global, status.what.as_deref(), out).await,
        Command::Log(log) => commands::log(global, log, out).await,
        Command::Checkpoint(checkpoint) => commands::checkpoint(global, checkpoint, out).await,
        Command::Checkpoints => commands::checkpoints(global, out).await,
        Command::Diff(diff) => commands::diff(global, diff, out).await,
        Command::Restore(restore) => commands::restore(global, restore, out).await,
        Command::Undo(undo) => commands::undo(global, undo, out).await,
        Command::Redo(redo) => commands::redo(global, redo, out).await,
        Command::Verify(verify) => commands::verify(global, verify.what.as_deref(), out).await,
        Command::Export(options) => export::export(global, options, out).await,
        Command::Mount(_) | Command::Doctor | Command::Completions(_) | Command::Man(_) => Ok(0),
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    let built = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    built.map_err(|error| Failure::failed(format!("cannot start threads: {error}")))
}
