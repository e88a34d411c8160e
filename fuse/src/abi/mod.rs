//! What crosses the line between the kernel and this process, byte for byte: `linux/fuse.h`, protocol 7.45.
//!
//! Names are the kernel's, without their prefix. Integers are in the machine's order; every gap is a named field,
//! so that a struct can be read from and written to bytes without a word of `unsafe`.

/// Structs as C lays them out; a gap would not compile.
macro_rules! structs {
    ($($(#[$doc:meta])* $name:ident { $($field:ident: $kind:ty),* $(,)? })*) => {
        $(
            $(#[$doc])*
            #[derive(
                Clone, Copy, PartialEq, Eq, Debug, Default, zerocopy::FromBytes, zerocopy::IntoBytes,
                zerocopy::Immutable, zerocopy::KnownLayout,
            )]
            #[repr(C)]
            pub struct $name { $(pub $field: $kind),* }
        )*
    };
}

mod flags;
pub mod input;
pub mod opcode;
pub mod output;
pub mod ring;

pub use self::flags::{InitFlags, OpenFlags};

/// The major version of the protocol; others are refused.
pub const MAJOR: u32 = 7;
/// The newest minor version whose structs are known here.
pub const MINOR: u32 = 45;
/// The oldest that is spoken: Linux 5.4.
pub const OLDEST_MINOR: u32 = 31;

/// Codes of notifications, where a reply has its error number.
pub mod notification {
    /// Attributes and pages of an inode are void.
    pub const INVAL_INODE: i32 = 2;
    /// A name is void.
    pub const INVAL_ENTRY: i32 = 3;
    /// Content for the kernel's cache.
    pub const STORE: i32 = 4;
    /// A name was removed.
    pub const DELETE: i32 = 6;
}
