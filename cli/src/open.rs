//! Volumes that a command opens in its own process.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use firn_blocks::BlocksConfig;
use firn_clock::{Clock, OsEntropy, SystemClock};
use firn_control::{Caller, Failure, Target};
use firn_journal::{Liveness, WriterIdentity, WriterRecord};
use firn_materializer::history::{History, HistoryConfig};
use firn_materializer::volume::{Volume, VolumeConfig};
use firn_store::{Patience, Retrying, StoreHealth, VolumeUrl};

/// For how long a command waits for a store that does not answer.
const PATIENCE: Patience = Patience::UpTo(Duration::from_secs(10));
/// Bytes of the memory cache of one command.
const MEMORY_CACHE: usize = 64 << 20;

/// The volume's bucket.
pub fn objects(url: &VolumeUrl) -> Result<Retrying, Failure> {
    Ok(Retrying::new(firn_store::open(url)?, StoreHealth::default(), PATIENCE))
}

/// The control socket of the process that has the volume mounted on this machine, if there is one.
pub async fn live_socket(objects: &Retrying) -> Result<Option<PathBuf>, Failure> {
    let Some(record) = WriterRecord::read(objects).await? else { return Ok(None) };
    let here = WriterIdentity::of_this_process();
    let alive = matches!(record.liveness(&here, SystemClock.now()), Liveness::Alive { .. });
    let same_machine = record.identity.machine == here.machine;
    Ok(record.identity.socket.filter(|_| alive && same_machine).map(PathBuf::from))
}

/// Opens a volume, as its writer if need be.
pub async fn target(url: &VolumeUrl, objects: &Retrying, writes: bool) -> Result<Target, Failure> {
    let (store, clock) = (objects.store().clone(), Arc::new(SystemClock));
    let config = HistoryConfig {
        blocks: BlocksConfig { memory_cache: MEMORY_CACHE, ..BlocksConfig::default() },
        views_in_memory: 4,
    };
    let (history, volume) = if writes {
        let identity = WriterIdentity::of_this_process();
        let config = VolumeConfig { root_owner: owner(), ..VolumeConfig::new(config) };
        let volume = Volume::open(store, config, identity, clock.clone(), Arc::new(OsEntropy)).await?;
        (volume.history().clone(), Some(volume))
    } else {
        (History::open(store, config, clock.clone()).await?, None)
    };
    Ok(Target { url: url.to_string(), history, volume, mounted: None, clock })
}

/// Who owns the root directory of a new volume.
pub fn owner() -> (u32, u32) {
    (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw())
}

/// This command, as the actor of what it does.
pub fn this_process() -> Caller {
    let (uid, gid) = owner();
    Caller::process(uid, gid, std::process::id())
}
