use std::fs::{self, File};
use std::os::fd::AsRawFd;

use firn_mount::{Fs, MountError, Session};
use jiff::tz::TimeZone;
use rustix::mount::{MountFlags, UnmountFlags};

use crate::world::{World, errno};

/// Mounts the world's volume once more, or tries to.
fn mount_at(world: &World, path: &std::path::Path) -> Result<Session, MountError> {
    let fs = Fs::live(world.volume().clone(), TimeZone::UTC);
    world.run(Session::mount(fs, path, world.options(), b""))
}

#[test]
fn a_mount_in_use_stays_mounted_until_it_is_not() {
    let mut world = World::new();
    let file = File::create(world.path("a")).unwrap();
    let refused = world.run(world.session().unmount());
    assert!(matches!(refused, Err(MountError::Busy(_))), "{refused:?}");
    fs::write(world.path("b"), "still here").unwrap();
    drop(file);
    world.unmount();
    assert!(!world.path("b").exists());
}

#[test]
fn an_unmount_by_another_hand_ends_the_session() {
    let world = World::new();
    fs::write(world.path("a"), "1").unwrap();
    rustix::mount::unmount(world.mountpoint(), UnmountFlags::empty()).unwrap();
    world.run(world.session().wait()).unwrap();
    world.run(world.session().unmount()).unwrap();
    world.run(world.session().settled());
}

#[test]
fn a_detached_mount_serves_what_is_open() {
    let world = World::new();
    fs::write(world.path("a"), "1").unwrap();
    let file = File::open(world.path("a")).unwrap();
    world.run(world.session().detach()).unwrap();
    assert!(!world.path("a").exists());
    assert_eq!(std::io::read_to_string(&file).unwrap(), "1");
    let refused = world.run(world.session().unmount());
    assert!(matches!(refused, Err(MountError::Detached(_))), "{refused:?}");
    drop(file);
    world.run(world.session().wait()).unwrap();
}

#[test]
fn what_a_dead_process_left_behind_is_cleared() {
    let world = World::new();
    let path = world.outside("dead");
    fs::create_dir(&path).unwrap();
    for _ in 0..2 {
        // A mount whose device is closed is what a process leaves that is killed.
        let device = File::options().read(true).write(true).open("/dev/fuse").unwrap();
        let data = format!("fd={},rootmode=40000,user_id=0,group_id=0", device.as_raw_fd());
        let data = std::ffi::CString::new(data).unwrap();
        // On the second round the path itself cannot be looked at any more.
        rustix::mount::mount("dead", &path, "fuse", MountFlags::empty(), Some(data.as_c_str())).unwrap();
        drop(device);
    }
    assert_eq!(errno(fs::metadata(&path)), libc::ENOTCONN);
    let session = mount_at(&world, &path).unwrap();
    fs::write(world.path("a"), "alive").unwrap();
    assert_eq!(fs::read_to_string(path.join("a")).unwrap(), "alive");
    world.run(session.unmount()).unwrap();
    assert_eq!(fs::read_dir(&path).unwrap().count(), 0);
}

#[test]
fn what_cannot_be_mounted_is_told() {
    let world = World::new();
    let message = |path: &std::path::Path| mount_at(&world, path).unwrap_err().to_string();
    assert!(message(&world.outside("none")).contains("does not exist"));
    fs::write(world.outside("file"), "").unwrap();
    assert!(message(&world.outside("file")).contains("is not a directory"));
    let twice = message(&world.mountpoint());
    assert!(twice.contains("is mounted on") && twice.contains("firn umount"), "{twice}");
    let full = world.outside("full");
    fs::create_dir_all(full.join("content")).unwrap();
    let session = mount_at(&world, &full).unwrap();
    assert!(!full.join("content").exists());
    world.run(session.unmount()).unwrap();
    assert!(full.join("content").exists());
}

#[test]
fn the_kernel_knows_the_mount_by_type_and_volume() {
    let world = World::new();
    let mountpoint = world.mountpoint();
    let table = fs::read_to_string("/proc/self/mounts").unwrap();
    let line = table.lines().find(|line| line.contains(mountpoint.to_str().unwrap())).unwrap();
    let fields: Vec<_> = line.split(' ').collect();
    assert_eq!(fields[2], "fuse.firn");
    assert!(fields[0].ends_with("/store"), "{line}");
    assert!(fields[3].contains("default_permissions") && fields[3].contains("allow_other"), "{line}");
}
