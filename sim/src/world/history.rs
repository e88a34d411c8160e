//! Looking back and going back.

use std::rc::Rc;
use std::sync::Arc;

use firn_clock::Timestamp;
use firn_journal::{Actor, Seq, TransactionKind};
use firn_materializer::history::{History, HistoryError, ResolveError};
use firn_materializer::instant::When;
use firn_materializer::namespace::Namespace;
use firn_materializer::volume::{InstantError, TransactError};
use firn_recovery::{Goal, PlanError, Report, TimelineError, UndoError};

use super::World;
use super::excuse::{Passing, Since};
use super::life::{Life, caller, name, pick};
use crate::model::{Checkpoint, Kind, Op, Redo, Scope, Tree, compare};
use crate::oracle::{Failure, Oracle};
use crate::plan::{Action, Instant, Step};
use crate::store::Client;

/// Who the commands of an actor are done by.
fn commander(actor: u8) -> Arc<Actor> {
    let by = caller(actor);
    Arc::new(Actor { uid: by.uid, gid: by.gid, pid: by.thread, command: b"sim".to_vec() })
}

impl World {
    pub(super) async fn look_or_go_back(&self, life: &Life, step: &Step) -> Result<(), Failure> {
        let actor = step.actor;
        match step.action {
            Action::Checkpoint { name } => self.checkpoint(life, actor, name).await,
            Action::Undo { to, scope } => self.undo(life, actor, to, scope).await,
            Action::UndoBurst => self.undo_burst(life, actor).await,
            Action::Redo => self.redo(life, actor).await,
            Action::Restore { at, path, copy_to } => self.restore(life, actor, at, path, copy_to).await,
            Action::LookBack { at } => self.look_back(life, at).await,
            Action::LookThrough { dir, at } => self.look_through(life, actor, dir, at).await,
            Action::ReadBeside => self.read_beside(life).await,
            _ => Ok(()),
        }
    }

    /// An instant of a life's history: what it is called, and what it must show.
    fn instant(&self, life: &Life, at: Instant) -> Option<(When, Rc<Tree>)> {
        let line = life.line.borrow();
        let records = line.records();
        let (Instant::Seq(which) | Instant::Time(which) | Instant::Checkpoint(which)) = at;
        // The first is before any event.
        let record = pick(&(1..records.len()).collect::<Vec<_>>(), which)?;
        let tree = records[record].tree.clone();
        let before = records[record - 1].tree.seq;
        let next = records.get(record + 1).map(|next| &next.tree);
        match at {
            // Within a transaction is the whole of it.
            Instant::Seq(_)
                if records[record].op.is_transaction() && tree.seq > before + 1 && which & 1 == 0 =>
            {
                Some((When::Seq(Seq(tree.seq - 1)), tree))
            }
            Instant::Seq(_) => Some((When::Seq(Seq(tree.seq)), tree)),
            // Until the next event it is this instant.
            Instant::Time(_) => {
                let until = next.filter(|next| next.seq == tree.seq + 1 && which & 1 == 0);
                let time = until.map_or(tree.time, |next| next.time - 1);
                Some((When::Time(Timestamp(time)), tree))
            }
            Instant::Checkpoint(_) => {
                let names: Vec<&String> = line.head().checkpoints.keys().collect();
                let name = pick(&names, which)?;
                let at = line.at(line.head().checkpoints[name].seq)?.clone();
                Some((When::Checkpoint(name.clone()), at))
            }
        }
    }

    async fn checkpoint(&self, life: &Life, actor: u8, number: u8) -> Result<(), Failure> {
        let (name, message) = (format!("checkpoint-{number}"), format!("by actor {actor}"));
        // Done to the model first: the volume does it before it begins to wait.
        let mut tree = Tree::clone(&life.tree());
        let time = tree.tick(self.clock.now_ns());
        let seq = tree.seq;
        tree.checkpoints.insert(name.clone(), Checkpoint { seq, time, message: message.clone() });
        if life.volume.status().read_only.is_some() {
            life.over.set(true);
            return life.may_fail(self, "the volume is read-only");
        }
        let by = commander(actor);
        let mut making = Box::pin(life.volume.checkpoint(&by, Some(name), message));
        let made = futures::poll!(&mut making);
        life.follows(self, tree)?;
        life.line.borrow_mut().label(Op::Checkpoint);
        life.seen();
        let made = match made {
            std::task::Poll::Ready(made) => made,
            std::task::Poll::Pending => making.await,
        };
        match made {
            Ok(made) => {
                Oracle::Outcome.holds((made.seq.0, made.time.0) == (seq, time), || {
                    format!("the checkpoint is #{seq} at {time}, the volume says {made:?}")
                })?;
                life.acknowledged(self, seq)
            }
            Err(error) => life.may_fail(self, &format!("checkpoint: {error}")),
        }
    }

