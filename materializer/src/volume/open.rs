use std::sync::{Arc, Mutex};
use std::time::Duration;

use firn_clock::{Clock, Entropy, Timestamp};
use firn_journal::{
    Actor, Appender, ClaimError, Epoch, Ino, JournalTip, Liveness, Mounting, Segment, WriterIdentity,
    WriterRecord,
};
use firn_store::Retrying;
use object_store::ObjectStore;
use tokio::sync::{Notify, watch};

use super::commit::{Durable, Tasks};
use super::lease::Lease;
use super::live::{Live, Volume};
use super::snapshots::Schedule;
use crate::decide::{AttributeChanges, Command, SetTime};
use crate::history::{History, HistoryConfig, HistoryError};
use crate::namespace::{Inode, Namespace};

/// What a user may tune.
#[derive(Clone, Debug)]
pub struct VolumeConfig {
    /// Caches and limits of content, and how much of the past stays in memory.
    pub history: HistoryConfig,
    /// The longest that a change waits before it is on its way to the store.
    pub commit_interval: Duration,
    /// Events between two snapshot files.
    pub snapshot_every: u64,
    /// Events that may wait for the store before writers wait too.
    pub pending_events_limit: usize,
    /// Bytes that these may take in the journal, before compression: names, extended attributes, and so on.
    pub pending_bytes_limit: u64,
    /// User and group that own the root directory of a volume that is mounted for the first time.
    pub root_owner: (u32, u32),
}

impl VolumeConfig {
    /// The defaults of `firn mount`.
    pub fn new(history: HistoryConfig) -> Self {
        VolumeConfig {
            history,
            commit_interval: Duration::from_secs(1),
            snapshot_every: 200_000,
            pending_events_limit: 2_000_000,
            pending_bytes_limit: 256 << 20,
            root_owner: (0, 0),
        }
    }
}

