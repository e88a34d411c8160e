//! Changes of content, as the operations of a mount make them.

use super::Content;
use super::tree::{Number, Tree, errno};

/// The end of a range that a file can have.
fn end_of(offset: u64, len: u64) -> Result<u64, Number> {
    offset.checked_add(len).filter(|end| *end <= Content::MOST).ok_or(errno::FBIG)
}

impl Tree {
    fn content(&self, ino: u64) -> Result<&Content, Number> {
        self.has_content(ino)?;
        self.node(ino).content().ok_or(errno::INVAL)
    }

    /// Writes bytes.
    ///
    /// # Errors
    /// `EFBIG`; `EISDIR` and `EINVAL` where there is no content.
    pub fn write(&mut self, now: i64, ino: u64, offset: u64, bytes: &[u8]) -> Result<(), Number> {
        self.content(ino)?;
        end_of(offset, bytes.len() as u64)?;
        self.change_content(now, ino, |content| content.write(offset, bytes));
        Ok(())
    }

    /// Gives a file a size. Answers the time of the event.
    pub(super) fn truncate(&mut self, now: i64, ino: u64, size: u64) -> Result<i64, Number> {
        end_of(size, 0)?;
        Ok(self.change_content(now, ino, |content| content.truncate(size)))
    }

    /// Makes a range a hole; the size stays.
    ///
    /// # Errors
    /// As [`Tree::write`]; `EINVAL` for an empty range.
    pub fn punch(&mut self, now: i64, ino: u64, offset: u64, len: u64) -> Result<(), Number> {
        let size = self.content(ino)?.size();
        if len == 0 {
            return Err(errno::INVAL);
        }
        let end = end_of(offset, len)?.min(size);
        if offset < end {
            self.change_content(now, ino, |content| content.zero(offset..end));
        }
        Ok(())
    }

    /// Makes a range zeros, beyond the end too.
    ///
    /// # Errors
    /// As [`Tree::punch`].
    pub fn zero(&mut self, now: i64, ino: u64, offset: u64, len: u64) -> Result<(), Number> {
        self.content(ino)?;
        if len == 0 {
            return Err(errno::INVAL);
        }
        let end = end_of(offset, len)?;
        self.change_content(now, ino, |content| content.zero(offset..end));
        Ok(())
    }

    /// Makes a file at least so long.
    ///
    /// # Errors
    /// As [`Tree::punch`].
    pub fn allocate(&mut self, now: i64, ino: u64, offset: u64, len: u64) -> Result<(), Number> {
        let before = self.content(ino)?.size();
        if len == 0 {
            return Err(errno::INVAL);
        }
        let size = end_of(offset, len)?;
        if size > before {
            self.change_content(now, ino, |content| content.truncate(size));
        }
        Ok(())
    }

    /// Copies a range; answers how many bytes.
    ///
    /// # Errors
    /// As [`Tree::write`]; `EINVAL` for ranges of one file that overlap.
    pub fn copy_range(
        &mut self,
        now: i64,
        (from, from_offset): (u64, u64),
        (to, to_offset): (u64, u64),
        len: u64,
    ) -> Result<u64, Number> {
        let source = self.content(from)?;
        self.content(to)?;
        end_of(to_offset, len)?;
        let end = end_of(from_offset, len)?.min(source.size());
        if from == to && from_offset.abs_diff(to_offset) < len {
            return Err(errno::INVAL);
        }
        if from_offset >= end {
            return Ok(0);
        }
        let copied = end - from_offset;
        let runs: Vec<(u64, Vec<u8>)> = source
            .runs(from_offset..end)
            .map(|(at, bytes)| (at - from_offset + to_offset, bytes.to_vec()))
            .collect();
        self.change_content(now, to, |content| {
            content.zero(to_offset..to_offset + copied);
            content.replace(to_offset..to_offset + copied, &runs);
        });
        Ok(copied)
    }
}
