//! `firn export`: a volume's history as one file.
//!
//! The command opens the volume by itself, also one that is mounted: the file belongs to who asks, and what is durable
//! is all that there is to export.

mod new_file;

use firn_clock::OsEntropy;
use firn_control::{Failure, Progress};
use firn_materializer::instant::When;
use firn_recovery::export::{self, Redactor, Summary};
use serde_json::json;

use self::new_file::NewFile;
use crate::arguments::{Export, Global};
use crate::commands::{Outcome, name};
use crate::output::{Output, Stop};
use crate::reach::Place;
use crate::signals::Signals;
use crate::{open, show, sizes};

/// Writes the events into a file that did not exist.
pub async fn export(global: &Global, options: &Export, out: &mut Output) -> Outcome {
    let to = check(options, out)?;
    let url = Place::of_argument(global, options.what.as_deref())?.volume()?;
    let mut signals =
        Signals::catch().map_err(|error| Failure::failed(format!("cannot listen for signals: {error}")))?;
    // From here on until the end there is a file that is not finished, which is removed when we leave early.
    let mut file = NewFile::create(&options.file)?;
    let work = write(&url, to.as_ref(), options.redact, &mut file, out);
    let done = tokio::select! {
        biased;
        () = signals.next() => Err(Failure::failed("interrupted; nothing was written")),
        done = work => done,
    };
    let done = done?;
    file.finish()?;
    tell(&done, &url.to_string(), options, out)?;
    Ok(0)
}

/// What can be known to be wrong before anything is opened; and the instant of `--to`.
fn check(options: &Export, out: &Output) -> Result<Option<When>, Failure> {
    if !options.events {
        return Err(Failure::usage(
            "say what to export: --events, the whole history; there is no other export yet",
        ));
    }
    if options.what.is_none() && options.file.to_string_lossy().contains("://") {
        return Err(Failure::usage(format!(
            "{} looks like a volume; say also into which file: firn export --events URL FILE",
            name(&options.file)
        )));
    }
    options.to.as_deref().map(|to| out.times.parse(to)).transpose()
}

async fn write(
    url: &firn_store::VolumeUrl,
    to: Option<&When>,
    redact: bool,
    file: &mut NewFile,
    out: &mut Output,
) -> Result<Summary, Failure> {
    let target = open::target(url, &open::objects(url)?, false).await?;
    let redactor = redact.then(|| Redactor::new(&OsEntropy));
    let tell = |progress: export::Progress| {
        let phase = "exporting events".to_owned();
        out.progress(&Progress { phase, done: progress.events, total: Some(progress.of) });
    };
    Ok(export::export(&target.history, to, redactor, file.writer(), tell).await?)
}

fn tell(done: &Summary, volume: &str, options: &Export, out: &mut Output) -> Result<(), Stop> {
    out.clear_progress();
    let (seq, file) = (done.last.seq.0, name(&options.file));
    if out.json {
        return out.value(&json!({
            "file": options.file.to_string_lossy(),
            "volume": volume,
            "last": firn_control::InstantRow::from(done.last),
            "blocks": done.blocks,
            "block_bytes": done.block_bytes,
            "bytes": done.bytes,
            "redacted": options.redact,
        }));
    }
    let held = match options.redact {
        true => "names and content are stand-ins; sizes, times, modes and owners are as they were",
        false => "names and content are in it as they are; with --redact they are replaced",
    };
    out.line(format_args!(
        "{file} has {}, up to #{seq} ({}), with {} ({}): {}\n{held}",
        show::count(seq, "event", "events"),
        out.time(done.last.time),
        show::count(done.blocks, "block", "blocks"),
        sizes::show(done.block_bytes),
        sizes::show(done.bytes),
    ))
}