    async fn undo(&self, life: &Life, actor: u8, to: Instant, scope: Option<u16>) -> Result<(), Failure> {
        let Some((when, past)) = self.instant(life, to) else { return Ok(()) };
        let scope = scope.and_then(|which| {
            let tree = if which & 1 == 0 { past.clone() } else { life.tree() };
            let paths: Vec<Vec<u8>> = tree.paths().0.into_keys().filter(|path| !path.is_empty()).collect();
            let at = pick(&(0..paths.len()).collect::<Vec<_>>(), which / 2)?;
            Some(paths[at].clone())
        });
        let since = Since::now(&life.client);
        life.seen();
        let goal = Goal::To(when);
        let done = firn_recovery::undo(&life.volume, &commander(actor), &goal, scope.as_deref()).await;
        let path = scope.unwrap_or_default();
        match done {
            Ok(report) => {
                Oracle::Undo.holds(report.target.seq.0 == past.seq, || {
                    format!("undo to {goal:?} is #{}, it went to #{}", past.seq, report.target.seq.0)
                })?;
                self.went_back(life, &past, Scope { path: &path, source: &path, copies: false }, &report)
            }
            Err(UndoError::Plan(error)) => self.refused(life, &past, (&path, &path), &error),
            Err(error) => self.excused(life, since, &error),
        }
    }

    /// A plan that cannot be: is it so?
    fn refused(
        &self,
        life: &Life,
        past: &Tree,
        (path, source): (&[u8], &[u8]),
        error: &PlanError,
    ) -> Result<(), Failure> {
        self.coverage.count("refused", "going back");
        let (was, is) = (past.paths(), life.tree());
        let now = is.paths();
        let above = |path: &[u8]| {
            let mut above: Vec<Vec<u8>> = Vec::new();
            for (at, _) in path.iter().enumerate().filter(|(_, byte)| **byte == b'/') {
                above.push(path[..at].to_vec());
            }
            above
        };
        let is_dir = |ino: &u64| is.node(*ino).kind() == Kind::Directory;
        let true_of = match error {
            PlanError::Nowhere { .. } => !was.0.contains_key(path) && !now.0.contains_key(path),
            PlanError::NotThen { .. } => !was.0.contains_key(source),
            PlanError::NotADirectory { .. } => {
                above(path).iter().any(|above| now.0.get(above).is_some_and(|ino| !is_dir(ino)))
            }
            PlanError::NoParent { .. } => above(path).last().is_some_and(|above| !now.0.contains_key(above)),
            PlanError::Exists { .. } => now.0.contains_key(path),
            PlanError::BadName { .. } => false,
        };
        Oracle::Undo.holds(true_of, || format!("going back at {} is refused: {error}", path.escape_ascii()))
    }

    /// An error that must have a reason: a fault of the store, or a second writer.
    fn excused(&self, life: &Life, since: Since, error: &UndoError) -> Result<(), Failure> {
        if error.is_passing() && since.has_failed_twice(&life.client) {
            self.coverage.count("excused", "going back");
            return Ok(());
        }
        let instant = |error: &InstantError| matches!(error, InstantError::Volume(_));
        let fenced = match error {
            UndoError::Transact(TransactError::ReadOnly(_)) => true,
            UndoError::Timeline(TimelineError::Instant(error)) => instant(error),
            _ => false,
        };
        if fenced {
            return life.may_fail(self, &format!("going back: {error}"));
        }
        Err(Oracle::Undo.fails(format!("going back failed without a reason: {error}")))
    }

    /// The tree was set back, all of it or a part: is it as it must be?
    fn went_back(&self, life: &Life, past: &Tree, scope: Scope<'_>, report: &Report) -> Result<(), Failure> {
        self.coverage.judged(Oracle::Undo);
        let present = life.tree();
        self.note(format_args!(
            "{:?} of `{}` from #{} to #{}, as #{:?}",
            report.kind,
            scope.path.escape_ascii(),
            report.before.seq.0,
            report.target.seq.0,
            report.seq.map(|seq| seq.0)
        ));
        Oracle::Undo.holds(report.before.seq.0 == present.seq, || {
            format!("it went back from #{}, the volume was at #{}", report.before.seq.0, present.seq)
        })?;
        let held = |ino| life.is_held(ino);
        let nodes = match scope.path.is_empty() && !scope.copies {
            true => present.set_back(past, &held),
            false => {
                let found = life.volume.with(compare::skeleton);
                let set_back = present.set_back_within(past, scope, &found, &held);
                set_back.map_err(|what| {
                    Oracle::Undo.fails(format!("at {} from #{}: {what}", scope.path.escape_ascii(), past.seq))
                })?
            }
        };
        let mut tree = Tree { nodes, ..Tree::clone(&present) };
        if let Some(seq) = report.seq {
            tree.tick(self.clock.now_ns());
            tree.seq = seq.0;
            tree.next = tree.nodes.keys().next_back().map_or(tree.next, |last| tree.next.max(last + 1));
        }
        let judged = life.volume.with(|ns| compare::metadata(ns, &tree));
        judged.map_err(|what| Oracle::Undo.fails(format!("after going to #{}: {what}", past.seq)))?;
        life.follows(self, tree)?;
        if report.seq.is_some() {
            let to = scope.path.is_empty().then_some(past.seq);
            life.line.borrow_mut().label(match report.kind {
                TransactionKind::Undo => Op::Undone { before: present.seq, to },
                TransactionKind::Redo => Op::Redone { to },
                TransactionKind::Restore => Op::Restored,
            });
        }
        Ok(())
    }

