use std::sync::Arc;

use firn_clock::Timestamp;
use firn_journal::{
    Actor, BlockRef, Epoch, Event, EventKind, Extent, Ino, Name, PackId, PlacedExtent, Seq, TransactionKind,
};
use firn_materializer::decide::{Command, Context, Decision, RenameMode, decide};
use firn_materializer::namespace::{Namespace, resets};

use crate::check;
use crate::model::{Body, Meta, Model, Node, Number, Path};
use crate::model_entries::New;
use crate::operations::{Index, Operation, Piece};

/// How many kinds of events the operations can lead to: all but `Mounted`.
pub const KINDS: usize = 20;

/// The namespace and the model, side by side.
#[derive(Default)]
pub struct Harness {
    ns: Namespace,
    model: Model,
    events: Vec<Event>,
    blocks: Vec<Vec<u8>>,
    views: Vec<(Namespace, Model)>,
    now: i64,
}

pub fn event(seq: u64, time: i64, kind: EventKind) -> Event {
    Event { seq: Seq(seq), time: Timestamp(time), actor: Arc::new(Actor::default()), kind }
}

pub fn began(count: u32) -> EventKind {
    EventKind::TransactionBegan { kind: TransactionKind::Undo, target: Seq::ZERO, count, path: None }
}

fn pick<T: Clone>(index: Index, among: &[T]) -> Option<T> {
    (!among.is_empty()).then(|| among[usize::from(index) % among.len()].clone())
}

fn name(index: Index) -> String {
    ["a", "b", "c", "d.txt", "\u{e9}", "f", "g", "h"][usize::from(index) % 8].to_owned()
}

fn split(path: &Path) -> (Path, String) {
    let (name, dir) = path.split_last().expect("an entry has a name");
    (dir.to_vec(), name.clone())
}

impl Harness {
    pub fn namespace(&self) -> &Namespace {
        &self.ns
    }

    /// The views in the order they were taken, the last state and all events.
    pub fn into_history(self) -> (Vec<Namespace>, Namespace, Vec<Event>) {
        (self.views.into_iter().map(|(view, _)| view).collect(), self.ns, self.events)
    }

    /// Both sides show the same tree.
    pub fn check(&self) {
        check::structure(&self.ns);
        check::same_tree(&self.ns, &self.model, &self.blocks);
    }

    fn ino(&self, path: &[String]) -> Ino {
        self.ns.resolve(path.join("/").as_bytes()).expect("what the model has exists")
    }

    fn apply(&mut self, time: i64, kind: EventKind) {
        let event = event(self.ns.seq().0 + 1, time, kind);
        if let Err(error) = self.ns.apply(&event) {
            panic!("{event:?} was decided and does not fit: {error}");
        }
        self.events.push(event);
    }

    fn execute_as(&mut self, uid: u32, command: Command) -> Result<Decision, Number> {
        let actor = Arc::new(Actor { uid, ..Actor::default() });
        let is_open = |ino: Ino| self.model.open.contains(&ino.0);
        let context = Context { now: Timestamp(self.now), actor: &actor, is_open: &is_open };
        let decision = decide(&self.ns, &command, &context).map_err(|errno| errno.0)?;
        for (time, kind) in (self.now..).zip(decision.events.clone()) {
            self.apply(time, kind);
        }
        Ok(decision)
    }

    fn execute(&mut self, command: Command) -> Result<Decision, Number> {
        self.execute_as(0, command)
    }

    pub fn perform(&mut self, operation: &Operation) {
        self.now += 10;
        match operation {
            Operation::Create { .. }
            | Operation::Link { .. }
            | Operation::Remove { .. }
            | Operation::RemoveName { .. }
            | Operation::Rename { .. }
            | Operation::RenameOnto { .. } => self.perform_on_entries(operation),
            Operation::Set { .. } | Operation::SetXattr { .. } => self.perform_on_attributes(operation),
            Operation::Open { .. }
            | Operation::Close { .. }
            | Operation::Checkpoint { .. }
            | Operation::Remember
            | Operation::Undo { .. } => self.perform_on_instants(operation),
            _ => self.perform_on_content(operation),
        }
        .unwrap_or_default();
    }

