//! Each command: what it asks, of whom, and how the answer is shown.

use std::path::{Path, PathBuf};

use firn_control::{
    Answers, ChangeRow, CheckpointRow, CheckpointsResult, DiffResult, EventRow, FindingRow, Line, LogResult,
    Request, StatusResult, UndoResult, VerifyResult, shell_word,
};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::arguments::{Checkpoint, Diff, Global, Log, Redo, Restore, Undo};
use crate::exit;
use crate::output::{Output, Stop, Style};
use crate::reach::{self, Place};
use crate::show;
use firn_control::Failure;

/// How many events a terminal shows without being asked for more.
const EVENTS_ON_A_TERMINAL: u64 = 50;

/// What a command line can end with, when nothing failed.
pub type Outcome = Result<u8, Stop>;

/// `firn status`
pub async fn status(global: &Global, what: Option<&str>, out: &mut Output) -> Outcome {
    let place = Place::of_argument(global, what)?;
    let mut answers = reach::ask(&place, &Request::Status).await?;
    let result = follow(&mut answers, out, no_rows).await?;
    if out.json {
        out.raw(&result)?;
    } else {
        show::status::status(out, &read::<StatusResult>(&result)?)?;
    }
    Ok(0)
}

/// `firn log`
pub async fn log(global: &Global, log: &Log, out: &mut Output) -> Outcome {
    let (place, path) = Place::of_path(global, log.path.as_deref())?;
    let brief = out.terminal && !out.json && !log.all && log.since.is_none();
    let request = Request::Log {
        path,
        since: absolute(out, log.since.as_deref())?,
        until: absolute(out, log.until.as_deref())?,
        limit: log.limit.or(brief.then_some(EVENTS_ON_A_TERMINAL)),
    };
    let mut answers = reach::ask(&place, &request).await?;
    let result =
        follow(&mut answers, out, |out, row| show::event::event(out, &read::<EventRow>(row)?)).await?;
    note_of_result(out, &result, |out, result: LogResult| show::event::end(out, &result))
}

/// `firn checkpoint`
pub async fn checkpoint(global: &Global, checkpoint: &Checkpoint, out: &mut Output) -> Outcome {
    let request = Request::Checkpoint {
        name: checkpoint.name.as_ref().map(|name| name.strip_prefix('@').unwrap_or(name).to_owned()),
        message: checkpoint.message.clone(),
    };
    let mut answers = reach::ask(&Place::here(global)?, &request).await?;
    let result = follow(&mut answers, out, no_rows).await?;
    if out.json {
        out.raw(&result)?;
        return Ok(0);
    }
    let made: CheckpointRow = read(&result)?;
    let time = out.time(made.time.0);
    let volume = global.volume.as_ref().map(|url| format!(" --volume {}", shell_word(url.as_bytes())));
    out.line(format_args!(
        "checkpoint @{} is #{} ({time}), durable\nto go back to it: firn undo --to {}{}",
        made.name,
        made.seq,
        shell_word(format!("@{}", made.name).as_bytes()),
        volume.unwrap_or_default()
    ))?;
    Ok(0)
}

/// `firn checkpoints`
pub async fn checkpoints(global: &Global, out: &mut Output) -> Outcome {
    let mut answers = reach::ask(&Place::here(global)?, &Request::Checkpoints).await?;
    let result = follow(&mut answers, out, |out, row| {
        let row: CheckpointRow = read(row)?;
        let (time, seq) = (out.time(row.time.0), format!("#{}", row.seq));
        let name = out.paint(Style::Cyan, &format!("@{}", row.name));
        let message =
            if row.message.is_empty() { String::new() } else { format!("  {}", row.message.escape_debug()) };
        out.line(format_args!("{time:<35}  {seq:>9}  {name}{message}"))
    })
    .await?;
    if !out.json && read::<CheckpointsResult>(&result)?.checkpoints == 0 {
        out.note("no checkpoints yet; make one with: firn checkpoint NAME")?;
    }
    Ok(0)
}

/// `firn diff`
pub async fn diff(global: &Global, diff: &Diff, out: &mut Output) -> Outcome {
    let (to, path) = match (&diff.to, &diff.path) {
        (Some(word), None) if !out.times.is_time(word) => (None, Some(PathBuf::from(word))),
        (to, path) => (to.clone(), path.clone()),
    };
    let (place, path) = Place::of_path(global, path.as_deref())?;
    let request = Request::Diff {
        from: out.times.absolute(&diff.from)?,
        to: absolute(out, to.as_deref())?,
        path,
        patch: diff.patch,
    };
    let mut answers = reach::ask(&place, &request).await?;
    let result =
        follow(&mut answers, out, |out, row| show::changes::change(out, &read::<ChangeRow>(row)?)).await?;
    note_of_result(out, &result, |out, result: DiffResult| show::changes::compared(out, &result))
}

