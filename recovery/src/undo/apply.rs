use std::sync::Arc;

use firn_journal::Actor;
use firn_materializer::instant::When;
use firn_materializer::volume::{TransactError, Volume};

use super::journey::{Journey, Planned, Report};
use super::{Goal, UndoError};
use crate::timeline::Timeline;

/// How often a plan is made beside others who change the tree, before they have to wait for it.
const TRIES: u32 = 4;

/// Goes back: the tree, or what is at and below `scope`, becomes as it was. One transaction, which a redo takes
/// back; what happened since stays in the history.
///
/// # Errors
/// See [`UndoError`]. Nothing was changed then.
pub async fn undo(
    volume: &Volume,
    actor: &Arc<Actor>,
    goal: &Goal,
    scope: Option<&[u8]>,
) -> Result<Report, UndoError> {
    let scope = scope.filter(|scope| !scope.is_empty());
    apply(volume, actor, &Journey::undo(Timeline::Live(volume), goal, scope).await?)
}

/// Takes back the latest undo that has not been taken back, if nothing was changed since. With `scope`, the
/// latest of exactly that scope, if nothing was changed in it since.
///
/// # Errors
/// See [`UndoError`]. Nothing was changed then.
pub async fn redo(volume: &Volume, actor: &Arc<Actor>, scope: Option<&[u8]>) -> Result<Report, UndoError> {
    let scope = scope.filter(|scope| !scope.is_empty());
    let mut tries = TRIES;
    loop {
        let searched = volume.view().seq();
        let journey = Journey::redo(Timeline::Live(volume), scope).await?;
        tries -= 1;
        // What came while it was looked for may have been another undo, or a change that a redo must not take back.
        if volume.view().seq() == searched || tries == 0 {
            return apply(volume, actor, &journey);
        }
    }
}

/// Brings what was at `path` then back: to its place, where everything at and below it becomes as it was; or, as
/// a copy by reference, to the free place `to`.
///
/// # Errors
/// See [`UndoError`]. Nothing was changed then.
pub async fn restore(
    volume: &Volume,
    actor: &Arc<Actor>,
    path: &[u8],
    at: &When,
    to: Option<&[u8]>,
) -> Result<Report, UndoError> {
    apply(volume, actor, &Journey::restore(Timeline::Live(volume), path, at, to).await?)
}

fn apply(volume: &Volume, actor: &Arc<Actor>, journey: &Journey) -> Result<Report, UndoError> {
    for _ in 0..TRIES {
        let head = volume.view();
        let Planned { transaction, mut report } = journey.plan(&head)?;
        if transaction.effects.is_empty() {
            return Ok(report);
        }
        match volume.transact(actor, head.seq(), transaction) {
            Ok(seq) => {
                report.seq = Some(seq);
                return Ok(report);
            }
            Err(TransactError::Moved { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let (seq, report) = volume.transact_at_rest(actor, |head| {
        let Planned { transaction, report } = journey.plan(head)?;
        Ok::<_, UndoError>((transaction, report))
    })?;
    Ok(Report { seq, ..report })
}