    /// `None`: there was nothing to do it to.
    fn perform_on_entries(&mut self, operation: &Operation) -> Option<()> {
        let (dirs, entries) = (self.model.dirs(), self.model.entries());
        match *operation {
            Operation::Create { dir, name: n, kind, mode, gid } => {
                self.create(&pick(dir, &dirs)?, &name(n), kind, mode, gid);
            }
            Operation::Link { entry, dir, name: n } => {
                let ((path, node), dir, name) = (pick(entry, &entries)?, pick(dir, &dirs)?, name(n));
                let (ino, parent) = (self.ino(&path), self.ino(&dir));
                let found = self.execute(Command::Link { ino, parent, name: name.as_str().into() });
                assert_eq!(found.map(|_| ()), self.model.link(&node, &dir, &name, self.now));
            }
            Operation::Remove { entry, is_open } => {
                let (path, node) = pick(entry, &entries)?;
                if is_open {
                    self.model.open.insert(self.model.id(&node));
                }
                let (dir, name) = split(&path);
                self.remove(&dir, &name, matches!(node, Node::Dir(_)));
            }
            Operation::RemoveName { dir, name: n, is_rmdir } => {
                self.remove(&pick(dir, &dirs)?, &name(n), is_rmdir)
            }
            Operation::Rename { entry, dir, name: n, mode } => {
                let from = split(&pick(entry, &entries)?.0);
                self.rename(from, (pick(dir, &dirs)?, name(n)), mode);
            }
            Operation::RenameOnto { entry, onto, mode } => {
                self.rename(split(&pick(entry, &entries)?.0), split(&pick(onto, &entries)?.0), mode);
            }
            _ => {}
        }
        Some(())
    }

    fn create(&mut self, dir: &Path, name: &str, kind: Index, mode: u32, gid: u32) {
        let (body, bits) = match kind % 8 {
            0..=2 => (None, 0o040_000),
            3..=5 => (Some(Body::File(Vec::new())), 0o100_000),
            6 => (Some(Body::Symlink(format!("../{name}/x"))), 0o120_000),
            _ if mode & 1 == 0 => (Some(Body::Fifo), 0o010_000),
            _ => (Some(Body::Device), 0o060_000),
        };
        let target = match &body {
            Some(Body::Symlink(target)) => Some(target.as_bytes().into()),
            _ => None,
        };
        let (parent, name_of) = (self.ino(dir), Name::from(name));
        let (mode_bits, uid, rdev) = (bits | mode, 7, 0x801);
        let found =
            self.execute(Command::Create { parent, name: name_of, mode: mode_bits, uid, gid, rdev, target });
        let meta = Meta { permissions: mode, uid, gid, rdev, ..Meta::default() };
        let expected = self.model.create(dir, name, New { body, meta }, self.now);
        assert_eq!(found.map(|decision| decision.ino), expected.map(|()| Some(Ino(self.model.next - 1))));
    }

    fn remove(&mut self, dir: &Path, name: &str, is_rmdir: bool) {
        let (parent, name_of) = (self.ino(dir), Name::from(name));
        let found = self.execute(match is_rmdir {
            true => Command::Rmdir { parent, name: name_of },
            false => Command::Unlink { parent, name: name_of },
        });
        assert_eq!(found.map(|_| ()), self.model.remove(dir, name, is_rmdir, self.now));
    }

    fn rename(&mut self, (dir, name): (Path, String), (new_dir, new_name): (Path, String), mode: RenameMode) {
        let (parent, new_parent) = (self.ino(&dir), self.ino(&new_dir));
        let names = (name.as_str().into(), new_name.as_str().into());
        let found =
            self.execute(Command::Rename { parent, name: names.0, new_parent, new_name: names.1, mode });
        let expected = self.model.rename((&dir, &name), (&new_dir, &new_name), mode, self.now);
        assert_eq!(found.map(|_| ()), expected);
    }

