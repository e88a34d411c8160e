//! Every number that the journal writes for an alternative: the kinds of events with their fields in the order
//! of their bytes, the kinds of transactions, the homes of packs.
//!
//! A number, once released, keeps its meaning and its fields forever and is never used again: an event that
//! needs another field is a new kind with a new number.

use super::{CodecError, Field, Input, Output};
use crate::{EventKind, Name, PackHome, PlacedExtent, TransactionKind};

macro_rules! event_kinds {
    ($($number:literal $label:literal $kind:ident { $($field:ident),* })*) => {
        impl EventKind {
            /// The kind's number in the journal.
            pub fn number(&self) -> u8 {
                match self { $(EventKind::$kind { .. } => $number,)* }
            }

            /// The kind's name, for people and for queries. As stable as the number.
            pub fn label(&self) -> &'static str {
                match self { $(EventKind::$kind { .. } => $label,)* }
            }
        }

        impl Field for EventKind {
            fn put(&self, out: &mut Output) {
                out.raw(&[self.number()]);
                match self { $(EventKind::$kind { $($field),* } => { $($field.put(out);)* })* }
            }

            fn take(input: &mut Input) -> Result<Self, CodecError> {
                Ok(match input.byte()? {
                    $($number => EventKind::$kind { $($field: Field::take(input)?),* },)*
                    found => {
                        return Err(CodecError::Number { what: "an event kind", found: u64::from(found) });
                    }
                })
            }
        }
    };
}

event_kinds! {
    1 "mounted" Mounted { epoch, host, pid, version }
    2 "checkpointed" Checkpointed { name, message }
    3 "transaction-began" TransactionBegan { kind, target, count, path }

    16 "created" Created { ino, parent, name, mode, uid, gid, rdev, target }
    17 "linked" Linked { ino, parent, name }
    18 "unlinked" Unlinked { ino, parent, name, evict }
    19 "renamed" Renamed { ino, parent, name, new_parent, new_name, replaced }
    20 "exchanged" Exchanged { ino, parent, name, other, other_parent, other_name }
    21 "evicted" Evicted { ino }

    32 "attributes-set" AttributesSet { ino, mode, uid, gid, atime, mtime }
    33 "xattr-set" XattrSet { ino, name, value }
    34 "xattr-removed" XattrRemoved { ino, name }

    48 "written" Written { ino, offset, len, extents }
    49 "truncated" Truncated { ino, size }

    64 "inode-put" InodePut { ino, attributes, target }
    65 "inode-dropped" InodeDropped { ino }
    66 "dirent-put" DirentPut { parent, name, ino, replaced }
    67 "dirent-dropped" DirentDropped { parent, name, ino }
    68 "extents-put" ExtentsPut { ino, offset, len, extents }
    69 "xattr-put" XattrPut { ino, name, value }
    70 "xattr-dropped" XattrDropped { ino, name }
}

macro_rules! numbered {
    ($type:ident, $what:literal, $($number:literal $alternative:pat => $value:expr),*) => {
        impl Field for $type {
            fn put(&self, out: &mut Output) {
                out.raw(&[match self { $($alternative => $number),* }]);
            }
            fn take(input: &mut Input) -> Result<Self, CodecError> {
                match input.byte()? {
                    $($number => Ok($value),)*
                    found => Err(CodecError::Number { what: $what, found: u64::from(found) }),
                }
            }
        }
    };
}

numbered!(
    TransactionKind, "a transaction kind",
    1 TransactionKind::Undo => TransactionKind::Undo,
    2 TransactionKind::Redo => TransactionKind::Redo,
    3 TransactionKind::Restore => TransactionKind::Restore
);

// A rider's place follows from its segment's header, and is not written.
numbered!(
    PackHome, "a pack's home",
    0 PackHome::Object => PackHome::Object,
    1 PackHome::Rider { .. } => PackHome::Rider { offset: 0 }
);

/// What an event's types leave open and its meaning does not; checked before writing and after reading.
pub(crate) fn check(kind: &EventKind) -> Result<(), CodecError> {
    use EventKind::*;
    match kind {
        Created { name, .. }
        | Linked { name, .. }
        | Unlinked { name, .. }
        | DirentPut { name, .. }
        | DirentDropped { name, .. } => check_entry(name),
        Renamed { name, new_name: other, .. } | Exchanged { name, other_name: other, .. } => {
            check_entry(name)?;
            check_entry(other)
        }
        XattrSet { name, .. }
        | XattrRemoved { name, .. }
        | XattrPut { name, .. }
        | XattrDropped { name, .. } => check_xattr(name),
        Written { offset, len, extents, .. } | ExtentsPut { offset, len, extents, .. } => {
            check_extents(*offset, *len, extents)
        }
        Mounted { .. }
        | Checkpointed { .. }
        | TransactionBegan { .. }
        | Evicted { .. }
        | AttributesSet { .. }
        | Truncated { .. }
        | InodePut { .. }
        | InodeDropped { .. } => Ok(()),
    }
}

fn check_entry(name: &Name) -> Result<(), CodecError> {
    match Name::is_valid_entry(name.as_bytes()) {
        true => Ok(()),
        false => Err(CodecError::Name { what: "a directory entry", found: name.as_bytes().into() }),
    }
}

fn check_xattr(name: &Name) -> Result<(), CodecError> {
    let bytes = name.as_bytes();
    match (1..=Name::MAX).contains(&bytes.len()) && !bytes.contains(&0) {
        true => Ok(()),
        false => Err(CodecError::Name { what: "an extended attribute", found: bytes.into() }),
    }
}

fn check_extents(offset: u64, len: u64, extents: &[PlacedExtent]) -> Result<(), CodecError> {
    let mut from = offset;
    for PlacedExtent { offset: at, extent } in extents {
        from = at
            .checked_add(u64::from(extent.len))
            .filter(|end| *at >= from && extent.len > 0 && end - offset <= len)
            .ok_or(CodecError::Extent { offset: *at })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
