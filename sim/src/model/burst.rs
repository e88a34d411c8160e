//! The latest burst of changes, by the model's own reading of what a burst is.

use std::rc::Rc;

use super::timeline::{Op, Timeline};
use super::tree::Tree;

/// A pause this long ends a burst, in nanoseconds.
const PAUSE_NS: i64 = 2_000_000_000;

impl Timeline {
    /// The tree before the latest burst of changes of the whole tree; `None` if there is none, if it
    /// was not kept, or if it has left nothing that a user could see, so that where to go is a matter of taste.
    pub fn before_latest_burst(&self) -> Option<&Rc<Tree>> {
        let records = self.records();
        let mut at = records.len() - 1;
        // The first change of the burst so far.
        let mut first: Option<usize> = None;
        while at > 0 {
            let record = &records[at];
            let pause = first.is_some_and(|first| records[first].tree.time - record.tree.time >= PAUSE_NS);
            match (record.op, first) {
                (Op::Quiet, _) | (Op::Checkpoint, None) => {}
                (Op::Change, _) if !pause => first = Some(at),
                (Op::Undone { to: Some(to), .. } | Op::Redone { to: Some(to) }, None) => {
                    at = records.iter().position(|record| record.tree.seq == to)? + 1;
                }
                // A part of the tree: a burst of its own.
                (Op::Undone { .. } | Op::Redone { .. } | Op::Restored, None) => {
                    first = Some(at);
                    break;
                }
                (Op::Untold, _) => return None,
                _ => break,
            }
            at -= 1;
        }
        let before = &records[first? - 1].tree;
        let seen = |tree: &Tree| -> Vec<(Vec<u8>, Option<super::Node>)> {
            let paths = tree.paths().0.into_iter();
            paths.map(|(path, ino)| (path, tree.nodes.get(&ino).map(|node| as_seen(node)))).collect()
        };
        (seen(before) != seen(self.head())).then_some(before)
    }
}

/// Without what two looks at the same thing may differ in, and without directories' entries, which are paths.
fn as_seen(node: &super::Node) -> super::Node {
    let body = match &node.body {
        super::Body::Directory(_) => super::Body::Directory(Default::default()),
        body => body.clone(),
    };
    super::Node { body, atime: 0, mtime: 0, ctime: 0, btime: 0, ..node.clone() }
}
