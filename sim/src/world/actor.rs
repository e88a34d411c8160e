//! Actors: each takes its steps from a queue, one after the other, while the others do the same.

use std::rc::Rc;

use super::World;
use super::life::Life;
use crate::model::{Changes, Kind, Tree};
use crate::oracle::{Failure, Oracle};
use crate::plan::{Action, Step};

const KEEP_SIZE: i32 = 1;
const PUNCH_HOLE: i32 = 2;
const ZERO_RANGE: i32 = 0x10;

impl World {
    /// Takes steps until the life is over.
    pub(super) async fn act(self: Rc<Self>, life: Rc<Life>, actor: u8) {
        loop {
            if life.over.get() || life.retired.get() {
                return;
            }
            let next = self.queues[usize::from(actor)].borrow_mut().pop_front();
            let Some(step) = next else {
                self.queued.notified().await;
                continue;
            };
            life.busy.set(life.busy.get() + 1);
            let done = self.perform(&life, &step).await;
            life.busy.set(life.busy.get() - 1);
            if life.client.is_dead() {
                // Nobody hears what a dead machine says.
                return;
            }
            match done {
                Ok(()) => self.note(format_args!("actor {actor} did {:?}", step.action)),
                Err(failure) => {
                    self.fail(Failure { what: format!("{:?}: {}", step.action, failure.what), ..failure });
                    return;
                }
            }
        }
    }

    async fn perform(&self, life: &Life, step: &Step) -> Result<(), Failure> {
        let before = self.coverage.total();
        let done = self.carry_out(life, step).await;
        // What did nothing was judged by nobody: there was nothing to do it to.
        let family = if self.coverage.total() > before { "step" } else { "nothing" };
        self.coverage.count(family, step.action.label());
        done
    }

    async fn carry_out(&self, life: &Life, step: &Step) -> Result<(), Failure> {
        if !life.fs.has_room() {
            self.coverage.count("wait", "for room");
            life.fs.room().await;
        }
        let actor = step.actor;
        match step.action.clone() {
            Action::Create { dir, name, mode, open } => {
                life.make(self, actor, (dir, name), (Kind::File, mode), open)
            }
            Action::CreateUnnamed { dir, mode } => life.make_unnamed(self, actor, dir, mode),
            Action::Make { dir, name, kind, mode } => {
                life.make(self, actor, (dir, name), (kind, mode), false)
            }
            Action::Link { inode, dir, name } => life.link(self, actor, inode, dir, name),
            Action::Remove { entry, wrong } => life.remove(self, actor, entry, wrong),
            Action::Rename { entry, dir, name, mode } => life.rename(self, actor, entry, (dir, name), mode),
            Action::Open { inode, access } => {
                self.coverage.count("held", "open");
                life.open(actor, inode, access)
            }
            Action::Close { handle } => life.close(self, actor, handle),
            Action::Write { file, at, len, fill } => life.write(self, actor, file, at, (len, fill)),
            Action::Resize { file, size, mode } => life.resize(self, actor, file, size, mode),
            Action::Punch { file, range } => {
                life.allocate(self, actor, (file, range), PUNCH_HOLE | KEEP_SIZE, Tree::punch)
            }
            Action::Zero { file, range } => life.allocate(self, actor, (file, range), ZERO_RANGE, Tree::zero),
            Action::Allocate { file, range } => life.allocate(self, actor, (file, range), 0, Tree::allocate),
            Action::Copy { from, range, to, to_at } => life.copy(self, actor, (from, range), (to, to_at)),
            Action::SetMode { .. } | Action::SetOwner { .. } | Action::SetTimes { .. } => {
                let Some((inode, changes)) = changes(&step.action) else { return Ok(()) };
                match super::life::pick(&life.tree().of_kind(None), inode) {
                    Some(ino) => life.set_attributes(self, actor, ino, changes),
                    None => Ok(()),
                }
            }
            Action::SetXattr { inode, name, len, exists } => {
                life.set_xattr(self, actor, inode, (name, len), exists)
            }
            Action::RemoveXattr { inode, name } => life.remove_xattr(self, actor, inode, name),
            Action::Read { file, range } => life.read(self, actor, file, range).await,
            Action::Seek { file, from } => life.seek(self, actor, file, from),
            Action::Stat { inode } => life.stat(self, inode),
            Action::Lookup { dir, name } => {
                match super::life::pick(&life.tree().of_kind(Some(Kind::Directory)), dir) {
                    Some(dir) => life.look_up(self, dir, &super::life::name(name)),
                    None => Ok(()),
                }
            }
            Action::List { dir } => life.list(self, actor, dir),
            Action::Fsync => life.fsync(self).await,
            Action::Status => life.asks_status(self),
            Action::Checkpoint { .. }
            | Action::Undo { .. }
            | Action::UndoBurst
            | Action::Redo
            | Action::Restore { .. }
            | Action::LookBack { .. }
            | Action::LookThrough { .. }
            | Action::ReadBeside => self.look_or_go_back(life, step).await,
            Action::Crash { .. }
            | Action::Restart { .. }
            | Action::TakeOver { .. }
            | Action::Jump { .. }
            | Action::Outage { .. } => Ok(()),
        }
    }
}

