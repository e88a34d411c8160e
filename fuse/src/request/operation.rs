use std::ffi::OsStr;
use std::time::{SystemTime, UNIX_EPOCH};

use zerocopy::FromBytes;

use crate::abi::input::ForgetOne;

/// What is asked, with names and data borrowed from the request.
///
/// `node` below is [`crate::Request::node`]; a `handle` is what opening answered. Flags are the system's (`O_*`,
/// `RENAME_*`, `XATTR_*`, `FALLOC_FL_*`). In parentheses: the methods of
/// [`crate::Reply`] to answer with, besides `error`.
#[derive(Clone, Copy, PartialEq, Debug)]
#[allow(missing_docs, reason = "told of at each variant")]
pub enum Operation<'a> {
    /// What a name in the directory `node` leads to (`entry`, `negative`).
    Lookup { name: &'a OsStr },
    /// The kernel has forgotten `node` so many times. Not answered; see [`crate::Filesystem::forget`].
    Forget { lookups: u64 },
    /// The same of many. Not answered.
    BatchForget(Forgets<'a>),
    /// What `stat` tells (`attr`).
    GetAttr { handle: Option<u64> },
    /// What `statx` tells; the flags and mask are its own (`statx`).
    Statx { handle: Option<u64>, flags: u32, mask: u32 },
    /// Changes what `stat` tells (`attr`).
    SetAttr(SetAttr),
    /// The target of a symbolic link (`data`).
    ReadLink,
    /// Makes a symbolic link in the directory `node` (`entry`).
    Symlink { name: &'a OsStr, target: &'a OsStr },
    /// Makes an inode in the directory `node`; `mode` with the type, `rdev` as the kernel packs it (`entry`).
    MkNod { name: &'a OsStr, mode: u32, umask: u32, rdev: u32 },
    /// Makes a directory in the directory `node` (`entry`).
    MkDir { name: &'a OsStr, mode: u32, umask: u32 },
    /// Removes a name of what is not a directory (`ok`).
    Unlink { name: &'a OsStr },
    /// Removes a directory (`ok`).
    RmDir { name: &'a OsStr },
    /// Moves a name from the directory `node` (`ok`).
    Rename { name: &'a OsStr, new_parent: u64, new_name: &'a OsStr, flags: u32 },
    /// Makes another name, in the directory `node`, of an inode (`entry`).
    Link { inode: u64, name: &'a OsStr },
    /// Opens a file (`opened`).
    Open { flags: i32, kill_ids: bool },
    /// Makes and opens a file in the directory `node` (`created`).
    Create { name: &'a OsStr, mode: u32, umask: u32, flags: i32, kill_ids: bool },
    /// Makes and opens a file without a name, in the filesystem of the directory `node` (`created`).
    TmpFile { mode: u32, umask: u32, flags: i32 },
    /// Reads from a file: less than `size` only at its end, unless it was opened for direct IO (`data`).
    Read { handle: u64, offset: u64, size: u32, flags: i32, lock_owner: Option<u64> },
    /// Writes to a file. `cached` if the kernel writes back its cache: the caller is nobody then, and the handle
    /// may be anyone's. `kill_ids` if set-id bits are to go (`written`).
    Write {
        handle: u64,
        offset: u64,
        data: &'a [u8],
        flags: i32,
        cached: bool,
        kill_ids: bool,
        lock_owner: Option<u64>,
    },
    /// A descriptor of the file is closed, one of perhaps several (`ok`).
    Flush { handle: u64, lock_owner: u64 },
    /// The last descriptor of an opened file is closed (`ok`).
    Release { handle: u64, flags: i32, flush: bool, unlock: bool, lock_owner: u64 },
    /// Makes a file durable (`ok`).
    FSync { handle: u64, data_only: bool },
    /// Opens a directory (`opened`).
    OpenDir { flags: i32 },
    /// Lists a directory from the line that `offset` was given out as the next one (`directory`).
    ReadDir { handle: u64, offset: u64, size: u32 },
    /// The same, with what `stat` tells of each line (`directory`).
    ReadDirPlus { handle: u64, offset: u64, size: u32 },
    /// Closes a directory (`ok`).
    ReleaseDir { handle: u64, flags: i32 },
    /// Makes a directory durable (`ok`).
    FSyncDir { handle: u64, data_only: bool },
    /// Numbers of the filesystem (`statfs`).
    StatFs,
    /// Makes everything durable (`ok`).
    SyncFs,
    /// Sets an extended attribute (`ok`).
    SetXattr { name: &'a OsStr, value: &'a [u8], flags: i32 },
    /// The value of an extended attribute, or its size if `size` is 0 (`data`, `size`).
    GetXattr { name: &'a OsStr, size: u32 },
    /// The names of the extended attributes, each with a zero behind it; or their size (`data`, `size`).
    ListXattr { size: u32 },
    /// Removes an extended attribute (`ok`).
    RemoveXattr { name: &'a OsStr },
    /// Whether the caller may, as `access` asks (`ok`).
    Access { mask: u32 },
    /// Which lock is in the way of this one (`lock`).
    GetLock { handle: u64, owner: u64, lock: Lock },
    /// Takes a lock, or gives it up; of the whole file and of the open file if `flock` (`ok`).
    SetLock { handle: u64, owner: u64, lock: Lock, flock: bool, wait: bool },
    /// Allocates or gives up room (`ok`).
    FAllocate { handle: u64, offset: u64, length: u64, mode: i32 },
    /// Where data or a hole begins (`offset`).
    LSeek { handle: u64, offset: i64, whence: i32 },
    /// Copies from the file `node` to another (`copied`).
    CopyFileRange {
        handle: u64,
        offset: u64,
        to_inode: u64,
        to_handle: u64,
        to_offset: u64,
        length: u64,
        flags: u64,
    },
    /// Another request is no longer waited for. The session answers it: it is not supported.
    Interrupt { unique: u64 },
    /// The end. The session answers it.
    Destroy,
    /// What is not known here, `ioctl` and `poll` among it: to be answered with `ENOSYS`, and the kernel does not ask
    /// again.
    Unknown { opcode: u32 },
}

/// What is forgotten, and how many times.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Forgets<'a>(pub(super) &'a [u8]);

impl Iterator for Forgets<'_> {
    /// Node, and the number of look-ups that are taken back.
    type Item = (u64, u64);

    fn next(&mut self) -> Option<(u64, u64)> {
        let (one, rest) = ForgetOne::read_from_prefix(self.0).ok()?;
        self.0 = rest;
        Some((one.nodeid, one.nlookup))
    }
}

/// Changes of attributes: what is `None` stays.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SetAttr {
    /// Permissions, with the type.
    pub mode: Option<u32>,
    /// Owner.
    pub uid: Option<u32>,
    /// Group.
    pub gid: Option<u32>,
    /// Length in bytes.
    pub size: Option<u64>,
    /// Time of the last access.
    pub atime: Option<SetTime>,
    /// Time of the last change of content.
    pub mtime: Option<SetTime>,
    /// Time of the last change; only with the write-back cache.
    pub ctime: Option<Time>,
    /// The file is held open.
    pub handle: Option<u64>,
    /// Whose locks are in the way of nothing.
    pub lock_owner: Option<u64>,
    /// Set-id bits are to go.
    pub kill_ids: bool,
}

/// A time to set.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SetTime {
    /// That of the filesystem.
    Now,
    /// This one.
    At(Time),
}

/// A time, as the kernel has it: the nanoseconds are added, also before 1970.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Time {
    /// Seconds since 1970.
    pub seconds: i64,
    /// Nanoseconds after that; less than 1,000,000,000.
    pub nanoseconds: u32,
}

impl From<SystemTime> for Time {
    fn from(time: SystemTime) -> Time {
        match time.duration_since(UNIX_EPOCH) {
            Ok(after) => Time {
                seconds: i64::try_from(after.as_secs()).unwrap_or(i64::MAX),
                nanoseconds: after.subsec_nanos(),
            },
            Err(before) => {
                let (seconds, nanoseconds) = (before.duration().as_secs(), before.duration().subsec_nanos());
                let seconds = i64::try_from(seconds).map_or(i64::MIN, |seconds| -seconds);
                match nanoseconds {
                    0 => Time { seconds, nanoseconds: 0 },
                    some => Time { seconds: seconds.saturating_sub(1), nanoseconds: 1_000_000_000 - some },
                }
            }
        }
    }
}

/// A lock of a byte range.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Lock {
    /// First byte.
    pub start: u64,
    /// Last byte; the largest offset means the end of the file, wherever it comes to be.
    pub end: u64,
    /// `F_RDLCK`, `F_WRLCK` or `F_UNLCK`.
    pub kind: i32,
    /// Process that holds it.
    pub pid: u32,
}
