//! Plans from seeds.

use super::{Access, Action, At, Crash, FaultSource, Instant, Plan, Profile, Range, Shape, Step, phrases};
use crate::draw::{Draw, Seed};
use crate::model::{Kind, Mode, When};

/// The plan that belongs to a seed.
pub fn generate(seed: Seed, profile: Profile) -> Plan {
    let mut draw = seed.draw("plan", &[]);
    let shape = Shape::draw(&mut draw);
    let len = draw.between(30, 220);
    let weights = profile.weights();
    let families = [
        (weights.files, Family::Files),
        (weights.history, Family::History),
        (weights.crashes, Family::Crashes),
        (weights.restarts, Family::Restarts),
        (weights.writers, Family::Writers),
        (weights.clocks, Family::Clocks),
        (weights.outages, Family::Outages),
    ];
    let taste = Taste::draw(&mut draw);
    let mut steps = Vec::new();
    for number in 0..len {
        let mut draw = seed.draw("step", &[number]);
        let actor = draw.below(shape.actors.into()) as u8;
        let actions = match draw.weighted(&families) {
            Family::Files if draw.chance(60) => phrases::phrase(&taste, &mut draw),
            Family::Files => vec![file_action(&taste, &mut draw)],
            Family::History => vec![history_action(&taste, &mut draw)],
            Family::Crashes => vec![crash_action(&mut draw)],
            Family::Restarts => vec![Action::Restart { elsewhere: draw.chance(200) }],
            Family::Writers => vec![Action::TakeOver { elsewhere: draw.chance(250) }],
            Family::Clocks => vec![Action::Jump { ms: jump(&mut draw) }],
            Family::Outages => vec![Action::Outage { ms: outage(&mut draw) }],
        };
        let pause_ms = *draw.weighted(&[(60, 0), (25, 7), (10, 130), (4, 1_300), (1, 20_000)]);
        // What belongs together is done without a pause.
        let pauses = std::iter::once(pause_ms).chain(std::iter::repeat(0));
        steps.extend(pauses.zip(actions).map(|(pause_ms, action)| Step { actor, pause_ms, action }));
    }
    Plan { seed, profile, shape, steps, faults: FaultSource::Drawn }
}

/// What one plan likes: so that plans differ, and some do hardly anything but one thing.
pub(super) struct Taste {
    /// How many names there are: few collide often, many make large directories.
    names: u64,
    /// How many of 1000 writes are of bytes that others write too.
    alike: u64,
    /// How often each kind of operation on files comes, beside its usual share.
    shares: [u64; KINDS],
}

/// Kinds of operations that a plan can like or dislike.
const KINDS: usize = 10;

impl Taste {
    fn draw(draw: &mut Draw) -> Self {
        Taste {
            names: *draw.weighted(&[(2, 5), (4, 14), (1, 60)]),
            alike: *draw.weighted(&[(3, 30), (1, 500)]),
            shares: std::array::from_fn(|_| *draw.weighted(&[(1, 0), (4, 2), (1, 8)])),
        }
    }

    /// A name.
    pub fn name(&self, draw: &mut Draw) -> u8 {
        draw.below(self.names) as u8
    }

    /// What a write is filled with.
    pub fn fill(&self, draw: &mut Draw) -> u8 {
        if draw.chance(self.alike) { draw.below(3) as u8 } else { draw.between(8, 255) as u8 }
    }
}

#[derive(Clone, Copy)]
enum Operation {
    Make,
    Link,
    Remove,
    Rename,
    Hold,
    Write,
    Size,
    Copy,
    Attribute,
    Xattr,
    Look,
    Durable,
}

fn outage(draw: &mut Draw) -> u64 {
    if draw.chance(100) { draw.between(60_000, 300_000) } else { draw.between(1, 30_000) }
}

#[derive(Clone, Copy)]
enum Family {
    Files,
    History,
    Crashes,
    Restarts,
    Writers,
    Clocks,
    Outages,
}

fn jump(draw: &mut Draw) -> i64 {
    let ms = draw.between(1, 120_000) as i64;
    if draw.chance(500) { -ms } else { ms }
}

fn crash_action(draw: &mut Draw) -> Action {
    let elsewhere = draw.chance(200);
    let when = match draw.below(8) {
        0 | 1 => Crash::Now,
        2..=4 => Crash::BeforeRequest(draw.below(12) as u8),
        _ => Crash::AfterRequest(draw.below(12) as u8),
    };
    Action::Crash { when, elsewhere }
}

fn history_action(taste: &Taste, draw: &mut Draw) -> Action {
    let target = |draw: &mut Draw| draw.word() as u16;
    let scope = draw.chance(450).then(|| target(draw));
    match draw.below(20) {
        0..=2 => Action::Checkpoint { name: draw.below(6) as u8 },
        3..=6 => Action::Undo { to: instant(draw), scope },
        7 => Action::UndoBurst,
        8..=10 => Action::Redo,
        11..=13 => {
            let copy_to = draw.chance(400).then(|| (target(draw), taste.name(draw)));
            Action::Restore { at: instant(draw), path: target(draw), copy_to }
        }
        14..=16 => Action::LookBack { at: instant(draw) },
        17 | 18 => Action::LookThrough { dir: target(draw), at: instant(draw) },
        _ => Action::ReadBeside,
    }
}

pub(super) fn instant(draw: &mut Draw) -> Instant {
    let which = draw.word() as u16;
    *draw.weighted(&[(5, Instant::Seq(which)), (3, Instant::Time(which)), (2, Instant::Checkpoint(which))])
}