/// The attributes that a step sets.
fn changes(action: &Action) -> Option<(u16, Changes)> {
    let nothing = Changes::default();
    Some(match *action {
        Action::SetMode { inode, mode } => (inode, Changes { mode: Some(mode.into()), ..nothing }),
        Action::SetOwner { inode, uid, gid } => {
            (inode, Changes { uid: Some(uid.into()), gid: Some(gid.into()), ..nothing })
        }
        Action::SetTimes { inode, atime, mtime } => (inode, Changes { atime, mtime, ..nothing }),
        _ => return None,
    })
}

impl Life {
    /// Waits until all is durable, and holds the volume to its word.
    pub(super) async fn fsync(&self, world: &World) -> Result<(), Failure> {
        let seq = self.tree().seq;
        // Whoever waits looks at the present as an instant.
        self.seen();
        match self.fs.sync().await {
            Ok(()) => {
                world.note(format_args!("life {} acknowledges #{seq}", self.number));
                self.acknowledged(world, seq)
            }
            Err(errno) => self.may_fail(world, &format!("fsync says {errno}")),
        }
    }

    /// An error that only a writer that was fenced may give.
    pub(super) fn may_fail(&self, world: &World, what: &str) -> Result<(), Failure> {
        world.coverage.judged(Oracle::Writer);
        world.coverage.count("writer", "refused to acknowledge");
        Oracle::Writer.holds(self.challenged.get(), || format!("{what}, and no other writer came"))
    }

    /// What the volume says of itself.
    fn asks_status(&self, world: &World) -> Result<(), Failure> {
        let tree = self.tree();
        let status = self.volume.status();
        self.seen();
        if status.read_only.is_some() {
            return self.may_fail(world, "status says read-only");
        }
        world.coverage.judged(Oracle::Outcome);
        Oracle::Outcome.holds(
            status.head_seq.0 == tree.seq && status.pending_events == tree.seq - status.durable_seq.0,
            || format!("status at #{}: {status:?}", tree.seq),
        )?;
        let since = status.pending_since.map(|time| time.0);
        let first = self
            .line
            .borrow()
            .records()
            .iter()
            .map(|record| record.tree.clone())
            .find(|tree| tree.seq > status.durable_seq.0);
        let honest = match (since, first) {
            (None, None) => true,
            (Some(since), Some(first)) => since <= first.time,
            _ => false,
        };
        Oracle::Outcome
            .holds(honest, || format!("status at #{}: what waits, waits since {since:?}", tree.seq))?;
        Oracle::Outcome.holds(status.inodes == tree.nodes.len() as u64, || {
            format!("status counts {} inodes, there are {}", status.inodes, tree.nodes.len())
        })?;
        self.acknowledged(world, status.durable_seq.0)
    }
}
