//! The history of a live volume over a store in memory, in a file.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use firn_blocks::BlocksConfig;
use firn_clock::{Clock, ManualClock, SeededEntropy, Timestamp};
use firn_journal::{Actor, BlockRef, Event, EventKind, Ino, JournalTip, Name, Segment, Seq, WriterIdentity};
use firn_materializer::decide::{Command, XattrMode};
use firn_materializer::history::{History, HistoryConfig, HistoryError, ResolveError};
use firn_materializer::instant::When;
use firn_materializer::volume::{Volume, VolumeConfig};
use firn_recovery::export::{Export, ExportError, Progress, Redactor, Summary, export};
use firn_recovery::{Goal, undo};
use firn_store::{Family, Manifest};
use object_store::memory::InMemory;
use object_store::{ObjectStore, ObjectStoreExt};

const BLOCK: u32 = 4 << 10;
/// What must not be in a redacted file, in any form.
const SECRETS: [&str; 8] = [
    "secret-directory",
    "secret-file.rs",
    "secret content",
    "secret-target",
    "secret-attribute",
    "secret value",
    "secret-checkpoint",
    "secret message",
];
const HOST: &str = "secret-host";
const COMMAND: &str = "secret-command";

/// With content in objects of its own.
fn history_config() -> HistoryConfig {
    let blocks = BlocksConfig { rider_limit: 0, ..BlocksConfig::default() };
    HistoryConfig { blocks, views_in_memory: 8 }
}

struct World {
    store: Arc<dyn ObjectStore>,
    clock: Arc<ManualClock>,
    volume: Arc<Volume>,
    actor: Arc<Actor>,
}

impl World {
    async fn new() -> World {
        let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        let clock = Arc::new(ManualClock::new(Timestamp(1_000_000_000_000)));
        firn_store::create_manifest(&store, &Manifest::new([7; 16], Timestamp(0), BLOCK)).await.unwrap();
        let config = VolumeConfig::new(history_config());
        let identity = WriterIdentity { host: HOST.into(), ..WriterIdentity::of_this_process() };
        let entropy = Arc::new(SeededEntropy::new(1));
        let volume = Volume::open(store.clone(), config, identity, clock.clone(), entropy).await.unwrap();
        let actor = Arc::new(Actor { uid: 1, gid: 2, pid: 3, command: COMMAND.into() });
        World { store, clock, volume, actor }
    }

    /// A volume with something of every sort, an undo among it; all of it is durable.
    async fn with_secrets() -> World {
        let world = World::new().await;
        let [directory, file, content, target, attribute, value, checkpoint, message] = SECRETS;
        let dir = world.create(Ino::ROOT, directory, 0o040_755, None);
        let ino = world.create(dir, file, 0o100_644, None);
        world.volume.write(&world.actor, ino, 0, &content.repeat(1000).into_bytes()).unwrap();
        world.volume.write(&world.actor, ino, 100_000, content.as_bytes()).unwrap();
        world.create(dir, "link", 0o120_777, Some(&format!("../{directory}/{target}")));
        let (name, value) = (Name::from(format!("user.{attribute}").as_str()), value.as_bytes().into());
        world.execute(Command::SetXattr { ino, name, value, mode: XattrMode::Set });
        world.pause().await;
        let named = world.volume.checkpoint(&world.actor, Some(checkpoint.into()), message.into());
        let then = named.await.unwrap().seq;
        world.execute(Command::Unlink { parent: dir, name: file.into() });
        world.pause().await;
        undo(&world.volume, &world.actor, &Goal::To(When::Seq(then)), Some(directory.as_bytes()))
            .await
            .unwrap();
        world.create(dir, "after", 0o100_644, None);
        world.pause().await;
        world
    }

    fn execute(&self, command: Command) -> Option<Ino> {
        self.volume.execute(&self.actor, command).unwrap().ino
    }

