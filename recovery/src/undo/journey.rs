use firn_journal::{Event, EventKind, Seq, TransactionKind};
use firn_materializer::history::Instant;
use firn_materializer::instant::When;
use firn_materializer::namespace::{EvolveError, Namespace};
use firn_materializer::volume::Transaction;

use super::burst::{self, Burst};
use super::{Goal, UndoError, redo};
use crate::diff::{Counts, DiffRow, diff};
use crate::log::LogQuery;
use crate::plan::{plan_copy, plan_undo};
use crate::timeline::{Timeline, TimelineError};

/// What an undo, a redo or a restore did, or would do.
#[derive(Clone, PartialEq, Debug)]
pub struct Report {
    /// Which of them.
    pub kind: TransactionKind,
    /// The instant that the tree, or what is in the scope, is as it was at now.
    pub target: Instant,
    /// The instant before it was done.
    pub before: Instant,
    /// Where: bytes, relative to the root; the whole tree if absent. Of a copy, its place.
    pub scope: Option<Vec<u8>>,
    /// What was taken back, if it was the latest burst.
    pub burst: Option<Burst>,
    /// What changed: [`Added`](crate::Change::Added) is what came back.
    pub rows: Vec<DiffRow>,
    /// How many of each.
    pub counts: Counts,
    /// The transaction's last event; `None` if nothing had to change, or if this is a preview.
    pub seq: Option<Seq>,
}

/// What an undo would change.
///
/// # Errors
/// See [`UndoError`].
pub async fn preview_undo(
    timeline: Timeline<'_>,
    goal: &Goal,
    scope: Option<&[u8]>,
) -> Result<Report, UndoError> {
    let journey = Journey::undo(timeline, goal, scope).await?;
    Ok(journey.plan(&timeline.head().await?)?.report)
}

/// What a redo would change.
///
/// # Errors
/// See [`UndoError`].
pub async fn preview_redo(timeline: Timeline<'_>, scope: Option<&[u8]>) -> Result<Report, UndoError> {
    let journey = Journey::redo(timeline, scope).await?;
    Ok(journey.plan(&timeline.head().await?)?.report)
}

/// What a restore would change.
///
/// # Errors
/// See [`UndoError`].
pub async fn preview_restore(
    timeline: Timeline<'_>,
    path: &[u8],
    at: &When,
    to: Option<&[u8]>,
) -> Result<Report, UndoError> {
    let journey = Journey::restore(timeline, path, at, to).await?;
    Ok(journey.plan(&timeline.head().await?)?.report)
}

/// Where to go: found once, while the plan of how follows the present.
pub(super) struct Journey {
    kind: TransactionKind,
    past: Namespace,
    scope: Option<Vec<u8>>,
    /// What a copy is made of.
    source: Option<Vec<u8>>,
    burst: Option<Burst>,
}

/// How to go there from one present.
pub(super) struct Planned {
    pub transaction: Transaction,
    pub report: Report,
}

impl Journey {
    pub async fn undo(timeline: Timeline<'_>, goal: &Goal, scope: Option<&[u8]>) -> Result<Self, UndoError> {
        let (past, burst) = match goal {
            Goal::LatestBurst => {
                let (past, burst) = before_latest_burst(timeline, scope).await?;
                (past, Some(burst))
            }
            Goal::To(when) => (view_at(timeline, when).await?, None),
            Goal::Last(duration) => {
                (view_at(timeline, &When::Time(timeline.now().before(*duration))).await?, None)
            }
        };
        let scope = scope.map(<[u8]>::to_vec);
        Ok(Journey { kind: TransactionKind::Undo, past, scope, source: None, burst })
    }

    pub async fn redo(timeline: Timeline<'_>, scope: Option<&[u8]>) -> Result<Self, UndoError> {
        let query = LogQuery { path: scope.map(<[u8]>::to_vec), ..LogQuery::default() };
        let mut log = timeline.log(timeline.head().await?, &query).await?;
        let mut search = redo::Search::new(scope);
        while let Some(row) = log.next().await.map_err(TimelineError::from)? {
            match search.row(&row) {
                redo::Found::More => {}
                redo::Found::Nothing => break,
                redo::Found::Covered { before, latest } => return Err(UndoError::Covered { before, latest }),
                redo::Found::Undo { before, scope } => {
                    let past = timeline.view(before).await?;
                    return Ok(Journey {
                        kind: TransactionKind::Redo,
                        past,
                        scope,
                        source: None,
                        burst: None,
                    });
                }
            }
        }
        Err(UndoError::NothingToRedo { scope: scope.map(<[u8]>::to_vec) })
    }

