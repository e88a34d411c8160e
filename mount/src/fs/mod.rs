//! The semantics of a mounted tree, without a word about FUSE: inode numbers in, attributes, entries and bytes out.
//!
//! **Purpose.** [`Fs`] serves the present of a live volume with the past below each directory's `.at`, or one
//! fixed instant. Every method answers at once from memory, but those that are `async`.
//!
//! **Invariants.**
//! - A number keeps its meaning while the kernel remembers it: inode numbers are never reused, and the slot of
//!   a past instant stays with its instant (`slots`).
//! - Nothing of an instant can be changed: `EROFS`.
//! - An open file or directory keeps its inode, so that it outlives its last entry.
//!
//! **Failure.** Everything is an [`Errno`]. An inode that an undo took away under an open descriptor is
//! `ESTALE`; content or an instant that cannot be had is `EIO`, with the reason in the log.

mod actors;
mod attr;
mod change;
mod cursor;
mod directory;
mod errno;
mod file;
mod handles;
mod node;
mod numbers;
mod privileges;
mod readahead;
mod slots;
mod tree;
mod views;
mod xattr;

use std::sync::{Arc, OnceLock};

use firn_blocks::Blocks;
use firn_journal::{Ino, Name};
use firn_materializer::decide::Errno;
use firn_materializer::history::History;
use firn_materializer::namespace::Namespace;
use firn_materializer::volume::{Changes, Volume, VolumeError};
use jiff::tz::TimeZone;
use tokio::sync::mpsc;

use self::actors::Actors;
use self::attr::{FOREVER, PRESENT};
use self::directory::Directory;
use self::file::File;
use self::handles::Handles;
use self::numbers::{Place, Slot};
use self::tree::Tree;
use self::views::Views;

pub use self::actors::Caller;
pub use self::attr::{Attr, Entry};
pub use self::change::New;
pub use self::cursor::Item;
pub use self::file::Write;
pub use self::node::{Found, Node};

/// Bytes that a volume offers: there is no limit, but programs want to see one.
const OFFERED: u64 = 1 << 50;
/// Inodes that a volume offers.
const OFFERED_INODES: u64 = 1 << 40;
/// Bytes in which [`Space`] counts.
const SPACE_UNIT: u64 = 4096;

/// A tree of files, as a mount serves it.
pub struct Fs {
    mounted: Mounted,
    blocks: Arc<Blocks>,
    actors: Actors,
    files: Handles<File>,
    directories: Handles<Directory>,
    control: Arc<[u8]>,
    attributes_changed: OnceLock<Tell>,
}

/// Tells the kernel that what it was told of an inode's attributes is no longer so.
pub type Tell = Box<dyn Fn(u64) + Send + Sync>;

enum Mounted {
    Live { volume: Arc<Volume>, views: Views },
    Fixed(Arc<Namespace>),
}

/// Where the tree of an inode is.
pub enum Located {
    /// In memory.
    Here(Node),
    /// To be opened, with [`Fs::open_instant`].
    Away(Away),
}

/// An inode of an instant that is not in memory.
#[derive(Clone, Copy, Debug)]
pub struct Away {
    slot: Slot,
    ino: Ino,
}

/// How much there is, in units of [`Space::UNIT`] bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Space {
    /// Units offered.
    pub total: u64,
    /// Units not used.
    pub free: u64,
    /// Inodes offered.
    pub inodes: u64,
    /// Inodes not used.
    pub free_inodes: u64,
}

impl Space {
    /// Bytes of a unit.
    pub const UNIT: u32 = SPACE_UNIT as u32;
}

impl Fs {
    /// The present of a volume, writable, with its past below `.at`. Times there are read in `zone`.
    pub fn live(volume: Arc<Volume>, zone: TimeZone) -> Fs {
        let blocks = volume.history().blocks().clone();
        Fs::new(Mounted::Live { volume, views: Views::new(zone) }, blocks)
    }

    /// One instant, read-only.
    pub fn fixed(history: &History, instant: Namespace) -> Fs {
        Fs::new(Mounted::Fixed(Arc::new(instant)), history.blocks().clone())
    }

    fn new(mounted: Mounted, blocks: Arc<Blocks>) -> Fs {
        Fs {
            mounted,
            blocks,
            actors: Actors::default(),
            files: Handles::default(),
            directories: Handles::default(),
            control: Arc::default(),
            attributes_changed: OnceLock::new(),
        }
    }

    /// The value of the extended attribute `user.firn.control` of every inode: how commands find this mount.
    #[must_use]
    pub fn with_control(mut self, control: &[u8]) -> Fs {
        self.control = control.into();
        self
    }

    /// Whom to tell, from the thread that answers a request, when the request changes attributes of which the
    /// kernel does not know that it does. Only the first is told.
    pub fn on_attributes_changed(&self, tell: Tell) {
        let _ = self.attributes_changed.set(tell);
    }

