//! One life of a writer: from opening a volume to its end, clean or not.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use firn_journal::Name;
use firn_materializer::decide::Errno;
use firn_materializer::volume::Volume;
use firn_mount::Fs;
use firn_mount::fs::{Caller, Located, Node};
use tokio::task::JoinHandle;

use super::World;
use crate::model::{Number, Timeline, Tree, compare};
use crate::oracle::{Failure, Oracle};
use crate::store::Client;

/// Something that an actor holds open.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Held {
    /// The inode.
    pub ino: u64,
    /// The number that the mount knows it by.
    pub handle: u64,
    /// Whether it is a directory.
    pub directory: bool,
}

/// Where an actor's last write ended.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct LastWrite {
    /// Who wrote.
    pub actor: u8,
    /// To which file.
    pub ino: u64,
    /// Up to where.
    pub end: u64,
}

/// A writer at work, and what its history must be.
pub struct Life {
    /// The number of its client of the store.
    pub number: u32,
    /// Its client of the store.
    pub client: Arc<Client>,
    /// The volume.
    pub volume: Arc<Volume>,
    /// The volume as a mounted tree.
    pub fs: Fs,
    /// Which machine it runs on.
    pub machine: u32,
    /// What its history must be.
    pub line: RefCell<Timeline>,
    /// What each actor holds open.
    pub held: RefCell<Vec<Vec<Held>>>,
    /// The last change, if it was a write: it may grow.
    pub last_write: Cell<Option<LastWrite>>,
    /// Up to where it has said that everything is durable.
    pub acked: Cell<u64>,
    /// Another writer has come: from now on this one may find itself fenced.
    pub challenged: Cell<bool>,
    /// The last of its events that the next writer found in the journal.
    pub ended_at: Cell<Option<u64>>,
    /// Nothing more is done with it.
    pub over: Cell<bool>,
    /// It takes no new steps.
    pub retired: Cell<bool>,
    /// Changes that were made.
    pub changes: Cell<u64>,
    /// The writer's turn.
    pub epoch: u32,
    /// When it died, in virtual milliseconds.
    pub died_ms: Cell<Option<u64>>,
    /// Steps that are being done.
    pub busy: Cell<u32>,
    /// Its actors.
    pub tasks: RefCell<Vec<JoinHandle<()>>>,
}

/// What the volume and the model say of a change, or an error that both give. `None` if the volume takes no
/// changes any more, and may.
pub type Changed<R, M> = Option<Result<(R, M), Number>>;

/// Error numbers that are of the mount alone.
const ROFS: Number = 30;

impl Life {
    /// The present, as it must be.
    pub fn tree(&self) -> Rc<Tree> {
        self.line.borrow().head().clone()
    }

    /// Whether somebody holds an inode open.
    pub fn is_held(&self, ino: u64) -> bool {
        self.held.borrow().iter().flatten().any(|held| held.ino == ino)
    }

    /// An inode of the present, as the kernel names it.
    ///
    /// # Errors
    /// If the mount does not know it.
    pub fn node(&self, ino: u64) -> Result<Node, Failure> {
        match self.fs.locate(ino) {
            Ok(Located::Here(node)) => Ok(node),
            Ok(Located::Away(_)) => Err(Oracle::Outcome.fails(format!("inode {ino} of the present is away"))),
            Err(errno) => {
                Err(Oracle::Outcome.fails(format!("inode {ino} is there, and locating it says {errno}")))
            }
        }
    }

    /// Does something to the volume and to the model, and compares what both say of it.
    ///
    /// # Errors
    /// What differs. `None` if the volume takes no changes any more, and may.
    pub fn change<R, M: PartialEq + std::fmt::Debug>(
        &self,
        world: &World,
        real: impl FnOnce() -> Result<R, Errno>,
        model: impl FnOnce(&mut Tree, i64) -> Result<M, Number>,
    ) -> Result<Changed<R, M>, Failure> {
        let now = world.clock.now_ns();
        let real = real();
        if self.refuses(world, real.as_ref().err())? {
            return Ok(None);
        }
        let mut tree = Tree::clone(&self.tree());
        let expected = model(&mut tree, now);
        let result = match (real, expected) {
            (Ok(real), Ok(model)) => Ok((real, model)),
            (Err(errno), Err(number)) if errno.0 == number => Err(number),
            (real, expected) => {
                let (real, expected) = (real.map(drop), expected.map(drop));
                return Err(Oracle::Outcome.fails(format!("expected {expected:?}, the volume says {real:?}")));
            }
        };
        self.follows(world, tree)?;
        Ok(Some(result))
    }

