//! Opening a volume: what the next writer finds must be a prefix of what the last one did.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use firn_clock::{Entropy, SeededEntropy, Timestamp};
use firn_journal::WriterIdentity;
use firn_materializer::volume::{OpenError, Volume};
use firn_mount::Fs;
use firn_store::Manifest;
use jiff::tz::TimeZone;

use super::World;
use super::excuse::{Passing, Since};
use super::life::{Life, empty_hands};
use crate::model::{Changes, Op, Tree, When, compare};
use crate::oracle::{Failure, Oracle};
use crate::plan::Profile;
use crate::store::{Client, CrashPoint, Faults};

/// Clients of the oracles have numbers from here on: they meet no faults.
pub const ORACLES: u32 = 1_000_000;

/// Between two attempts to open a volume that is in use, or out of reach.
const AGAIN: Duration = Duration::from_secs(7);
/// So many attempts are enough for any lease, outage and jump of the clock.
const ATTEMPTS: u32 = 150;

/// The name of a machine.
pub(super) fn host(machine: u32) -> String {
    format!("machine-{machine}")
}

/// How an attempt to open ended.
pub(super) enum Opened {
    /// Here is the writer.
    Born(Rc<Life>),
    /// Another writer is at work: the last that signed in, on this host.
    InUse(String),
    /// The store failed, or the machine died.
    Failed,
}

impl World {
    /// Makes the volume.
    pub(super) async fn found(&self) {
        let volume = match &self.recorded {
            Some(recorded) => recorded.volume().0,
            None => {
                let id = self.plan.seed.draw("volume", &[]).word().to_le_bytes();
                [id, id].concat().try_into().unwrap_or_default()
            }
        };
        let manifest = Manifest::new(volume, Timestamp(self.clock.now_ns()), self.plan.shape.block_size);
        let store: Arc<dyn object_store::ObjectStore> =
            self.bucket.client(ORACLES, Faults::listed(Vec::new()));
        firn_store::create_manifest(&store, &manifest).await.expect("no fault is met yet");
    }

    /// Opens the volume for writing, however long that takes, after `last`.
    pub(super) async fn open(&self, machine: u32, last: Option<&Rc<Life>>) -> Result<Rc<Life>, Failure> {
        for _ in 0..ATTEMPTS {
            match self.try_open(machine, last).await? {
                Opened::Born(life) => return Ok(life),
                Opened::InUse(_) => self.coverage.count("open", "in use"),
                Opened::Failed => self.coverage.count("open", "failed"),
            }
            tokio::time::sleep(AGAIN).await;
            self.has_failed()?;
        }
        Err(Oracle::Liveness.fails(format!("the volume could not be opened in {ATTEMPTS} attempts")))
    }

    /// One attempt.
    pub(super) async fn try_open(&self, machine: u32, last: Option<&Rc<Life>>) -> Result<Opened, Failure> {
        let number = self.clients.get();
        let client = self.client();
        self.dies_while_opening(&client, number);
        let identity = WriterIdentity {
            host: host(machine),
            machine: host(machine),
            // There is no such process: whoever looks on the same machine finds it dead.
            pid: 0x7000_0000 + number,
            started_ticks: 1,
            socket: None,
            mountpoint: None,
        };
        let entropy: Arc<dyn Entropy> =
            Arc::new(SeededEntropy::new(self.plan.seed.draw("entropy", &[number.into()]).word()));
        let clock = Arc::new(self.clock.clone());
        let opening = Volume::open(client.clone(), self.config(), identity, clock, entropy);
        let opened = tokio::select! {
            biased;
            () = client.died() => None,
            opened = opening => Some(opened),
        };
        match opened {
            Some(Ok(volume)) => Ok(Opened::Born(self.born(number, client, volume, machine, last).await?)),
            Some(Err(OpenError::InUse { age_s, host, .. })) => {
                self.note(format_args!(
                    "client {number} finds the volume in use, by {host}, seen {age_s} s ago"
                ));
                Ok(Opened::InUse(host))
            }
            Some(Err(error)) => {
                self.note(format_args!("client {number} cannot open: {error}"));
                self.lost_claims.set(self.lost_claims.get() + 1);
                let excused = error.is_passing() && Since::birth().has_failed_twice(&client);
                Oracle::Liveness
                    .holds(excused, || format!("opening failed, and the store did not: {error}"))?;
                client.kill();
                Ok(Opened::Failed)
            }
            None => {
                self.note(format_args!("client {number} dies while it opens"));
                self.coverage.count("crash", "while opening");
                self.lost_claims.set(self.lost_claims.get() + 1);
                Ok(Opened::Failed)
            }
        }
    }

    fn dies_while_opening(&self, client: &Client, number: u32) {
        let crashes = matches!(self.plan.profile, Profile::Crashes | Profile::Mixed | Profile::Writers);
        let mut draw = self.plan.seed.draw("dies while opening", &[number.into()]);
        if crashes && number > 0 && draw.chance(80) {
            let point = if draw.chance(500) { CrashPoint::BeforeEffect } else { CrashPoint::AfterEffect };
            client.crash_at(draw.below(40), point);
        }
    }

