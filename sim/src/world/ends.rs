//! How lives end: crashes, clean ends, and writers that are taken over.

use std::rc::Rc;
use std::time::Duration;

use firn_materializer::volume::VolumeError;

use super::World;
use super::birth::{Opened, host};
use super::life::{Life, caller, to_name};
use crate::model::{Body, Content};
use crate::oracle::{Failure, Oracle};
use crate::plan::{Action, Crash};
use crate::store::CrashPoint;

/// How long the actors may take for what they have begun, in virtual time.
const SETTLES: Duration = Duration::from_secs(600);

impl World {
    /// A step of the world. Answers the life that goes on.
    pub(super) async fn turn(self: Rc<Self>, life: Rc<Life>, action: &Action) -> Result<Rc<Life>, Failure> {
        self.coverage.count("step", action.label());
        self.note(format_args!("world {action:?}"));
        match *action {
            Action::Crash { when, elsewhere } => {
                self.elsewhere.set(elsewhere);
                let nth = life.client.requests();
                match when {
                    Crash::Now => {
                        life.client.kill();
                        return self.after_death(life).await;
                    }
                    Crash::BeforeRequest(n) => {
                        life.client.crash_at(nth + u64::from(n), CrashPoint::BeforeEffect);
                    }
                    Crash::AfterRequest(n) => {
                        life.client.crash_at(nth + u64::from(n), CrashPoint::AfterEffect);
                    }
                }
                Ok(life)
            }
            Action::Restart { elsewhere } => self.restart(life, elsewhere).await,
            Action::TakeOver { elsewhere } => self.take_over(life, elsewhere).await,
            Action::Jump { ms } => {
                self.jumped.set(true);
                self.clock.jump(ms);
                Ok(life)
            }
            Action::Outage { ms } => {
                self.bucket.set_unreachable_until(self.bucket.now_ms() + ms);
                Ok(life)
            }
            _ => Ok(life),
        }
    }

    /// The machine that the next writer runs on.
    fn next_machine(&self, life: &Life, elsewhere: bool) -> u32 {
        life.machine + u32::from(elsewhere)
    }

    /// The life's client is dead: nothing of it has an effect any more. The next one opens the volume.
    pub(super) async fn after_death(self: &Rc<Self>, life: Rc<Life>) -> Result<Rc<Life>, Failure> {
        life.over.set(true);
        life.client.kill();
        if life.died_ms.get().is_none() {
            life.died_ms.set(Some(self.clock.elapsed_ms()));
        }
        for task in life.tasks.borrow_mut().drain(..) {
            task.abort();
        }
        self.coverage.count("crash", "of a writer");
        self.note(format_args!("life {} died", life.number));
        let machine = self.next_machine(&life, self.elsewhere.replace(false));
        let next = self.open(machine, Some(&life)).await?;
        self.employ(&next);
        Ok(next)
    }

    /// Waits until the actors have done what they have begun. True if the life died meanwhile.
    async fn settled(&self, life: &Life) -> Result<bool, Failure> {
        life.retired.set(true);
        self.queued.notify_waiters();
        let deadline = tokio::time::Instant::now() + SETTLES;
        while life.busy.get() > 0 {
            if self.pause(life, 50).await? {
                return Ok(true);
            }
            Oracle::Liveness.holds(tokio::time::Instant::now() < deadline, || {
                format!("what was begun is not done after {} s", SETTLES.as_secs())
            })?;
        }
        Ok(life.client.is_dead())
    }

