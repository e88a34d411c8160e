use std::collections::{BTreeMap, VecDeque};

use firn_journal::{JournalTip, Seq};

use crate::namespace::Namespace;

/// Past namespaces in memory. They share all that did not change between them.
///
/// *Bases* are ends of segments, from which replay can go on: many of the recent past, fewer of the older.
/// *Remembered* views are instants that somebody opened or named, the latest of them.
pub(super) struct Bases {
    limit: usize,
    bases: BTreeMap<Seq, (Namespace, JournalTip)>,
    remembered: VecDeque<Namespace>,
}

impl Bases {
    pub fn new(limit: usize) -> Self {
        Bases { limit: limit.max(2), bases: BTreeMap::new(), remembered: VecDeque::new() }
    }

    /// Adds the end of a segment.
    pub fn push(&mut self, ns: Namespace, tip: JournalTip) {
        self.bases.insert(ns.seq(), (ns, tip));
        if self.bases.len() > self.limit {
            self.thin();
        }
    }

    /// Drops every second one of the older half.
    fn thin(&mut self) {
        let older: Vec<Seq> = self.bases.keys().copied().take(self.bases.len() / 2).collect();
        for seq in older.iter().skip(1).step_by(2) {
            self.bases.remove(seq);
        }
    }

    /// Keeps an instant that need not be the end of a segment.
    pub fn remember(&mut self, ns: Namespace) {
        self.remembered.retain(|known| known.seq() != ns.seq());
        self.remembered.push_back(ns);
        if self.remembered.len() > self.limit {
            self.remembered.pop_front();
        }
    }

    /// The namespace whose last event is this one.
    pub fn exactly(&self, seq: Seq) -> Option<Namespace> {
        if let Some((ns, _)) = self.bases.get(&seq) {
            return Some(ns.clone());
        }
        self.remembered.iter().find(|ns| ns.seq() == seq).cloned()
    }

    /// Where replay towards `seq` can begin.
    pub fn at_or_before(&self, seq: Seq) -> Option<(Namespace, JournalTip)> {
        self.bases.range(..=seq).next_back().map(|(_, base)| base.clone())
    }
}
