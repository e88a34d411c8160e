use firn_journal::{Seq, TransactionKind};

use super::burst::is_change;
use crate::log::{LogRow, Op};

/// What one more row means to a search.
#[derive(PartialEq, Debug)]
pub(super) enum Found {
    /// Go on with the row before.
    More,
    /// This undo is the one to take back: the instant before it, and its scope.
    Undo { before: Seq, scope: Option<Vec<u8>> },
    /// There is none.
    Nothing,
}

/// Looks for the undo that a redo takes back, in rows that come newest first: undos and redos that nothing
/// else came between are a stack.
pub(super) struct Search<'a> {
    /// Only undos of exactly this scope count.
    scope: Option<&'a [u8]>,
    /// Redos whose undos are still to come.
    redone: u64,
}

impl<'a> Search<'a> {
    pub fn new(scope: Option<&'a [u8]>) -> Self {
        Search { scope, redone: 0 }
    }

    /// Looks at the next older row.
    pub fn row(&mut self, row: &LogRow) -> Found {
        if !is_change(row) {
            return Found::More;
        }
        let Op::Transaction { kind, .. } = row.op else { return Found::Nothing };
        if self.scope.is_some() && row.path.as_deref() != self.scope {
            return Found::Nothing;
        }
        match kind {
            TransactionKind::Restore => Found::Nothing,
            TransactionKind::Redo => {
                self.redone += 1;
                Found::More
            }
            TransactionKind::Undo if self.redone > 0 => {
                self.redone -= 1;
                Found::More
            }
            TransactionKind::Undo => Found::Undo { before: Seq(row.first.0 - 1), scope: row.path.clone() },
        }
    }
}
