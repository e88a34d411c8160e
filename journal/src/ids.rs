use std::fmt;
use std::sync::Arc;

/// The number of an inode. Given out in increasing order and never reused. 1 is the root.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Ino(pub u64);

impl Ino {
    /// The root directory of every volume.
    pub const ROOT: Ino = Ino(1);
}

/// The position of an event in its volume's history: the first event is 1; 0 is "before any event".
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct Seq(pub u64);

impl Seq {
    /// Before the first event: the empty volume.
    pub const ZERO: Seq = Seq(0);

    /// The position right after this one. The last one stays: no journal comes that far, but a hostile object may
    /// say so, and what says it fits nothing that it claims to continue.
    pub fn next(self) -> Seq {
        Seq(self.0.saturating_add(1))
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// The number of a segment in its journal; the first is 1, and there are no gaps.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct SegmentNo(pub u64);

impl SegmentNo {
    /// The segment that comes after this one. The last one stays, as with [`Seq::next`].
    pub fn next(self) -> SegmentNo {
        SegmentNo(self.0.saturating_add(1))
    }
}

/// The number of a writer's turn. Each writer that takes over a journal has a higher one than all before.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct Epoch(pub u32);

/// A volume's own identity, made at `init`; every object carries it, so that a foreign object is recognized.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct VolumeId(pub [u8; 16]);

impl fmt::Display for VolumeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A BLAKE3 checksum.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// What the first segment names as its predecessor.
    pub const NONE: Hash = Hash([0; 32]);

    /// The checksum of these bytes.
    pub fn of(bytes: &[u8]) -> Hash {
        Hash(*blake3::hash(bytes).as_bytes())
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0[..8].iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The name of a directory entry or of an extended attribute: any bytes but NUL; an entry's has no slash either.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Arc<[u8]>);

impl Name {
    /// The longest name, in bytes.
    pub const MAX: usize = 255;

    /// Takes the bytes as they are; the caller (decide, or a decoder) has checked them.
    pub fn new(bytes: &[u8]) -> Self {
        Name(bytes.into())
    }

    /// The bytes of the name.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether these bytes can name a directory entry: 1 to 255 of them, no NUL, no slash, not `.` or `..`.
    pub fn is_valid_entry(bytes: &[u8]) -> bool {
        !bytes.is_empty()
            && bytes.len() <= Self::MAX
            && bytes != b"."
            && bytes != b".."
            && !bytes.iter().any(|&b| b == 0 || b == b'/')
    }
}

impl From<&str> for Name {
    fn from(text: &str) -> Self {
        Name::new(text.as_bytes())
    }
}

impl std::borrow::Borrow<[u8]> for Name {
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}
