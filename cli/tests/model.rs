//! Generated operations on a real mount and on a plain directory: the same answers, the same trees, live and
//! at every past step.

mod support;

use std::cell::Cell;
use std::fs::{self, OpenOptions};
use std::os::unix::fs::{FileExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use rustix::fs::{
    AtFlags, CWD, FallocateFlags, FileType, Gid, Mode, RenameFlags, Timespec, Timestamps, Uid, XattrFlags,
};
use support::World;
use support::tree::{self, Tree, assert_same};

/// Paths are named by number, so that any part of a list of steps means something and shrinks well.
#[derive(Clone, Debug)]
enum Step {
    Mkdir(u8),
    Write { path: u8, offset: u32, len: u32, byte: u8 },
    Append { path: u8, len: u16, byte: u8 },
    Truncate { path: u8, size: u32 },
    Punch { path: u8, offset: u32, len: u32 },
    Allocate { path: u8, offset: u32, len: u32 },
    CopyRange { from: u8, to: u8, offset: u32, len: u32, at: u32 },
    Rename { from: u8, to: u8 },
    Exchange { from: u8, to: u8 },
    RenameNew { from: u8, to: u8 },
    Link { from: u8, to: u8 },
    Symlink { path: u8, target: u8 },
    Mknod { path: u8, fifo: bool },
    Unlink(u8),
    Rmdir(u8),
    Chmod { path: u8, mode: u16 },
    Chown { path: u8, uid: u8, gid: u8 },
    Times { path: u8, seconds: i64, nanos: u32 },
    SetXattr { path: u8, name: u8, len: u8 },
    RemoveXattr { path: u8, name: u8 },
    SaveLikeVim { path: u8, len: u16 },
}

/// The paths that steps name: two levels of directories, few enough to meet.
fn path(number: u8) -> PathBuf {
    let names = ["a", "b", "c", "d", "e"];
    let number = usize::from(number);
    match number % 3 {
        0 => PathBuf::from(names[number % 5]),
        1 => PathBuf::from(names[number % 5]).join(names[(number / 5) % 5]),
        _ => PathBuf::from(names[number % 5]).join(names[(number / 5) % 5]).join(names[(number / 25) % 5]),
    }
}

fn step() -> impl Strategy<Value = Step> {
    use Step::*;
    let p = || 0..75_u8;
    let offset = || prop_oneof![0..5000_u32, 0..400_000_u32];
    let len = || prop_oneof![1..200_u32, 1..300_000_u32];
    prop_oneof![
        4 => p().prop_map(Mkdir),
        6 => (p(), offset(), len(), any::<u8>()).prop_map(|(path, offset, len, byte)| Write { path, offset, len, byte }),
        3 => (p(), 1..5000_u16, any::<u8>()).prop_map(|(path, len, byte)| Append { path, len, byte }),
        2 => (p(), offset()).prop_map(|(path, size)| Truncate { path, size }),
        2 => (p(), offset(), len()).prop_map(|(path, offset, len)| Punch { path, offset, len }),
        1 => (p(), offset(), len()).prop_map(|(path, offset, len)| Allocate { path, offset, len }),
        2 => (p(), p(), offset(), len(), offset()).prop_map(|(from, to, offset, len, at)| CopyRange { from, to, offset, len, at }),
        4 => (p(), p()).prop_map(|(from, to)| Rename { from, to }),
        1 => (p(), p()).prop_map(|(from, to)| Exchange { from, to }),
        1 => (p(), p()).prop_map(|(from, to)| RenameNew { from, to }),
        2 => (p(), p()).prop_map(|(from, to)| Link { from, to }),
        1 => (p(), p()).prop_map(|(path, target)| Symlink { path, target }),
        1 => (p(), any::<bool>()).prop_map(|(path, fifo)| Mknod { path, fifo }),
        3 => p().prop_map(Unlink),
        2 => p().prop_map(Rmdir),
        1 => (p(), 0..0o7777_u16).prop_map(|(path, mode)| Chmod { path, mode }),
        1 => (p(), any::<u8>(), any::<u8>()).prop_map(|(path, uid, gid)| Chown { path, uid, gid }),
        1 => (p(), -2_000_000_000..8_000_000_000_i64, 0..1_000_000_000_u32).prop_map(|(path, seconds, nanos)| Times { path, seconds, nanos }),
        1 => (p(), 0..3_u8, any::<u8>()).prop_map(|(path, name, len)| SetXattr { path, name, len }),
        1 => (p(), 0..3_u8).prop_map(|(path, name)| RemoveXattr { path, name }),
        2 => (p(), any::<u16>()).prop_map(|(path, len)| SaveLikeVim { path, len }),
    ]
}

type Answer = Result<(), i32>;

fn answer<T, E: Into<std::io::Error>>(result: Result<T, E>) -> Answer {
    result.map(drop).map_err(|error| error.into().raw_os_error().unwrap_or(-1))
}

fn file(path: &Path) -> std::io::Result<fs::File> {
    // Not through symlinks, which may point out of the tree, and never waiting for the other end of a fifo.
    use std::os::unix::fs::OpenOptionsExt;
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .custom_flags(flags.bits() as i32)
        .open(path)
}

fn pattern(byte: u8, len: usize) -> Vec<u8> {
    (0..len).map(|at| byte.wrapping_add((at / 7) as u8)).collect()
}

fn perform(root: &Path, step: &Step) -> Answer {
    let at = |number: &u8| root.join(path(*number));
    let flags =
        |from: &u8, to: &u8, flags| answer(rustix::fs::renameat_with(CWD, at(from), CWD, at(to), flags));
    let fallocate = |path: &u8, mode, offset: u32, len: u32| {
        answer(file(&at(path)).and_then(|f| Ok(rustix::fs::fallocate(f, mode, offset.into(), len.into())?)))
    };
    match step {
        Step::Mkdir(path) => answer(fs::create_dir(at(path))),
        Step::Write { path, offset, len, byte } => answer(
            file(&at(path)).and_then(|f| f.write_all_at(&pattern(*byte, *len as usize), u64::from(*offset))),
        ),
        Step::Append { path, len, byte } => answer(file(&at(path)).and_then(|f| {
            let end = f.metadata()?.len();
            f.write_all_at(&pattern(*byte, usize::from(*len)), end)
        })),
        Step::Truncate { path, size } => answer(file(&at(path)).and_then(|f| f.set_len(u64::from(*size)))),
        Step::Punch { path, offset, len } => {
            fallocate(path, FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE, *offset, *len)
        }
        Step::Allocate { path, offset, len } => fallocate(path, FallocateFlags::empty(), *offset, *len),
        Step::CopyRange { from, to, offset, len, at: target } => answer(file(&at(from)).and_then(|from| {
            let to = file(&at(to))?;
            let (mut offset, mut target) = (u64::from(*offset), u64::from(*target));
            Ok(rustix::fs::copy_file_range(from, Some(&mut offset), to, Some(&mut target), *len as usize)?)
        })),
        Step::Rename { from, to } => answer(fs::rename(at(from), at(to))),
        Step::Exchange { from, to } => flags(from, to, RenameFlags::EXCHANGE),
        Step::RenameNew { from, to } => flags(from, to, RenameFlags::NOREPLACE),
        Step::Link { from, to } => answer(fs::hard_link(at(from), at(to))),
        Step::Symlink { path: link, target } => answer(symlink(path(*target), at(link))),
        Step::Mknod { path, fifo } => {
            // No devices: a plain directory's can be opened, a mount's cannot (`nodev`).
            let kind = if *fifo { FileType::Fifo } else { FileType::Socket };
            answer(rustix::fs::mknodat(CWD, at(path), kind, Mode::from_raw_mode(0o640), 0))
        }
        Step::Unlink(path) => answer(fs::remove_file(at(path))),
        Step::Rmdir(path) => answer(fs::remove_dir(at(path))),
        Step::Chmod { path, mode } => match fs::symlink_metadata(at(path)) {
            Ok(meta) if meta.is_symlink() => Ok(()),
            _ => answer(fs::set_permissions(at(path), fs::Permissions::from_mode((*mode).into()))),
        },
        Step::Chown { path, uid, gid } => answer(rustix::fs::chownat(
            CWD,
            at(path),
            Some(Uid::from_raw((*uid).into())),
            Some(Gid::from_raw((*gid).into())),
            AtFlags::SYMLINK_NOFOLLOW,
        )),
        Step::Times { path, seconds, nanos } => set_times(&at(path), *seconds, *nanos),
        Step::SetXattr { path, name, len } => answer(rustix::fs::lsetxattr(
            at(path),
            format!("user.{name}"),
            &pattern(*name, usize::from(*len)),
            XattrFlags::empty(),
        )),
        Step::RemoveXattr { path, name } => {
            answer(rustix::fs::lremovexattr(at(path), format!("user.{name}")))
        }
        Step::SaveLikeVim { path, len } => answer(
            fs::write(root.join("vim.tmp"), pattern(1, usize::from(*len)))
                .and_then(|()| fs::rename(root.join("vim.tmp"), at(path))),
        ),
    }
}

/// Sets both times and sees them again, to the nanosecond.
fn set_times(path: &Path, seconds: i64, nanos: u32) -> Answer {
    use std::os::unix::fs::MetadataExt;
    let time = Timespec { tv_sec: seconds, tv_nsec: nanos.into() };
    let times = Timestamps { last_access: time, last_modification: time };
    answer(rustix::fs::utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW))?;
    let meta = fs::symlink_metadata(path).unwrap();
    assert_eq!((meta.mtime(), meta.mtime_nsec()), (seconds, nanos.into()));
    assert_eq!((meta.atime(), meta.atime_nsec()), (seconds, nanos.into()));
    Ok(())
}