    /// Whether the volume takes no changes any more.
    fn refuses(&self, world: &World, errno: Option<&Errno>) -> Result<bool, Failure> {
        if errno.map(|errno| errno.0) != Some(ROFS) && !self.over.get() {
            return Ok(false);
        }
        if self.challenged.get() || self.over.get() {
            world.coverage.count("writer", "turned read-only");
            self.over.set(true);
            return Ok(true);
        }
        let why = self.volume.status().read_only;
        Err(Oracle::Writer.fails(format!("the volume is read-only although no other writer came: {why:?}")))
    }

    /// Takes `tree` for what the volume is now, and compares the two.
    ///
    /// # Errors
    /// What differs.
    pub fn follows(&self, world: &World, tree: Tree) -> Result<(), Failure> {
        let (seq, time) = self.volume.with(|ns| (ns.seq().0, ns.time().0));
        world.coverage.judged(Oracle::Outcome);
        Oracle::Outcome.holds((seq, time) == (tree.seq, tree.time), || {
            format!("expected #{} at {}, the volume is at #{seq} at {time}", tree.seq, tree.time)
        })?;
        if tree.seq != self.tree().seq {
            self.last_write.set(None);
        }
        self.line
            .borrow_mut()
            .push(tree, world.clock.elapsed_ms())
            .map_err(|what| Oracle::Instant.fails(what))?;
        self.changes.set(self.changes.get() + 1);
        // Not after each one: it costs what the tree has, and not what was changed.
        if self.changes.get().is_multiple_of(8) { self.is_as_it_must_be() } else { Ok(()) }
    }

    /// Compares the present with the model, all but the bytes of files.
    ///
    /// # Errors
    /// The first difference.
    pub fn is_as_it_must_be(&self) -> Result<(), Failure> {
        let tree = self.tree();
        self.volume.with(|ns| compare::metadata(ns, &tree)).map_err(|what| Oracle::Outcome.fails(what))
    }

    /// The volume says that everything up to here is durable.
    ///
    /// # Errors
    /// If another writer had taken over before that.
    pub fn acknowledged(&self, world: &World, seq: u64) -> Result<(), Failure> {
        world.coverage.judged(Oracle::Writer);
        self.acked.set(self.acked.get().max(seq));
        match self.ended_at.get() {
            Some(end) if seq > end => Err(Oracle::Writer.fails(format!(
                "life {} says that #{seq} is durable, and the next writer took over at #{end}",
                self.number
            ))),
            _ => Ok(()),
        }
    }

    /// Whoever looked at the present as an instant has ended the growth of its last event.
    pub fn seen(&self) {
        self.line.borrow_mut().seal();
        self.last_write.set(None);
    }
}

/// The process that an actor is: there is none of this number, so that nothing is found out about it.
pub fn caller(actor: u8) -> Caller {
    // The first is root, who may keep what others lose.
    let uid = u32::from(actor) * 1000;
    Caller { uid, gid: uid, thread: 0x7000_0000 + u32::from(actor) }
}

/// A name, by its number.
pub fn name(number: u8) -> Vec<u8> {
    match number {
        11 => vec![b'n'; 255],
        12 => b"\xff\xfe not text\n".to_vec(),
        13 => b".hidden".to_vec(),
        number if number < 11 => vec![b'a' + number],
        number => format!("name-{number}").into_bytes(),
    }
}

/// The same, as the journal has it.
pub fn to_name(bytes: &[u8]) -> Name {
    Name::new(bytes)
}

/// Counts of open inodes.
pub fn empty_hands(actors: u8) -> Vec<Vec<Held>> {
    vec![Vec::new(); actors.into()]
}

/// What a pick among `all` gives.
pub fn pick<T: Copy>(all: &[T], which: u16) -> Option<T> {
    let at = usize::from(which).checked_rem(all.len())?;
    all.get(at).copied()
}

/// By how many names an actor's picks go: entries in order.
pub fn entries(tree: &Tree) -> Vec<(u64, Vec<u8>, u64)> {
    tree.all_entries().map(|(dir, name, ino)| (dir, name.to_vec(), ino)).collect()
}

/// Names of extended attributes.
pub fn xattr_name(number: u8) -> &'static [u8] {
    [b"user.color".as_slice(), b"user.note", b"security.capability", b"trusted.firn"][usize::from(number % 4)]
}
