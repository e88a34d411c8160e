//! Requests over a real socket, to a live volume over a store in memory.

use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use firn_blocks::BlocksConfig;
use firn_clock::{Clock, ManualClock, SeededEntropy, Timestamp};
use firn_control::{
    Answers, EventRow, Failure, FailureKind, Line, MountedAt, Order, Request, Server, StatusResult, Target,
    TreePath, UndoResult, UnmountResult, call,
};
use firn_journal::{Actor, Ino, WriterIdentity};
use firn_materializer::decide::Command;
use firn_materializer::history::HistoryConfig;
use firn_materializer::volume::{Volume, VolumeConfig};
use firn_store::Manifest;
use object_store::ObjectStore;
use object_store::memory::InMemory;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc;

const BLOCK: u32 = 4 << 10;

struct World {
    _dir: tempfile::TempDir,
    socket: PathBuf,
    target: Target,
    orders: mpsc::Receiver<Order>,
}

impl World {
    /// A volume, and a target that would be its mount's.
    async fn new() -> World {
        let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(Timestamp(1_000_000_000_000)));
        firn_store::create_manifest(&store, &Manifest::new([7; 16], Timestamp(0), BLOCK)).await.unwrap();
        let blocks = BlocksConfig { block_size: BLOCK, ..BlocksConfig::default() };
        let config = VolumeConfig::new(HistoryConfig { blocks, views_in_memory: 8 });
        let identity = WriterIdentity::of_this_process();
        let entropy = Arc::new(SeededEntropy::new(1));
        let volume = Volume::open(store, config, identity, clock.clone(), entropy).await.unwrap();
        let dir = tempfile::tempdir().unwrap();
        let (order, orders) = mpsc::channel(1);
        let mounted = MountedAt { mountpoint: "/mnt".into(), pid: 7, at: None, orders: order };
        let history = volume.history().clone();
        let target =
            Target { url: "memory".into(), history, volume: Some(volume), mounted: Some(mounted), clock };
        World { socket: private(dir.path()).join("socket"), _dir: dir, target, orders }
    }

    fn make(&self, names: impl IntoIterator<Item = String>) {
        let volume = self.target.volume.as_ref().unwrap();
        let actor = Arc::new(Actor { uid: 1, gid: 2, pid: 3, command: b"touch".to_vec() });
        for name in names {
            let (parent, name) = (Ino::ROOT, name.as_str().into());
            let mode = 0o100_644;
            volume
                .execute(
                    &actor,
                    Command::Create { parent, name, mode, uid: 0, gid: 0, rdev: 0, target: None },
                )
                .unwrap();
        }
    }

    async fn serve(&self, target: Target) -> Server {
        Server::start(&self.socket, target).await.unwrap()
    }

    async fn ask(&self, request: Request) -> Answer {
        Answer::read(call(&self.socket, &request).await.unwrap()).await
    }
}

/// A directory of mode 0700, as a socket needs it.
fn private(dir: &Path) -> PathBuf {
    let private = dir.join("firn");
    std::fs::DirBuilder::new().mode(0o700).create(&private).unwrap();
    private
}

/// An answer, whole.
struct Answer {
    rows: Vec<String>,
    last: Line,
}

impl Answer {
    async fn read(mut answers: Answers) -> Answer {
        let mut rows = Vec::new();
        while let Some(line) = answers.recv().await {
            match line {
                Line::Row(row) => rows.push(row.get().to_owned()),
                Line::Progress(_) => {}
                last => {
                    assert!(answers.recv().await.is_none(), "nothing comes after the last line");
                    return Answer { rows, last };
                }
            }
        }
        panic!("no last line");
    }

