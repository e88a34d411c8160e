use std::ops::Range;

/// The kernel keeps several reads in flight, and they arrive in any order: within this many bytes of where the
/// reading was expected to go on, it goes on.
const SLACK: u64 = 2 << 20;
/// Bytes fetched ahead when a sequential reading is recognized.
const FIRST: u64 = 2 << 20;
/// The most bytes fetched ahead; doubled until there.
const MOST: u64 = 32 << 20;

/// Recognizes sequential reading of one open file, and says what to fetch before it is asked for.
#[derive(Debug, Default)]
pub(super) struct Readahead {
    /// Where the last read ended.
    expected: u64,
    /// Up to where content has been asked for.
    fetched: u64,
    /// How far ahead to be; 0 while the reading is not sequential.
    window: u64,
}

impl Readahead {
    /// Notes a read; answers the range to fetch now, if any. Each byte of a sequential reading is answered once.
    pub fn note(&mut self, read: Range<u64>) -> Option<Range<u64>> {
        let sequential = read.start.abs_diff(self.expected) <= SLACK && self.expected > 0;
        if !sequential {
            *self = Readahead { expected: read.end, fetched: read.end, window: 0 };
            return None;
        }
        self.expected = self.expected.max(read.end);
        self.fetched = self.fetched.max(read.end);
        // More only when half of what is ahead has been used up, so that the fetches are large.
        if self.fetched - self.expected > self.window / 2 {
            return None;
        }
        self.window = (self.window * 2).clamp(FIRST, MOST);
        let from = self.fetched;
        self.fetched = self.expected.saturating_add(self.window);
        (from < self.fetched).then_some(from..self.fetched)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    fn read(readahead: &mut Readahead, at: u64) -> Option<Range<u64>> {
        readahead.note(at..at + MIB)
    }

    #[test]
    fn sequential_reading_is_fetched_ahead_once_and_ever_further() {
        let mut readahead = Readahead::default();
        assert_eq!(read(&mut readahead, 0), None);
        let mut fetched = MIB;
        let mut longest = 0;
        for at in (MIB..400 * MIB).step_by(MIB as usize) {
            if let Some(range) = read(&mut readahead, at) {
                assert!(range.start >= fetched, "{range:?} was fetched already, up to {fetched}");
                fetched = range.end;
                longest = longest.max(range.end - at - MIB);
            }
            assert!(fetched > at, "reading at {at} was not fetched ahead");
        }
        assert!(longest > 16 * MIB && longest <= MOST);
    }

    #[test]
    fn random_reading_is_left_alone() {
        let mut readahead = Readahead::default();
        for at in [900, 4, 300, 80, 700, 33] {
            assert_eq!(read(&mut readahead, at * 16 * MIB), None);
        }
    }

    #[test]
    fn reads_out_of_order_are_still_sequential() {
        let mut readahead = Readahead::default();
        for at in [0, 1, 3, 2, 4, 6, 5] {
            read(&mut readahead, at * MIB);
        }
        assert!(readahead.window >= FIRST);
    }
}
