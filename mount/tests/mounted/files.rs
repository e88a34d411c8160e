use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};

use firn_journal::EventKind;
use rustix::fs::{CWD, RenameFlags, XattrFlags};

use crate::world::{World, errno};

#[test]
fn files_are_written_read_changed_and_kept() {
    let mut world = World::new();
    fs::create_dir(world.path("d")).unwrap();
    fs::write(world.path("d/a"), "hello").unwrap();
    let mut file = OpenOptions::new().append(true).open(world.path("d/a")).unwrap();
    file.write_all(b" world").unwrap();
    assert_eq!(fs::read_to_string(world.path("d/a")).unwrap(), "hello world");
    file.set_len(4).unwrap();
    drop(file);
    fs::rename(world.path("d/a"), world.path("b")).unwrap();
    fs::set_permissions(world.path("b"), Permissions::from_mode(0o640)).unwrap();
    for _ in 0..2 {
        assert_eq!(fs::read_to_string(world.path("b")).unwrap(), "hell");
        let meta = fs::metadata(world.path("b")).unwrap();
        assert_eq!((meta.len(), meta.mode() & 0o7777, meta.nlink(), meta.blocks()), (4, 0o640, 1, 1));
        assert!(!world.path("d/a").exists());
        assert_eq!(fs::read_dir(world.path("d")).unwrap().count(), 0);
        world.remount();
    }
    fs::remove_dir(world.path("d")).unwrap();
    fs::remove_file(world.path("b")).unwrap();
    assert_eq!(fs::read_dir(world.path("")).unwrap().count(), 0);
}

#[test]
fn opening_can_truncate_and_must_not_when_it_is_exclusive() {
    let world = World::new();
    fs::write(world.path("a"), "12345").unwrap();
    drop(OpenOptions::new().write(true).truncate(true).open(world.path("a")).unwrap());
    assert_eq!(fs::metadata(world.path("a")).unwrap().len(), 0);
    assert_eq!(errno(File::create_new(world.path("a"))), libc::EEXIST);
}

#[test]
fn a_file_that_is_unlinked_while_it_is_open_lives_until_it_is_closed() {
    let world = World::new();
    let before = world.now();
    let mut options = OpenOptions::new();
    let mut file = options.read(true).write(true).create_new(true).open(world.path("a")).unwrap();
    file.write_all(b"one").unwrap();
    fs::remove_file(world.path("a")).unwrap();
    file.write_all(b" two").unwrap();
    file.seek(SeekFrom::Start(0)).unwrap();
    let mut text = String::new();
    file.read_to_string(&mut text).unwrap();
    assert_eq!(text, "one two");
    assert_eq!(file.metadata().unwrap().nlink(), 0);
    assert_eq!(world.volume().with(|ns| ns.orphans().count()), 1);
    drop(file);
    // The kernel tells of the close after close(2) has returned.
    while world.volume().with(|ns| ns.orphans().count()) > 0 {
        std::thread::yield_now();
    }
    let last = world.events(before).pop().unwrap();
    assert!(matches!(last.kind, EventKind::Evicted { .. }), "{last:?}");
    assert_eq!(last.actor.pid, std::process::id());
}

#[test]
fn a_directory_that_is_removed_while_it_is_open_is_empty() {
    let world = World::new();
    fs::create_dir(world.path("d")).unwrap();
    let dir = File::open(world.path("d")).unwrap();
    fs::remove_dir(world.path("d")).unwrap();
    assert_eq!(dir.metadata().unwrap().nlink(), 0);
    let created = rustix::fs::openat(&dir, "x", rustix::fs::OFlags::CREATE, 0o600.into());
    assert_eq!(created.unwrap_err(), rustix::io::Errno::NOENT);
}

#[test]
fn links_share_an_inode_and_symbolic_links_point() {
    let world = World::new();
    fs::write(world.path("a"), "1").unwrap();
    fs::hard_link(world.path("a"), world.path("b")).unwrap();
    fs::write(world.path("b"), "22").unwrap();
    let (a, b) = (fs::metadata(world.path("a")).unwrap(), fs::metadata(world.path("b")).unwrap());
    assert_eq!((a.ino(), a.nlink(), a.len()), (b.ino(), 2, 2));
    fs::remove_file(world.path("a")).unwrap();
    assert_eq!(fs::metadata(world.path("b")).unwrap().nlink(), 1);

    symlink("b", world.path("s")).unwrap();
    assert_eq!(fs::read_to_string(world.path("s")).unwrap(), "22");
    assert_eq!(fs::symlink_metadata(world.path("s")).unwrap().len(), 1);
    let long = "x/".repeat(1500);
    symlink(&long, world.path("long")).unwrap();
    assert_eq!(fs::read_link(world.path("long")).unwrap().to_str(), Some(long.as_str()));
}

