//! The load of one round, and the kill in it.

use std::process::Child;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use firn_clock::{Clock, SystemClock};

use super::book::{Book, Pending, Stop};
use super::call::Call;
use super::firn::Firn;
use super::load::{Drawn, Load};
use super::moments::Moment;
use super::pause;
use super::workers::{News, Order, Ticks, work};
use crate::draw::Draw;
use crate::model::Tree;
use crate::oracle::Oracle;

/// Threads that call at once, each with a lane of its own; the lane after theirs is shared.
pub const WORKERS: usize = 3;
/// The longest load, in milliseconds.
const LONGEST_MS: u64 = 1_200;

/// Checkpoints of one load: each is looked at from then on.
const MOST_CHECKPOINTS: usize = 2;

/// What a round is.
#[derive(Clone, Copy)]
pub struct Round {
    /// Its number.
    pub number: u64,
    /// When it kills.
    pub moment: Moment,
    /// Whom.
    pub pid: u32,
    /// The caller: user and group.
    pub by: (u32, u32),
}

/// Loads the mount and kills its process. Whether it was killed, or had ended already.
///
/// # Errors
/// What does not hold.
pub fn until_killed(firn: &Firn, ticks: &Ticks, book: &mut Book, round: Round) -> Result<bool, Stop> {
    std::thread::scope(|scope| {
        let (tell, news) = channel();
        let orders = (0..WORKERS).map(|number| {
            let (give, take) = channel();
            let tell = tell.clone();
            scope.spawn(move || work(number, firn, ticks, &take, &tell));
            give
        });
        let draw = book.seed.draw("shift", &[round.number]);
        let orders = orders.collect();
        let pending = std::array::from_fn(|_| None);
        Shift { firn, ticks, book, round, draw, orders, news, pending, given: 0, killed: false }.work()
    })
}

struct Shift<'a> {
    firn: &'a Firn,
    ticks: &'a Ticks,
    book: &'a mut Book,
    round: Round,
    draw: Draw,
    orders: Vec<Sender<Order>>,
    news: Receiver<News>,
    pending: [Option<Pending>; WORKERS],
    /// Calls so far.
    given: u64,
    killed: bool,
}

/// What a thread has told.
#[derive(PartialEq)]
enum Heard {
    Asks(&'static str),
    Done,
    /// Not in time.
    Nothing,
}

impl Shift<'_> {
    fn work(mut self) -> Result<bool, Stop> {
        let time = Duration::from_millis(self.draw.between(20, LONGEST_MS));
        self.load(time)?;
        let was_there = match self.round.moment {
            Moment::Load | Moment::Mount => self.kill()?,
            Moment::Fsync => self.kill_in("fsync")?,
            Moment::Acknowledged => self.kill_at_answer()?,
            Moment::Checkpoint => self.kill_in("checkpoint")?,
            Moment::Umount => self.rest().and_then(|()| self.kill_in_umount())?,
            Moment::Undo => self.rest().and_then(|()| self.kill_in_undo())?,
        };
        self.rest()?;
        Ok(was_there)
    }

    /// Waits until no call is under way.
    fn rest(&mut self) -> Result<(), Stop> {
        while self.pending.iter().any(Option::is_some) {
            self.hear(None)?;
        }
        Ok(())
    }

    /// Everybody who has nothing to do gets something.
    fn give_all(&mut self) -> Result<(), Stop> {
        for worker in 0..WORKERS {
            if self.pending[worker].is_none() {
                let drawn = self.drawn(worker);
                self.give(worker, drawn)?;
            }
        }
        Ok(())
    }

    fn give(&mut self, worker: usize, drawn: Drawn) -> Result<(), Stop> {
        let (order, pending) = self.book.order(drawn);
        self.pending[worker] = Some(pending);
        self.orders[worker]
            .send(order)
            .map_err(|_| "a thread of the load has ended; please report this".to_owned())?;
        Ok(())
    }

    fn drawn(&mut self, worker: usize) -> Drawn {
        self.given += 1;
        let mut draw = self.book.seed.draw("call", &[self.round.number, worker as u64, self.given]);
        if self.book.fresh.len() < MOST_CHECKPOINTS && draw.chance(1) {
            return self.checkpoint();
        }
        let is_free = !self.pending.iter().flatten().any(|pending| pending.changes(WORKERS));
        let lane = if is_free && draw.chance(150) { WORKERS } else { worker };
        let shared = (is_free && lane != WORKERS).then_some(WORKERS);
        Load::new(&self.book.lanes, (lane, shared), self.round.by, &mut draw).next()
    }

    fn checkpoint(&mut self) -> Drawn {
        let name = format!("c{}", self.book.number());
        Drawn { call: Call::Checkpoint { name }, after: Vec::new(), expected: Ok(()) }
    }

    /// Keeps everybody at work for so long.
    fn load(&mut self, time: Duration) -> Result<(), Stop> {
        let began = SystemClock.now();
        loop {
            self.give_all()?;
            let left = time.saturating_sub(SystemClock.now().since(began));
            if self.hear(Some(left))? == Heard::Nothing {
                return Ok(());
            }
        }
    }

