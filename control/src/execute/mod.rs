//! Answers requests: one function per request, each on a [`Target`] that is a writer or a reader.

mod changes;
mod checkpoints;
mod failures;
mod log;
mod status;
mod target;
mod unmount;
mod verify;

use serde_json::value::RawValue;

pub use target::{Caller, MountedAt, Order, Target};
pub use verify::verify_store;

use crate::answer::{Failure, Sink, to_raw};
use crate::request::Request;

/// Answers a request: rows and progress, then one last line, into `sink`. Errors end there as well.
pub async fn execute(target: &Target, caller: &Caller, request: Request, sink: Sink) {
    let outcome = match check(target, &request) {
        Ok(()) => answer(target, caller, request, &sink).await,
        Err(failure) => Err(failure),
    };
    sink.finish(outcome).await;
}

/// What can be known to fail before anything is looked at.
fn check(target: &Target, request: &Request) -> Result<(), Failure> {
    if request.writes() {
        target.writer()?;
    }
    match request.paths().find_map(|path| path.past().map(|past| (path, past))) {
        Some((path, past)) => Err(Failure::refused(format!(
            "{path} is in the past, which does not change: name the path of the present, {}, and say the time as an \
             option, {}",
            past.present,
            past.time.map_or("such as --at TIME".to_owned(), |time| format!("such as --at '{time}'")),
        ))),
        None => Ok(()),
    }
}

async fn answer(
    target: &Target,
    caller: &Caller,
    request: Request,
    sink: &Sink,
) -> Result<Box<RawValue>, Failure> {
    match request {
        Request::Status => to_raw(&status::status(target).await?),
        Request::Log { path, since, until, limit } => {
            to_raw(&log::log(target, path, since.as_deref(), until.as_deref(), limit, sink).await?)
        }
        Request::Checkpoint { name, message } => {
            to_raw(&checkpoints::checkpoint(target, caller, name, message).await?)
        }
        Request::Checkpoints => to_raw(&checkpoints::list(target, sink).await?),
        Request::Diff { from, to, path, patch } => {
            to_raw(&changes::diff(target, &from, to.as_deref(), path, patch, sink).await?)
        }
        Request::Restore { path, at, to, dry_run } => {
            to_raw(&changes::restore(target, caller, path, &at, to, dry_run, sink).await?)
        }
        Request::Undo { to, path, dry_run } => {
            to_raw(&changes::undo(target, caller, to.as_deref(), path, dry_run, sink).await?)
        }
        Request::Redo { dry_run } => to_raw(&changes::redo(target, caller, dry_run, sink).await?),
        Request::Sync => to_raw(&unmount::sync(target, sink).await?),
        Request::Verify => to_raw(&verify::verify(target.history.objects(), sink).await?),
        Request::Unmount => to_raw(&unmount::unmount(target, sink).await?),
    }
}
