use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use firn_blocks::BlocksConfig;
use firn_clock::{Clock, OsEntropy, SystemClock};
use firn_journal::{Actor, Event, Seq, TransactionKind, WriterIdentity};
use firn_materializer::history::HistoryConfig;
use firn_materializer::namespace::{Namespace, resets};
use firn_materializer::volume::{Transaction, Volume, VolumeConfig};
use firn_mount::{Fs, MountOptions, Session, Transport};
use firn_store::{Manifest, VolumeUrl};
use jiff::tz::TimeZone;
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// Small, so that small files have several blocks.
pub const BLOCK: u32 = 64 << 10;

/// How requests travel: the fastest way, unless `FIRN_TEST_TRANSPORT` names one.
fn transport() -> Transport {
    match std::env::var("FIRN_TEST_TRANSPORT").as_deref() {
        Ok("classic") => Transport::Classic,
        Ok("uring") => Transport::Uring,
        Ok(other) => panic!("FIRN_TEST_TRANSPORT is {other}, expected classic or uring"),
        Err(_) => Transport::Auto,
    }
}

/// A mounted volume. Dropping it unmounts, whatever has happened.
pub struct World {
    session: Option<Session>,
    volume: Option<Arc<Volume>>,
    runtime: Runtime,
    dir: TempDir,
}

impl World {
    pub fn new() -> World {
        let dir = TempDir::new().unwrap();
        fs::create_dir(dir.path().join("mnt")).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let mut world = World { session: None, volume: None, runtime, dir };
        world.runtime.block_on(async {
            let manifest = Manifest::new([7; 16], SystemClock.now(), BLOCK);
            firn_store::init(&world.url(), &manifest, [1; 16]).await.unwrap();
        });
        world.mount();
        world
    }

    fn url(&self) -> VolumeUrl {
        VolumeUrl::parse(self.dir.path().join("store").to_str().unwrap()).unwrap()
    }

    pub fn mountpoint(&self) -> PathBuf {
        self.dir.path().join("mnt").canonicalize().unwrap()
    }

    /// A path in the mount.
    pub fn path(&self, relative: &str) -> PathBuf {
        self.mountpoint().join(relative)
    }

    /// A path beside it.
    pub fn outside(&self, relative: &str) -> PathBuf {
        self.dir.path().join(relative)
    }

    pub fn options(&self) -> MountOptions {
        MountOptions {
            read_only: false,
            allow_other: false,
            fsname: self.url().to_string(),
            transport: transport(),
            threads: 3,
        }
    }

    pub fn volume(&self) -> &Arc<Volume> {
        self.volume.as_ref().unwrap()
    }

    pub fn session(&self) -> &Session {
        self.session.as_ref().unwrap()
    }

    pub fn run<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// Opens the volume with caches that are empty, and mounts it.
    pub fn mount(&mut self) {
        let store = firn_store::open(&self.url()).unwrap();
        let blocks = BlocksConfig { block_size: BLOCK, ..BlocksConfig::default() };
        let config = VolumeConfig::new(HistoryConfig { blocks, views_in_memory: 8 });
        let identity = WriterIdentity {
            host: "here".into(),
            machine: "machine".into(),
            pid: std::process::id(),
            started_ticks: 1,
            socket: None,
            mountpoint: None,
        };
        let volume = self
            .run(Volume::open(store, config, identity, Arc::new(SystemClock), Arc::new(OsEntropy)))
            .unwrap();
        let fs = Fs::live(volume.clone(), TimeZone::UTC);
        let session = self.run(Session::mount(fs, &self.mountpoint(), self.options(), b"control")).unwrap();
        (self.volume, self.session) = (Some(volume), Some(session));
    }

    /// Unmounts in good order.
    pub fn unmount(&mut self) {
        let session = self.session.take().unwrap();
        self.run(session.unmount()).unwrap();
        let volume = self.volume.take().unwrap();
        self.run(volume.close()).unwrap();
    }

    pub fn remount(&mut self) {
        self.unmount();
        self.mount();
    }

    /// Where the history is now.
    pub fn now(&self) -> Seq {
        self.volume().view().seq()
    }

    /// Goes back to what `then` shows, and waits until every program sees it.
    pub fn go_back(&self, then: &Namespace) {
        let head = self.volume().view();
        let what = Transaction {
            kind: TransactionKind::Undo,
            target: then.seq(),
            path: None,
            effects: resets(&head, then),
        };
        self.volume().transact(&Arc::new(Actor::default()), head.seq(), what).unwrap();
        self.run(self.session().settled());
    }

    /// All events after `after`.
    pub fn events(&self, after: Seq) -> Vec<Event> {
        self.run(async {
            self.volume().sync().await.unwrap();
            let journal = self.volume().history().journal();
            let mut no = journal.locate_seq(after.next()).await.unwrap().unwrap();
            let mut events = Vec::new();
            while let Some(segment) = journal.read(no).await.unwrap() {
                events.extend(segment.events.into_iter().filter(|event| event.seq > after));
                no = no.next();
            }
            events
        })
    }

    /// Runs a script in the mount.
    pub fn sh(&self, script: &str) -> String {
        let output =
            Command::new("bash").args(["-euc", script]).current_dir(self.mountpoint()).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{script}\n{error}");
        String::from_utf8(output.stdout).unwrap()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        drop(self.session.take());
        if let Some(volume) = self.volume.take() {
            // A test that has failed already says more than this would.
            let _ = self.runtime.block_on(volume.close());
        }
    }
}

/// The error number of a failed call.
pub fn errno<T>(result: std::io::Result<T>) -> i32 {
    match result {
        Ok(_) => 0,
        Err(error) => error.raw_os_error().unwrap_or(-1),
    }
}
