use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::net::sockopt::socket_peercred;
use rustix::process::geteuid;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use crate::answer::{Failure, Line, Sink};
use crate::execute::{Caller, Target, execute};
use crate::request::Request;
use crate::socket::{self, SocketError};

/// In bytes: one with two paths of the longest length fits many times.
const LONGEST_REQUEST: u64 = 256 << 10;
/// How long answers that are still being sent may take when the server ends.
const LAST_WORDS: Duration = Duration::from_secs(5);
/// After a failure to accept, such as too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The control socket of a mount.
pub struct Server {
    path: PathBuf,
    stop: watch::Sender<bool>,
    accepting: JoinHandle<()>,
}

impl Server {
    /// Makes the socket and answers whoever may ask, until [`Server::finish`].
    ///
    /// # Errors
    /// See [`SocketError`].
    pub async fn start(path: &Path, target: Target) -> Result<Server, SocketError> {
        let listener = socket::bind(path).await?;
        let (stop, stopped) = watch::channel(false);
        let accepting = tokio::spawn(accept(listener, target, stopped));
        Ok(Server { path: path.to_owned(), stop, accepting })
    }

    /// Lets running answers come to their end, for a few seconds, and removes the socket.
    pub async fn finish(self) {
        // First, so that nobody comes any more.
        if let Err(error) = std::fs::remove_file(&self.path) {
            tracing::debug!(%error, path = %self.path.display(), "the control socket was not removed");
        }
        let _ = self.stop.send(true);
        if let Err(error) = self.accepting.await {
            tracing::error!(%error, "the control server broke");
        }
    }
}

async fn accept(listener: UnixListener, target: Target, mut stop: watch::Receiver<bool>) {
    let mut answers = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            _ = stop.changed() => break,
            Some(_) = answers.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    answers.spawn(answer(stream, target.clone()));
                }
                Err(error) => {
                    tracing::warn!(%error, "a control connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
    let last_words = async { while answers.join_next().await.is_some() {} };
    if tokio::time::timeout(LAST_WORDS, last_words).await.is_err() {
        tracing::warn!("an answer on the control socket was cut off");
    }
}

async fn answer(stream: UnixStream, target: Target) {
    let (sink, mut lines) = Sink::channel();
    let caller = peer(&stream);
    let (from, mut to) = stream.into_split();
    let mut from = BufReader::new(from);
    let work = async {
        match caller {
            Ok(caller) => converse(&mut from, &target, caller, sink).await,
            Err(refusal) => sink.finish(Err(refusal)).await,
        }
    };
    // Whoever works finds out that the peer is gone when the lines have no reader any more.
    let send = async move {
        while let Some(line) = lines.recv().await {
            if send(&mut to, &line).await.is_err() {
                return;
            }
        }
    };
    tokio::join!(work, send);
}

async fn send(to: &mut OwnedWriteHalf, line: &Line) -> std::io::Result<()> {
    let mut text = serde_json::to_vec(line)?;
    text.push(b'\n');
    to.write_all(&text).await
}

/// Reads the request and answers it, unless the peer hangs up before the answer is whole.
async fn converse(from: &mut BufReader<OwnedReadHalf>, target: &Target, caller: Caller, sink: Sink) {
    let request = match read_request(from).await {
        Ok(request) => request,
        Err(failure) => return sink.finish(Err(failure)).await,
    };
    let mut nothing_more = [0; 1];
    tokio::select! {
        biased;
        () = execute(target, &caller, request, sink) => {}
        _ = from.read(&mut nothing_more) => tracing::debug!("a control client went away before its answer"),
    }
}

async fn read_request(from: &mut BufReader<OwnedReadHalf>) -> Result<Request, Failure> {
    let mut text = Vec::new();
    let read = from.take(LONGEST_REQUEST).read_until(b'\n', &mut text).await;
    read.map_err(|error| Failure::failed(format!("the request could not be read: {error}")))?;
    serde_json::from_slice(&text).map_err(|error| {
        Failure::usage(format!(
            "expected a request as one line of JSON, as firn {} writes it: {error}; the mount's process and this \
             command may be of different versions: mount again",
            env!("CARGO_PKG_VERSION")
        ))
    })
}

/// Who is at the other end, if they may ask.
fn peer(stream: &UnixStream) -> Result<Caller, Failure> {
    let peer = socket_peercred(stream)
        .map_err(|error| Failure::refused(format!("the kernel does not say who is asking: {error}")))?;
    let (uid, owner) = (peer.uid.as_raw(), geteuid().as_raw());
    if uid != owner && uid != 0 {
        return Err(Failure::refused(format!(
            "only user {owner}, whose mount this is, and root may ask it; you are user {uid}"
        )));
    }
    Ok(Caller::process(uid, peer.gid.as_raw(), peer.pid.as_raw_nonzero().get().unsigned_abs()))
}