    pub async fn restore(
        timeline: Timeline<'_>,
        path: &[u8],
        at: &When,
        to: Option<&[u8]>,
    ) -> Result<Self, UndoError> {
        let past = view_at(timeline, at).await?;
        if past.resolve(path).is_none() {
            return Err(crate::plan::PlanError::NotThen { path: path.to_vec() }.into());
        }
        let place = to.unwrap_or(path);
        let scope = (!place.is_empty()).then(|| place.to_vec());
        let source = to.map(|_| path.to_vec());
        Ok(Journey { kind: TransactionKind::Restore, past, scope, source, burst: None })
    }

    /// What has to be done to `head`.
    pub fn plan(&self, head: &Namespace) -> Result<Planned, UndoError> {
        let path = self.scope.as_deref().unwrap_or_default();
        let effects = match &self.source {
            Some(source) => plan_copy(&self.past, source, head, path)?,
            None => plan_undo(&self.past, head, path)?,
        };
        let target = instant(&self.past);
        let transaction =
            Transaction { kind: self.kind, target: target.seq, path: self.scope.clone(), effects };
        let rows = match self.scope {
            None => diff(head, &self.past, None),
            Some(_) => diff(head, &after(head, &transaction)?, None),
        };
        let report = Report {
            kind: self.kind,
            target,
            before: instant(head),
            scope: self.scope.clone(),
            burst: self.burst.clone(),
            counts: Counts::of(&rows),
            rows,
            seq: None,
        };
        Ok(Planned { transaction, report })
    }
}

fn instant(view: &Namespace) -> Instant {
    Instant { seq: view.seq(), time: view.time() }
}

async fn view_at(timeline: Timeline<'_>, when: &When) -> Result<Namespace, TimelineError> {
    let instant = timeline.resolve(when).await?;
    timeline.view(instant.seq).await
}

/// The latest burst that left something different, and the view before it.
async fn before_latest_burst(
    timeline: Timeline<'_>,
    scope: Option<&[u8]>,
) -> Result<(Namespace, Burst), UndoError> {
    let head = timeline.head().await?;
    let mut base = head.clone();
    loop {
        let nothing = || UndoError::NothingToUndo { scope: scope.map(<[u8]>::to_vec) };
        match latest_burst(timeline, base, scope).await?.ok_or_else(nothing)? {
            burst::Found::Burst(burst) => {
                base = timeline.view(Seq(burst.first.seq.0 - 1)).await?;
                if differs(&head, &base, scope) {
                    return Ok((base, burst));
                }
                // One program that cleans up after itself (a lock, a temporary file) is passed over. What one made
                // and another unmade is what was meant, and where in it to go only the user knows: going on to
                // the burst before would take back what nobody meant.
                if burst.actors.len() > 1 {
                    let (first, last) = (burst.first.seq, burst.last.seq);
                    return Err(UndoError::NoTrace { first, last, events: burst.events });
                }
            }
            burst::Found::Jump(target) => base = timeline.view(target).await?,
            burst::Found::More => return Err(nothing()),
        }
    }
}

/// Whether two views differ in what people see.
fn differs(a: &Namespace, b: &Namespace, scope: Option<&[u8]>) -> bool {
    // Tells of most bursts at once, without all their paths.
    let other_entries = scope.is_none() && a.diff(b).dirents().next().is_some();
    other_entries || !diff(a, b, scope).is_empty()
}

/// What is found going back from `base`; `None` at the beginning of the history.
async fn latest_burst(
    timeline: Timeline<'_>,
    base: Namespace,
    scope: Option<&[u8]>,
) -> Result<Option<burst::Found>, TimelineError> {
    let query = LogQuery { path: scope.map(<[u8]>::to_vec), ..LogQuery::default() };
    let mut log = timeline.log(base, &query).await?;
    let mut search = burst::Search::new(scope);
    while let Some(row) = log.next().await? {
        match search.row(&row) {
            burst::Found::More => {}
            found => return Ok(Some(found)),
        }
    }
    Ok(search.end().map(burst::Found::Burst))
}

/// What `head` is after a transaction.
fn after(head: &Namespace, transaction: &Transaction) -> Result<Namespace, EvolveError> {
    let mut after = head.clone();
    let time = head.time().next();
    let count = u32::try_from(transaction.effects.len()).unwrap_or(u32::MAX);
    let (kind, target) = (transaction.kind, transaction.target);
    let began = EventKind::TransactionBegan { kind, target, count, path: transaction.path.clone() };
    for kind in std::iter::once(&began).chain(&transaction.effects) {
        let actor = std::sync::Arc::default();
        after.apply(&Event { seq: after.seq().next(), time, actor, kind: kind.clone() })?;
    }
    Ok(after)
}
