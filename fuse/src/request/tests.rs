//! Any bytes can be parsed, and what was encoded comes back, from two parts and from one.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::time::{Duration, UNIX_EPOCH};

use proptest::prelude::*;
use zerocopy::{Immutable, IntoBytes};

use super::operation::{Forgets, Lock, Operation, SetAttr, SetTime, Time};
use super::parse::header_len;
use crate::abi::input::*;
use crate::abi::opcode::*;

/// An operation as the kernel sends it.
struct Encoded {
    opcode: u32,
    header: Vec<u8>,
    payload: Vec<u8>,
}

fn encoded(opcode: u32, header: &(impl IntoBytes + Immutable), payload: &[&[u8]]) -> Encoded {
    Encoded { opcode, header: header.as_bytes().to_vec(), payload: payload.concat() }
}

/// What operations are made of.
#[derive(Clone, Debug)]
struct Seed {
    a: u64,
    b: u64,
    c: u64,
    w: u32,
    x: u32,
    flag: bool,
    other: bool,
    name: Vec<u8>,
    second: Vec<u8>,
    data: Vec<u8>,
}

prop_compose! {
    fn seeds()(
        (a, b, c) in any::<(u64, u64, u64)>(),
        (w, x, flag, other) in any::<(u32, u32, bool, bool)>(),
        name in prop::collection::vec(1..=255_u8, 0..40),
        second in prop::collection::vec(1..=255_u8, 0..40),
        data in prop::collection::vec(any::<u8>(), 0..200),
    ) -> Seed {
        Seed { a, b, c, w, x, flag, other, name, second, data }
    }
}

const NUL: &[u8] = b"\0";

/// One of each operation that has something to parse, beside its bytes. The bytes are written out by hand: the
/// parser is not asked where they belong.
fn samples(seed: &Seed) -> Vec<(Operation<'_>, Encoded)> {
    [named(seed), files(seed), attributes(seed), others(seed)].into_iter().flatten().collect()
}

fn bit(is: bool, bit: u32) -> u32 {
    if is { bit } else { 0 }
}

fn named(seed: &Seed) -> Vec<(Operation<'_>, Encoded)> {
    let Seed { a, w, x, flag, name: bytes, second: bytes2, .. } = seed;
    let (a, w, x, flag, name, second) =
        (*a, *w, *x, *flag, OsStr::from_bytes(bytes), OsStr::from_bytes(bytes2));
    let one: &[&[u8]] = &[bytes, NUL];
    let two: &[&[u8]] = &[bytes, NUL, bytes2, NUL];
    let mknod = MknodIn { mode: w, rdev: x, umask: 0o22, padding: 0 };
    let create = CreateIn { flags: w, mode: x, umask: 0o22, open_flags: bit(flag, 1) };
    let rename2 = Rename2In { newdir: a, flags: w, padding: 0 };
    let rename = |flags| Operation::Rename { name, new_parent: a, new_name: second, flags };
    vec![
        (Operation::Lookup { name }, encoded(LOOKUP, &(), one)),
        (Operation::Symlink { name, target: second }, encoded(SYMLINK, &(), two)),
        (Operation::MkNod { name, mode: w, umask: 0o22, rdev: x }, encoded(MKNOD, &mknod, one)),
        (Operation::MkDir { name, mode: w, umask: x }, encoded(MKDIR, &MkdirIn { mode: w, umask: x }, one)),
        (Operation::Unlink { name }, encoded(UNLINK, &(), one)),
        (Operation::RmDir { name }, encoded(RMDIR, &(), one)),
        (rename(0), encoded(RENAME, &RenameIn { newdir: a }, two)),
        (rename(w), encoded(RENAME2, &rename2, two)),
        (Operation::Link { inode: a, name }, encoded(LINK, &LinkIn { oldnodeid: a }, one)),
        (
            Operation::Create { name, mode: x, umask: 0o22, flags: w as i32, kill_ids: flag },
            encoded(CREATE, &create, one),
        ),
        (Operation::TmpFile { mode: x, umask: 0o22, flags: w as i32 }, encoded(TMPFILE, &create, one)),
    ]
}