    /// Hears one piece of news; waits for it so long, or until there is one.
    fn hear(&mut self, longest: Option<Duration>) -> Result<Heard, Stop> {
        let heard = match longest {
            Some(longest) => self.news.recv_timeout(longest),
            None => self.news.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match heard {
            Ok(News::Asks(what)) => Ok(Heard::Asks(what)),
            Ok(News::Done(worker, answer)) => {
                if let Some(pending) = self.pending[worker].take() {
                    self.book.took(pending, answer, self.killed)?;
                }
                Ok(Heard::Done)
            }
            Err(RecvTimeoutError::Timeout) => Ok(Heard::Nothing),
            Err(RecvTimeoutError::Disconnected) => {
                Err(Stop::Broken("the threads of the load have ended; please report this".into()))
            }
        }
    }

    fn kill(&mut self) -> Result<bool, Stop> {
        self.killed = true;
        Ok(self.firn.kill(self.round.pid)?)
    }

    /// Somewhere within what takes about so long.
    fn delay(&mut self) -> Duration {
        Duration::from_micros(self.draw.below(1_000 * self.round.moment.delay_ms() + 1))
    }

    /// Has somebody ask for this, and kills while it is answered.
    fn kill_in(&mut self, what: &'static str) -> Result<bool, Stop> {
        let worker = self.who_is_free()?;
        let drawn = if what == "checkpoint" { self.checkpoint() } else { self.fsync(worker) };
        self.give(worker, drawn)?;
        while self.hear(None)? != Heard::Asks(what) {}
        let delay = self.delay();
        self.load(delay)?;
        self.kill()
    }

    /// Has somebody ask for an fsync, and kills when it is answered: what is acknowledged is stored already.
    fn kill_at_answer(&mut self) -> Result<bool, Stop> {
        let worker = self.who_is_free()?;
        let drawn = self.fsync(worker);
        self.give(worker, drawn)?;
        while self.pending[worker].is_some() {
            self.give_all()?;
            self.hear(None)?;
        }
        self.kill()
    }

    /// Waits until somebody has nothing to do.
    fn who_is_free(&mut self) -> Result<usize, Stop> {
        loop {
            if let Some(free) = self.pending.iter().position(Option::is_none) {
                return Ok(free);
            }
            self.hear(None)?;
        }
    }

    fn fsync(&self, worker: usize) -> Drawn {
        let path = self.book.lanes[worker].path(b"");
        Drawn { call: Call::Fsync { path }, after: Vec::new(), expected: Ok(()) }
    }

    fn kill_in_umount(&mut self) -> Result<bool, Stop> {
        let dir = self.firn.dir.display().to_string();
        let start = self.ticks.next();
        let arguments = ["umount", dir.as_str()];
        let mut client = self.firn.begin(&arguments)?;
        pause(self.delay());
        self.must_not_have_failed(&arguments, &mut client)?;
        let was_there = self.kill()?;
        // It is no acknowledgement that a mount was found dead.
        let ended = self.firn.answer(&arguments, client);
        if ended.is_ok_and(|told| told.iter().any(|told| told["was_dead"] == false)) {
            self.book.acknowledge(start);
        }
        Ok(was_there)
    }

    /// Goes back to an instant that is known, in all lanes at once.
    fn kill_in_undo(&mut self) -> Result<bool, Stop> {
        let count = self.book.instants.len() as u64;
        if count == 0 {
            return self.kill();
        }
        let instant = &self.book.instants[self.draw.below(count) as usize];
        let back = |(lane, past): (usize, &std::rc::Rc<Tree>)| {
            let mut tree = (**self.book.lanes[lane].head()).clone();
            tree.tick(0);
            tree.next = tree.next.max(past.next);
            tree.nodes = past.nodes.clone();
            (lane, tree)
        };
        let after = instant.trees.iter().enumerate().map(back).collect();
        let target = format!("@{}", instant.name);
        let arguments = ["undo", "--to", &target];
        let start = self.ticks.next();
        let mut client = self.firn.begin_inside(&arguments)?;
        let waits = self.draw.chance(300);
        if waits {
            let told = self.firn.answer(&arguments, client).map_err(|what| Oracle::Undo.fails(what));
            self.book.tally.judged(Oracle::Undo);
            told?;
            self.book.did(after, start, Some(self.ticks.next()))?;
            let asked = self.ticks.next();
            if self.draw.chance(500) {
                super::call::sync(&self.firn.dir)
                    .map_err(|error| format!("fsync of the mount point: {error}"))?;
                self.book.acknowledge(asked);
            }
            return self.kill();
        }
        pause(self.delay());
        self.must_not_have_failed(&arguments, &mut client)?;
        let was_there = self.kill()?;
        let finish = self.firn.answer(&arguments, client).is_ok().then(|| self.ticks.next());
        self.book.did(after, start, finish)?;
        Ok(was_there)
    }

    /// # Errors
    /// If a command has ended by itself, and not well.
    fn must_not_have_failed(&self, arguments: &[&str], client: &mut Child) -> Result<(), Stop> {
        let ended = client.try_wait().map_err(|error| format!("firn {}: {error}", arguments[0]))?;
        match ended {
            Some(status) if !status.success() => {
                let what = format!("firn {} failed while its mount was alive: {status}", arguments.join(" "));
                Err(Oracle::Outcome.fails(what).into())
            }
            _ => Ok(()),
        }
    }
}
