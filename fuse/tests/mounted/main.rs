//! Mounted filesystems, over both transports: what programs see, and how sessions end. Needs root and `/dev/fuse`.
//!
//! The system's setting `enable_uring` of the module `fuse` is turned on while tests need it, and is then what it was;
//! a test that is killed leaves it on.

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
