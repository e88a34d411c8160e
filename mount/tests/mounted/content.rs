use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};

use proptest::prelude::*;
use rustix::fs::{Advice, FallocateFlags, SeekFrom as Seeks};

use crate::world::{BLOCK, World, errno};

/// Lets the kernel forget the pages of a file.
fn forget_pages(file: &File) {
    file.sync_all().unwrap();
    rustix::fs::fadvise(file, 0, None, Advice::DontNeed).unwrap();
}

fn read_back(file: &File) -> Vec<u8> {
    forget_pages(file);
    let mut file = file;
    file.seek(SeekFrom::Start(0)).unwrap();
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).unwrap();
    bytes
}

#[derive(Clone, Debug)]
enum Step {
    Write { at: usize, len: usize, byte: u8 },
    Truncate { size: usize },
    Punch { at: usize, len: usize },
    Copy { from: usize, to: usize, len: usize },
    Remount,
}

fn step() -> impl Strategy<Value = Step> {
    const SIZE: usize = 5 * BLOCK as usize;
    prop_oneof![
        6 => (0..SIZE, 1..2 * BLOCK as usize, 1u8..).prop_map(|(at, len, byte)| Step::Write { at, len, byte }),
        2 => (0..SIZE).prop_map(|size| Step::Truncate { size }),
        2 => (0..SIZE, 1..SIZE).prop_map(|(at, len)| Step::Punch { at, len }),
        2 => (0..SIZE, 0..SIZE, 1..SIZE).prop_map(|(from, to, len)| Step::Copy { from, to, len }),
        1 => Just(Step::Remount),
    ]
}

