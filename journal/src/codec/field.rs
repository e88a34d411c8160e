//! The bytes of each type of field that an event can have.

use std::sync::Arc;

use firn_clock::Timestamp;

use super::{CodecError, Input, Output};
use crate::{
    Actor, Attributes, BlockRef, Epoch, Extent, Hash, Ino, Name, PackId, PlacedExtent, Replaced, Seq,
};

/// A value with bytes of its own.
pub(crate) trait Field: Sized {
    fn put(&self, out: &mut Output);
    fn take(input: &mut Input) -> Result<Self, CodecError>;
}

impl Field for u64 {
    fn put(&self, out: &mut Output) {
        out.varint(*self);
    }
    fn take(input: &mut Input) -> Result<Self, CodecError> {
        input.varint()
    }
}

impl Field for u32 {
    fn put(&self, out: &mut Output) {
        out.varint(u64::from(*self));
    }
    fn take(input: &mut Input) -> Result<Self, CodecError> {
        u32::try_from(input.varint()?).map_err(|_| CodecError::Integer { bits: 32 })
    }
}

impl Field for bool {
    fn put(&self, out: &mut Output) {
        out.raw(&[u8::from(*self)]);
    }
    fn take(input: &mut Input) -> Result<Self, CodecError> {
        match input.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            found => Err(CodecError::Number { what: "a yes or no", found: u64::from(found) }),
        }
    }
}

/// Eight bytes, little-endian: times of the present would make long varints.
impl Field for Timestamp {
    fn put(&self, out: &mut Output) {
        out.raw(&self.0.to_le_bytes());
    }
    fn take(input: &mut Input) -> Result<Self, CodecError> {
        input.array().map(i64::from_le_bytes).map(Timestamp)
    }
}

impl Field for Hash {
    fn put(&self, out: &mut Output) {
        out.raw(&self.0);
    }
    fn take(input: &mut Input) -> Result<Self, CodecError> {
        input.array().map(Hash)
    }
}

impl<T: Field> Field for Option<T> {
    fn put(&self, out: &mut Output) {
        self.is_some().put(out);
        if let Some(value) = self {
            value.put(out);
        }
    }
    fn take(input: &mut Input) -> Result<Self, CodecError> {
        bool::take(input)?.then(|| T::take(input)).transpose()
    }
}

impl Field for Vec<u8> {
    fn put(&self, out: &mut Output) {
        out.bytes(self);
    }
    fn take(input: &mut Input) -> Result<Self, CodecError> {
        input.bytes().map(Vec::from)
    }
}

impl Field for Arc<[u8]> {
    fn put(&self, out: &mut Output) {
        out.bytes(self);
    }
    fn take(input: &mut Input) -> Result<Self, CodecError> {
        input.bytes().map(Arc::from)
    }
}

impl Field for String {
    fn put(&self, out: &mut Output) {
        out.bytes(self.as_bytes());
    }
    fn take(input: &mut Input) -> Result<Self, CodecError> {
        std::str::from_utf8(input.bytes()?).map(str::to_owned).map_err(|_| CodecError::Text)
    }
}

/// Any bytes; whether they can name what they name is checked with the event.
impl Field for Name {
    fn put(&self, out: &mut Output) {
        out.bytes(self.as_bytes());
    }
    fn take(input: &mut Input) -> Result<Self, CodecError> {
        input.bytes().map(Name::new)
    }
}

/// Structs whose bytes are those of their fields, one after the other.
macro_rules! in_order {
    ($($type:ty { $($field:tt),* })*) => { $(
        impl Field for $type {
            fn put(&self, out: &mut Output) {
                $(self.$field.put(out);)*
            }
            fn take(input: &mut Input) -> Result<Self, CodecError> {
                Ok(Self { $($field: Field::take(input)?),* })
            }
        }
    )* };
}

in_order! {
    Ino { 0 }
    Seq { 0 }
    Epoch { 0 }
    PackId { epoch, number }
    BlockRef { pack, slot }
    Extent { len, skip, block }
    PlacedExtent { offset, extent }
    Replaced { ino, evict }
    Actor { uid, gid, pid, command }
    Attributes { mode, uid, gid, nlink, rdev, size, atime, mtime, ctime, btime }
}

impl Field for Vec<PlacedExtent> {
    fn put(&self, out: &mut Output) {
        out.varint(self.len() as u64);
        self.iter().for_each(|extent| extent.put(out));
    }
    fn take(input: &mut Input) -> Result<Self, CodecError> {
        const LEAST_LEN: usize = 6;
        let count = input.varint()?;
        let mut extents = Vec::with_capacity(input.room_for(count, LEAST_LEN));
        for _ in 0..count {
            extents.push(PlacedExtent::take(input)?);
        }
        Ok(extents)
    }
}
