//! Mounted filesystems, over both transports: what programs see, and how sessions end. Needs root and `/dev/fuse`.

#[path = "../../examples/empty/fs.rs"]
mod empty;
mod endings;
mod fallback;
mod kernel;
mod operations;
mod probe;
mod replies;
mod seccomp;
mod world;
