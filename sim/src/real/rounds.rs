use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use firn_clock::{Clock, SystemClock};
use rustix::fs::Mode;

use super::book::{Book, Stop};
use super::firn::Firn;
use super::judge::{judge, look_back};
use super::lane::Lane;
use super::moments::Moment;
use super::shift::{Round, WORKERS, until_killed};
use super::workers::Ticks;
use super::{call, pause};
use crate::draw::Seed;
use crate::model::Tree;
use crate::oracle::{Coverage, Failure, Oracle};

/// What is to be done.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The program.
    pub firn: PathBuf,
    /// Where the volume will be; nothing may be there.
    pub volume: String,
    /// Kills under load.
    pub rounds: u64,
    /// What everything is drawn from.
    pub seed: Seed,
    /// A directory for the mount point, and for what the program keeps on this machine.
    pub scratch: PathBuf,
}

/// How it went.
#[derive(Debug)]
pub struct Outcome {
    /// What does not hold.
    pub failure: Option<Failure>,
    /// What really happened, and how often.
    pub counts: BTreeMap<String, u64>,
}

/// How long changes wait at most: short ones make many small groups.
const INTERVALS: [(u64, &str); 3] = [(2, "1s"), (1, "300ms"), (1, "60ms")];
/// Instants of all rounds that are looked at again at the end.
const LAST_LOOKS: usize = 25;
/// Kills, one after the other, of mounts that are coming up.
const KILLS_OF_MOUNTS: u64 = 2;

/// Kills a mount again and again.
///
/// # Errors
/// What does not work that the test needs.
pub fn kill(settings: &Settings, mut tell: impl FnMut(String)) -> Result<Outcome, String> {
    // The modes of what is made are the model's, whatever the caller's mask.
    rustix::process::umask(Mode::WGRP | Mode::WOTH);
    let by = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    let firn = Firn::new(&settings.firn, &settings.volume, &settings.scratch)?;
    firn.ask(&["init", &firn.url, "--block-size", "64K"])?;
    let lane = |number: usize| Lane::new(format!("lane-{number}"), empty(by));
    let mut rounds = Rounds {
        book: Book {
            seed: settings.seed,
            lanes: (0..=WORKERS).map(lane).collect::<Result<_, _>>()?,
            acknowledged: 0,
            fresh: Vec::new(),
            instants: Vec::new(),
            tally: Coverage::default(),
            next: 0,
        },
        ticks: Ticks::default(),
        firn,
        by,
        mount_takes: Duration::ZERO,
    };
    let failure = match rounds.play(settings.rounds, &mut tell) {
        Ok(()) => None,
        Err(Stop::Found(failure)) => Some(failure),
        Err(Stop::Broken(problem)) => return Err(problem),
    };
    Ok(Outcome { failure, counts: rounds.book.tally.counts() })
}

/// A directory that was just made.
fn empty((uid, gid): (u32, u32)) -> Tree {
    let mut tree = Tree::default();
    tree.tick(0);
    for node in tree.nodes.values_mut() {
        let node = std::rc::Rc::make_mut(node);
        (node.uid, node.gid) = (uid, gid);
    }
    tree
}

struct Rounds {
    firn: Firn,
    ticks: Ticks,
    book: Book,
    by: (u32, u32),
    mount_takes: Duration,
}

impl Rounds {
    fn play(&mut self, rounds: u64, tell: &mut impl FnMut(String)) -> Result<(), Stop> {
        let mut pid = self.mount(0)?;
        for lane in &self.book.lanes {
            let path = self.firn.dir.join(&lane.name);
            std::fs::create_dir(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        }
        call::sync(&self.firn.dir).map_err(|error| format!("fsync of the mount point: {error}"))?;
        judge(&self.firn, &mut self.book, 0)?;
        let (mut number, mut killed) = (0, 0);
        while killed < rounds {
            let moment = Moment::of(number, &mut self.book.seed.draw("moment", &[number]));
            number += 1;
            let round = Round { number, moment, pid, by: self.by };
            let in_time = until_killed(&self.firn, &self.ticks, &mut self.book, round)?;
            killed += u64::from(in_time);
            self.book.tally.count(if in_time { "kill" } else { "too late to kill" }, moment.name());
            if moment == Moment::Mount {
                self.kill_mounts(number)?;
            }
            pid = self.mount(number)?;
            judge(&self.firn, &mut self.book, number)?;
            tell(format!("{killed} of {rounds}: {}, {} instants", moment.name(), self.book.instants.len()));
        }
        self.finish(pid)
    }

    fn interval(&self, number: u64) -> &'static str {
        self.book.seed.draw("interval", &[number]).weighted::<&str>(&INTERVALS)
    }