pub(super) fn range(draw: &mut Draw) -> Range {
    let at = match draw.below(20) {
        0 => draw.between(1 << 30, 1 << 40),
        1 => u64::MAX >> draw.below(3),
        2..=9 => 4096 * draw.below(8),
        _ => draw.below(20_000),
    };
    let len = *draw.weighted(&[(1, 0), (4, 1), (6, 100), (4, 4096), (3, 12_288), (2, 40_000)]);
    Range { at, len: if draw.chance(500) { len } else { draw.below(u64::from(len) + 1) as u32 } }
}

fn file_action(taste: &Taste, draw: &mut Draw) -> Action {
    // Making things and writing to them has always a share, or there is nothing to do anything to.
    let [links, removes, renames, holds, writes, sizes, copies, attributes, xattrs, looks] = taste.shares;
    let kinds = [
        (12, Operation::Make),
        (4 * links, Operation::Link),
        (4 * removes, Operation::Remove),
        (5 * renames, Operation::Rename),
        (3 * holds, Operation::Hold),
        (6 + 6 * writes, Operation::Write),
        (4 * sizes, Operation::Size),
        (2 * copies, Operation::Copy),
        (2 * attributes, Operation::Attribute),
        (2 * xattrs, Operation::Xattr),
        (2 + 6 * looks, Operation::Look),
        (8, Operation::Durable),
    ];
    let target = |draw: &mut Draw| draw.word() as u16;
    let (file, inode, dir) = (target(draw), target(draw), directory(draw));
    match draw.weighted(&kinds) {
        Operation::Make => make(taste, draw, dir),
        Operation::Link => Action::Link { inode, dir, name: taste.name(draw) },
        Operation::Remove => Action::Remove { entry: file, wrong: draw.chance(50) },
        Operation::Rename => {
            let mode = *draw.weighted(&[(6, Mode::Replace), (1, Mode::NoReplace), (2, Mode::Exchange)]);
            Action::Rename { entry: file, dir, name: taste.name(draw), mode }
        }
        Operation::Hold if draw.chance(450) => Action::Close { handle: file },
        Operation::Hold => {
            let access = if draw.chance(250) { Access::Directory } else { Access::File };
            Action::Open { inode, access }
        }
        Operation::Write => {
            Action::Write { file, at: at(draw), len: range(draw).len, fill: taste.fill(draw) }
        }
        Operation::Size => size(draw, file),
        Operation::Copy => Action::Copy { from: file, range: range(draw), to: inode, to_at: range(draw).at },
        Operation::Attribute => attribute(draw, inode),
        Operation::Xattr if draw.chance(250) => Action::RemoveXattr { inode, name: draw.below(4) as u8 },
        Operation::Xattr => {
            let exists = *draw.weighted(&[(3, None), (1, Some(false)), (1, Some(true))]);
            let len = *draw.weighted(&[(1, 0), (5, 20), (1, 5_000)]);
            Action::SetXattr { inode, name: draw.below(4) as u8, len, exists }
        }
        Operation::Look => look(taste, draw, (file, inode, dir)),
        Operation::Durable if draw.chance(700) => Action::Fsync,
        Operation::Durable => Action::Status,
    }
}

/// A directory: often the newest, so that trees become deep.
fn directory(draw: &mut Draw) -> u16 {
    if draw.chance(300) { u16::MAX } else { draw.word() as u16 }
}

fn make(taste: &Taste, draw: &mut Draw, dir: u16) -> Action {
    let name = taste.name(draw);
    let kind = *draw.weighted(&[
        (10, Kind::File),
        (6, Kind::Directory),
        (2, Kind::Symlink),
        (1, Kind::Pipe),
        (1, Kind::Device),
    ]);
    match kind {
        Kind::File if draw.chance(80) => Action::CreateUnnamed { dir, mode: mode(draw) },
        Kind::File => Action::Create { dir, name, mode: mode(draw), open: draw.chance(300) },
        kind => Action::Make { dir, name, kind, mode: mode(draw) },
    }
}

fn size(draw: &mut Draw, file: u16) -> Action {
    match draw.below(7) {
        0..=2 => {
            let mode = draw.chance(200).then(|| mode(draw));
            Action::Resize { file, size: range(draw).at, mode }
        }
        3 | 4 => Action::Punch { file, range: range(draw) },
        5 => Action::Zero { file, range: range(draw) },
        _ => Action::Allocate { file, range: range(draw) },
    }
}

fn attribute(draw: &mut Draw, inode: u16) -> Action {
    match draw.below(4) {
        0 | 1 => Action::SetMode { inode, mode: mode(draw) },
        2 => Action::SetOwner { inode, uid: draw.below(4) as u8, gid: draw.below(4) as u8 },
        _ => Action::SetTimes { inode, atime: time(draw), mtime: time(draw) },
    }
}

fn look(taste: &Taste, draw: &mut Draw, (file, inode, dir): (u16, u16, u16)) -> Action {
    match draw.below(12) {
        0..=5 => Action::Read { file, range: range(draw) },
        6 => Action::Seek { file, from: range(draw).at },
        7 | 8 => Action::Stat { inode },
        9 => Action::Lookup { dir, name: taste.name(draw) },
        _ => Action::List { dir },
    }
}

fn at(draw: &mut Draw) -> At {
    match draw.below(4) {
        0 => At::Append,
        1 => At::Offset(range(draw).at),
        _ => At::Onward,
    }
}

fn mode(draw: &mut Draw) -> u16 {
    *draw.weighted(&[(6, 0o644), (4, 0o755), (1, 0o4755), (1, 0o2770), (1, 0o6711), (1, 0o1777), (1, 0)])
}

fn time(draw: &mut Draw) -> Option<When> {
    let at = draw.word() as i64;
    *draw.weighted(&[(1, None), (1, Some(When::Now)), (1, Some(When::At(at)))])
}