    /// A writer has opened the volume: is it what the last one left?
    async fn born(
        &self,
        number: u32,
        client: Arc<Client>,
        volume: Arc<Volume>,
        machine: u32,
        last: Option<&Rc<Life>>,
    ) -> Result<Rc<Life>, Failure> {
        let beginning = || {
            let beginning = self.beginning.borrow();
            (beginning.line.clone(), beginning.epoch)
        };
        let (mut line, turn) = last.map_or_else(beginning, |last| (last.line.borrow().clone(), last.epoch));
        let (claimed, tip) = volume.history().durable();
        let epoch = tip.epoch.0;
        let others = epoch - turn - 1;
        Oracle::Writer.holds(others <= self.lost_claims.get(), || {
            format!("turn {epoch} comes after {others} turns that nobody took")
        })?;
        self.lost_claims.set(0);
        // Each turn begins with an event of its own.
        let found = claimed.seq().0 - 1 - u64::from(others);
        self.note(format_args!("client {number} opens: turn {epoch}, found #{found}"));
        let tree = self.is_a_prefix(last, &line, found)?;
        line.cut(found);
        let mut tree = Tree { seq: claimed.seq().0, time: claimed.time().0, ..Tree::clone(&tree) };
        let (before, now) = (line.head().time, self.clock.now_ns());
        Oracle::Prefix.holds(
            tree.time > before && (tree.time <= now || tree.time <= before + 1 + i64::from(others)),
            || format!("the turn began at {}, after {before} and at {now}", tree.time),
        )?;
        push(&mut line, &tree, self.clock.elapsed_ms())?;
        if tree.node(1).ctime == 0 {
            let owner = Changes {
                uid: Some(0),
                gid: Some(0),
                atime: Some(When::Now),
                mtime: Some(When::Now),
                ..Changes::default()
            };
            // The root is a directory, whose attributes can be set.
            let _ = tree.set_attributes(now, 0, 1, owner);
            push(&mut line, &tree, self.clock.elapsed_ms())?;
        }
        for ino in tree.orphans() {
            tree.let_go(now, ino);
            push(&mut line, &tree, self.clock.elapsed_ms())?;
            self.coverage.count("orphan", "collected");
        }
        let life = Rc::new(Life {
            number,
            client,
            fs: Fs::live(volume.clone(), TimeZone::UTC),
            volume,
            machine,
            epoch,
            line: RefCell::new(line),
            held: RefCell::new(empty_hands(self.plan.shape.actors)),
            last_write: Cell::new(None),
            acked: Cell::new(claimed.seq().0),
            challenged: Cell::new(false),
            ended_at: Cell::new(None),
            over: Cell::new(false),
            retired: Cell::new(false),
            changes: Cell::new(0),
            died_ms: Cell::new(None),
            busy: Cell::new(0),
            tasks: RefCell::default(),
        });
        self.looks_right(&life).await?;
        Ok(life)
    }

    /// What the next writer found of the last one's history.
    fn is_a_prefix(
        &self,
        last: Option<&Rc<Life>>,
        line: &crate::model::Timeline,
        found: u64,
    ) -> Result<Rc<Tree>, Failure> {
        self.coverage.judged(Oracle::Prefix);
        let tree = line.at(found).cloned().ok_or_else(|| {
            let head = line.head().seq;
            Oracle::Prefix.fails(format!("#{found} is no instant of the history up to #{head}"))
        })?;
        let Some(last) = last else { return Ok(tree) };
        last.ended_at.set(Some(found));
        Oracle::Prefix.holds(last.acked.get() <= found, || {
            format!("#{} was acknowledged as durable, and the next writer finds #{found}", last.acked.get())
        })?;
        let lost = line.head().seq - found;
        self.coverage.add("lost", "operations at a crash", lost);
        self.was_not_due(last, line, found)?;
        Ok(tree)
    }

    /// What nobody waited for may be lost in a crash, but only what is younger than the commit interval.
    fn was_not_due(&self, last: &Life, line: &crate::model::Timeline, found: u64) -> Result<(), Failure> {
        let lost = line.records().iter().find(|record| record.tree.seq > found);
        let (Some(lost), Some(died_ms)) = (lost, last.died_ms.get()) else { return Ok(()) };
        if last.client.faults_met() + last.client.slow_met() > 0 || last.challenged.get() {
            self.coverage.count("skipped", "commit interval under faults");
            return Ok(());
        }
        self.coverage.judged(Oracle::Liveness);
        let age = died_ms.saturating_sub(lost.at_ms);
        let due = 2 * self.plan.shape.commit_ms + 1_000;
        Oracle::Liveness.holds(age <= due, || {
            format!(
                "#{} was lost {age} ms after it was made; the commit interval is {} ms",
                lost.tree.seq, self.plan.shape.commit_ms
            )
        })
    }

    async fn looks_right(&self, life: &Rc<Life>) -> Result<(), Failure> {
        let tree = life.tree();
        let ns = life.volume.current();
        compare::metadata(&ns, &tree)
            .map_err(|what| Oracle::Prefix.fails(format!("after opening: {what}")))?;
        let client = &life.client;
        tokio::select! {
            biased;
            () = client.died() => Ok(()),
            looked = self.is_the_tree(life.volume.history(), &ns, &tree, Some((Since::birth(), client))) => looked,
        }
    }
}

fn push(line: &mut crate::model::Timeline, tree: &Tree, at_ms: u64) -> Result<(), Failure> {
    line.push(tree.clone(), at_ms).map_err(|what| Oracle::Prefix.fails(what))?;
    line.label(Op::Quiet);
    line.seal();
    Ok(())
}
