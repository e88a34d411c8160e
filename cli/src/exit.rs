//! Exit codes, as `docs/cli.md` documents them.

use firn_control::FailureKind;

/// It did what was asked, and found problems: `firn verify`.
pub const FINDINGS: u8 = 1;

/// The code of a kind of failure. 2 is clap's own for a command line that it cannot read.
pub fn code(kind: FailureKind) -> u8 {
    match kind {
        FailureKind::Usage => 2,
        FailureKind::NotFound => 3,
        FailureKind::Refused => 4,
        FailureKind::Unreachable => 5,
        FailureKind::Corrupt => 6,
        FailureKind::Failed => 7,
    }
}
