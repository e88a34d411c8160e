use std::collections::{BTreeMap, VecDeque};
use std::fmt;

use crate::{SegmentHeader, SegmentNo};

/// A few megabytes.
const LIMIT: usize = 16_384;

/// Headers that were read. They never change, and the oldest reading goes first.
#[derive(Default)]
pub(super) struct HeaderCache {
    headers: BTreeMap<SegmentNo, SegmentHeader>,
    by_age: VecDeque<SegmentNo>,
}

impl fmt::Debug for HeaderCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} headers", self.headers.len())
    }
}

impl HeaderCache {
    pub fn get(&self, no: SegmentNo) -> Option<SegmentHeader> {
        self.headers.get(&no).copied()
    }

    pub fn insert(&mut self, header: SegmentHeader) {
        if self.headers.insert(header.no, header).is_none() {
            self.by_age.push_back(header.no);
        }
        if self.by_age.len() > LIMIT
            && let Some(oldest) = self.by_age.pop_front()
        {
            self.headers.remove(&oldest);
        }
    }
}
