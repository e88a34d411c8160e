use std::rc::Rc;

use super::Tree;

/// What an operation was, to somebody who looks for the latest burst of changes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Op {
    /// Nothing that can be seen by its path changed.
    Quiet,
    /// Something did.
    Change,
    /// The instant got a name.
    Checkpoint,
    /// An undo, from this instant.
    Undone {
        /// The instant before it.
        before: u64,
        /// Where it went, if that was the whole tree.
        to: Option<u64>,
    },
    /// A redo.
    Redone {
        /// Where it went, if that was the whole tree.
        to: Option<u64>,
    },
    /// Something was brought back.
    Restored,
    /// Several operations, of which only the outcome was kept.
    Untold,
}

/// What a redo must do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Redo {
    /// Go to this instant.
    To(u64),
    /// There is nothing to take back.
    Nothing,
    /// Too little of the history was kept to tell.
    Untold,
}

impl Op {
    /// Whether it is one transaction of several events.
    pub fn is_transaction(self) -> bool {
        matches!(self, Op::Undone { .. } | Op::Redone { .. } | Op::Restored)
    }

    /// What made `after` of `before`.
    fn between(before: &Tree, after: &Tree) -> Op {
        let (lost_then, lost_now) = (before.orphans(), after.orphans());
        let named = |tree: &Tree, lost: &[u64]| -> Vec<(u64, Rc<super::Node>)> {
            let nodes = tree.nodes.iter().filter(|(ino, _)| !lost.contains(ino));
            nodes.map(|(ino, node)| (*ino, node.clone())).collect()
        };
        let same = named(before, &lost_then) == named(after, &lost_now);
        if same { Op::Quiet } else { Op::Change }
    }
}

/// The tree after one operation.
#[derive(Clone, Debug)]
pub struct Record {
    /// What it must be.
    pub tree: Rc<Tree>,
    /// Somebody has seen this instant, or was told that it is stored: it must not change any more.
    pub sealed: bool,
    /// When it was done, in virtual milliseconds.
    pub at_ms: u64,
    /// What it was.
    pub op: Op,
}

/// One line of history: the tree after each operation, in the order of sequence numbers.
#[derive(Clone, Debug)]
pub struct Timeline {
    records: Vec<Record>,
}

impl Default for Timeline {
    /// Before the first event.
    fn default() -> Self {
        Timeline { records: vec![Record { tree: Rc::default(), sealed: true, at_ms: 0, op: Op::Quiet }] }
    }
}

impl Timeline {
    /// The present.
    pub fn head(&self) -> &Rc<Tree> {
        &self.records[self.records.len() - 1].tree
    }

    /// Whether the present may still grow.
    pub fn is_sealed(&self) -> bool {
        self.records[self.records.len() - 1].sealed
    }

    /// The present was seen.
    pub fn seal(&mut self) {
        let last = self.records.len() - 1;
        self.records[last].sealed = true;
    }

    /// Takes the tree after one more operation. The same sequence number means that the last operation grew.
    ///
    /// # Errors
    /// If an instant that somebody has seen would change.
    pub fn push(&mut self, tree: Tree, mut at_ms: u64) -> Result<(), String> {
        let head = self.head();
        if tree.seq == head.seq {
            if **head == tree {
                return Ok(());
            }
            if self.is_sealed() {
                return Err(format!(
                    "the instant #{} was seen already, and a write has changed it",
                    tree.seq
                ));
            }
            // What grows is as old as its beginning.
            at_ms = self.records.pop().map_or(at_ms, |grown| grown.at_ms);
        } else if tree.seq < head.seq {
            return Err(format!("the history goes from #{} back to #{}", head.seq, tree.seq));
        }
        let op = Op::between(self.head(), &tree);
        self.records.push(Record { tree: Rc::new(tree), sealed: false, at_ms, op });
        Ok(())
    }

    /// Says what the last operation was.
    pub fn label(&mut self, op: Op) {
        let last = self.records.len() - 1;
        self.records[last].op = op;
    }

    /// Where a redo goes: to the instant before the last undo that was not taken back, if nothing else has changed
    /// since.
    pub fn next_redo(&self) -> Redo {
        let mut redone = 0;
        for record in self.records.iter().rev() {
            match record.op {
                Op::Quiet | Op::Checkpoint => {}
                Op::Redone { .. } => redone += 1,
                Op::Undone { .. } if redone > 0 => redone -= 1,
                Op::Undone { before, .. } => return Redo::To(before),
                Op::Change | Op::Restored => return Redo::Nothing,
                Op::Untold => return Redo::Untold,
            }
        }
        Redo::Nothing
    }

    /// The tree at an instant, if an operation ended there.
    pub fn at(&self, seq: u64) -> Option<&Rc<Tree>> {
        let found = self.records.binary_search_by_key(&seq, |record| record.tree.seq).ok()?;
        Some(&self.records[found].tree)
    }

    /// All instants, the oldest first.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// Forgets what came after an instant, which an operation ended at; what is left has been stored.
    pub fn cut(&mut self, seq: u64) {
        self.records.retain(|record| record.tree.seq <= seq);
        self.records.iter_mut().for_each(|record| record.sealed = true);
    }
}
