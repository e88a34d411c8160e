use std::io;
use std::path::Path;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::OwnedReadHalf;

use crate::answer::{Answers, Failure, Line, Sink};
use crate::request::Request;

/// Sends a request to the process behind a socket. The answer comes line by line; its last line is a result or an
/// error, also when the process dies in the middle.
///
/// # Errors
/// Nobody answers at the socket, or we may not ask.
pub async fn call(socket: &Path, request: &Request) -> Result<Answers, Failure> {
    let stream = UnixStream::connect(socket).await.map_err(|error| cannot_connect(socket, &error))?;
    let (from, mut to) = stream.into_split();
    let mut line = serde_json::to_vec(request).map_err(|error| Failure::failed(error.to_string()))?;
    line.push(b'\n');
    to.write_all(&line).await.map_err(|error| cannot_connect(socket, &error))?;
    let (sink, answers) = Sink::channel();
    tokio::spawn(async move {
        // The writing half stays open while we listen: its end tells the server that nobody listens any more.
        let end = tokio::select! {
            biased;
            () = sink.closed() => return,
            end = relay(from, &sink) => end,
        };
        drop(to);
        if let Err(failure) = end {
            sink.finish(Err(failure)).await;
        }
    });
    Ok(answers)
}

async fn relay(from: OwnedReadHalf, sink: &Sink) -> Result<(), Failure> {
    let mut lines = BufReader::new(from).lines();
    loop {
        let line = lines.next_line().await.map_err(|error| broken(&error.to_string()))?;
        let Some(line) = line else { return Err(broken("the connection ended")) };
        let line: Line = serde_json::from_str(&line).map_err(|error| {
            Failure::failed(format!("the mount's process is of another version: {error}"))
        })?;
        let last = line.is_last();
        if !sink.pass(line).await || last {
            return Ok(());
        }
    }
}

fn broken(how: &str) -> Failure {
    Failure::failed(format!(
        "the mount's process went away before it had answered ({how}); `firn status` shows whether it lives, its log says why"
    ))
}

fn cannot_connect(socket: &Path, error: &io::Error) -> Failure {
    let socket = socket.display();
    match error.kind() {
        io::ErrorKind::PermissionDenied => {
            Failure::refused(format!("only the owner of the mount and root may ask it ({socket}: {error})"))
        }
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => Failure::refused(format!(
            "the process of the mount does not answer at {socket} ({error}); mount it again, or use --volume URL"
        )),
        _ => Failure::failed(format!("cannot reach the process of the mount at {socket}: {error}")),
    }
}
