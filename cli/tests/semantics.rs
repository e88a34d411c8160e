//! The statements of `docs/semantics.md` that no other test executes.

mod support;

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};
use std::time::Instant;

use rustix::fs::{AtFlags, CWD, FallocateFlags, OFlags, RenameFlags};
use support::proxy::{Proxy, Weather};
use support::{World, pause, s3_endpoint, sh};

#[test]
fn each_statement_has_its_test() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let text = fs::read_to_string(format!("{root}/docs/semantics.md")).unwrap();
    let mut tests = String::new();
    for entry in fs::read_dir(format!("{root}/cli/tests")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            tests += &fs::read_to_string(path).unwrap();
        }
    }
    let named: Vec<_> = text.split('[').skip(1).map(|rest| rest.split(']').next().unwrap()).collect();
    assert!(named.len() > 20);
    for name in named {
        assert!(tests.contains(&format!("\nfn {name}()")), "no test `{name}`");
    }
}

#[test]
fn an_idle_second_makes_things_durable() {
    let world = World::anywhere().mounted();
    fs::write(world.dir.join("a"), "1").unwrap();
    pause(2500);
    world.crash();
    assert_eq!(fs::read(world.dir.join("a")).unwrap(), b"1");
}

#[test]
#[expect(clippy::disallowed_methods, reason = "compares two waits; asserts no absolute time")]
fn close_does_not_wait_and_fsync_does() {
    let proxy = Proxy::before(&s3_endpoint(), Weather::default());
    let world = World::s3(&proxy.endpoint).mounted();
    proxy.set(Weather { delay_ms: 400, ..Weather::default() });
    let before_close = Instant::now();
    fs::write(world.dir.join("a"), "1").unwrap();
    let close = before_close.elapsed();
    let before_sync = Instant::now();
    File::open(world.dir.join("a")).unwrap().sync_all().unwrap();
    assert!(close < before_sync.elapsed());
}

#[test]
fn files_unlinked_while_open_live_on() {
    let world = World::anywhere().mounted();
    let path = world.dir.join("a");
    let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&path).unwrap();
    file.write_all(b"hello").unwrap();
    fs::remove_file(&path).unwrap();
    file.write_all(b" there").unwrap();
    file.seek(SeekFrom::Start(0)).unwrap();
    let mut text = String::new();
    file.read_to_string(&mut text).unwrap();
    assert_eq!(text, "hello there");
    assert_eq!(file.metadata().unwrap().nlink(), 0);
}

#[test]
fn a_fenced_writer_turns_read_only() {
    let world = World::local().mounted();
    fs::write(world.dir.join("a"), "1").unwrap();
    sh(&world.dir, "sync .");
    // The lease says that nobody is there: as after a network split that outlived it.
    fs::remove_file(world.store().join("writer")).unwrap();
    let second = world.beside("second");
    world.ok(&["mount", &world.url, second.to_str().unwrap()]);
    fs::write(second.join("b"), "2").unwrap();
    let file = File::create(world.dir.join("c"));
    let refused = file.and_then(|file| file.sync_all()).unwrap_err();
    assert!(matches!(refused.raw_os_error(), Some(5 | 30)), "{refused}");
    let status = world.status();
    assert!(status["read_only_reason"].is_string(), "{status}");
    assert_eq!(fs::write(world.dir.join("d"), "4").unwrap_err().raw_os_error(), Some(30), "EROFS");
    sh(&second, "sync .");
    world.ok(&["umount", second.to_str().unwrap()]);
    world.firn(&["umount", world.dir.to_str().unwrap()]);
    world.ok(&["verify", &world.url]);
}

#[test]
fn renames_are_atomic_and_know_their_flags() {
    let world = World::anywhere().mounted();
    let (a, b) = (world.dir.join("a"), world.dir.join("b"));
    fs::write(&a, "a").unwrap();
    fs::write(&b, "b").unwrap();
    let refused = rustix::fs::renameat_with(CWD, &a, CWD, &b, RenameFlags::NOREPLACE).unwrap_err();
    assert_eq!(refused, rustix::io::Errno::EXIST);
    rustix::fs::renameat_with(CWD, &a, CWD, &b, RenameFlags::EXCHANGE).unwrap();
    assert_eq!((fs::read(&a).unwrap(), fs::read(&b).unwrap()), (b"b".to_vec(), b"a".to_vec()));
    fs::rename(&a, &b).unwrap();
    assert_eq!(fs::read(&b).unwrap(), b"b");
    assert!(!a.exists());
}