    /// Whether nothing can be changed.
    pub fn is_fixed(&self) -> bool {
        matches!(self.mounted, Mounted::Fixed(_))
    }

    /// What undo, redo and restore change from now on. None for an instant.
    pub fn changes(&self) -> Option<mpsc::UnboundedReceiver<Arc<Changes>>> {
        match &self.mounted {
            Mounted::Live { volume, .. } => Some(volume.changes()),
            Mounted::Fixed(_) => None,
        }
    }

    /// What an inode number means.
    ///
    /// # Errors
    /// `ESTALE` if it means nothing.
    pub fn locate(&self, number: u64) -> Result<Located, Errno> {
        let place = Place::from_number(number)?;
        let (tree, ino, ttl) = match (&self.mounted, place) {
            (Mounted::Live { volume, .. }, Place::Present(ino) | Place::At(ino)) => {
                (Tree::Live(volume.clone()), ino, PRESENT)
            }
            (Mounted::Live { views, .. }, Place::Past(slot, ino)) => match views.recall(slot)? {
                Some(ns) => (Tree::Fixed(ns), ino, FOREVER),
                None => return Ok(Located::Away(Away { slot, ino })),
            },
            (Mounted::Fixed(ns), Place::Present(ino)) => (Tree::Fixed(ns.clone()), ino, FOREVER),
            (Mounted::Fixed(_), _) => return Err(Errno::STALE),
        };
        Ok(Located::Here(Node { place, ino, tree, ttl }))
    }

    /// Opens the instant that an inode is of.
    ///
    /// # Errors
    /// `EIO`, with the reason in the log, if it cannot be opened.
    pub async fn open_instant(&self, away: Away) -> Result<Node, Errno> {
        let Away { slot, ino } = away;
        let Mounted::Live { volume, views } = &self.mounted else { return Err(Errno::STALE) };
        let ns = views.open(volume, slot).await?;
        Ok(Node { place: Place::Past(slot, ino), ino, tree: Tree::Fixed(ns), ttl: FOREVER })
    }

    /// What `name` leads to in the directory `node`. The kernel is told of it, and will [`Fs::forget`] it.
    ///
    /// # Errors
    /// `ENAMETOOLONG`; `ESTALE` if the directory is gone.
    pub fn lookup(&self, node: &Node, name: &Name) -> Result<Found, Errno> {
        let found = node.lookup(name)?;
        if let Found::Entry(Entry { attr: Some(attr), .. }) = &found {
            self.told_of(Place::from_number(attr.number)?);
        }
        Ok(found)
    }

    /// The directory `dir` as it was at the time that `name` tells, in any form that the command line takes.
    ///
    /// # Errors
    /// `ENOENT` if that is not a time of the history, or if there was no such directory then.
    pub async fn enter(&self, dir: Ino, name: &Name) -> Result<Entry, Errno> {
        match &self.mounted {
            Mounted::Live { volume, views } => views.enter(volume, dir, name.as_bytes()).await,
            Mounted::Fixed(_) => Err(Errno::STALE),
        }
    }

    fn told_of(&self, place: Place) {
        if let (Mounted::Live { views, .. }, Place::Past(slot, _)) = (&self.mounted, place) {
            views.look_up(slot);
        }
    }

    /// The kernel forgets an inode that it was told of so many times.
    pub fn forget(&self, number: u64, lookups: u64) {
        if let (Mounted::Live { views, .. }, Ok(Place::Past(slot, _))) =
            (&self.mounted, Place::from_number(number))
        {
            views.forget(slot, lookups);
        }
    }

    /// How much there is and how much is left.
    pub fn space(&self) -> Space {
        let totals = match &self.mounted {
            Mounted::Live { volume, .. } => volume.with(Namespace::totals),
            Mounted::Fixed(ns) => ns.totals(),
        };
        let total = OFFERED / SPACE_UNIT;
        Space {
            total,
            free: total.saturating_sub(totals.allocated.div_ceil(SPACE_UNIT)),
            inodes: OFFERED_INODES,
            free_inodes: OFFERED_INODES.saturating_sub(totals.inodes),
        }
    }

    /// Whether changes need not wait for the store.
    pub fn has_room(&self) -> bool {
        match &self.mounted {
            Mounted::Live { volume, .. } => volume.has_room(),
            Mounted::Fixed(_) => true,
        }
    }

    /// Waits until changes need not wait any more.
    pub async fn room(&self) {
        if let Mounted::Live { volume, .. } = &self.mounted {
            volume.room().await;
        }
    }

    /// Makes everything that was done so far durable.
    ///
    /// # Errors
    /// `EIO` if that can no longer happen.
    pub async fn sync(&self) -> Result<(), Errno> {
        let Mounted::Live { volume, .. } = &self.mounted else { return Ok(()) };
        volume.sync().await.map(drop).map_err(|error: VolumeError| {
            tracing::error!(%error, "fsync failed");
            Errno::IO
        })
    }
}