    async fn undo_burst(&self, life: &Life, actor: u8) -> Result<(), Failure> {
        let since = Since::now(&life.client);
        life.seen();
        let (asked_at, expected) = (life.tree().seq, life.line.borrow().before_latest_burst().cloned());
        let done = firn_recovery::undo(&life.volume, &commander(actor), &Goal::LatestBurst, None).await;
        // Others may have changed something while it looked for what to take back.
        let expected = expected.filter(|_| life.tree().seq == asked_at);
        match done {
            Ok(report) => {
                if let Some(expected) = expected {
                    self.coverage.count("burst", "predicted");
                    // The turn of a writer that died over it may lie between.
                    let same = expected.seq == report.target.seq.0
                        || life.line.borrow().at(report.target.seq.0).is_none();
                    Oracle::Undo.holds(same, || {
                        format!(
                            "before the latest burst was #{}, undo went to {:?}",
                            expected.seq, report.target
                        )
                    })?;
                }
                let Some(past) = self.tree_of(life, report.target.seq.0) else { return Ok(()) };
                let whole = Scope { path: b"", source: b"", copies: false };
                self.went_back(life, &past, whole, &report)
            }
            Err(error @ (UndoError::NothingToUndo { .. } | UndoError::NoTrace { .. })) => Oracle::Undo
                .holds(expected.is_none(), || format!("there is a burst to take back, undo says: {error}")),
            Err(error) => self.excused(life, since, &error),
        }
    }

    /// The tree at an instant that the volume chose. One between two events of an operation is none that the model
    /// has: the life goes on without being judged.
    fn tree_of(&self, life: &Life, seq: u64) -> Option<Rc<Tree>> {
        let found = life.line.borrow().at(seq).cloned();
        let found = found.or_else(|| self.recorded_at(seq).map(Rc::new));
        if found.is_none() {
            self.coverage.count("skipped", "an instant within an operation");
            // At once, so that nothing is stored that the model does not know.
            life.client.kill();
            life.over.set(true);
        }
        found
    }

    async fn redo(&self, life: &Life, actor: u8) -> Result<(), Failure> {
        let since = Since::now(&life.client);
        let (asked_at, expected) = (life.tree().seq, life.line.borrow().next_redo());
        life.seen();
        let done = firn_recovery::redo(&life.volume, &commander(actor), None).await;
        // Others may have changed something while it looked for what to do.
        let predictable = life.tree().seq == asked_at;
        match done {
            Ok(report) => {
                let target = report.target.seq.0;
                let told = !matches!(expected, Redo::Untold);
                Oracle::Undo.holds(!(predictable && told) || expected == Redo::To(target), || {
                    format!("redo must go to {expected:?}, it went to #{target}")
                })?;
                let Some(past) = self.tree_of(life, target) else { return Ok(()) };
                let path = report.scope.clone().unwrap_or_default();
                self.went_back(life, &past, Scope { path: &path, source: &path, copies: false }, &report)
            }
            Err(
                error @ (UndoError::NothingToRedo { .. } | UndoError::Covered { .. } | UndoError::Plan(_)),
            ) => {
                self.coverage.count("refused", "redo");
                Oracle::Undo.holds(!predictable || !matches!(expected, Redo::To(_)), || {
                    format!("there is an undo to take back, {expected:?}; redo says: {error}")
                })
            }
            Err(error) => self.excused(life, since, &error),
        }
    }