/// The same step on a file and on the bytes that it should hold.
fn take(step: &Step, file: &File, bytes: &mut Vec<u8>) {
    match *step {
        Step::Write { at, len, byte } => {
            file.write_all_at(&vec![byte; len], at as u64).unwrap();
            bytes.resize(bytes.len().max(at + len), 0);
            bytes[at..at + len].fill(byte);
        }
        Step::Truncate { size } => {
            file.set_len(size as u64).unwrap();
            bytes.resize(size, 0);
        }
        Step::Punch { at, len } => {
            let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
            rustix::fs::fallocate(file, flags, at as u64, len as u64).unwrap();
            let end = bytes.len().min(at + len);
            bytes[at.min(end)..end].fill(0);
        }
        Step::Copy { from, to, len } => {
            // The ranges must not overlap, and a copy ends at the end of the file.
            let len = len.min(from.abs_diff(to)).min(bytes.len().saturating_sub(from));
            let (mut at, mut into) = (from as u64, to as u64);
            let copied =
                rustix::fs::copy_file_range(file, Some(&mut at), file, Some(&mut into), len).unwrap();
            assert_eq!(copied, len);
            if len > 0 {
                bytes.resize(bytes.len().max(to + len), 0);
                bytes.copy_within(from..from + len, to);
            }
        }
        Step::Remount => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_file_holds_what_was_written(steps in prop::collection::vec(step(), 1..25)) {
        let mut world = World::new();
        let mut bytes = Vec::new();
        let open = |world: &World| {
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(world.path("a")).unwrap()
        };
        let mut file = Some(open(&world));
        for step in &steps {
            if let Step::Remount = step {
                drop(file.take());
                world.remount();
                file = Some(open(&world));
            }
            let file = file.as_ref().unwrap();
            take(step, file, &mut bytes);
            prop_assert!(read_back(file) == bytes, "after {step:?}");
        }
    }
}

#[test]
fn large_files_are_read_in_order_and_at_random() {
    let mut world = World::new();
    let noise: Vec<u8> =
        (0..3_000_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    fs::write(world.path("a"), &noise).unwrap();
    world.remount();
    assert!(fs::read(world.path("a")).unwrap() == noise, "in order");
    let file = File::open(world.path("a")).unwrap();
    let mut at = 12_345_u64;
    for _ in 0..200 {
        at = at.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let from = (at >> 33) as usize % (noise.len() - 5000);
        let mut bytes = [0; 5000];
        file.read_exact_at(&mut bytes, from as u64).unwrap();
        assert!(bytes[..] == noise[from..from + 5000], "at {from}");
    }
    let mut direct =
        OpenOptions::new().read(true).custom_flags(libc::O_DIRECT).open(world.path("a")).unwrap();
    let mut bytes = Vec::new();
    direct.read_to_end(&mut bytes).unwrap();
    assert!(bytes == noise, "with O_DIRECT");
}

#[test]
fn holes_take_no_space_and_are_found() {
    let world = World::new();
    let file = OpenOptions::new().read(true).write(true).create_new(true).open(world.path("a")).unwrap();
    file.set_len(1 << 40).unwrap();
    file.write_all_at(&[7; 4096], 1 << 30).unwrap();
    let meta = file.metadata().unwrap();
    assert_eq!((meta.len(), meta.blocks()), (1 << 40, 8));
    let seek = |from| rustix::fs::seek(&file, from);
    assert_eq!(seek(Seeks::Data(0)), Ok(1 << 30));
    assert_eq!(seek(Seeks::Data((1 << 30) + 100)), Ok((1 << 30) + 100));
    assert_eq!(seek(Seeks::Hole(0)), Ok(0));
    assert_eq!(seek(Seeks::Hole(1 << 30)), Ok((1 << 30) + 4096));
    assert_eq!(seek(Seeks::Data(1 << 39)), Err(rustix::io::Errno::NXIO));
    assert_eq!(seek(Seeks::Hole(1 << 40)), Err(rustix::io::Errno::NXIO));
    let mut bytes = [1; 10];
    file.read_exact_at(&mut bytes, 1 << 35).unwrap();
    assert_eq!(bytes, [0; 10]);
}

#[test]
fn fallocate_grows_punches_and_zeroes() {
    let world = World::new();
    let file = OpenOptions::new().read(true).write(true).create_new(true).open(world.path("a")).unwrap();
    file.write_all_at(&[1; 10_000], 0).unwrap();
    let allocate = |flags, at, len| rustix::fs::fallocate(&file, flags, at, len);
    allocate(FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE, 1000, 2000).unwrap();
    allocate(FallocateFlags::empty(), 0, 20_000).unwrap();
    allocate(FallocateFlags::KEEP_SIZE, 0, 90_000).unwrap();
    allocate(FallocateFlags::ZERO_RANGE, 9000, 21_000).unwrap();
    allocate(FallocateFlags::ZERO_RANGE | FallocateFlags::KEEP_SIZE, 8000, 90_000).unwrap();
    assert_eq!(allocate(FallocateFlags::COLLAPSE_RANGE, 0, 4096), Err(rustix::io::Errno::OPNOTSUPP));
    let bytes = read_back(&file);
    assert_eq!(bytes.len(), 30_000);
    let ones = |at: usize| at < 1000 || (3000..8000).contains(&at);
    assert!(bytes.iter().enumerate().all(|(at, byte)| *byte == u8::from(ones(at))));
}

#[test]
fn copies_move_no_bytes() {
    let world = World::new();
    let noise: Vec<u8> = (0..500_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    fs::write(world.path("a"), &noise).unwrap();
    let staged = world.volume().status().pending_bytes;
    let (from, to) = (File::open(world.path("a")).unwrap(), File::create(world.path("b")).unwrap());
    let (mut at, mut into) = (0, 0);
    let copied = rustix::fs::copy_file_range(&from, Some(&mut at), &to, Some(&mut into), 1 << 30).unwrap();
    assert_eq!(copied, noise.len());
    assert!(world.volume().status().pending_bytes <= staged);
    assert!(fs::read(world.path("b")).unwrap() == noise);
}

#[test]
fn mapped_writers_share_memory_and_it_is_kept_under_their_name() {
    let mut world = World::new();
    let before = world.now();
    world.sh(r#"python3 -c '
import mmap, os
f = open("a", "w+b")
f.truncate(300000)
one = mmap.mmap(f.fileno(), 0)
two = mmap.mmap(os.open("a", os.O_RDWR), 0)
one[0:5] = b"first"
two[200000:200006] = b"second"
assert two[0:5] == b"first"
one.flush()
assert os.pread(f.fileno(), 6, 200000) == b"second"
two[299990:300000] = b"0123456789"
'"#);
    let writers: Vec<_> = world
        .events(before)
        .into_iter()
        .filter(|event| matches!(event.kind, firn_journal::EventKind::Written { .. }))
        .map(|event| event.actor)
        .collect();
    assert!(!writers.is_empty() && writers.iter().all(|actor| actor.command == b"python3"), "{writers:?}");
    world.remount();
    let bytes = fs::read(world.path("a")).unwrap();
    assert_eq!(bytes.len(), 300_000);
    assert_eq!(
        (&bytes[..5], &bytes[200_000..200_006], &bytes[299_990..]),
        (&b"first"[..], &b"second"[..], &b"0123456789"[..])
    );
}

#[test]
fn appending_goes_to_the_end_even_after_an_undo_moved_it() {
    let world = World::new();
    fs::write(world.path("log"), "one\n").unwrap();
    let then = world.volume().view();
    let mut log = OpenOptions::new().append(true).open(world.path("log")).unwrap();
    log.write_all(b"two\n").unwrap();
    world.go_back(&then);
    log.write_all(b"three\n").unwrap();
    assert_eq!(fs::read_to_string(world.path("log")).unwrap(), "one\nthree\n");
}

#[test]
fn a_file_has_no_end_that_it_cannot_have() {
    let world = World::new();
    let file = File::create(world.path("a")).unwrap();
    assert_eq!(errno(file.write_at(b"x", i64::MAX as u64 - 1)), 0);
    assert_eq!(file.metadata().unwrap().len(), i64::MAX as u64);
}
