//! What the kernel sends: the header of every request, and the one of each operation.

#![allow(missing_docs, reason = "the kernel's fields; what they mean is told at Operation")]

structs! {
    /// Before every request. Extensions at the end are counted in units of 8 bytes.
    InHeader {
        len: u32, opcode: u32, unique: u64, nodeid: u64, uid: u32, gid: u32, pid: u32, total_extlen: u16,
        padding: u16,
    }
    /// `INIT`, as far as every kernel since 7.6 sends it.
    InitIn { major: u32, minor: u32, max_readahead: u32, flags: u32 }
    /// What follows [`InitIn`] since 7.36.
    InitInMore { flags2: u32, unused: [u32; 11] }
    /// `FORGET`.
    ForgetIn { nlookup: u64 }
    /// One of `BATCH_FORGET`.
    ForgetOne { nodeid: u64, nlookup: u64 }
    /// `BATCH_FORGET`.
    BatchForgetIn { count: u32, dummy: u32 }
    /// `GETATTR`.
    GetattrIn { getattr_flags: u32, dummy: u32, fh: u64 }
    /// `SETATTR`.
    SetattrIn {
        valid: u32, padding: u32, fh: u64, size: u64, lock_owner: u64, atime: u64, mtime: u64, ctime: u64,
        atimensec: u32, mtimensec: u32, ctimensec: u32, mode: u32, unused4: u32, uid: u32, gid: u32, unused5: u32,
    }
    /// `MKNOD`.
    MknodIn { mode: u32, rdev: u32, umask: u32, padding: u32 }
    /// `MKDIR`.
    MkdirIn { mode: u32, umask: u32 }
    /// `RENAME`.
    RenameIn { newdir: u64 }
    /// `RENAME2`.
    Rename2In { newdir: u64, flags: u32, padding: u32 }
    /// `LINK`.
    LinkIn { oldnodeid: u64 }
    /// `OPEN`, `OPENDIR`.
    OpenIn { flags: u32, open_flags: u32 }
    /// `CREATE`, `TMPFILE`.
    CreateIn { flags: u32, mode: u32, umask: u32, open_flags: u32 }
    /// `READ`, `READDIR`, `READDIRPLUS`.
    ReadIn { fh: u64, offset: u64, size: u32, read_flags: u32, lock_owner: u64, flags: u32, padding: u32 }
    /// `WRITE`.
    WriteIn { fh: u64, offset: u64, size: u32, write_flags: u32, lock_owner: u64, flags: u32, padding: u32 }
    /// `RELEASE`, `RELEASEDIR`.
    ReleaseIn { fh: u64, flags: u32, release_flags: u32, lock_owner: u64 }
    /// `FLUSH`.
    FlushIn { fh: u64, unused: u32, padding: u32, lock_owner: u64 }
    /// `FSYNC`, `FSYNCDIR`.
    FsyncIn { fh: u64, fsync_flags: u32, padding: u32 }
    /// `SETXATTR`, without the extension that is never agreed on.
    SetxattrIn { size: u32, flags: u32 }
    /// `GETXATTR`, `LISTXATTR`.
    GetxattrIn { size: u32, padding: u32 }
    /// A lock, also in replies.
    FileLock { start: u64, end: u64, kind: u32, pid: u32 }
    /// `GETLK`, `SETLK`, `SETLKW`.
    LkIn { fh: u64, owner: u64, lk: FileLock, lk_flags: u32, padding: u32 }
    /// `ACCESS`.
    AccessIn { mask: u32, padding: u32 }
    /// `INTERRUPT`.
    InterruptIn { unique: u64 }
    /// `FALLOCATE`.
    FallocateIn { fh: u64, offset: u64, length: u64, mode: u32, padding: u32 }
    /// `LSEEK`.
    LseekIn { fh: u64, offset: u64, whence: u32, padding: u32 }
    /// `COPY_FILE_RANGE`, `COPY_FILE_RANGE_64`.
    CopyFileRangeIn { fh_in: u64, off_in: u64, nodeid_out: u64, fh_out: u64, off_out: u64, len: u64, flags: u64 }
    /// `SYNCFS`.
    SyncfsIn { padding: u64 }
    /// `STATX`.
    StatxIn { getattr_flags: u32, reserved: u32, fh: u64, sx_flags: u32, sx_mask: u32 }
}

/// Which fields of [`SetattrIn`] count.
pub mod fattr {
    pub const MODE: u32 = 1 << 0;
    pub const UID: u32 = 1 << 1;
    pub const GID: u32 = 1 << 2;
    pub const SIZE: u32 = 1 << 3;
    pub const ATIME: u32 = 1 << 4;
    pub const MTIME: u32 = 1 << 5;
    pub const FH: u32 = 1 << 6;
    pub const ATIME_NOW: u32 = 1 << 7;
    pub const MTIME_NOW: u32 = 1 << 8;
    pub const LOCKOWNER: u32 = 1 << 9;
    pub const CTIME: u32 = 1 << 10;
    pub const KILL_SUIDGID: u32 = 1 << 11;
}

/// The handle of [`GetattrIn`] and [`StatxIn`] counts.
pub const GETATTR_FH: u32 = 1 << 0;
/// A write of the kernel's cache.
pub const WRITE_CACHE: u32 = 1 << 0;
/// The lock owner of a write counts.
pub const WRITE_LOCKOWNER: u32 = 1 << 1;
/// A write takes set-id bits away.
pub const WRITE_KILL_SUIDGID: u32 = 1 << 2;
/// The lock owner of a read counts.
pub const READ_LOCKOWNER: u32 = 1 << 1;
/// Opening takes set-id bits away, if the file is executable.
pub const OPEN_KILL_SUIDGID: u32 = 1 << 0;
/// The last close of a descriptor flushes.
pub const RELEASE_FLUSH: u32 = 1 << 0;
/// The last close lets go of `flock`.
pub const RELEASE_FLOCK_UNLOCK: u32 = 1 << 1;
/// Data only.
pub const FSYNC_FDATASYNC: u32 = 1 << 0;
/// A lock of a whole file.
pub const LK_FLOCK: u32 = 1 << 0;
