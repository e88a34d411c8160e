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
    /// There is one, and `latest` is a change that was made since: the instant before the undo.
    Covered { before: Seq, latest: Seq },
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
    /// The latest change that is no undo or redo, and how many there are.
    covering: Option<(Seq, u32)>,
}

/// Behind so many other changes an undo is not looked for any more: nobody means that one.
const MOST_COVERING: u32 = 10_000;

impl<'a> Search<'a> {
    pub fn new(scope: Option<&'a [u8]>) -> Self {
        Search { scope, redone: 0, covering: None }
    }

    /// Looks at the next older row.
    pub fn row(&mut self, row: &LogRow) -> Found {
        if !is_change(row) {
            return Found::More;
        }
        let kind = match row.op {
            Op::Transaction { kind, .. } if self.scope.is_none() || row.path.as_deref() == self.scope => kind,
            _ => return self.cover(row),
        };
        match kind {
            TransactionKind::Restore => self.cover(row),
            TransactionKind::Redo if self.covering.is_some() => Found::Nothing,
            TransactionKind::Redo => {
                self.redone += 1;
                Found::More
            }
            TransactionKind::Undo if self.redone > 0 => {
                self.redone -= 1;
                Found::More
            }
            TransactionKind::Undo => {
                let before = Seq(row.first.0 - 1);
                match self.covering {
                    Some((latest, _)) => Found::Covered { before, latest },
                    None => Found::Undo { before, scope: row.path.clone() },
                }
            }
        }
    }

    /// A change that a redo would take back unasked.
    fn cover(&mut self, row: &LogRow) -> Found {
        let (_, count) = self.covering.get_or_insert((row.seq, 0));
        *count += 1;
        if self.redone > 0 || *count > MOST_COVERING { Found::Nothing } else { Found::More }
    }
}