fn run(world: &World, steps: &[Step], case: u64) {
    let ours = world.dir.join(format!("case-{case}"));
    let theirs = world.beside("plain").join(format!("case-{case}"));
    fs::create_dir(&ours).unwrap();
    fs::create_dir(&theirs).unwrap();
    let mut past: Vec<(u64, Tree)> = Vec::new();
    for (number, step) in steps.iter().enumerate() {
        let (expected, found) = (perform(&theirs, step), perform(&ours, step));
        assert_eq!(
            found, expected,
            "step {number}, {step:?}: the answer of firn, then of the plain directory"
        );
        if number % 8 == 7 || number + 1 == steps.len() {
            let what = format!("after step {number}, {step:?}");
            assert_same(&what, &tree::read(&theirs, false), &tree::read(&ours, false));
        }
        past.push((world.head(), tree::read(&ours, true)));
    }
    for (seq, tree) in &past {
        let view = world.dir.join(format!(".at/#{seq}/case-{case}"));
        assert_same(&format!("at #{seq}"), tree, &tree::read(&view, true));
    }
}

#[test]
fn a_mount_answers_as_a_plain_directory_does() {
    // One mount for all cases, unmounted at the end of the test.
    let world = World::anywhere().mounted();
    let cases = Cell::new(0);
    let config = ProptestConfig {
        cases: 20,
        max_shrink_iters: 200,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let outcome = TestRunner::new(config).run(&prop::collection::vec(step(), 1..60), |steps| {
        run(&world, &steps, cases.replace(cases.get() + 1));
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
}
