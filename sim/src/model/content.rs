use std::collections::BTreeMap;
use std::ops::Range;
use std::rc::Rc;

/// Where runs are parted at the latest, in bytes: so a change costs what it changes and a little more, and the trees of
/// many instants share the rest.
const CHUNK: u64 = 64 << 10;

/// The bytes of a file: runs of data, and holes between them.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Content {
    size: u64,
    /// By their first byte. They do not overlap and none is empty. None goes on beyond a chunk's end, and no two touch
    /// but there.
    runs: BTreeMap<u64, Rc<[u8]>>,
}

impl Content {
    /// The largest size of a file.
    pub const MOST: u64 = i64::MAX as u64;

    /// Bytes of the file.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Bytes that are no hole.
    pub fn allocated(&self) -> u64 {
        self.runs.values().map(|run| run.len() as u64).sum()
    }

    /// The runs that a range can meet.
    fn around(&self, range: Range<u64>) -> impl Iterator<Item = (&u64, &Rc<[u8]>)> {
        // None is longer than a chunk.
        let from = range.start.saturating_sub(CHUNK).min(range.end);
        self.runs.range(from..range.end)
    }

    /// Makes a range a hole.
    fn carve(&mut self, range: Range<u64>) {
        let touched: Vec<u64> = self
            .around(range.clone())
            .filter(|(start, run)| **start + run.len() as u64 > range.start)
            .map(|(start, _)| *start)
            .collect();
        for start in touched {
            let Some(run) = self.runs.remove(&start) else { continue };
            let end = start + run.len() as u64;
            if start < range.start {
                self.runs.insert(start, run[..(range.start - start) as usize].into());
            }
            if end > range.end {
                self.runs.insert(range.end, run[(range.end - start) as usize..].into());
            }
        }
    }