    fn perform_on_content(&mut self, operation: &Operation) -> Option<()> {
        let now = self.now;
        // Whatever is not a directory, by a name or by being held open.
        let leaves: Vec<u64> = self.model.leaves.keys().copied().collect();
        match *operation {
            Operation::Write { file, offset, ref pieces } => {
                let (id, offset) = (pick(file, &leaves)?, u64::from(offset));
                let (data, extents) = self.stage(offset, pieces);
                let len = data.len() as u64;
                let found = self.execute(Command::Write { ino: Ino(id), offset, len, extents });
                assert_eq!(found.map(|_| ()), self.model.write(id, offset as usize, &data, now));
            }
            Operation::Truncate { file, size } => {
                let id = pick(file, &leaves)?;
                let found = self.execute(Command::Truncate { ino: Ino(id), size: u64::from(size) });
                assert_eq!(found.map(|_| ()), self.model.truncate(id, usize::from(size), now));
            }
            Operation::Punch { file, offset, len } => {
                let id = pick(file, &leaves)?;
                let command = Command::Punch { ino: Ino(id), offset: offset.into(), len: len.into() };
                let found = self.execute(command);
                assert_eq!(found.map(|_| ()), self.model.punch(id, offset.into(), len.into(), now));
            }
            Operation::Zero { file, offset, len } => {
                let id = pick(file, &leaves)?;
                let command = Command::Zero { ino: Ino(id), offset: offset.into(), len: len.into() };
                let found = self.execute(command);
                assert_eq!(found.map(|_| ()), self.model.zero(id, offset.into(), len.into(), now));
            }
            Operation::Allocate { file, offset, len } => {
                let id = pick(file, &leaves)?;
                let command = Command::Allocate { ino: Ino(id), offset: offset.into(), len: len.into() };
                let found = self.execute(command);
                assert_eq!(found.map(|_| ()), self.model.allocate(id, offset.into(), len.into(), now));
            }
            Operation::Copy { from, from_offset, to, to_offset, len } => {
                let (from, to) = (pick(from, &leaves)?, pick(to, &leaves)?);
                let found = self.execute(Command::CopyRange {
                    from: Ino(from),
                    from_offset: from_offset.into(),
                    to: Ino(to),
                    to_offset: to_offset.into(),
                    len: len.into(),
                });
                let expected =
                    self.model.copy((from, from_offset.into()), (to, to_offset.into()), len.into(), now);
                assert_eq!(found.map(|decision| decision.copied), expected);
            }
            _ => {}
        }
        Some(())
    }

    /// Blocks for the pieces, the bytes that a reader is to see, and extents that say so.
    fn stage(&mut self, offset: u64, pieces: &[Piece]) -> (Vec<Option<u8>>, Vec<PlacedExtent>) {
        let (mut data, mut extents) = (Vec::new(), Vec::new());
        for piece in pieces {
            data.resize(data.len() + usize::from(piece.hole), None);
            let slot = self.blocks.len() as u32;
            let block: Vec<u8> = (0..piece.skip + piece.len + 3)
                .map(|at| at.wrapping_add((slot as u8).wrapping_mul(37)))
                .collect();
            let extent = Extent {
                len: piece.len.into(),
                skip: piece.skip.into(),
                block: BlockRef { pack: PackId { epoch: Epoch(1), number: 0 }, slot },
            };
            extents.push(PlacedExtent { offset: offset + data.len() as u64, extent });
            let used = usize::from(piece.skip)..usize::from(piece.skip + piece.len);
            data.extend(block[used].iter().copied().map(Some));
            self.blocks.push(block);
        }
        (data, extents)
    }

