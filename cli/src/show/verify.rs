//! What a verification found.

use firn_control::{FindingRow, VerifyResult, unspell};

use crate::output::{Output, Stop, Style};
use crate::{show, sizes};

/// Hits of a finding that are shown; JSON has more.
const SHOWN: usize = 20;

/// A problem with the paths that it hits.
pub fn finding(out: &mut Output, row: &FindingRow) -> Result<(), Stop> {
    let bad = out.paint(Style::Red, "BAD");
    out.line(format_args!("{bad} {}: {}", show::path(row.object.as_bytes()), row.problem))?;
    for hit in row.hits.iter().take(SHOWN) {
        let path = match &hit.path {
            Some(path) => show::path(&unspell(path, hit.path_bytes.as_deref())),
            None => format!("inode {}, without a path", hit.ino),
        };
        let until = if hit.now { "until now" } else { "not in the latest tree" };
        out.line(format_args!("    hits {path} from #{} on, {until}", hit.since.seq))?;
    }
    let left = row.hit_count.saturating_sub(row.hits.len().min(SHOWN) as u64);
    if left > 0 {
        out.line(format_args!("    and {}", show::count(left, "more path", "more paths")))?;
    }
    Ok(())
}

/// What was read, and the verdict.
pub fn summary(out: &mut Output, result: &VerifyResult) -> Result<(), Stop> {
    let read = format!(
        "{}, {}, {}, {} ({})",
        show::count(result.segments, "segment", "segments"),
        show::count(result.events, "event", "events"),
        show::count(result.snapshots, "snapshot file", "snapshot files"),
        show::count(result.packs, "pack", "packs"),
        sizes::show(result.bytes),
    );
    if result.findings == 0 {
        let good = out.paint(Style::Green, "good");
        return out.line(format_args!("{good}: {read}"));
    }
    let found = out.paint(Style::Red, &show::count(result.findings, "problem", "problems"));
    out.line(format_args!("{found} in {read}"))
}
