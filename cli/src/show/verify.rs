//! What a verification found.

use firn_control::{FindingRow, VerifyResult};

use crate::output::{Output, Stop, Style};
use crate::{show, sizes};

/// A problem with the paths that it hits.
pub fn finding(out: &mut Output, row: &FindingRow) -> Result<(), Stop> {
    let bad = out.paint(Style::Red, "BAD");
    out.line(format_args!("{bad} {}: {}", show::path(row.object.as_bytes()), row.problem))?;
    row.paths.iter().try_for_each(|path| out.line(format_args!("    hits {}", show::path(path.as_bytes()))))
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