    /// Puts bytes where there is a hole, and joins them with what they touch.
    fn fill(&mut self, mut offset: u64, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let room = (CHUNK - offset % CHUNK) as usize;
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.fill_chunk(offset, now);
            offset += now.len() as u64;
            bytes = later;
        }
    }

    /// The same, within one chunk.
    fn fill_chunk(&mut self, offset: u64, bytes: &[u8]) {
        let mut start = offset;
        let mut joined = bytes.to_vec();
        let chunk = offset - offset % CHUNK;
        let before = self.runs.range(chunk..offset).next_back().map(|(at, run)| (*at, run.clone()));
        if let Some((at, run)) = before.filter(|(at, run)| at + run.len() as u64 == offset) {
            self.runs.remove(&at);
            start = at;
            joined.splice(0..0, run.iter().copied());
        }
        let end = offset + bytes.len() as u64;
        if end < chunk + CHUNK
            && let Some(run) = self.runs.remove(&end)
        {
            joined.extend_from_slice(&run);
        }
        self.runs.insert(start, joined.into());
    }

    /// Writes bytes.
    pub fn write(&mut self, offset: u64, bytes: &[u8]) {
        let end = offset + bytes.len() as u64;
        self.carve(offset..end);
        self.fill(offset, bytes);
        self.size = self.size.max(end);
    }

    /// Makes a range a hole; the file grows if the range ends beyond it.
    pub fn zero(&mut self, range: Range<u64>) {
        self.size = self.size.max(range.end);
        self.carve(range);
    }

    /// Makes a range hold these runs, and holes elsewhere. The size stays.
    pub fn replace(&mut self, range: Range<u64>, runs: &[(u64, Vec<u8>)]) {
        self.carve(range);
        for (offset, bytes) in runs {
            self.fill(*offset, bytes);
        }
    }

    /// Gives the file a size.
    pub fn truncate(&mut self, size: u64) {
        self.carve(size.min(self.size)..Self::MOST);
        self.size = size;
    }

    /// Gives the file a size, and touches nothing of what it holds.
    pub(super) fn set_size(&mut self, size: u64) {
        self.size = size;
    }

    /// The data in a range, by offset; two pieces may touch.
    pub fn runs(&self, range: Range<u64>) -> impl Iterator<Item = (u64, &[u8])> {
        self.around(range.clone()).filter_map(move |(start, run)| {
            let end = start + run.len() as u64;
            let (from, to) = ((*start).max(range.start), end.min(range.end));
            (from < to).then(|| (from, &run[(from - start) as usize..(to - start) as usize]))
        })
    }

    /// Where data is: the first byte, and the one after the last. No two of these touch.
    pub fn data(&self) -> Vec<Range<u64>> {
        let mut data: Vec<Range<u64>> = Vec::new();
        for (at, run) in self.runs(0..self.size) {
            let end = at + run.len() as u64;
            match data.last_mut() {
                Some(last) if last.end == at => last.end = end,
                _ => data.push(at..end),
            }
        }
        data
    }

    /// The bytes of a range, up to the end of the file.
    pub fn read(&self, offset: u64, len: u64) -> Vec<u8> {
        let end = offset.saturating_add(len).min(self.size);
        let start = offset.min(end);
        let mut bytes = vec![0; (end - start) as usize];
        for (at, run) in self.runs(start..end) {
            let at = (at - start) as usize;
            bytes[at..at + run.len()].copy_from_slice(run);
        }
        bytes
    }

    /// Where data begins, at or after `from`.
    pub fn next_data(&self, from: u64) -> Option<u64> {
        self.runs(from..self.size).next().map(|(at, _)| at)
    }

    /// Where a hole begins, at or after `from`; the end of the file is one.
    pub fn next_hole(&self, from: u64) -> u64 {
        let mut at = from;
        for (start, run) in self.runs(from..self.size) {
            if start != at {
                break;
            }
            at += run.len() as u64;
        }
        at
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Beside an array of bytes that may be holes, before and after the end of a chunk.
        #[test]
        fn content_is_an_array(steps in prop::collection::vec((0..4u8, 0..60u64, 1..30u64), 1..40)) {
            const START: u64 = CHUNK - 30;
            let mut content = Content::default();
            let mut array: Vec<Option<u8>> = Vec::new();
            for (n, (what, offset, len)) in (1u8..).zip(steps) {
                let range = offset as usize..(offset + len) as usize;
                let (from, to) = (START + offset, START + offset + len);
                match what {
                    0 => content.write(from, &vec![n; len as usize]),
                    1 => content.zero(from..to),
                    2 => content.truncate(from),
                    _ => content.replace(from..to.min(content.size()).max(from), &[]),
                }
                match what {
                    0 | 1 => {
                        array.resize(array.len().max(range.end), None);
                        array[range].fill((what == 0).then_some(n));
                    }
                    2 => array.resize(offset as usize, None),
                    _ => {
                        let end = range.end.min(array.len());
                        array[range.start.min(end)..end].fill(None);
                    }
                }
                let bytes: Vec<u8> = array.iter().map(|byte| byte.unwrap_or(0)).collect();
                prop_assert_eq!(content.read(START, u64::MAX), bytes);
                prop_assert_eq!(content.allocated(), array.iter().flatten().count() as u64);
                let data = array.iter().position(Option::is_some).map(|at| START + at as u64);
                prop_assert_eq!(content.next_data(0), data);
                let hole = array.iter().position(Option::is_none).unwrap_or(array.len());
                prop_assert_eq!(content.next_hole(START), START + hole as u64);
                let data: Vec<usize> = content.data().into_iter().flatten().map(|at| (at - START) as usize).collect();
                let expected: Vec<usize> = (0..array.len()).filter(|at| array[*at].is_some()).collect();
                prop_assert_eq!(data, expected);
                let mut again = Content::default();
                content.runs(0..u64::MAX).for_each(|(at, run)| run.iter().zip(at..).for_each(|(byte, at)| again.write(at, &[*byte])));
                again.truncate(content.size());
                prop_assert_eq!(&again, &content, "one form of the same bytes");
            }
        }
    }
}