    fn create(&self, parent: Ino, name: &str, mode: u32, target: Option<&str>) -> Ino {
        let (name, target) = (name.into(), target.map(|target| target.as_bytes().into()));
        self.execute(Command::Create { parent, name, mode, uid: 0, gid: 0, rdev: 0, target }).unwrap()
    }

    async fn pause(&self) {
        self.volume.sync().await.unwrap();
        self.clock.advance(Duration::from_secs(10));
    }

    async fn export(&self, to: Option<When>, redactor: Option<Redactor>) -> (Summary, Bytes) {
        let (mut file, mut told) = (Vec::new(), Vec::new());
        let tell = |progress| told.push(progress);
        let done = export(self.volume.history(), to.as_ref(), redactor, &mut file, tell).await.unwrap();
        let all = done.last.seq.0;
        assert_eq!(told.last(), Some(&Progress { events: all, of: all }));
        assert_eq!(done.bytes, file.len() as u64);
        (done, file.into())
    }

    async fn segments(&self) -> Vec<Segment> {
        let mut replay = self.volume.history().journal().replay(JournalTip::default());
        let mut segments = Vec::new();
        while let Some(segment) = replay.next().await.unwrap() {
            segments.push(segment);
        }
        segments
    }
}

fn events(export: &Export) -> Vec<Event> {
    export.events().map(Result::unwrap).collect()
}

fn blocks(events: &[Event]) -> Vec<BlockRef> {
    let named = events.iter().flat_map(|event| match &event.kind {
        EventKind::Written { extents, .. } | EventKind::ExtentsPut { extents, .. } => extents.clone(),
        _ => vec![],
    });
    named.map(|placed| placed.extent.block).collect()
}

#[tokio::test(start_paused = true)]
async fn an_export_is_the_journal_with_its_content() {
    let world = World::with_secrets().await;
    let (done, file) = world.export(None, None).await;
    let export = Export::read(file).unwrap();
    let journal: Vec<Vec<Event>> = world.segments().await.into_iter().map(|segment| segment.events).collect();
    let groups: Vec<Vec<Event>> = export.groups().map(Result::unwrap).collect();
    assert_eq!(groups, journal, "the same events, committed in the same groups");
    assert_eq!(events(&export), journal.concat());
    assert_eq!(export.range(), (Seq(1), done.last.seq));
    assert_eq!(done.last.seq, world.volume.view().seq());
    assert_eq!((export.volume(), export.block_size()), (world.volume.history().volume(), BLOCK));
    let named = blocks(&events(&export));
    assert!(named.len() > 4, "{named:?}");
    for block in named {
        let stored = world.volume.history().blocks().read(block).await.unwrap();
        assert_eq!(export.block(block).unwrap(), stored);
    }
}

#[tokio::test(start_paused = true)]
async fn a_redacted_export_has_the_same_history_and_none_of_its_names() {
    let world = World::with_secrets().await;
    let (_, plain) = world.export(None, None).await;
    let (_, file) = world.export(None, Some(Redactor::new(&SeededEntropy::new(7)))).await;
    let all: Vec<&str> = SECRETS.into_iter().chain([HOST, COMMAND]).collect();
    for secret in &all {
        assert!(decoded(&plain).contains(secret), "{secret} is in what is not redacted");
    }
    let text = decoded(&file);
    for secret in all {
        assert!(!text.contains(secret), "{secret} is in what is redacted");
    }
    assert!(!text.contains("secret"));
    let [plain, redacted] = [plain, file].map(|file| Export::read(file).unwrap());
    assert!(redacted.is_redacted() && !plain.is_redacted());
    let [before, after] = [events(&plain), events(&redacted)];
    assert_eq!(before.len(), after.len());
    for (before, after) in before.iter().zip(&after) {
        assert_eq!(
            (before.seq, before.time, before.kind.number()),
            (after.seq, after.time, after.kind.number())
        );
    }
    assert_eq!(blocks(&before), blocks(&after));
    for block in blocks(&before) {
        let (original, stand_in) = (plain.block(block).unwrap(), redacted.block(block).unwrap());
        assert_eq!(original.len(), stand_in.len());
        assert_ne!(original, stand_in);
    }
}