    /// Mounts, at the first try: that the writer before is dead is seen at once on the same machine.
    fn mount(&mut self, number: u64) -> Result<u32, Stop> {
        if self.book.seed.draw("forget", &[number]).chance(150) {
            // Every local file may be deleted while nothing is mounted. It may not be there yet.
            let _ = std::fs::remove_dir_all(self.firn.cache());
        }
        let began = SystemClock.now();
        let pid = self.firn.mount(self.interval(number)).map_err(|what| Oracle::Writer.fails(what))?;
        self.mount_takes = SystemClock.now().since(began);
        self.book.tally.judged(Oracle::Writer);
        let mounts = self.firn.mounts()?;
        Oracle::Writer.holds(mounts == 1, || format!("{mounts} mounts are there after mounting once"))?;
        Ok(pid)
    }

    fn kill_mounts(&mut self, number: u64) -> Result<(), Stop> {
        for time in 0..KILLS_OF_MOUNTS {
            let arguments = self.firn.mount_arguments(self.interval(number))?;
            let arguments = [arguments.as_slice(), &["--foreground"]].concat();
            let mut child = self.firn.begin(&arguments)?;
            let mut draw = self.book.seed.draw("kill mount", &[number, time]);
            pause(Duration::from_micros(draw.below(self.mount_takes.as_micros() as u64 + 1)));
            let ended = child.try_wait().map_err(|error| format!("firn mount: {error}"))?;
            let was_there = self.firn.kill(child.id())?;
            let told = self.firn.answer(&arguments, child);
            if ended.is_some() || !was_there {
                return Err(Oracle::Writer.fails(format!("a mount ended by itself: {told:?}")).into());
            }
            self.book.tally.count("kill", "while mounting");
        }
        Ok(())
    }

    /// Everything is durable, every instant is there, nothing stays mounted, and verify has nothing to say.
    fn finish(&mut self, pid: u32) -> Result<(), Stop> {
        let known = self.book.instants.len();
        for instant in (0..known).step_by(known / LAST_LOOKS + 1) {
            look_back(&self.firn, &self.book, instant, instant % 2 == 0)?;
        }
        call::sync(&self.firn.dir).map_err(|error| format!("fsync of the mount point: {error}"))?;
        let dir = self.firn.dir.display().to_string();
        self.is_durable(&dir)?;
        self.firn.ask(&["umount", &dir])?;
        let (mounts, ended) = (self.firn.mounts()?, self.firn.has_ended(pid));
        Oracle::Writer.holds(mounts == 0 && ended, || {
            format!("after umount {mounts} mounts are there; the process has ended: {ended}")
        })?;
        let url = self.firn.url.clone();
        self.is_durable(&url)?;
        self.book.tally.judged(Oracle::Damage);
        self.firn.ask(&["verify", &url]).map_err(|what| Oracle::Damage.fails(what))?;
        Ok(())
    }

    fn is_durable(&self, what: &str) -> Result<(), Stop> {
        self.book.tally.judged(Oracle::Liveness);
        let told = self.firn.ask(&["status", what])?;
        let status = told.first().ok_or_else(|| "firn status answered nothing".to_owned())?;
        let holds = status["pending_events"] == 0
            && status["pending_bytes"] == 0
            && status["head_seq"].is_u64()
            && status["head_seq"] == status["durable_seq"];
        Oracle::Liveness.holds(holds, || format!("after an fsync not everything is durable: {status}"))?;
        Ok(())
    }
}