/// Why a volume could not be opened for writing. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another writer is at work.
    #[error(
        "the volume is being written by pid {pid} on {host}, last seen {age_s} s ago{at}; unmount it there, \
         work in that mount, or mount with --at for a read-only view{hint}"
    )]
    InUse {
        /// The machine of the other.
        host: String,
        /// Its process.
        pid: u32,
        /// Seconds since its last sign of life.
        age_s: u64,
        /// ` (mounted at ...)`, or nothing.
        at: String,
        /// What else can be done.
        hint: String,
    },
    /// The history could not be read.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// The journal could not be taken over.
    #[error(transparent)]
    Claim(#[from] ClaimError),
    /// The writer record is there but cannot be read.
    #[error(transparent)]
    Writer(#[from] firn_journal::WriterError),
}

impl Volume {
    /// Opens a volume for writing: reads its history, makes sure that no writer is alive, takes the journal
    /// over (which fences any other), ends the orphans that the last writer left, and starts committing.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open(
        store: Arc<dyn ObjectStore>,
        config: VolumeConfig,
        identity: WriterIdentity,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Arc<Volume>, OpenError> {
        let history = History::open(store, config.history.clone(), clock.clone()).await?;
        refuse_if_in_use(history.objects(), history.durable().1.epoch, &identity, &*clock).await?;
        let appender = claim(&history, &identity, &*clock, entropy).await?;
        let (ns, tip) = history.durable();
        history.blocks().begin_epoch(tip.epoch);
        // Those count that no snapshot file holds: or a volume that dies often would never get one.
        let behind = tip.seq.0 - history.newest_snapshot().unwrap_or_default().0.min(tip.seq.0);
        let record = WriterRecord::new(identity, tip.epoch, clock.now());
        let volume = Arc::new(Volume {
            clock,
            blocks: history.blocks().clone(),
            durable: watch::Sender::new(Durable { seq: ns.seq(), time: ns.time(), stopped: None }),
            live: Mutex::new(Live::new(ns)),
            pending: Notify::new(),
            urgent: Notify::new(),
            subscribers: Mutex::default(),
            lease: Lease::new(history.objects().clone(), record),
            epoch: tip.epoch,
            snapshots: Mutex::new(Schedule::behind(behind)),
            tasks: Mutex::default(),
            history,
            config,
        });
        volume.lease.beat(&*volume.clock, tip.segment).await;
        if volume.is_unfounded() {
            volume.found_root();
        }
        volume.evict_orphans();
        volume.start(appender);
        Ok(volume)
    }

    /// Nothing has ever happened to the root: the volume is new, or who mounted it first died at once.
    fn is_unfounded(&self) -> bool {
        let untouched = |inode: &Inode| inode.attributes.ctime == Timestamp::default();
        self.with(|ns| ns.inode(Ino::ROOT).is_some_and(untouched))
    }

    /// The root directory of a new volume belongs to whoever mounts it first, and is as old as that.
    fn found_root(&self) {
        let (uid, gid) = self.config.root_owner;
        let now = Some(SetTime::Now);
        let changes = AttributeChanges {
            uid: Some(uid),
            gid: Some(gid),
            atime: now,
            mtime: now,
            ..AttributeChanges::default()
        };
        self.execute_as_firn(Command::SetAttributes { ino: Ino::ROOT, changes });
    }

    /// Unlinked files that were open when the last writer ended: nobody holds them now.
    fn evict_orphans(&self) {
        let orphans: Vec<_> = self.with(|ns| ns.orphans().collect());
        for ino in orphans {
            self.execute_as_firn(Command::Evict { ino });
        }
    }

    fn execute_as_firn(&self, command: Command) {
        let firn = Arc::new(Actor { command: b"firn".to_vec(), ..Actor::default() });
        if let Err(errno) = self.execute(&firn, command.clone()) {
            tracing::warn!(?command, ?errno, "a change of the mount's own was refused");
        }
    }

    fn start(self: &Arc<Self>, appender: Appender) {
        let (stop, stopped) = watch::channel(false);
        let committer = tokio::spawn(self.clone().commit_forever(appender, stopped.clone()));
        let heartbeat = tokio::spawn(self.clone().beat_forever(stopped));
        let tasks = Tasks { stop, committer, heartbeat };
        self.tasks.lock().unwrap_or_else(std::sync::PoisonError::into_inner).replace(tasks);
    }
}

/// A process that was just killed may take a moment to be gone.
const LOOKS_AT_THE_DYING: u32 = 10;
/// A writer that has just taken over signs in after one more request to the store.
const LOOKS_AT_THE_BEGINNING: u32 = 30;
/// Between two looks at either.
const LOOK: Duration = Duration::from_millis(50);

/// `latest` is the last writer's turn, as the journal tells.
async fn refuse_if_in_use(
    objects: &Retrying,
    latest: Epoch,
    identity: &WriterIdentity,
    clock: &dyn Clock,
) -> Result<(), OpenError> {
    let Some(mut record) = record_of(objects, latest).await? else { return Ok(()) };
    // The last word of an earlier writer may have come after the sign of life of the one whose turn it is.
    record.released &= record.epoch >= latest;
    let same_host = record.identity.machine == identity.machine;
    let mut looks = if same_host { LOOKS_AT_THE_DYING } else { 1 };
    let age = loop {
        let Liveness::Alive { age } = record.liveness(identity, clock.now()) else { return Ok(()) };
        looks -= 1;
        if looks == 0 {
            break age;
        }
        tokio::time::sleep(LOOK).await;
    };
    Err(OpenError::InUse {
        pid: record.identity.pid,
        age_s: age.as_secs(),
        at: record.identity.mountpoint.as_ref().map(|dir| format!(" (mounted at {dir})")).unwrap_or_default(),
        hint: if same_host {
            String::new()
        } else {
            format!(
                "; if that machine is gone, the volume is free {} s after its last sign of life",
                WriterRecord::LEASE.as_secs()
            )
        },
        host: record.identity.host,
    })
}

/// The record of the writer whose turn it is, which it writes right after taking over: so it is waited for, though
/// not for long. It may have ended in between, or somebody may have deleted the record.
async fn record_of(objects: &Retrying, latest: Epoch) -> Result<Option<WriterRecord>, OpenError> {
    let mut looks = LOOKS_AT_THE_BEGINNING;
    loop {
        let record = WriterRecord::read(objects).await?;
        looks -= 1;
        if looks == 0 || record.as_ref().map_or(Epoch::default(), |record| record.epoch) >= latest {
            return Ok(record);
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Takes the journal over, replaying what others append meanwhile. A writer that was faster keeps it.
async fn claim(
    history: &Arc<History>,
    identity: &WriterIdentity,
    clock: &dyn Clock,
    entropy: Arc<dyn Entropy>,
) -> Result<Appender, OpenError> {
    loop {
        let (ns, tip) = history.durable();
        let mounting = Mounting {
            host: identity.host.clone(),
            pid: identity.pid,
            version: env!("CARGO_PKG_VERSION").into(),
            actor: Arc::new(Actor { command: b"firn".to_vec(), pid: identity.pid, ..Actor::default() }),
            time: clock.now().max(tip.time.next()),
        };
        match Appender::claim(history.journal(), tip, mounting, entropy.clone()).await {
            Ok((appender, segment)) => {
                adopt(history, ns, &segment)?;
                return Ok(appender);
            }
            Err(ClaimError::Raced { by }) => {
                if by.epoch > tip.epoch {
                    refuse_if_in_use(history.objects(), by.epoch, identity, clock).await?;
                }
                history.refresh().await?;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// Folds our own claim into the history.
fn adopt(history: &History, mut ns: Namespace, segment: &Segment) -> Result<(), HistoryError> {
    for event in &segment.events {
        ns.apply(event).map_err(|error| HistoryError::unfit(segment.no, error))?;
    }
    history.committed(ns, JournalTip::of(segment));
    Ok(())
}