fn files(seed: &Seed) -> Vec<(Operation<'_>, Encoded)> {
    let Seed { a, b, c, w, x, flag, other, ref data, .. } = *seed;
    let (flags, size) = (w as i32, data.len() as u32);
    let lock_owner = flag.then_some(c);
    let read =
        ReadIn { fh: a, offset: b, size: x, read_flags: bit(flag, 2), lock_owner: c, flags: w, padding: 0 };
    let write_flags = bit(other, 1) | bit(flag, 2) | bit(!other, 4);
    let write = WriteIn { fh: a, offset: b, size, write_flags, lock_owner: c, flags: w, padding: 0 };
    let release = ReleaseIn { fh: a, flags: w, release_flags: bit(flag, 1) | bit(other, 2), lock_owner: c };
    let fsync = FsyncIn { fh: a, fsync_flags: bit(flag, 1), padding: 0 };
    let copy =
        CopyFileRangeIn { fh_in: a, off_in: b, nodeid_out: c, fh_out: 4, off_out: 5, len: 6, flags: 7 };
    let copied = Operation::CopyFileRange {
        handle: a,
        offset: b,
        to_inode: c,
        to_handle: 4,
        to_offset: 5,
        length: 6,
        flags: 7,
    };
    let written =
        Operation::Write { handle: a, offset: b, data, flags, cached: other, kill_ids: !other, lock_owner };
    let allocate = FallocateIn { fh: a, offset: b, length: c, mode: w, padding: 0 };
    let open = OpenIn { flags: w, open_flags: bit(flag, 1) };
    let closed = Operation::Release { handle: a, flags, flush: flag, unlock: other, lock_owner: c };
    vec![
        (Operation::Open { flags, kill_ids: flag }, encoded(OPEN, &open, &[])),
        (Operation::OpenDir { flags }, encoded(OPENDIR, &open, &[])),
        (Operation::Read { handle: a, offset: b, size: x, flags, lock_owner }, encoded(READ, &read, &[])),
        (Operation::ReadDir { handle: a, offset: b, size: x }, encoded(READDIR, &read, &[])),
        (Operation::ReadDirPlus { handle: a, offset: b, size: x }, encoded(READDIRPLUS, &read, &[])),
        (written, encoded(WRITE, &write, &[data])),
        (closed, encoded(RELEASE, &release, &[])),
        (Operation::ReleaseDir { handle: a, flags }, encoded(RELEASEDIR, &release, &[])),
        (
            Operation::Flush { handle: a, lock_owner: c },
            encoded(FLUSH, &FlushIn { fh: a, unused: 0, padding: 0, lock_owner: c }, &[]),
        ),
        (Operation::FSync { handle: a, data_only: flag }, encoded(FSYNC, &fsync, &[])),
        (Operation::FSyncDir { handle: a, data_only: flag }, encoded(FSYNCDIR, &fsync, &[])),
        (
            Operation::FAllocate { handle: a, offset: b, length: c, mode: w as i32 },
            encoded(FALLOCATE, &allocate, &[]),
        ),
        (
            Operation::LSeek { handle: a, offset: b as i64, whence: w as i32 },
            encoded(LSEEK, &LseekIn { fh: a, offset: b, whence: w, padding: 0 }, &[]),
        ),
        (copied, encoded(COPY_FILE_RANGE, &copy, &[])),
        (copied, encoded(COPY_FILE_RANGE_64, &copy, &[])),
    ]
}

fn attributes(seed: &Seed) -> Vec<(Operation<'_>, Encoded)> {
    let Seed { a, b, c, w, x, flag, other, .. } = *seed;
    let handle = flag.then_some(a);
    let statx = StatxIn { getattr_flags: bit(flag, 1), reserved: 0, fh: a, sx_flags: w, sx_mask: x };
    let set = SetattrIn {
        valid: if flag { 0xfff } else { bit(other, 1 << 3) | 1 << 4 | 1 << 5 | 1 << 8 },
        fh: a,
        size: b,
        lock_owner: c,
        atime: a,
        mtime: b,
        ctime: c,
        atimensec: 1,
        mtimensec: 2,
        ctimensec: 3,
        mode: w,
        uid: x,
        gid: 9,
        ..SetattrIn::default()
    };
    let time = |seconds: u64, nanoseconds| Time { seconds: seconds as i64, nanoseconds };
    let changes = match flag {
        true => SetAttr {
            mode: Some(w),
            uid: Some(x),
            gid: Some(9),
            size: Some(b),
            atime: Some(SetTime::Now),
            mtime: Some(SetTime::Now),
            ctime: Some(time(c, 3)),
            handle: Some(a),
            lock_owner: Some(c),
            kill_ids: true,
        },
        false => SetAttr {
            size: other.then_some(b),
            atime: Some(SetTime::At(time(a, 1))),
            mtime: Some(SetTime::Now),
            ..SetAttr::default()
        },
    };
    vec![
        (
            Operation::GetAttr { handle },
            encoded(GETATTR, &GetattrIn { getattr_flags: bit(flag, 1), dummy: 0, fh: a }, &[]),
        ),
        (Operation::Statx { handle, flags: w, mask: x }, encoded(STATX, &statx, &[])),
        (Operation::SetAttr(changes), encoded(SETATTR, &set, &[])),
        (Operation::Access { mask: w }, encoded(ACCESS, &AccessIn { mask: w, padding: 0 }, &[])),
    ]
}

