use std::path::PathBuf;
use std::rc::Rc;

use super::workers::Times;
use crate::model::{Node, Timeline, Tree};

/// Times below are the model's own count of events: what the mount's clock says is not known (yet).
const KNOWN: i64 = 1 << 52;

/// When something was done, by the common count.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    /// When it began.
    pub start: u64,
    /// When it had ended; the greatest number if nobody knows whether it was done.
    pub finish: u64,
    /// What was done in several lanes at once has one number: it is in all of them or in none.
    pub joint: Option<u64>,
}

impl Span {
    /// Before everything.
    pub const BASE: Span = Span { start: 0, finish: 0, joint: None };
}

/// A directory in which one thing is done at a time, and the tree after each.
pub struct Lane {
    /// Its name in the root.
    pub name: String,
    timeline: Timeline,
    /// Of each record of the timeline but the first, which is before everything.
    spans: Vec<Span>,
}

impl Lane {
    /// A lane that has this tree.
    ///
    /// # Errors
    /// If the tree comes before the first event.
    pub fn new(name: String, tree: Tree) -> Result<Lane, String> {
        let mut lane = Lane { name, timeline: Timeline::default(), spans: Vec::new() };
        lane.did(tree, Span::BASE)?;
        Ok(lane)
    }

    /// Begins anew with this tree, as one that is stored.
    ///
    /// # Errors
    /// See [`Lane::new`].
    pub fn restart(&mut self, tree: Tree) -> Result<(), String> {
        *self = Lane::new(std::mem::take(&mut self.name), tree)?;
        Ok(())
    }

    /// The tree after all that was done, or may have been.
    pub fn head(&self) -> &Rc<Tree> {
        self.timeline.head()
    }

    /// Takes the tree after one more operation.
    ///
    /// # Errors
    /// If it is not later than the last.
    pub fn did(&mut self, tree: Tree, span: Span) -> Result<(), String> {
        let before = self.timeline.records().len();
        self.timeline.push(tree, span.start)?;
        if self.timeline.records().len() != before + 1 {
            return Err(format!("{}: an operation without an event was recorded", self.name));
        }
        self.spans.push(span);
        Ok(())
    }

    /// What this lane may be: the oldest is number 0.
    pub fn state(&self, number: usize) -> (&Rc<Tree>, Span) {
        (&self.timeline.records()[number + 1].tree, self.spans[number])
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// The path of something in it, from the mount point.
    pub fn path(&self, within: &[u8]) -> PathBuf {
        use std::os::unix::ffi::OsStrExt;
        let within = std::ffi::OsStr::from_bytes(within);
        let lane = PathBuf::from(&self.name);
        if within.is_empty() { lane } else { lane.join(within) }
    }
}

/// Whether the times of an inode are those that the mount told.
pub fn is_known(node: &Node) -> bool {
    node.mtime >= KNOWN && node.ctime >= KNOWN
}

/// The paths of what has no known times; each inode by one of its names.
pub fn unknown(tree: &Tree) -> Vec<(Vec<u8>, u64)> {
    let mut seen = std::collections::BTreeSet::new();
    let paths = tree.paths().0.into_iter();
    paths.filter(|(_, ino)| !is_known(tree.node(*ino)) && seen.insert(*ino)).collect()
}

/// Takes over the times that the mount told, where they were not known.
pub fn learn(tree: &mut Tree, ino: u64, times: Times) {
    if let Some(node) = tree.nodes.get_mut(&ino) {
        let node = Rc::make_mut(node);
        (node.mtime, node.ctime) = completed((node.mtime, node.ctime), times);
    }
}

/// The model's times, with the mount's in place of those that are not known.
pub fn completed(of_model: Times, of_mount: Times) -> Times {
    let known = |model, mount| if model < KNOWN { mount } else { model };
    (known(of_model.0, of_mount.0), known(of_model.1, of_mount.1))
}
