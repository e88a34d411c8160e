//! What a volume says of itself.

use std::time::Duration;

use firn_control::{StatusResult, TimeText};

use crate::output::{Output, Stop, Style};
use crate::times::show_length;
use crate::{show, sizes};

/// A page of labelled lines.
pub fn status(out: &mut Output, status: &StatusResult) -> Result<(), Stop> {
    let instant = |out: &Output, seq: u64, time: TimeText| format!("#{seq}  {}", out.time(time.0));
    field(out, "volume", &format!("{}  (id {})", show::path(status.volume.as_bytes()), status.volume_id))?;
    let mounted = status.mountpoint.as_deref().map(|dir| show::path(dir.as_bytes()));
    let writer = status.pid.map(|pid| match &status.host {
        Some(host) => format!("pid {pid} on {host}"),
        None => format!("pid {pid}"),
    });
    field(out, "mounted", &join(mounted, writer, ", ").unwrap_or_else(|| "no".to_owned()))?;
    if let Some(at) = status.at {
        let at = instant(out, at.seq, at.time);
        field(out, "shows", &format!("{at}, read-only"))?;
    }
    let head = instant(out, status.head_seq, status.head_time);
    field(out, "head", &head)?;
    let durable = instant(out, status.durable_seq, status.durable_time);
    field(out, "durable", &durable)?;
    let (text, style) = pending(status);
    let text = out.paint(style, &text);
    field(out, "not durable", &text)?;
    store(out, status)?;
    field(
        out,
        "tree",
        &format!("{}, {}", show::count(status.inodes, "inode", "inodes"), sizes::show(status.bytes)),
    )?;
    cache(out, status)?;
    if let Some(reason) = &status.read_only_reason {
        let reason = out.paint(Style::Red, reason);
        field(out, "read-only", &reason)?;
    }
    Ok(())
}

fn field(out: &mut Output, label: &str, value: &str) -> Result<(), Stop> {
    let label = out.paint(Style::Dim, &format!("{label:<12}"));
    out.line(format_args!("{label} {value}"))
}

fn join(a: Option<String>, b: Option<String>, between: &str) -> Option<String> {
    match (a, b) {
        (Some(a), Some(b)) => Some(format!("{a}{between}{b}")),
        (a, b) => a.or(b),
    }
}

fn pending(status: &StatusResult) -> (String, Style) {
    if status.pending_events == 0 && status.pending_bytes == 0 {
        return ("nothing".to_owned(), Style::Green);
    }
    let age = show_length(Duration::from_millis(status.pending_for_ms));
    let events = show::count(status.pending_events, "event", "events");
    (format!("{events}, {}, for {age}", sizes::show(status.pending_bytes)), Style::Yellow)
}

fn store(out: &mut Output, status: &StatusResult) -> Result<(), Stop> {
    let text = match (&status.store.failing_since, &status.store.last_error) {
        _ if status.store.healthy => out.paint(Style::Green, "answers"),
        (since, error) => {
            let since = since.map(|since| format!(" since {}", out.time(since.0))).unwrap_or_default();
            let error = error.as_deref().map(|error| format!(": {error}")).unwrap_or_default();
            out.paint(Style::Red, &format!("failing{since}{error}"))
        }
    };
    field(out, "store", &text)
}

fn cache(out: &mut Output, status: &StatusResult) -> Result<(), Stop> {
    let cache = &status.cache;
    let mut text = format!(
        "{} in memory of {}; hits: {}",
        sizes::show(cache.memory_bytes),
        sizes::show(cache.memory_capacity),
        show::grouped(cache.memory_hits)
    );
    if cache.has_disk {
        text.push_str(&format!(" in memory, {} on disk", show::grouped(cache.disk_hits)));
    }
    let gets = show::count(cache.store_gets, "request", "requests");
    text.push_str(&format!("; from the store: {gets}, {}", sizes::show(cache.store_bytes)));
    field(out, "cache", &text)
}