/// `firn restore`
pub async fn restore(global: &Global, restore: &Restore, out: &mut Output) -> Outcome {
    let (place, path) = Place::of_path(global, Some(&restore.path))?;
    let to = match &restore.to {
        Some(to) => place.same_volume(global, to)?,
        None => None,
    };
    let request = Request::Restore {
        path: path.unwrap_or_default(),
        at: out.times.absolute(&restore.at)?,
        to,
        dry_run: restore.dry_run,
    };
    go_back(&place, &request, out).await
}

/// `firn undo`
pub async fn undo(global: &Global, undo: &Undo, out: &mut Output) -> Outcome {
    let (place, path) = Place::of_path(global, undo.path.as_deref())?;
    let target = &undo.target;
    let to = match (&target.to, target.last, target.seq) {
        (Some(time), _, _) => Some(out.times.absolute(time)?),
        (_, Some(length), _) => Some(out.times.ago(length)),
        (_, _, Some(seq)) => Some(format!("#{seq}")),
        _ => None,
    };
    go_back(&place, &Request::Undo { to, path, dry_run: undo.dry_run }, out).await
}

/// `firn redo`
pub async fn redo(global: &Global, redo: &Redo, out: &mut Output) -> Outcome {
    go_back(&Place::here(global)?, &Request::Redo { dry_run: redo.dry_run }, out).await
}

async fn go_back(place: &Place, request: &Request, out: &mut Output) -> Outcome {
    let mut answers = reach::ask(place, request).await?;
    let result =
        follow(&mut answers, out, |out, row| show::changes::change(out, &read::<ChangeRow>(row)?)).await?;
    if out.json {
        out.raw(&result)?;
    } else {
        show::changes::went_back(out, &read::<UndoResult>(&result)?)?;
    }
    Ok(0)
}

/// `firn verify`
pub async fn verify(global: &Global, what: Option<&str>, out: &mut Output) -> Outcome {
    let place = Place::of_argument(global, what)?;
    let mut answers = reach::ask(&place, &Request::Verify).await?;
    let result =
        follow(&mut answers, out, |out, row| show::verify::finding(out, &read::<FindingRow>(row)?)).await?;
    let summary: VerifyResult = read(&result)?;
    if out.json {
        out.raw(&result)?;
    } else {
        show::verify::summary(out, &summary)?;
    }
    Ok(if summary.findings == 0 { 0 } else { exit::FINDINGS })
}

/// Reads an answer to its end. Rows are shown as they come: by `show`, or in JSON as they are.
pub async fn follow(
    answers: &mut Answers,
    out: &mut Output,
    mut show: impl FnMut(&mut Output, &RawValue) -> Result<(), Stop>,
) -> Result<Box<RawValue>, Stop> {
    while let Some(line) = answers.recv().await {
        match line {
            Line::Progress(progress) => out.progress(&progress),
            Line::Row(row) => {
                out.clear_progress();
                if out.json { out.raw(&row)? } else { show(out, &row)? }
            }
            Line::Result(result) => {
                out.clear_progress();
                return Ok(result);
            }
            Line::Error(failure) => return Err(failure.into()),
        }
    }
    Err(Failure::failed("the answer ended without a result; this is a defect, please report it").into())
}

fn no_rows(_: &mut Output, _: &RawValue) -> Result<(), Stop> {
    Ok(())
}

/// The result of a command whose rows are the answer: beside them, on standard error.
fn note_of_result<T: DeserializeOwned>(
    out: &mut Output,
    result: &RawValue,
    show: impl FnOnce(&mut Output, T) -> Result<(), Stop>,
) -> Outcome {
    if out.json {
        out.note(result.get())?
    } else {
        show(out, read(result)?)?
    }
    Ok(0)
}

pub fn read<T: DeserializeOwned>(json: &RawValue) -> Result<T, Failure> {
    serde_json::from_str(json.get()).map_err(|error| {
        Failure::failed(format!("the mount's process is of another version: {error}; mount again"))
    })
}

fn absolute(out: &Output, time: Option<&str>) -> Result<Option<String>, Failure> {
    time.map(|time| out.times.absolute(time)).transpose()
}

/// A path as an argument names it, for messages.
pub fn name(path: &Path) -> String {
    use std::os::unix::ffi::OsStrExt;
    show::path(path.as_os_str().as_bytes())
}
