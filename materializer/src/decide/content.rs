use firn_journal::{EventKind, Ino, PlacedExtent};

use super::{Decision, Errno, file};
use crate::namespace::{MAX_FILE_SIZE, Namespace};

/// The most extents that one copy takes over, which bounds its event; the caller asks again for the rest.
pub const MAX_COPY_EXTENTS: usize = 16_384;

pub(super) fn write(
    ns: &Namespace,
    ino: Ino,
    offset: u64,
    len: u64,
    extents: &[PlacedExtent],
) -> Result<Decision, Errno> {
    file(ns, ino)?;
    end_of(offset, len)?;
    if len == 0 {
        return Ok(Decision::default());
    }
    Ok(EventKind::Written { ino, offset, len, extents: extents.to_vec() }.into())
}

pub(super) fn truncate(ns: &Namespace, ino: Ino, size: u64) -> Result<Decision, Errno> {
    file(ns, ino)?;
    end_of(size, 0)?;
    Ok(EventKind::Truncated { ino, size }.into())
}

pub(super) fn punch(ns: &Namespace, ino: Ino, offset: u64, len: u64) -> Result<Decision, Errno> {
    let size = file(ns, ino)?.attributes.size;
    let end = some_range(offset, len)?.min(size);
    if offset >= end {
        return Ok(Decision::default());
    }
    Ok(EventKind::Written { ino, offset, len: end - offset, extents: Vec::new() }.into())
}

pub(super) fn zero(ns: &Namespace, ino: Ino, offset: u64, len: u64) -> Result<Decision, Errno> {
    file(ns, ino)?;
    some_range(offset, len)?;
    Ok(EventKind::Written { ino, offset, len, extents: Vec::new() }.into())
}

pub(super) fn allocate(ns: &Namespace, ino: Ino, offset: u64, len: u64) -> Result<Decision, Errno> {
    let before = file(ns, ino)?.attributes.size;
    let size = some_range(offset, len)?;
    if size <= before {
        return Ok(Decision::default());
    }
    Ok(EventKind::Truncated { ino, size }.into())
}

pub(super) fn copy_range(
    ns: &Namespace,
    (from, from_offset): (Ino, u64),
    (to, to_offset): (Ino, u64),
    len: u64,
) -> Result<Decision, Errno> {
    let size = file(ns, from)?.attributes.size;
    file(ns, to)?;
    end_of(to_offset, len)?;
    let end = end_of(from_offset, len)?.min(size);
    if from == to && from_offset.abs_diff(to_offset) < len {
        return Err(Errno::INVAL);
    }
    if from_offset >= end {
        return Ok(Decision::default());
    }
    let mut source = ns.extents(from, from_offset..end);
    let shift =
        |placed: PlacedExtent| PlacedExtent { offset: placed.offset - from_offset + to_offset, ..placed };
    let extents = source.by_ref().take(MAX_COPY_EXTENTS).map(shift).collect();
    let end = source.next().map_or(end, |rest| rest.offset);
    let copied = end - from_offset;
    let event = EventKind::Written { ino: to, offset: to_offset, len: copied, extents };
    Ok(Decision { copied, ..event.into() })
}

/// The end of a range that a file can have.
fn end_of(offset: u64, len: u64) -> Result<u64, Errno> {
    offset.checked_add(len).filter(|end| *end <= MAX_FILE_SIZE).ok_or(Errno::FBIG)
}

/// The same, of a range that must not be empty.
fn some_range(offset: u64, len: u64) -> Result<u64, Errno> {
    if len == 0 { Err(Errno::INVAL) } else { end_of(offset, len) }
}