/// All that can be found in a file by whoever takes it apart.
fn decoded(file: &Bytes) -> String {
    let export = Export::read(file.clone()).unwrap();
    let mut bytes = file.to_vec();
    for block in export.blocks() {
        bytes.extend_from_slice(&export.block(block).unwrap());
    }
    for event in events(&export) {
        bytes.extend(format!("{:?}", event.kind).into_bytes());
        bytes.extend_from_slice(&event.actor.command);
        match &event.kind {
            EventKind::TransactionBegan { path: Some(path), .. } => bytes.extend_from_slice(path),
            EventKind::XattrSet { value, .. } | EventKind::XattrPut { value, .. } => {
                bytes.extend_from_slice(value)
            }
            EventKind::Created { target: Some(target), .. } => bytes.extend_from_slice(target),
            EventKind::InodePut { target: Some(target), .. } => bytes.extend_from_slice(target),
            _ => {}
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[tokio::test(start_paused = true)]
async fn an_export_ends_where_it_is_told_to_and_never_in_a_transaction() {
    let world = World::with_secrets().await;
    let all = world.segments().await.into_iter().flat_map(|segment| segment.events).collect::<Vec<_>>();
    let began = all.iter().find(|event| matches!(event.kind, EventKind::TransactionBegan { .. })).unwrap();
    let EventKind::TransactionBegan { count, .. } = began.kind else { panic!() };
    assert!(count > 1);
    for to in [When::Seq(Seq(began.seq.0 + 1)), When::Time(began.time)] {
        let (done, file) = world.export(Some(to), None).await;
        assert_eq!(done.last.seq, Seq(began.seq.0 + u64::from(count)));
        assert_eq!(events(&Export::read(file).unwrap()), all[..done.last.seq.0 as usize]);
    }
    for seq in 1..began.seq.0 {
        let (done, file) = world.export(Some(When::Seq(Seq(seq))), None).await;
        assert_eq!((done.last.seq, done.last.time), (Seq(seq), all[seq as usize - 1].time));
        let export = Export::read(file).unwrap();
        assert_eq!(events(&export), all[..seq as usize]);
        assert!(blocks(&events(&export)).into_iter().all(|block| export.block(block).is_ok()));
    }
    let to = When::Seq(all[all.len() - 1].seq.next());
    let beyond = export(world.volume.history(), Some(&to), None, io::sink(), |_| {}).await.unwrap_err();
    assert!(
        matches!(beyond, ExportError::History(HistoryError::Resolve(ResolveError::Beyond { .. }))),
        "{beyond}"
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_not_durable_is_not_exported() {
    let world = World::with_secrets().await;
    let durable = world.volume.view().seq();
    world.create(Ino::ROOT, "not durable", 0o100_644, None);
    let (done, _) = world.export(None, None).await;
    assert_eq!(done.last.seq, durable);
    assert!(done.last.time < world.clock.now());
}

#[tokio::test(start_paused = true)]
async fn missing_content_and_a_full_disk_end_an_export() {
    struct Full(usize);
    impl io::Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 = self.0.checked_sub(bytes.len()).ok_or(io::ErrorKind::StorageFull)?;
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let world = World::with_secrets().await;
    let full = export(world.volume.history(), None, None, Full(500), |_| {}).await.unwrap_err();
    assert!(matches!(full, ExportError::Write(_)), "{full}");
    let objects = world.volume.history().objects();
    let packs = objects.list(Family::Packs, None).await.unwrap();
    assert!(!packs.is_empty());
    for pack in packs {
        world.store.delete(&pack.key.path()).await.unwrap();
    }
    let cold = History::open(world.store.clone(), history_config(), world.clock.clone()).await.unwrap();
    let missing = export(&cold, None, None, io::sink(), |_| {}).await.unwrap_err();
    assert!(missing.to_string().contains("packs/"), "{missing}");
}