/// `O_TMPFILE`, and `linkat` of it.
#[test]
fn files_without_a_name_get_one_or_are_gone() {
    let world = World::anywhere().mounted();
    let unnamed =
        || File::from(rustix::fs::open(&world.dir, OFlags::TMPFILE | OFlags::RDWR, 0o640.into()).unwrap());
    let mut file = unnamed();
    file.write_all(b"made in secret").unwrap();
    assert_eq!(file.metadata().unwrap().nlink(), 0);
    assert_eq!(fs::read_dir(&world.dir).unwrap().count(), 0);
    let (path, itself) = (world.dir.join("a"), format!("/proc/self/fd/{}", file.as_raw_fd()));
    rustix::fs::linkat(CWD, itself, CWD, &path, AtFlags::SYMLINK_FOLLOW).unwrap();
    drop(file);
    assert_eq!(fs::read(&path).unwrap(), b"made in secret");
    assert_eq!(fs::metadata(&path).unwrap().nlink(), 1);

    let inodes = || rustix::fs::statvfs(&world.dir).unwrap().f_ffree;
    let before = inodes();
    let file = unnamed();
    assert_eq!(inodes(), before - 1);
    drop(file);
    // The kernel tells of the last close a moment later.
    assert!((0..500).any(|_| {
        pause(10);
        inodes() == before
    }));
}

#[test]
fn hard_links_share_an_inode() {
    let world = World::anywhere().mounted();
    let (a, b) = (world.dir.join("a"), world.dir.join("b"));
    fs::write(&a, "1").unwrap();
    fs::hard_link(&a, &b).unwrap();
    fs::write(&b, "2").unwrap();
    assert_eq!(fs::read(&a).unwrap(), b"2");
    assert_eq!(fs::metadata(&a).unwrap().ino(), fs::metadata(&b).unwrap().ino());
    assert_eq!(fs::metadata(&a).unwrap().nlink(), 2);
    fs::remove_file(&a).unwrap();
    assert_eq!(fs::metadata(&b).unwrap().nlink(), 1);
}

#[test]
fn directories_count_their_children() {
    let world = World::anywhere().mounted();
    fs::create_dir_all(world.dir.join("d/e")).unwrap();
    fs::create_dir(world.dir.join("d/f")).unwrap();
    fs::write(world.dir.join("d/file"), "").unwrap();
    assert_eq!(fs::metadata(world.dir.join("d")).unwrap().nlink(), 4);
}

#[test]
fn set_gid_directories_pass_on_their_group() {
    let world = World::anywhere().mounted();
    let d = world.dir.join("d");
    fs::create_dir(&d).unwrap();
    std::os::unix::fs::chown(&d, None, Some(1234)).unwrap();
    fs::set_permissions(&d, Permissions::from_mode(0o2775)).unwrap();
    fs::write(d.join("file"), "").unwrap();
    fs::create_dir(d.join("sub")).unwrap();
    assert_eq!(fs::metadata(d.join("file")).unwrap().gid(), 1234);
    let sub = fs::metadata(d.join("sub")).unwrap();
    assert_eq!((sub.gid(), sub.mode() & 0o2000), (1234, 0o2000));
}

#[test]
fn holes_take_no_space_and_are_found() {
    let world = World::anywhere().mounted();
    let file = File::create_new(world.dir.join("a")).unwrap();
    file.set_len(1 << 40).unwrap();
    file.write_all_at(&[7; 4096], 1 << 30).unwrap();
    let meta = fs::metadata(world.dir.join("a")).unwrap();
    assert_eq!((meta.len(), meta.blocks()), (1 << 40, 8));
    assert_eq!(rustix::fs::seek(&file, rustix::fs::SeekFrom::Data(0)).unwrap(), 1 << 30);
    assert_eq!(rustix::fs::seek(&file, rustix::fs::SeekFrom::Hole(1 << 30)).unwrap(), (1 << 30) + 4096);
    let file = File::open(world.dir.join("a")).unwrap();
    let mut bytes = [1; 10];
    file.read_exact_at(&mut bytes, 1 << 35).unwrap();
    assert_eq!(bytes, [0; 10]);
}

#[test]
fn fallocate_punches_and_grows() {
    let world = World::anywhere().mounted();
    let path = world.dir.join("a");
    fs::write(&path, vec![1; 10_000]).unwrap();
    let file = OpenOptions::new().write(true).open(&path).unwrap();
    rustix::fs::fallocate(&file, FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE, 1000, 2000).unwrap();
    rustix::fs::fallocate(&file, FallocateFlags::empty(), 0, 20_000).unwrap();
    let bytes = fs::read(&path).unwrap();
    assert_eq!(bytes.len(), 20_000);
    assert!(bytes[..1000].iter().chain(&bytes[3000..10_000]).all(|byte| *byte == 1));
    assert!(bytes[1000..3000].iter().chain(&bytes[10_000..]).all(|byte| *byte == 0));
}