    fn perform_on_attributes(&mut self, operation: &Operation) -> Option<()> {
        let mut entries = self.model.entries();
        entries.push((Path::new(), Node::Dir(self.model.root.clone())));
        match operation {
            Operation::Set { entry, changes, uid } => {
                let (path, node) = pick(*entry, &entries)?;
                let command = Command::SetAttributes { ino: self.ino(&path), changes: *changes };
                let found = self.execute_as(*uid, command);
                assert_eq!(found.map(|_| ()), self.model.set(&path, &node, changes, *uid, self.now));
            }
            Operation::SetXattr { entry, name: n, value, mode } => {
                let ((path, node), name) = (pick(*entry, &entries)?, format!("user.{n}"));
                let (ino, name_of) = (self.ino(&path), Name::from(name.as_str()));
                let found = self.execute(match value {
                    Some(value) => {
                        Command::SetXattr { ino, name: name_of, value: value.as_slice().into(), mode: *mode }
                    }
                    None => Command::RemoveXattr { ino, name: name_of },
                });
                let expected = self.model.set_xattr((&path, &node), &name, value.as_deref(), *mode, self.now);
                assert_eq!(found.map(|_| ()), expected);
            }
            _ => {}
        }
        Some(())
    }

    fn perform_on_instants(&mut self, operation: &Operation) -> Option<()> {
        match *operation {
            Operation::Open { entry } => {
                let (_, node) = pick(entry, &self.model.entries())?;
                self.model.open.insert(self.model.id(&node));
            }
            Operation::Close { open: close } => {
                let open: Vec<u64> = self.model.open.iter().copied().collect();
                let id = pick(close, &open)?;
                self.model.open.remove(&id);
                self.model.sweep();
                self.execute(Command::Evict { ino: Ino(id) }).unwrap();
            }
            Operation::Checkpoint { name: n } => {
                let command = Command::Checkpoint { name: name(n), message: String::new() };
                self.execute(command).unwrap();
                self.model.checkpoints.insert(name(n), self.ns.seq().0);
            }
            Operation::Remember => self.views.push((self.ns.clone(), self.model.clone())),
            Operation::Undo { view } => {
                let last = &self.views[self.views.len().saturating_sub(4)..];
                let (then, model) = pick(view, last)?;
                self.undo(&then);
                self.model.go_back(&model);
            }
            _ => {}
        }
        Some(())
    }

    fn undo(&mut self, then: &Namespace) {
        let next = self.ns.next_ino();
        let effects = resets(&self.ns, then);
        self.apply(self.now, began(effects.len() as u32));
        for effect in effects {
            self.apply(self.now, effect);
        }
        assert_eq!(self.ns.transaction_left(), 0);
        assert_eq!(self.ns.next_ino(), next);
        assert_eq!(resets(&self.ns, then), []);
    }
}

pub fn kind_name(kind: &EventKind) -> &'static str {
    match kind {
        EventKind::Mounted { .. } => "Mounted",
        EventKind::Checkpointed { .. } => "Checkpointed",
        EventKind::TransactionBegan { .. } => "TransactionBegan",
        EventKind::Created { .. } => "Created",
        EventKind::Linked { .. } => "Linked",
        EventKind::Unlinked { .. } => "Unlinked",
        EventKind::Renamed { .. } => "Renamed",
        EventKind::Exchanged { .. } => "Exchanged",
        EventKind::Evicted { .. } => "Evicted",
        EventKind::AttributesSet { .. } => "AttributesSet",
        EventKind::XattrSet { .. } => "XattrSet",
        EventKind::XattrRemoved { .. } => "XattrRemoved",
        EventKind::Written { .. } => "Written",
        EventKind::Truncated { .. } => "Truncated",
        EventKind::InodePut { .. } => "InodePut",
        EventKind::InodeDropped { .. } => "InodeDropped",
        EventKind::DirentPut { .. } => "DirentPut",
        EventKind::DirentDropped { .. } => "DirentDropped",
        EventKind::ExtentsPut { .. } => "ExtentsPut",
        EventKind::XattrPut { .. } => "XattrPut",
        EventKind::XattrDropped { .. } => "XattrDropped",
    }
}
