//! What a user may ask of a volume, and how the asking travels.
//!
//! **Purpose.** One [`Request`] enum, one function [`execute`] that answers it, and a Unix socket that carries
//! both. The process that has a volume mounted is its only writer, so a command that runs inside the tree does
//! not open the volume: it asks that process. Outside of a mount the same function runs in the command's own
//! process, on a [`Target`] that it opened.
//!
//! **The conversation.** A client connects and sends one line, a [`Request`] as JSON. The answer is JSON lines:
//! any number of `{"row":…}` and `{"progress":…}`, then exactly one `{"result":…}` or
//! `{"error":{"kind":…,"message":…}}`, then the connection closes. A stream that ends earlier means that the
//! process died; the client says so.
//!
//! **Invariants.**
//! - The socket lies in a directory of mode 0700 that we own, and has mode 0600; each peer's credentials are
//!   checked as well: only the owner of the mount and root are answered.
//! - The actor of an event that a command causes is the peer, as the kernel names it; never what a request says.
//! - Rows are sent with backpressure: an answer of any length needs memory for a bounded number of rows, and
//!   stops when the reader goes away.
//! - Nothing is decided twice: a request that writes needs a writer, and is refused, with what to do, on a
//!   [`Target`] that only reads.
//!
//! **Failure.** Every error is a [`Failure`]: a kind that scripts can tell apart (each has an exit code, see
//! `docs/cli.md`) and one line that says what was expected, what was found and what to do.

mod answer;
mod client;
mod execute;
mod locate;
mod path;
mod request;
mod rows;
mod server;
mod shell;
mod socket;

pub use answer::{Answers, Failure, FailureKind, Line, Progress, Sink};
pub use client::call;
pub use execute::{Caller, MountedAt, Order, Target, execute, verify_store};
pub use locate::{Located, MountAddress, locate, mounts};
pub use path::TreePath;
pub use request::Request;
pub use rows::{
    ActorRow, BurstRow, CacheRow, ChangeRow, CheckpointRow, CheckpointsResult, Counts, DiffResult, EventRow,
    FindingRow, HitRow, InstantRow, LogResult, StatusResult, StoreRow, SyncResult, TimeText, UndoResult,
    UnmountResult, VerifyResult, unspell,
};
pub use server::Server;
pub use shell::shell_word;
pub use socket::{SocketError, socket_path};
