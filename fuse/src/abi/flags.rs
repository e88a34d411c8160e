use bitflags::bitflags;

bitflags! {
    /// What kernel and filesystem agree on at the beginning of a session.
    ///
    /// Left out is what is not understood here: what would change the layout of requests, and what needs answers of its
    /// own.
    #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
    pub struct InitFlags: u64 {
        /// Reads of one file may be asked for at the same time.
        const ASYNC_READ = 1 << 0;
        /// Locks of byte ranges (`fcntl`) are asked of the filesystem.
        const POSIX_LOCKS = 1 << 1;
        /// Opening truncates, without a request to set the size.
        const ATOMIC_O_TRUNC = 1 << 3;
        /// Inodes can be looked up by number (`.` and `..`), for NFS.
        const EXPORT_SUPPORT = 1 << 4;
        /// Writes of more than a page. Always agreed on.
        const BIG_WRITES = 1 << 5;
        /// The kernel does not apply the caller's umask.
        const DONT_MASK = 1 << 6;
        /// Locks of whole files (`flock`) are asked of the filesystem.
        const FLOCK_LOCKS = 1 << 10;
        /// Cached pages are void when size or time of change differ.
        const AUTO_INVAL_DATA = 1 << 12;
        /// Listing with attributes.
        const DO_READDIRPLUS = 1 << 13;
        /// Listing with attributes only when they seem to be wanted.
        const READDIRPLUS_AUTO = 1 << 14;
        /// Direct reads and writes of one file may be asked for at the same time.
        const ASYNC_DIO = 1 << 15;
        /// The kernel keeps writes for a while, and times and sizes with them.
        const WRITEBACK_CACHE = 1 << 16;
        /// Opening may be answered with `ENOSYS`: files need no handle then.
        const NO_OPEN_SUPPORT = 1 << 17;
        /// Look-ups and listings in one directory may be asked for at the same time.
        const PARALLEL_DIROPS = 1 << 18;
        /// The filesystem takes set-id bits away on writes.
        const HANDLE_KILLPRIV = 1 << 19;
        /// POSIX access control lists, kept as extended attributes.
        const POSIX_ACL = 1 << 20;
        /// Reading the device says when the connection was aborted.
        const ABORT_ERROR = 1 << 21;
        /// Requests of more than 32 pages. Always agreed on.
        const MAX_PAGES = 1 << 22;
        /// Targets of symbolic links are kept.
        const CACHE_SYMLINKS = 1 << 23;
        /// Opening a directory may be answered with `ENOSYS`.
        const NO_OPENDIR_SUPPORT = 1 << 24;
        /// Cached pages are good until they are taken back.
        const EXPLICIT_INVAL_DATA = 1 << 25;
        /// The filesystem takes set-id bits away, and is told when.
        const HANDLE_KILLPRIV_V2 = 1 << 28;
        /// The second word of flags is there. Always agreed on.
        const INIT_EXT = 1 << 30;
        /// A name can be made to be asked for again without being dropped.
        const HAS_EXPIRE_ONLY = 1 << 35;
        /// Files with direct IO can be mapped shared.
        const DIRECT_IO_ALLOW_MMAP = 1 << 36;
        /// Inodes cannot be looked up by number.
        const NO_EXPORT_SUPPORT = 1 << 38;
        /// Requests travel over io_uring. The session's own affair.
        const OVER_IO_URING = 1 << 41;
    }

    /// How the kernel treats a file or directory that was opened.
    #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
    pub struct OpenFlags: u32 {
        /// Reads and writes go past the kernel's cache.
        const DIRECT_IO = 1 << 0;
        /// What is cached stays.
        const KEEP_CACHE = 1 << 1;
        /// There is no position to set.
        const NONSEEKABLE = 1 << 2;
        /// The listing may be cached.
        const CACHE_DIR = 1 << 3;
        /// There is no position at all.
        const STREAM = 1 << 4;
        /// Closing does not flush.
        const NOFLUSH = 1 << 5;
        /// Direct writes may be asked for at the same time.
        const PARALLEL_DIRECT_WRITES = 1 << 6;
    }
}

impl InitFlags {
    /// As the protocol carries them: the lower and the upper word.
    pub fn words(self) -> (u32, u32) {
        (self.bits() as u32, (self.bits() >> 32) as u32)
    }

    /// From the lower and the upper word; what has no name here is left out.
    pub fn from_words(lower: u32, upper: u32) -> Self {
        InitFlags::from_bits_truncate(u64::from(upper) << 32 | u64::from(lower))
    }
}