    /// Unmounts. `None` if the life died over it.
    pub(super) async fn end(&self, life: &Rc<Life>) -> Result<Option<()>, Failure> {
        if self.settled(life).await? {
            return Ok(None);
        }
        let seq = life.tree().seq;
        let closed = tokio::select! {
            biased;
            () = life.client.died() => return Ok(None),
            closed = life.volume.close() => closed,
        };
        life.over.set(true);
        match closed {
            Ok(()) => {}
            Err(VolumeError::Snapshot(what)) => Oracle::Outcome
                .holds(life.client.faults_met() > 0, || format!("closing wrote no snapshot file: {what}"))?,
            Err(error) => {
                life.may_fail(self, &format!("closing: {error}"))?;
                return Ok(Some(()));
            }
        }
        self.coverage.count("end", "clean");
        life.acknowledged(self, seq)?;
        // A process that has ended does nothing more.
        life.client.kill();
        Ok(Some(()))
    }

    async fn restart(self: Rc<Self>, life: Rc<Life>, elsewhere: bool) -> Result<Rc<Life>, Failure> {
        if self.end(&life).await?.is_none() {
            return self.after_death(life).await;
        }
        let next = self.open(self.next_machine(&life, elsewhere), Some(&life)).await?;
        self.employ(&next);
        Ok(next)
    }

    /// A second writer comes. From another machine it must be refused while the first shows that it lives.
    async fn take_over(self: Rc<Self>, life: Rc<Life>, elsewhere: bool) -> Result<Rc<Life>, Failure> {
        let machine = self.next_machine(&life, elsewhere);
        life.challenged.set(true);
        let next = match self.try_open(machine, Some(&life)).await? {
            Opened::Born(next) => next,
            Opened::InUse(by) => {
                // A sign of life from another machine that came late, over the last writer's, counts for a while.
                Oracle::Writer.holds(elsewhere || by != host(machine), || {
                    "a process that is gone is taken for a living one".into()
                })?;
                self.coverage.count("writer", "kept its volume");
                // It was refused before it touched the journal.
                life.challenged.set(self.lost_claims.get() > 0);
                return Ok(life);
            }
            // It may have taken the volume over before it failed; while the first shows that it lives, nobody from
            // elsewhere gets any further.
            Opened::Failed if elsewhere => return Ok(life),
            Opened::Failed => self.open(machine, Some(&life)).await?,
        };
        let faultless = life.client.faults_met() == 0 && !self.jumped.get() && !life.client.is_dead();
        if elsewhere && faultless {
            self.coverage.judged(Oracle::Writer);
            return Err(
                Oracle::Writer.fails("a living writer was taken over from another machine".to_owned())
            );
        }
        self.coverage.count("writer", "was taken over");
        life.retired.set(true);
        self.queued.notify_waiters();
        self.taken_over.borrow_mut().push(life.clone());
        // Some have nothing more to write.
        if self.plan.seed.draw("goes on", &[life.number.into()]).chance(700) {
            tokio::task::spawn_local(self.clone().goes_on(life));
        }
        self.employ(&next);
        Ok(next)
    }

    /// A writer that was taken over goes on working, until it finds out. It must not acknowledge anything more.
    async fn goes_on(self: Rc<Self>, life: Rc<Life>) {
        for round in 0..4u64 {
            tokio::time::sleep(Duration::from_millis(100 * round)).await;
            let name = format!("zombie-{round}").into_bytes();
            let real = || self.made(&life, &name);
            let body = Body::File(Content::default());
            let by = caller(0);
            let model = |tree: &mut crate::model::Tree, now| {
                tree.create(now, 1, &name, body, 0o644, (by.uid, by.gid))
            };
            let changed = match life.change(&self, real, model) {
                Ok(Some(_)) => life.fsync(&self).await,
                Ok(None) => return,
                Err(failure) => Err(failure),
            };
            if let Err(failure) = changed {
                let what = format!("a writer that was taken over: {}", failure.what);
                self.fail(Failure { what, ..failure });
                return;
            }
        }
    }

    fn made(&self, life: &Life, name: &[u8]) -> Result<(), firn_materializer::decide::Errno> {
        let new = firn_mount::fs::New { mode: 0o100_644, rdev: 0, target: None };
        life.fs.create(caller(0), 1, to_name(name), new).map(drop)
    }
}
