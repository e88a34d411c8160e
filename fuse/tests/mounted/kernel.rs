//! What is taken back from the kernel's caches, and what it is told when mounting.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::sync::atomic::Ordering;

use firn_fuse::{MountOptions, Transport};

use crate::probe::CHANGING;
use crate::world::{World, errno, over_both};

fn content(file: &File) -> String {
    let mut bytes = [0; 8];
    file.read_exact_at(&mut bytes, 0).unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn name(file: &File) -> String {
    let link = fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd())).unwrap();
    link.to_str().unwrap().to_owned()
}

#[test]
fn what_the_kernel_keeps_can_be_taken_back() {
    over_both(|world| {
        let changed = || fs::metadata(world.path("changing")).unwrap().mtime();
        let change = |version| world.probe.version.store(version, Ordering::Relaxed);
        let file = File::open(world.path("changing")).unwrap();
        assert_eq!((changed(), changed()), (1, 1));
        change(2);
        assert_eq!(changed(), 1);
        assert_eq!(content(&file), "00000002");
        change(3);
        // Attributes alone, and no pages.
        world.notifier.inval_inode(CHANGING, -1, 0).unwrap();
        assert_eq!(changed(), 3);
        assert_eq!(content(&file), "00000002");
        world.notifier.inval_inode(CHANGING, 0, 0).unwrap();
        assert_eq!(content(&file), "00000003");
        assert_eq!(changed(), 3);
        change(4);
        assert_eq!(changed(), 3);
        world.notifier.inval_entry(1, OsStr::new("changing")).unwrap();
        assert_eq!(changed(), 4);
        change(5);
        let held = File::open(world.path("changing")).unwrap();
        world.notifier.expire_entry(1, OsStr::new("changing")).unwrap();
        assert_eq!(changed(), 5);
        // An expired name is still the name of what is held open; a void one is not.
        assert!(name(&held).ends_with("changing"));
        world.notifier.inval_entry(1, OsStr::new("changing")).unwrap();
        assert!(name(&held).ends_with("changing (deleted)"));
        world.notifier.store(CHANGING, 0, b"poured").unwrap();
        assert_eq!(content(&file), "poured03");
        assert_eq!(errno(world.notifier.inval_inode(77, 0, 0)), libc::ENOENT);
        assert_eq!(errno(world.notifier.inval_entry(77, OsStr::new("a"))), libc::ENOENT);
        drop((file, held));
        // The kernel can be told of names that it knows.
        assert_eq!(changed(), 5);
        world.notifier.delete(1, CHANGING, OsStr::new("changing")).unwrap();
    });
}

#[test]
fn a_notifier_outlives_its_session() {
    let mut world = World::new(Transport::Classic);
    let notifier = world.notifier.clone();
    world.unmount().unwrap();
    assert_eq!(errno(notifier.inval_inode(1, 0, 0)), libc::ENODEV);
}

#[test]
fn options_reach_the_kernels_table() {
    let mount = MountOptions {
        fsname: "s3://bucket/a,b".into(),
        subtype: "probe".into(),
        allow_other: true,
        default_permissions: true,
        read_only: true,
    };
    let world = World::with(Transport::Classic, mount);
    let table = fs::read_to_string("/proc/self/mounts").unwrap();
    let line = table.lines().find(|line| line.contains(world.root().to_str().unwrap())).unwrap();
    let fields: Vec<&str> = line.split(' ').collect();
    assert_eq!((fields[0], fields[2]), ("s3://bucket/a,b", "fuse.probe"));
    for option in ["ro", "nosuid", "nodev", "default_permissions", "allow_other", "user_id=0"] {
        assert!(fields[3].split(',').any(|has| has == option), "{option} in {line}");
    }
    assert_eq!(errno(fs::write(world.path("a"), "")), libc::EROFS);
}
