//! The empty filesystem, with a few names that behave badly.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::Sender;
use std::thread;
use std::time::Duration;

use firn_fuse::{Attr, Entry, FileType, Filesystem, Offer, OpenFlags, Operation, Request, Terms, Time};

use crate::empty::Empty;

/// The inode of the name `changing`.
pub const CHANGING: u64 = 1 << 40;
/// How long the kernel may keep `changing`.
const LONG: Duration = Duration::from_secs(1000);

pub struct Probe {
    empty: Empty,
    /// Gets the look-ups of names that begin with `held`, and what is released while `hold_release` is set.
    held: Mutex<Sender<Request>>,
    pub hold_release: AtomicBool,
    /// The content of `changing`, and the second at which it was changed.
    pub version: AtomicU64,
    /// Look-ups that the kernel has taken back.
    pub forgotten: AtomicU64,
}

/// What to do with a request.
enum Fate {
    Answer,
    Hold,
    Drop,
    Elsewhere,
    Panic,
    PanicTwice,
    Changing,
}

/// A panic with this is followed by another one, which is this crate's to bear.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("once more, as the test wants it");
    }
}

impl Probe {
    pub fn new(held: Sender<Request>) -> Probe {
        Probe {
            empty: Empty::new(Duration::from_secs(1)),
            held: Mutex::new(held),
            hold_release: AtomicBool::new(false),
            version: AtomicU64::new(1),
            forgotten: AtomicU64::new(0),
        }
    }

    fn fate(&self, request: &Request) -> Fate {
        match request.operation().unwrap() {
            Operation::Lookup { name } if name.as_encoded_bytes().starts_with(b"held") => Fate::Hold,
            Operation::Lookup { name } if name == "dropped" => Fate::Drop,
            Operation::Lookup { name } if name == "panics" => Fate::Panic,
            Operation::Lookup { name } if name == "panics-twice" => Fate::PanicTwice,
            Operation::Lookup { name } if name == "changing" => Fate::Changing,
            Operation::Lookup { name } if name.as_encoded_bytes().starts_with(b"elsewhere") => {
                Fate::Elsewhere
            }
            Operation::Release { .. } if self.hold_release.load(Ordering::Relaxed) => Fate::Hold,
            _ if request.node() == CHANGING => Fate::Changing,
            _ => Fate::Answer,
        }
    }

    fn changing(&self, request: Request) {
        let version = self.version.load(Ordering::Relaxed);
        let text = format!("{version:08}");
        let time = Time { seconds: version as i64, nanoseconds: 0 };
        let attr = Attr {
            ino: CHANGING,
            size: 8,
            blocks: 1,
            atime: time,
            mtime: time,
            ctime: time,
            btime: time,
            kind: FileType::Regular,
            permissions: 0o644,
            nlink: 1,
            uid: 0,
            gid: 0,
            rdev: 0,
            blksize: 4096,
        };
        let entry = Entry { node: CHANGING, generation: 0, attr, attr_ttl: LONG, entry_ttl: LONG };
        match request.operation().unwrap() {
            Operation::Lookup { .. } => request.reply().entry(&entry),
            Operation::GetAttr { .. } => request.reply().attr(&attr, LONG),
            Operation::Statx { .. } => request.reply().statx(&attr, LONG),
            Operation::Open { .. } => request.reply().opened(0, OpenFlags::KEEP_CACHE),
            Operation::Read { offset, .. } => {
                request.reply().data(text.as_bytes().get(offset as usize..).unwrap_or_default());
            }
            _ => request.reply().error(libc::ENOSYS),
        }
    }
}

impl Filesystem for Probe {
    fn init(&self, offer: &Offer) -> Terms {
        self.empty.init(offer)
    }

    fn handle(&self, request: Request) {
        match self.fate(&request) {
            Fate::Answer => self.empty.handle(request),
            Fate::Changing => self.changing(request),
            Fate::Hold => drop(self.held.lock().unwrap().send(request)),
            Fate::Drop => drop(request),
            Fate::Panic => panic!("as the test wants it"),
            Fate::PanicTwice => std::panic::panic_any(Bomb),
            Fate::Elsewhere => {
                let reply = move || request.reply().error(libc::EXDEV);
                thread::Builder::new().spawn(reply).map(drop).unwrap();
            }
        }
    }

    fn forget(&self, node: u64, lookups: u64) {
        self.forgotten.fetch_add(lookups, Ordering::Relaxed);
        self.empty.forget(node, lookups);
    }
}
