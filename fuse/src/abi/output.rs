//! What is answered: the header of every reply, and what follows it.

#![allow(missing_docs, reason = "the kernel's fields; what they mean is told at Reply")]

structs! {
    /// Before every reply. The error is 0 or a negative number; in a notification, where `unique` is 0, its code.
    OutHeader { len: u32, error: i32, unique: u64 }
    /// `INIT`.
    InitOut {
        major: u32, minor: u32, max_readahead: u32, flags: u32, max_background: u16, congestion_threshold: u16,
        max_write: u32, time_gran: u32, max_pages: u16, map_alignment: u16, flags2: u32, max_stack_depth: u32,
        request_timeout: u16, unused: [u16; 11],
    }
    /// What `stat` tells.
    AttrStruct {
        ino: u64, size: u64, blocks: u64, atime: i64, mtime: i64, ctime: i64,
        atimensec: u32, mtimensec: u32, ctimensec: u32,
        mode: u32, nlink: u32, uid: u32, gid: u32, rdev: u32, blksize: u32, flags: u32,
    }
    /// `GETATTR`, `SETATTR`.
    AttrOut { attr_valid: u64, attr_valid_nsec: u32, dummy: u32, attr: AttrStruct }
    /// `LOOKUP`, and everything that makes an entry.
    EntryOut {
        nodeid: u64, generation: u64, entry_valid: u64, attr_valid: u64, entry_valid_nsec: u32,
        attr_valid_nsec: u32, attr: AttrStruct,
    }
    /// `OPEN`, `OPENDIR`.
    OpenOut { fh: u64, open_flags: u32, backing_id: i32 }
    /// `CREATE`, `TMPFILE`.
    CreateOut { entry: EntryOut, open: OpenOut }
    /// `WRITE`, `COPY_FILE_RANGE`.
    WriteOut { size: u32, padding: u32 }
    /// `COPY_FILE_RANGE_64`.
    CopyFileRangeOut { bytes_copied: u64 }
    /// `STATFS`.
    StatfsOut {
        blocks: u64, bfree: u64, bavail: u64, files: u64, ffree: u64, bsize: u32, namelen: u32, frsize: u32,
        padding: u32, spare: [u32; 6],
    }
    /// `GETXATTR`, `LISTXATTR`, when only the size was asked for.
    GetxattrOut { size: u32, padding: u32 }
    /// `LSEEK`.
    LseekOut { offset: u64 }
    /// A line of a directory, before its name.
    Dirent { ino: u64, off: u64, namelen: u32, kind: u32 }
    /// A line of a directory with what `stat` tells, before its name.
    DirentPlus { entry: EntryOut, dirent: Dirent }
    /// A time of [`StatxStruct`].
    SxTime { tv_sec: i64, tv_nsec: u32, reserved: i32 }
    /// What `statx` tells.
    StatxStruct {
        mask: u32, blksize: u32, attributes: u64, nlink: u32, uid: u32, gid: u32, mode: u16, spare0: u16, ino: u64,
        size: u64, blocks: u64, attributes_mask: u64, atime: SxTime, btime: SxTime, ctime: SxTime, mtime: SxTime,
        rdev_major: u32, rdev_minor: u32, dev_major: u32, dev_minor: u32, spare2: [u64; 14],
    }
    /// `STATX`.
    StatxOut { attr_valid: u64, attr_valid_nsec: u32, flags: u32, spare: [u64; 2], stat: StatxStruct }
    /// The notification that an inode is void.
    NotifyInvalInodeOut { ino: u64, off: i64, len: i64 }
    /// The notification that a name is void, before the name.
    NotifyInvalEntryOut { parent: u64, namelen: u32, flags: u32 }
    /// The notification that a name was removed, before the name.
    NotifyDeleteOut { parent: u64, child: u64, namelen: u32, padding: u32 }
    /// The notification that brings content, before it.
    NotifyStoreOut { nodeid: u64, offset: u64, size: u32, padding: u32 }
}

/// A void name is asked for again, but not dropped.
pub const EXPIRE_ONLY: u32 = 1 << 0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_the_kernels() {
        assert_eq!(size_of::<OutHeader>(), 16);
        assert_eq!(size_of::<InitOut>(), 64);
        assert_eq!(size_of::<AttrStruct>(), 88);
        assert_eq!(size_of::<AttrOut>(), 104);
        assert_eq!(size_of::<EntryOut>(), 128);
        assert_eq!(size_of::<StatfsOut>(), 80);
        assert_eq!(size_of::<Dirent>(), 24);
        assert_eq!(size_of::<StatxStruct>(), 256);
        assert_eq!(size_of::<StatxOut>(), 288);
    }
}
