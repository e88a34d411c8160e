use firn_journal::{Event, EventKind, Ino, TransactionKind};
use firn_materializer::namespace::Namespace;
use firn_recovery::export::ExportError;

use super::{Recorded, told};
use crate::model::{Op, Replay, Timeline, compare};
use crate::oracle::{Coverage, Failure, Oracle};

/// What a recorded history must be: a timeline of the model, beside which the namespace is held.
///
/// # Errors
/// The first event that one of the two does not take, or after which they differ.
pub(crate) fn fold(recorded: &Recorded, coverage: &Coverage) -> Result<Timeline, Failure> {
    let counts = recorded.counts();
    // All instants of a short history; of a long one, one half by their number and one half at the ends of groups.
    let half = (recorded.kept() / 2).max(1);
    let (every, every_group) = match recorded.kept() < counts.instants {
        true => (counts.instants.div_ceil(half), counts.groups.div_ceil(half)),
        false => (1, 1),
    };
    let mut fold = Fold { recorded, good: Side::default(), now: Side::default(), since: Vec::new() };
    let mut line = Timeline::default();
    let (mut instants, mut kept) = (0, 0);
    for (number, group) in (1..).zip(recorded.export.groups()) {
        let group: Vec<Event> = group.map_err(unreadable)?;
        let last = group.last().map(|event| event.seq);
        for event in group {
            let ends = Some(event.seq) == last;
            fold.event(event)?;
            if !fold.now.model.is_instant() {
                continue;
            }
            instants += 1;
            let by_group = ends && (number % every_group == 0 || number == counts.groups);
            if instants % every == 0 || instants == counts.instants || by_group {
                let since = fold.look()?;
                coverage.judged(Oracle::Instant);
                let tree = fold.now.model.tree().clone();
                line.push(tree, 0).map_err(|what| Oracle::Instant.fails(what))?;
                line.seal();
                let op = if instants - kept > 1 { Some(Op::Untold) } else { operation(&since) };
                if let Some(op) = op {
                    line.label(op);
                }
                kept = instants;
            }
        }
    }
    coverage.add("recorded", "events", counts.events);
    coverage.add("recorded", "instants compared", line.records().len() as u64 - 1);
    Ok(line)
}

/// It was read through before.
pub(super) fn unreadable(error: ExportError) -> Failure {
    Oracle::Internal.fails(format!("the export could be read a moment ago: {error}"))
}

/// What the events of one instant were, where the trees before and after do not tell.
fn operation(events: &[Event]) -> Option<Op> {
    let event = events.first()?;
    let by_the_mount = event.actor.pid == 0 && event.actor.command == b"firn";
    match &event.kind {
        EventKind::TransactionBegan { kind, target, path, .. } => {
            let to = path.is_none().then_some(target.0);
            Some(match kind {
                TransactionKind::Undo => Op::Undone { before: event.seq.0 - 1, to },
                TransactionKind::Redo => Op::Redone { to },
                TransactionKind::Restore => Op::Restored,
            })
        }
        EventKind::Checkpointed { .. } => Some(Op::Checkpoint),
        // The root gets its owner, or a time of reading was set: no change that anybody takes back.
        EventKind::AttributesSet { ino: Ino::ROOT, .. } if by_the_mount => Some(Op::Quiet),
        EventKind::AttributesSet { mode: None, uid: None, gid: None, mtime: None, .. } => Some(Op::Quiet),
        _ => None,
    }
}

/// The model and the namespace, after the same events.
#[derive(Clone, Default)]
struct Side {
    model: Replay,
    ns: Namespace,
}

struct Fold<'a> {
    recorded: &'a Recorded,
    /// The last instant at which both were compared.
    good: Side,
    now: Side,
    /// The events between.
    since: Vec<Event>,
}

impl Fold<'_> {
    fn event(&mut self, event: Event) -> Result<(), Failure> {
        self.now.event(&event, self.recorded)?;
        self.since.push(event);
        Ok(())
    }

    /// Compares the two; finds the first event after which they differ. Answers the events since the last look.
    fn look(&mut self) -> Result<Vec<Event>, Failure> {
        if let Err(found) = self.now.compare() {
            let mut side = self.good.clone();
            for event in &self.since {
                side.event(event, self.recorded)?;
                if let Some(what) = Some(&side).filter(|side| side.model.is_instant()).and_then(Side::differs)
                {
                    return Err(Oracle::Instant.fails(format!("after {}: {what}", told(event))));
                }
            }
            return Err(Oracle::Instant.fails(format!("at #{}: {found}", self.now.model.tree().seq)));
        }
        self.good = self.now.clone();
        Ok(std::mem::take(&mut self.since))
    }
}

impl Side {
    fn event(&mut self, event: &Event, recorded: &Recorded) -> Result<(), Failure> {
        let model = self.model.event(event, &|block| recorded.block(block));
        let fails = |oracle: Oracle, what: String| Err(oracle.fails(format!("{}: {what}", told(event))));
        match (model, self.ns.apply(event)) {
            (Ok(()), Ok(())) => Ok(()),
            (Ok(()), Err(ns)) => fails(
                Oracle::Prefix,
                format!("the namespace does not take it, and by the model it can be: {ns}"),
            ),
            (Err(model), Ok(())) => {
                fails(Oracle::Instant, format!("the namespace takes it, and it cannot be: {model}"))
            }
            (Err(model), Err(ns)) => fails(
                Oracle::Prefix,
                format!("this does not fit what came before: {model} (namespace: {ns})"),
            ),
        }
    }

    fn compare(&self) -> Result<(), String> {
        compare::metadata(&self.ns, self.model.tree())
    }

    fn differs(&self) -> Option<String> {
        self.compare().err()
    }
}
