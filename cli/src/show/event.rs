//! Events, one line each.

use firn_control::{ActorRow, EventRow, LogResult, unspell};
use serde_json::Value;

use crate::output::{Output, Stop, Style};
use crate::{show, sizes};

/// `#seq  time  op  path  details  actor`
pub fn event(out: &mut Output, row: &EventRow) -> Result<(), Stop> {
    let seq = out.paint(Style::Cyan, &format!("{:>9}", format!("#{}", row.seq)));
    let time = out.time(row.time.0);
    let time = out.paint(Style::Dim, &format!("{time:<35}"));
    let path = row.path.as_deref().map(|path| show::path(&unspell(path, row.path_bytes.as_deref())));
    let words: Vec<String> = path.into_iter().chain(details(row)).collect();
    let actor = out.paint(Style::Dim, &actor(&row.actor));
    out.line(format_args!("{seq}  {time}  {:<10}  {}  {actor}", row.op, words.join(" ")))
}

/// What else there is to say about an event, by operation.
fn details(row: &EventRow) -> Vec<String> {
    let mut words = Vec::new();
    let bytes = |key: &str| {
        let text = row.details.get(key).and_then(Value::as_str)?;
        let hex = row.details.get(&format!("{key}_bytes")).and_then(Value::as_str);
        Some(show::path(&unspell(text, hex)))
    };
    let number = |key: &str| row.details.get(key).and_then(Value::as_u64);
    let text = |key: &str| row.details.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    words.extend(bytes("from").map(|from| format!("from {from}")));
    words.extend(bytes("target").map(|target| format!("-> {target}")));
    words.extend(bytes("name"));
    words.extend(number("mode").map(|mode| format!("mode {:04o}", mode & 0o7777)));
    words.extend(number("uid").map(|uid| format!("uid {uid}")));
    words.extend(number("gid").map(|gid| format!("gid {gid}")));
    words.extend(number("size").map(|size| match (row.op.as_str(), number("offset")) {
        ("truncate", _) => format!("to {}", sizes::show(size)),
        (_, None | Some(0)) => sizes::show(size),
        (_, Some(offset)) => format!("{} at {offset}", sizes::show(size)),
    }));
    words.extend(number("target_seq").map(|seq| format!("to #{seq}")));
    words.extend(number("count").map(|count| format!("({})", show::count(count, "event", "events"))));
    words.extend(text("message").map(|message| format!("\"{}\"", message.escape_debug())));
    words.extend(text("host").map(|host| format!("on {}", show::path(host.as_bytes()))));
    words
}

/// `by rm[123], uid 0`
pub fn actor(actor: &ActorRow) -> String {
    match (actor.command.as_str(), actor.pid) {
        ("", 0) => format!("by the kernel, uid {}", actor.uid),
        ("", pid) => format!("by pid {pid}, uid {}", actor.uid),
        (command, pid) => format!("by {}[{pid}], uid {}", show::path(command.as_bytes()), actor.uid),
    }
}

/// What the listing went over.
pub fn end(out: &mut Output, result: &LogResult) -> Result<(), Stop> {
    let since = result.since.map(|since| format!(" since #{since}")).unwrap_or_default();
    let until = result
        .until
        .map(|until| format!(" until #{} ({})", until.seq, out.time(until.time.0)))
        .unwrap_or_default();
    let events = show::count(result.events, "event", "events");
    if result.more && out.terminal {
        return out
            .note(format_args!("{events}{since}{until}; there are more: --all, --limit N, --since TIME"));
    }
    let more = if result.more { ", and there are more" } else { "" };
    if result.events == 0 || !since.is_empty() || !until.is_empty() {
        return out.note(format_args!("{events}{since}{until}{more}"));
    }
    Ok(())
}