#[test]
fn renames_know_their_flags() {
    let world = World::new();
    let (a, b) = (world.path("a"), world.path("b"));
    fs::write(&a, "a").unwrap();
    fs::write(&b, "b").unwrap();
    let with = |flags| rustix::fs::renameat_with(CWD, &a, CWD, &b, flags);
    assert_eq!(with(RenameFlags::NOREPLACE), Err(rustix::io::Errno::EXIST));
    assert_eq!(with(RenameFlags::WHITEOUT), Err(rustix::io::Errno::INVAL));
    with(RenameFlags::EXCHANGE).unwrap();
    assert_eq!((fs::read(&a).unwrap(), fs::read(&b).unwrap()), (b"b".to_vec(), b"a".to_vec()));
    fs::rename(&a, &b).unwrap();
    assert_eq!(fs::read(&b).unwrap(), b"b");
    fs::create_dir_all(world.path("d/e")).unwrap();
    assert_eq!(errno(fs::rename(world.path("d"), world.path("d/e/f"))), libc::EINVAL);
}

#[test]
fn special_files_are_kept() {
    let mut world = World::new();
    world.sh("mkfifo p; mknod c c 1 3; mknod b b 7 259; python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind(\"s\")'");
    world.remount();
    assert_eq!(
        world.sh("stat -c '%F %t %T' p c b s"),
        "fifo 0 0\ncharacter special file 1 3\nblock special file 7 103\nsocket 0 0\n"
    );
    assert!(fs::metadata(world.path("p")).unwrap().file_type().is_fifo());
}

#[test]
fn names_are_bytes_up_to_255_of_them() {
    let world = World::new();
    fs::write(world.path(&"n".repeat(255)), "").unwrap();
    assert_eq!(errno(fs::write(world.path(&"n".repeat(256)), "")), libc::ENAMETOOLONG);
    assert_eq!(errno(fs::metadata(world.path(&"n".repeat(256)))), libc::ENAMETOOLONG);
    world.sh("touch $'\\xff\\xfe\\n'; test -e $'\\xff\\xfe\\n'");
}

#[test]
fn times_are_kept_to_the_nanosecond_before_1970_too() {
    let mut world = World::new();
    world.sh(
        "touch -d '1935-01-02 03:04:05.123456789 UTC' old; touch -d '2200-01-02 03:04:05.987654321 UTC' new",
    );
    world.sh("touch -d '1969-12-31 23:59:59.5 UTC' eve");
    world.remount();
    assert_eq!(
        world.sh("TZ=UTC stat -c %y old new eve"),
        "1935-01-02 03:04:05.123456789 +0000\n2200-01-02 03:04:05.987654321 +0000\n\
         1969-12-31 23:59:59.500000000 +0000\n"
    );
}

#[test]
fn extended_attributes_are_kept_and_some_names_are_ours() {
    let mut world = World::new();
    fs::write(world.path("a"), "").unwrap();
    let path = world.path("a");
    let set = |name: &str, value: &[u8], flags| rustix::fs::setxattr(&path, name, value, flags);
    set("user.color", b"blue", XattrFlags::CREATE).unwrap();
    assert_eq!(set("user.color", b"red", XattrFlags::CREATE), Err(rustix::io::Errno::EXIST));
    assert_eq!(set("user.shape", b"round", XattrFlags::REPLACE), Err(rustix::io::Errno::NODATA));
    set("trusted.t", &[0; 60_000], XattrFlags::empty()).unwrap();
    assert_eq!(set("user.firn.x", b"", XattrFlags::empty()), Err(rustix::io::Errno::PERM));
    world.remount();

    let get = |name: &str, room: usize| {
        let mut value = vec![0; room];
        rustix::fs::getxattr(&path, name, &mut value[..]).map(|len| (len, value))
    };
    assert_eq!(get("user.color", 4).unwrap(), (4, b"blue".to_vec()));
    assert_eq!(get("user.color", 3).unwrap_err(), rustix::io::Errno::RANGE);
    let probed = world.sh("python3 -c 'import ctypes; libc = ctypes.CDLL(None); print(libc.getxattr(b\"a\", b\"user.color\", None, 0), libc.listxattr(b\"a\", None, 0))'");
    assert_eq!(probed, "4 21\n");
    assert_eq!(get("user.none", 10).unwrap_err(), rustix::io::Errno::NODATA);
    assert_eq!(get("user.firn.control", 7).unwrap(), (7, b"control".to_vec()));
    let mut list = [0; 100];
    let len = rustix::fs::listxattr(&path, &mut list[..]).unwrap();
    assert_eq!(&list[..len], b"trusted.t\0user.color\0");
    rustix::fs::removexattr(&path, "user.color").unwrap();
    assert_eq!(get("user.color", 4).unwrap_err(), rustix::io::Errno::NODATA);
    assert_eq!(rustix::fs::removexattr(&path, "user.firn.control"), Err(rustix::io::Errno::PERM));
}

