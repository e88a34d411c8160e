//! Turns the journal into a tree of files, and commands into events.
#![allow(missing_docs)]

pub mod content;
pub mod decide;
pub mod history;
pub mod instant;
pub mod namespace;
pub mod snapshot;
pub mod volume;
