//! How values become bytes: integers as varints, strings and lists with their length before them.
//!
//! A decoder gets bytes that anyone may have written: it checks every length against what is left, allocates
//! no more than the input could fill, and answers an error, never a panic. An encoder makes the same checks,
//! so that what was written can be read.

mod field;
mod input;
pub(crate) mod kinds;
mod output;

pub(crate) use field::Field;
pub(crate) use input::Input;
pub(crate) use output::Output;

/// Why bytes are not the value that they should be, or why a value has no bytes.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CodecError {
    /// The input ends within a value.
    #[error("{needed} more bytes are needed, {left} are left")]
    Ended {
        /// Bytes that the value needs.
        needed: u64,
        /// Bytes that are left.
        left: u64,
    },
    /// A varint that exceeds its type.
    #[error("an integer exceeds {bits} bits")]
    Integer {
        /// Bits of the type.
        bits: u32,
    },
    /// A number that stands for nothing in this version.
    #[error("{found} is not the number of {what}")]
    Number {
        /// What was expected.
        what: &'static str,
        /// What was found.
        found: u64,
    },
    /// Bytes that should be text.
    #[error("text is not UTF-8")]
    Text,
    /// A name that no directory entry or extended attribute can have.
    #[error("\"{}\" is not a name of {what}", found.escape_ascii())]
    Name {
        /// What it should name.
        what: &'static str,
        /// The bytes.
        found: Vec<u8>,
    },
    /// Extents that are empty, not ascending, or outside the range that they belong to.
    #[error("the extent at byte {offset} is empty, not after the one before it, or outside its range")]
    Extent {
        /// The extent's place in the file.
        offset: u64,
    },
    /// Bytes after the last value.
    #[error("{extra} bytes are left over")]
    LeftOver {
        /// How many.
        extra: u64,
    },
}
