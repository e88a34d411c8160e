use std::ops::Range;

use firn_journal::{Extent, Ino, PlacedExtent};

use super::keys::PlaceKey;
use super::map::Pairs;
use super::{EvolveError, MAX_FILE_SIZE, Namespace};

impl Namespace {
    /// Makes `range` of a file hold exactly `extents`: what lay there is gone, what reached in is cut.
    pub(super) fn replace_extents(
        &mut self,
        ino: Ino,
        range: Range<u64>,
        extents: &[PlacedExtent],
    ) -> Result<(), EvolveError> {
        check(ino, &range, extents)?;
        self.carve(ino, range)?;
        for placed in extents {
            self.extents.insert(PlaceKey { ino, offset: placed.offset }, placed.extent);
        }
        self.count_allocated(ino, extents.iter().map(|placed| u64::from(placed.extent.len)).sum(), 0)
    }

    /// The extents of a file that begin in `range`, after the last one that begins before it.
    pub(super) fn reaching(&self, ino: Ino, range: &Range<u64>) -> Pairs<'_, PlaceKey, Extent> {
        let at = PlaceKey { ino, offset: range.start };
        let first = match self.extents.at_or_before(&at) {
            Some((key, _)) if key.ino == ino => *key,
            _ => at,
        };
        self.extents.range(first..PlaceKey { ino, offset: range.end.max(first.offset) })
    }

    /// Makes `range` of a file a hole.
    pub(super) fn carve(&mut self, ino: Ino, range: Range<u64>) -> Result<(), EvolveError> {
        let touched: Vec<(PlaceKey, Extent)> =
            self.reaching(ino, &range).map(|(key, extent)| (*key, *extent)).collect();
        let (mut removed, mut kept) = (0, 0);
        for (key, extent) in touched {
            let end = key.offset + u64::from(extent.len);
            if end <= range.start {
                continue;
            }
            removed += u64::from(extent.len);
            if key.offset < range.start {
                // Less than the extent's length, so 32 bits.
                let len = (range.start - key.offset) as u32;
                self.extents.insert(key, Extent { len, ..extent });
                kept += u64::from(len);
            } else {
                self.extents.remove(&key);
            }
            if end > range.end {
                let cut = (range.end - key.offset) as u32;
                let rest = Extent { len: extent.len - cut, skip: extent.skip + cut, block: extent.block };
                self.extents.insert(PlaceKey { ino, offset: range.end }, rest);
                kept += u64::from(rest.len);
            }
        }
        if removed == kept {
            return Ok(());
        }
        self.count_allocated(ino, kept, removed)
    }

    fn count_allocated(&mut self, ino: Ino, more: u64, less: u64) -> Result<(), EvolveError> {
        let inode = self.inode_mut(ino)?;
        inode.allocated = inode.allocated + more - less;
        // Files share blocks, so what is stored is no bound for the sum of a hostile journal's files.
        self.allocated = self.allocated.wrapping_add(more).wrapping_sub(less);
        Ok(())
    }
}

/// A range that a file can have.
pub(super) fn range_of(ino: Ino, offset: u64, len: u64) -> Result<Range<u64>, EvolveError> {
    match offset.checked_add(len) {
        Some(end) if len > 0 && end <= MAX_FILE_SIZE => Ok(offset..end),
        _ => Err(EvolveError::BadRange { ino, offset, len }),
    }
}

/// Ascending, apart, not empty, within the range; and each within what a block can be.
fn check(ino: Ino, range: &Range<u64>, extents: &[PlacedExtent]) -> Result<(), EvolveError> {
    let mut at = range.start;
    for PlacedExtent { offset, extent } in extents {
        let end = offset.checked_add(u64::from(extent.len)).filter(|end| *end <= range.end);
        let fits = *offset >= at && extent.len > 0 && extent.skip.checked_add(extent.len).is_some();
        match end {
            Some(end) if fits => at = end,
            _ => return Err(EvolveError::BadExtent { ino, offset: *offset }),
        }
    }
    Ok(())
}
