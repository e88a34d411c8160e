//! A volume in a temporary directory, mounted by this process on another: what programs see through the kernel.
//! Needs root and `/dev/fuse`.

mod content;
mod directories;
mod files;
mod kernel;
mod past;
mod sessions;
mod world;