    async fn restore(
        &self,
        life: &Life,
        actor: u8,
        at: Instant,
        path: u16,
        copy_to: Option<(u16, u8)>,
    ) -> Result<(), Failure> {
        let Some((when, past)) = self.instant(life, at) else { return Ok(()) };
        let paths: Vec<Vec<u8>> = past.paths().0.into_keys().filter(|path| !path.is_empty()).collect();
        let Some(which) = pick(&(0..paths.len()).collect::<Vec<_>>(), path) else { return Ok(()) };
        let source = &paths[which];
        let to = copy_to.map(|(dir, named)| {
            let tree = life.tree();
            let dirs =
                tree.paths().0.into_iter().filter(|(_, ino)| tree.node(*ino).kind() == Kind::Directory);
            let dirs: Vec<Vec<u8>> = dirs.map(|(path, _)| path).collect();
            let at = pick(&(0..dirs.len()).collect::<Vec<_>>(), dir).unwrap_or_default();
            let name = name(named);
            if dirs[at].is_empty() { name } else { [dirs[at].as_slice(), &name].join(&b'/') }
        });
        let since = Since::now(&life.client);
        life.seen();
        let by = commander(actor);
        let done = firn_recovery::restore(&life.volume, &by, source, &when, to.as_deref()).await;
        let path = to.as_ref().unwrap_or(source);
        match done {
            Ok(report) => {
                let scope = Scope { path, source, copies: to.is_some() };
                self.went_back(life, &past, scope, &report)
            }
            Err(UndoError::Plan(error)) => self.refused(life, &past, (path, source), &error),
            Err(error) => self.excused(life, since, &error),
        }
    }

    async fn look_back(&self, life: &Life, at: Instant) -> Result<(), Failure> {
        let Some((when, tree)) = self.instant(life, at) else { return Ok(()) };
        let since = Since::now(&life.client);
        life.seen();
        let view = async {
            let instant = life.volume.resolve(&when).await?;
            Ok::<_, InstantError>((instant, life.volume.view_at(instant.seq).await?))
        };
        match view.await {
            Ok((instant, ns)) => {
                self.coverage.judged(Oracle::Instant);
                Oracle::Instant.holds((instant.seq.0, instant.time.0) == (tree.seq, tree.time), || {
                    format!("{when:?} is #{} at {}, it was resolved to {instant:?}", tree.seq, tree.time)
                })?;
                self.is_the_tree(life.volume.history(), &ns, &tree, Some((since, &life.client))).await
            }
            Err(error) => self.excuse_instant(life, since, &error),
        }
    }

    fn excuse_instant(&self, life: &Life, since: Since, error: &InstantError) -> Result<(), Failure> {
        if error.is_passing() && since.has_failed_twice(&life.client) {
            self.coverage.count("excused", "looking back");
            return Ok(());
        }
        match error {
            InstantError::Volume(error) => life.may_fail(self, &format!("looking back: {error}")),
            error => Err(Oracle::Instant.fails(format!("looking back failed without a reason: {error}"))),
        }
    }

    /// Compares a view with the model, bytes and all.
    pub(super) async fn is_the_tree(
        &self,
        history: &History,
        ns: &Namespace,
        tree: &Tree,
        excuse: Option<(Since, &Client)>,
    ) -> Result<(), Failure> {
        compare::metadata(ns, tree)
            .map_err(|what| Oracle::Instant.fails(format!("the instant #{}: {what}", tree.seq)))?;
        match compare::contents(ns, history.blocks(), tree).await {
            Ok(Ok(files)) => {
                self.coverage.add("read", "files of instants", files);
                self.coverage.judged(Oracle::Content);
                Ok(())
            }
            Ok(Err(what)) => Err(Oracle::Content.fails(format!("the instant #{}: {what}", tree.seq))),
            Err(error)
                if error.is_passing()
                    && excuse.is_some_and(|(since, client)| since.has_failed_twice(client)) =>
            {
                self.coverage.count("excused", "content");
                Ok(())
            }
            Err(error) => Err(Oracle::Content.fails(format!("the instant #{}: {error}", tree.seq))),
        }
    }

    async fn read_beside(&self, life: &Life) -> Result<(), Failure> {
        if life.challenged.get() {
            return Ok(());
        }
        let client = self.reader();
        let acked = life.acked.get();
        let opened = History::open(client.clone(), self.config().history, Arc::new(self.clock.clone())).await;
        let history = match opened {
            Ok(history) => history,
            Err(error) if error.is_passing() && Since::birth().has_failed_twice(&client) => {
                self.coverage.count("excused", "reading beside");
                return Ok(());
            }
            Err(HistoryError::Resolve(ResolveError::Empty)) if acked == 0 => return Ok(()),
            Err(error) => {
                return Err(Oracle::Prefix.fails(format!("a reader cannot open the volume: {error}")));
            }
        };
        let (ns, _) = history.durable();
        if life.challenged.get() {
            return Ok(());
        }
        self.coverage.judged(Oracle::Prefix);
        let found = life.line.borrow().at(ns.seq().0).cloned();
        let Some(tree) = found.filter(|tree| tree.seq >= acked) else {
            let what = format!("a reader finds #{}; #{acked} was durable before it came", ns.seq().0);
            return Err(Oracle::Prefix.fails(what));
        };
        self.is_the_tree(&history, &ns, &tree, Some((Since::birth(), &client))).await
    }
}