#[test]
fn the_size_of_the_store_is_what_is_left_of_a_pebibyte() {
    let world = World::new();
    let before = rustix::fs::statvfs(world.path("")).unwrap();
    assert_eq!((before.f_blocks * before.f_frsize, before.f_namemax), (1 << 50, 255));
    fs::write(world.path("a"), vec![1; 100_000]).unwrap();
    let after = rustix::fs::statvfs(world.path("")).unwrap();
    assert_eq!(before.f_bfree - after.f_bfree, 100_000_u64.div_ceil(4096));
    assert_eq!(before.f_ffree - after.f_ffree, 1);
}

#[test]
fn events_know_who_made_them() {
    let world = World::new();
    let before = world.now();
    let pid: u32 = world
        .sh("sh -c 'echo $$; exec python3 -c \"open(chr(97), chr(119)).write(chr(98))\"'")
        .trim()
        .parse()
        .unwrap();
    std::thread::scope(|scope| scope.spawn(|| fs::write(world.path("b"), "2").unwrap()).join().unwrap());
    let events = world.events(before);
    let of = |wanted: &str| {
        let made =
            |kind: &EventKind| matches!(kind, EventKind::Created { name, .. } if *name == wanted.into());
        events.iter().find(|event| made(&event.kind)).unwrap().actor.clone()
    };
    let (a, b) = (of("a"), of("b"));
    assert_eq!((a.pid, a.uid, a.command.as_slice()), (pid, 0, &b"python3"[..]));
    // A thread writes in the name of its process.
    assert_eq!(b.pid, std::process::id());
    assert!(b.command.starts_with(b"mounted"), "{b:?}");
}

#[test]
fn a_program_that_is_changed_loses_the_right_to_run_as_somebody_else() {
    let world = World::new();
    let as_nobody = |script: &str| {
        world.sh(&format!(
            "python3 -c 'import os, subprocess, sys; os.setgroups([]); os.setgid(65534); os.setuid(65534); \
             sys.exit(subprocess.call([\"bash\", \"-euc\", sys.argv[1]]))' '{script}'"
        ))
    };
    fs::set_permissions(world.outside(""), Permissions::from_mode(0o755)).unwrap();
    let changes = [
        "echo x >> p",
        "echo x > p",
        ": > p",
        "truncate -s 1 p",
        "fallocate -l 999 p",
        "dd if=/dev/zero of=p conv=notrunc count=1 status=none",
    ];
    for change in changes {
        world.sh("rm -f p; echo program > p; chown 65534:65534 p; chmod 6777 p");
        as_nobody(change);
        assert_eq!(world.sh("stat -c %a p"), "777\n", "{change}");
    }
    world.sh("rm p; echo program > p; chmod 6755 p; echo more >> p");
    assert_eq!(world.sh("stat -c %a p"), "6755\n", "the superuser may");
    world.sh("chown 1 p");
    assert_eq!(world.sh("stat -c %a p"), "755\n", "a new owner does not inherit it");
    let set = |name: &str| {
        rustix::fs::setxattr(
            world.path("p"),
            name,
            b"\x01\0\0\x02\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
            XattrFlags::empty(),
        )
    };
    set("security.capability").unwrap();
    let capabilities = || {
        let mut value = [0; 100];
        rustix::fs::getxattr(world.path("p"), "security.capability", &mut value[..])
    };
    assert_eq!(capabilities(), Ok(20));
    world.sh("echo more >> p");
    assert_eq!(capabilities(), Err(rustix::io::Errno::NODATA));
}
