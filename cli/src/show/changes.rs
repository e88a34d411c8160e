//! What differs, and what going back did.

use firn_control::{BurstRow, ChangeRow, Counts, DiffResult, UndoResult, unspell};

use crate::output::{Output, Stop, Style};
use crate::show;

/// Actors and paths of a burst that are named.
const SHOWN: usize = 3;

/// A line for a path; its patch, if there is one, instead.
pub fn change(out: &mut Output, row: &ChangeRow) -> Result<(), Stop> {
    if let Some(patch) = &row.patch {
        return show_patch(out, &unspell(patch, row.patch_bytes.as_deref()));
    }
    let path = show::path(&unspell(&row.path, row.path_bytes.as_deref()));
    let slash = if row.kind == "directory" { "/" } else { "" };
    let from = row.from.as_ref().map(|from| show::path(&unspell(from, row.from_bytes.as_deref())));
    let from = from.map(|from| format!("{from} -> ")).unwrap_or_default();
    let style = match row.change.as_str() {
        "added" => Style::Green,
        "removed" => Style::Red,
        _ => Style::Yellow,
    };
    let word = out.paint(style, &format!("{:<8}", row.change));
    let beside_content: Vec<&str> =
        row.differs.iter().map(String::as_str).filter(|what| *what != "content").collect();
    let what = if row.change == "modified" && !row.differs.iter().any(|what| what == "content") {
        out.paint(Style::Dim, &format!("  ({})", beside_content.join(", ")))
    } else {
        String::new()
    };
    out.line(format_args!("{word} {from}{path}{slash}{what}"))
}

fn show_patch(out: &mut Output, patch: &[u8]) -> Result<(), Stop> {
    for line in patch.split_inclusive(|&b| b == b'\n') {
        let style = match line.first() {
            Some(b'+') => Some(Style::Green),
            Some(b'-') => Some(Style::Red),
            Some(b'@') => Some(Style::Cyan),
            _ => None,
        };
        match (style, str::from_utf8(line)) {
            (Some(style), Ok(text)) if out.terminal => {
                let painted = out.paint(style, text.trim_end_matches('\n'));
                out.line(painted)?;
            }
            _ => out.bytes(line)?,
        }
    }
    Ok(())
}

/// Which instants a diff compared, and how much it found.
pub fn compared(out: &mut Output, result: &DiffResult) -> Result<(), Stop> {
    let (from, to) = (out.time(result.from.time.0), out.time(result.to.time.0));
    let counts = counts(&result.counts);
    out.note(format_args!("from #{} ({from}) to #{} ({to}): {counts}", result.from.seq, result.to.seq))
}

/// What an undo, redo or restore did, and how to take that back.
pub fn went_back(out: &mut Output, result: &UndoResult) -> Result<(), Stop> {
    let scope = match &result.path {
        Some(path) => show::path(&unspell(path, result.path_bytes.as_deref())),
        None => "the tree".to_owned(),
    };
    let time = out.time(result.to.time.0);
    let then = format!("#{} ({time})", result.to.seq);
    if let Some(latest) = &result.burst {
        burst(out, latest)?;
    }
    if result.counts.total() == 0 && result.seq.is_none() {
        return out.line(format_args!("nothing to do: {scope} is as it was at {then}"));
    }
    let counts = counts(&result.counts);
    if result.dry_run {
        return out.line(format_args!(
            "{} would bring {scope} to {then}: {counts}; nothing was changed",
            result.did
        ));
    }
    out.line(format_args!("{}: {scope} is as it was at {then}: {counts}", result.did))?;
    match &result.take_back {
        Some(command) => {
            let command = out.paint(Style::Bold, command);
            out.line(format_args!("to take this back: {command}"))
        }
        None => Ok(()),
    }
}

/// What the latest burst of changes was.
fn burst(out: &mut Output, burst: &BurstRow) -> Result<(), Stop> {
    let events = show::count(burst.events, "event", "events");
    let (first, last) = (out.time(burst.first.time.0), out.time(burst.last.time.0));
    out.line(format_args!(
        "the latest burst: {events}, #{} to #{}, {first} to {last}",
        burst.first.seq, burst.last.seq
    ))?;
    let by: Vec<String> = burst.actors.iter().take(SHOWN).map(show::event::actor).collect();
    let on: Vec<String> = burst.paths.iter().take(SHOWN).map(|path| show::path(path.as_bytes())).collect();
    let more = |all: usize| if all > SHOWN { ", …" } else { "" };
    out.line(format_args!("  {}{}", by.join(", "), more(burst.actors.len())))?;
    if on.is_empty() {
        return Ok(());
    }
    out.line(format_args!("  on {}{}", on.join(", "), more(burst.paths.len())))
}

/// `3 added, 1 renamed`.
fn counts(counts: &Counts) -> String {
    let all = [
        (counts.added, "added"),
        (counts.removed, "removed"),
        (counts.modified, "modified"),
        (counts.renamed, "renamed"),
    ];
    let some: Vec<String> = all
        .iter()
        .filter(|(number, _)| *number > 0)
        .map(|(n, word)| format!("{} {word}", show::grouped(*n)))
        .collect();
    if some.is_empty() { "no differences".to_owned() } else { some.join(", ") }
}
