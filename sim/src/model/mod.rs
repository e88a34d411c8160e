//! What the tree must be: plain, slow, and without a line of the code that it judges.
//!
//! **Purpose.** A [`Tree`] is what a user sees at one instant, with each file's bytes in a map. Every operation of
//! the simulation is done to it as well, by rules that are written down here a second time; [`Timeline`] keeps the
//! tree after each of them, by sequence number. What the volume answers, holds, recovers or shows of its past is
//! compared with these. A [`Replay`] makes a tree from events that somebody else recorded.
//!
//! **Invariants.**
//! - Nothing here uses the namespace, decide, evolve or the planner of undo. [`compare`] alone looks at a
//!   namespace, through what it shows to everybody.
//! - Link counts are counted, not kept.
//! - The model predicts sequence numbers and times too: how many events an operation makes, and that times
//!   increase by a nanosecond at least, whatever the clock does.

mod attributes;
mod burst;
pub mod compare;
mod content;
mod entries;
mod past;
mod ranges;
mod replay;
mod timeline;
mod tree;

pub use attributes::{Changes, When};
pub use content::Content;
pub use entries::Mode;
pub use past::{PathTree, Scope};
pub use replay::{Contents, Replay};
pub use timeline::{Op, Record, Redo, Timeline};
pub use tree::{Body, Checkpoint, Kind, Node, Number, Tree, errno};
