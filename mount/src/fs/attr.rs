use std::time::Duration;

use firn_clock::Timestamp;
use firn_journal::Ino;
use firn_materializer::decide::Errno;
use firn_materializer::namespace::{FileType, Namespace, PERMISSION_BITS};

use super::numbers::Place;

/// How long the kernel may keep what it is told of the present. Nobody else writes, and what an undo changes is
/// taken back from the kernel's caches; the hour only bounds the damage of a mistake.
pub const PRESENT: Duration = Duration::from_secs(3600);
/// How long the kernel may keep what it is told of an instant: it never changes.
pub const FOREVER: Duration = Duration::from_secs(u32::MAX as u64);

/// Bytes of the blocks in which `stat` counts.
const STAT_BLOCK: u64 = 512;

/// What `stat` tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Attr {
    /// The inode number, in the kernel's number space.
    pub number: u64,
    /// The type.
    pub kind: FileType,
    /// Permission bits with set-user-ID, set-group-ID and sticky.
    pub permissions: u32,
    /// Links.
    pub nlink: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Device number.
    pub rdev: u32,
    /// Bytes.
    pub size: u64,
    /// Blocks of 512 bytes that are not holes.
    pub blocks: u64,
    /// Last read.
    pub atime: Timestamp,
    /// Last change of the content.
    pub mtime: Timestamp,
    /// Last change of the inode.
    pub ctime: Timestamp,
    /// Creation.
    pub btime: Timestamp,
    /// How long the kernel may keep this.
    pub ttl: Duration,
}

/// What a name leads to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Entry {
    /// The inode; absent if there is nothing by this name.
    pub attr: Option<Attr>,
    /// How long the kernel may keep the answer.
    pub ttl: Duration,
}

impl Attr {
    /// The inode `ino` of a tree, seen at `place`. `ESTALE` if it is not there.
    pub(super) fn of(ns: &Namespace, ino: Ino, place: Place, ttl: Duration) -> Result<Attr, Errno> {
        let inode = ns.inode(ino).ok_or(Errno::STALE)?;
        let of = &inode.attributes;
        Ok(Attr {
            number: place.number()?,
            kind: inode.kind,
            permissions: of.mode & PERMISSION_BITS,
            nlink: of.nlink,
            uid: of.uid,
            gid: of.gid,
            rdev: of.rdev,
            size: of.size,
            blocks: inode.allocated.div_ceil(STAT_BLOCK),
            atime: of.atime,
            mtime: of.mtime,
            ctime: of.ctime,
            btime: of.btime,
            ttl,
        })
    }

    /// The `.at` directory of the directory `dir`: nobody's to change.
    pub(super) fn of_at(ns: &Namespace, dir: Ino) -> Result<Attr, Errno> {
        let attr = Attr::of(ns, dir, Place::At(dir), PRESENT)?;
        Ok(Attr { permissions: 0o555, nlink: 2, size: 0, blocks: 0, ..attr })
    }
}