    fn result<T: DeserializeOwned>(&self) -> T {
        match &self.last {
            Line::Result(result) => serde_json::from_str(result.get()).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    fn failure(&self) -> (FailureKind, &str) {
        match &self.last {
            Line::Error(failure) => (failure.kind, &failure.message),
            other => panic!("{other:?}"),
        }
    }
}

fn log_of_everything() -> Request {
    Request::Log { path: None, since: None, until: None, limit: None }
}

#[tokio::test]
async fn rows_come_first_and_one_result_last() {
    let world = World::new().await;
    world.make((0..1000).map(|n| format!("file-{n}")));
    let server = world.serve(world.target.clone()).await;
    let answer = world.ask(log_of_everything()).await;
    let newest: EventRow = serde_json::from_str(&answer.rows[0]).unwrap();
    assert_eq!((newest.path.as_deref(), newest.op.as_str()), (Some("file-999"), "create"));
    assert_eq!((newest.actor.pid, newest.actor.command.as_str()), (3, "touch"));
    assert_eq!(answer.rows.len() as u64, newest.seq);
    let status: StatusResult = world.ask(Request::Status).await.result();
    assert_eq!(
        (status.head_seq, status.mountpoint.as_deref(), status.pid),
        (newest.seq, Some("/mnt"), Some(7))
    );
    server.finish().await;
    assert!(!world.socket.exists(), "the socket is gone with its server");
}

#[tokio::test]
async fn an_undo_is_seen_by_everybody_before_it_is_answered_and_its_actor_is_the_peer() {
    let mut world = World::new().await;
    world.make(["a".to_owned()]);
    let server = world.serve(world.target.clone()).await;
    let mut asked = tokio::spawn({
        let socket = world.socket.clone();
        let request = Request::Undo { to: None, path: None, dry_run: false };
        async move { Answer::read(call(&socket, &request).await.unwrap()).await }
    });
    let order = tokio::select! {
        biased;
        order = world.orders.recv() => order,
        _ = &mut asked => panic!("it was answered before everybody saw it"),
    };
    let Some(Order::Settle(settled)) = order else { panic!("{order:?}") };
    settled.send(()).unwrap();
    let undone: UndoResult = asked.await.unwrap().result();
    assert_eq!((undone.counts.removed, undone.counts.total(), undone.dry_run), (1, 1, false));
    assert_eq!(undone.take_back.as_deref(), Some("firn redo"));
    let answer = world.ask(log_of_everything()).await;
    let newest: EventRow = serde_json::from_str(&answer.rows[0]).unwrap();
    assert_eq!((newest.op.as_str(), newest.actor.pid), ("undo", std::process::id()));
    server.finish().await;
}

#[tokio::test]
async fn a_reader_refuses_what_writes_and_says_where_it_can_be_done() {
    let world = World::new().await;
    world.make(["a".to_owned()]);
    let reader = Target { volume: None, ..world.target.clone() };
    let server = world.serve(reader).await;
    let checkpoint = Request::Checkpoint { name: None, message: None };
    for request in
        [checkpoint, Request::Redo { dry_run: false }, Request::Undo { to: None, path: None, dry_run: false }]
    {
        let answer = world.ask(request).await;
        let (kind, message) = answer.failure();
        assert_eq!(kind, FailureKind::Refused);
        assert!(message.contains("--volume memory"), "{message}");
    }
    world.target.volume.as_ref().unwrap().sync().await.unwrap();
    let preview = world.ask(Request::Undo { to: None, path: None, dry_run: true }).await;
    assert_eq!(preview.rows.len(), 1, "a preview only reads: {:?}", preview.last);
    server.finish().await;
}

#[tokio::test]
async fn a_path_in_the_past_is_refused_with_the_path_of_the_present() {
    let world = World::new().await;
    let server = world.serve(world.target.clone()).await;
    let path = Some(TreePath::new(b"src/.at/2h/main.rs"));
    let answer = world.ask(Request::Log { path, since: None, until: None, limit: None }).await;
    let (kind, message) = answer.failure();
    assert_eq!(kind, FailureKind::Refused);
    assert!(message.contains("src/main.rs") && message.contains("'2h'"), "{message}");
    server.finish().await;
}

#[tokio::test]
async fn what_is_no_request_is_answered_with_an_error() {
    let world = World::new().await;
    let server = world.serve(world.target.clone()).await;
    for nonsense in
        ["", "\n", "{}\n", "{\"command\":\"diff\"}\n", "{\"command\":\"destroy\"}\n", &"x".repeat(1 << 20)]
    {
        let mut stream = UnixStream::connect(&world.socket).await.unwrap();
        // The server may hang up before it has read all of it.
        let _ = stream.write_all(nonsense.as_bytes()).await;
        let _ = stream.shutdown().await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        if !answer.is_empty() {
            assert!(answer.starts_with(b"{\"error\":{\"kind\":\"usage\""), "{}", answer.escape_ascii());
        }
    }
    let status: StatusResult = world.ask(Request::Status).await.result();
    assert_eq!(status.volume, "memory", "the server goes on");
    server.finish().await;
}

#[tokio::test]
async fn a_client_that_goes_away_ends_its_answer() {
    let world = World::new().await;
    world.make((0..20_000).map(|n| format!("file-{n}")));
    let server = world.serve(world.target.clone()).await;
    let mut answers = call(&world.socket, &log_of_everything()).await.unwrap();
    assert!(matches!(answers.recv().await, Some(Line::Row(_))));
    drop(answers);
    let status: StatusResult = world.ask(Request::Status).await.result();
    assert!(status.head_seq > 20_000);
    server.finish().await;
}

#[tokio::test]
async fn a_server_that_dies_in_an_answer_is_an_error_at_its_end() {
    let world = World::new().await;
    let listener = UnixListener::bind(&world.socket).unwrap();
    let dies = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"{\"row\":{}}\n{\"row\":{").await.unwrap();
    });
    let answer = world.ask(Request::Status).await;
    dies.await.unwrap();
    assert_eq!(answer.rows.len(), 1);
    assert_eq!(answer.failure().0, FailureKind::Failed);
}

#[tokio::test]
async fn a_stale_socket_is_replaced_and_a_live_one_is_not() {
    let world = World::new().await;
    drop(UnixListener::bind(&world.socket).unwrap());
    let refused = call(&world.socket, &Request::Status).await.err().unwrap();
    assert_eq!(refused.kind, FailureKind::Refused);
    let server = world.serve(world.target.clone()).await;
    assert!(Server::start(&world.socket, world.target.clone()).await.is_err());
    let status: StatusResult = world.ask(Request::Status).await.result();
    assert_eq!(status.volume, "memory");
    server.finish().await;
}

#[tokio::test]
async fn a_busy_mount_refuses_its_end_and_a_second_try_ends_it() {
    let World { _dir, socket, target, mut orders } = World::new().await;
    let server = Server::start(&socket, target).await.unwrap();
    let holder = tokio::spawn(async move {
        for answer in [Err(Failure::refused("busy")), Ok(())] {
            let Some(Order::Stop(asker)) = orders.recv().await else { panic!("no order to stop") };
            asker.send(answer).unwrap();
        }
    });
    let busy = Answer::read(call(&socket, &Request::Unmount).await.unwrap()).await;
    assert_eq!(busy.failure(), (FailureKind::Refused, "busy"));
    let ended = Answer::read(call(&socket, &Request::Unmount).await.unwrap()).await;
    assert!(ended.result::<UnmountResult>().durable_seq.is_some());
    holder.await.unwrap();
    server.finish().await;
}