#[test]
fn copies_within_a_mount_move_no_bytes() {
    let world = World::local().mounted();
    let noise: Vec<u8> =
        (0..2_000_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    fs::write(world.dir.join("a"), &noise).unwrap();
    sh(&world.dir, "sync .");
    let stored = sh(&world.beside("x"), &format!("du -sb {} | cut -f1", world.url));
    sh(&world.dir, "cp --reflink=never a b; sync .");
    assert!(fs::read(world.dir.join("b")).unwrap() == noise);
    let after = sh(&world.beside("x"), &format!("du -sb {} | cut -f1", world.url));
    let grown = after.trim().parse::<i64>().unwrap() - stored.trim().parse::<i64>().unwrap();
    assert!(grown < 100_000, "the store grew by {grown} bytes");
}

#[test]
fn extended_attributes_are_kept() {
    let world = World::anywhere().mounted();
    fs::write(world.dir.join("a"), "").unwrap();
    sh(
        &world.dir,
        "setfattr -n user.color -v blue a; setfattr -n trusted.t -v 1 a; setfattr -n security.s -v 2 a",
    );
    sh(&world.dir, "sync .");
    world.crash();
    let listed = sh(&world.dir, "getfattr -d -m - a");
    for expected in ["user.color=\"blue\"", "trusted.t=\"1\"", "security.s"] {
        assert!(listed.contains(expected), "{listed}");
    }
    assert!(!listed.contains("user.firn"), "{listed}");
    sh(
        &world.dir,
        "setfattr -x user.color a; ! getfattr -n user.color a 2>/dev/null; ! setfattr -n user.firn.x -v 1 a 2>/dev/null",
    );
}

#[test]
fn special_files_are_kept() {
    let world = World::anywhere().mounted();
    sh(
        &world.dir,
        "mkfifo p; mknod c c 1 3; mknod b b 7 0; python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind(\"s\")'",
    );
    world.umount();
    world.mount();
    assert_eq!(
        sh(&world.dir, "stat -c '%F %t %T' p c b s"),
        "fifo 0 0\ncharacter special file 1 3\nblock special file 7 0\nsocket 0 0\n"
    );
}

#[test]
fn other_users_are_kept_out() {
    let world = World::anywhere().mounted();
    fs::write(world.dir.join("secret"), "x").unwrap();
    fs::set_permissions(world.dir.join("secret"), Permissions::from_mode(0o600)).unwrap();
    fs::write(world.dir.join("open"), "x").unwrap();
    sh(&world.beside("x"), &format!("chmod 755 {} {}/..", world.dir.display(), world.dir.display()));
    let script =
        format!("cd {}; cat open; ! cat secret 2>/dev/null; ! touch new 2>/dev/null", world.dir.display());
    sh(
        &world.beside("x"),
        &format!(
            "python3 -c 'import os, subprocess, sys; os.setgroups([]); os.setgid(65534); os.setuid(65534); sys.exit(subprocess.call([\"bash\", \"-c\", sys.argv[1]]))' '{script}'"
        ),
    );
}

#[test]
fn locks_work_between_processes() {
    let world = World::anywhere().mounted();
    sh(&world.dir, "touch l; exec 9<l; flock 9; ! flock -n l true");
    sh(
        &world.dir,
        r#"python3 -c '
import fcntl, os, sys
fd = os.open("l", os.O_RDWR)
fcntl.lockf(fd, fcntl.LOCK_EX)
if os.fork() == 0:
    other = os.open("l", os.O_RDWR)
    try:
        fcntl.lockf(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os._exit(0)
    os._exit(1)
sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))
'"#,
    );
}

#[test]
fn times_are_kept_to_the_nanosecond() {
    let world = World::anywhere().mounted();
    sh(
        &world.dir,
        "touch -d '1935-01-02 03:04:05.123456789 UTC' old; touch -d '2200-01-02 03:04:05.987654321 UTC' new; sync .",
    );
    world.crash();
    let shown = sh(&world.dir, "TZ=UTC stat -c %y old new");
    assert_eq!(shown, "1935-01-02 03:04:05.123456789 +0000\n2200-01-02 03:04:05.987654321 +0000\n");
}

#[test]
fn reading_is_no_change() {
    let world = World::anywhere().mounted();
    fs::write(world.dir.join("a"), "1").unwrap();
    let (head, before) = (world.head(), fs::metadata(world.dir.join("a")).unwrap());
    fs::read(world.dir.join("a")).unwrap();
    fs::read_dir(&world.dir).unwrap().count();
    let after = fs::metadata(world.dir.join("a")).unwrap();
    assert_eq!((before.atime(), before.atime_nsec()), (after.atime(), after.atime_nsec()));
    assert_eq!(world.head(), head);
    sh(&world.dir, "touch -a -d '2001-01-01 UTC' a");
    assert_eq!(fs::metadata(world.dir.join("a")).unwrap().atime(), 978_307_200);
}

#[test]
fn the_name_of_the_past_is_reserved() {
    let world = World::anywhere().mounted();
    fs::write(world.dir.join("a"), "1").unwrap();
    assert!(fs::create_dir(world.dir.join(".at")).is_err());
    assert!(fs::write(world.dir.join(".at"), "x").is_err());
    assert!(fs::rename(world.dir.join("a"), world.dir.join(".at")).is_err());
    assert!(fs::remove_dir(world.dir.join(".at")).is_err());
    assert_eq!(fs::read_dir(world.dir.join(".at")).unwrap().count(), 0);
}