fn others(seed: &Seed) -> Vec<(Operation<'_>, Encoded)> {
    let Seed { a, b, c, w, x, flag, ref name, ref data, .. } = *seed;
    let xattr = OsStr::from_bytes(name);
    let lk = FileLock { start: b, end: c, kind: w, pid: x };
    let lk = LkIn { fh: a, owner: b, lk, lk_flags: bit(flag, 1), padding: 0 };
    let lock = Lock { start: b, end: c, kind: w as i32, pid: x };
    let whole = data.len() / 16;
    let forgets = BatchForgetIn { count: whole as u32, dummy: 0 };
    let set = SetxattrIn { size: data.len() as u32, flags: w };
    let get = GetxattrIn { size: w, padding: 0 };
    vec![
        (
            Operation::SetXattr { name: xattr, value: data, flags: w as i32 },
            encoded(SETXATTR, &set, &[name, NUL, data]),
        ),
        (Operation::GetXattr { name: xattr, size: w }, encoded(GETXATTR, &get, &[name, NUL])),
        (Operation::ListXattr { size: w }, encoded(LISTXATTR, &get, &[])),
        (Operation::RemoveXattr { name: xattr }, encoded(REMOVEXATTR, &(), &[name, NUL])),
        (Operation::GetLock { handle: a, owner: b, lock }, encoded(GETLK, &lk, &[])),
        (
            Operation::SetLock { handle: a, owner: b, lock, flock: flag, wait: false },
            encoded(SETLK, &lk, &[]),
        ),
        (
            Operation::SetLock { handle: a, owner: b, lock, flock: flag, wait: true },
            encoded(SETLKW, &lk, &[]),
        ),
        (Operation::Forget { lookups: a }, encoded(FORGET, &ForgetIn { nlookup: a }, &[])),
        (Operation::BatchForget(Forgets(&data[..whole * 16])), encoded(BATCH_FORGET, &forgets, &[data])),
        (Operation::Interrupt { unique: a }, encoded(INTERRUPT, &InterruptIn { unique: a }, &[])),
        (Operation::ReadLink, encoded(READLINK, &(), &[])),
        (Operation::StatFs, encoded(STATFS, &(), &[])),
        (Operation::SyncFs, encoded(SYNCFS, &SyncfsIn { padding: 0 }, &[])),
        (Operation::Destroy, encoded(DESTROY, &(), &[])),
        (Operation::Unknown { opcode: 4000 }, encoded(4000, &(), &[data])),
    ]
}

proptest! {
    #[test]
    fn what_was_encoded_comes_back(seed in seeds()) {
        for (operation, Encoded { opcode, mut header, payload }) in samples(&seed) {
            let contiguous = [header.clone(), payload.clone()].concat();
            // In a ring, what follows the header is what an earlier request left.
            header.resize(128, 0xa5);
            prop_assert_eq!(Operation::parse(opcode, &header, &payload), Ok(operation));
            let (header, payload) = contiguous.split_at(header_len(opcode));
            prop_assert_eq!(Operation::parse(opcode, header, payload), Ok(operation));
        }
    }

    /// Cut off anywhere, it is malformed; more than there should be is passed over.
    #[test]
    fn nothing_may_be_missing(seed in seeds(), cut in any::<prop::sample::Index>()) {
        for (operation, Encoded { opcode, header, payload }) in samples(&seed) {
            if matches!(operation, Operation::BatchForget(_) | Operation::Unknown { .. } | Operation::TmpFile { .. } | Operation::SyncFs) {
                continue;
            }
            let mut bytes = [header, payload].concat();
            if bytes.is_empty() {
                continue;
            }
            let short = &bytes[..cut.index(bytes.len())];
            let (header, payload) = short.split_at(header_len(opcode).min(short.len()));
            prop_assert!(Operation::parse(opcode, header, payload).is_err(), "{operation:?} of {} bytes", short.len());
            bytes.extend([7; 9]);
            let (header, payload) = bytes.split_at(header_len(opcode));
            prop_assert_eq!(Operation::parse(opcode, header, payload), Ok(operation));
        }
    }

    #[test]
    fn any_bytes_can_be_parsed(
        opcode in prop_oneof![0..60_u32, any::<u32>()],
        header in prop::collection::vec(any::<u8>(), 0..130),
        payload in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        if let Ok(Operation::BatchForget(forgets)) = Operation::parse(opcode, &header, &payload) {
            prop_assert!(forgets.count() * 16 <= payload.len());
        }
    }

    #[test]
    fn times_are_the_kernels(nanoseconds in any::<i32>(), seconds in any::<i32>()) {
        let total = i128::from(seconds) * 1_000_000_000 + i128::from(nanoseconds);
        let distance = Duration::new((total.unsigned_abs() / 1_000_000_000) as u64, (total.unsigned_abs() % 1_000_000_000) as u32);
        let time = if total < 0 { UNIX_EPOCH - distance } else { UNIX_EPOCH + distance };
        let Time { seconds, nanoseconds } = Time::from(time);
        prop_assert!(nanoseconds < 1_000_000_000);
        prop_assert_eq!(i128::from(seconds) * 1_000_000_000 + i128::from(nanoseconds), total);
    }
}
