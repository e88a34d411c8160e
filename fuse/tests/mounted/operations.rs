//! What programs do, over both transports.

use std::ffi::OsString;
use std::fs::{self, File, Metadata, Permissions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, UNIX_EPOCH};

use firn_fuse::Transport;

use crate::world::{World, errno, over_both, soon, uring};

/// Bytes that differ wherever one looks.
fn pattern(len: usize) -> Vec<u8> {
    (0..len as u64).map(|at| (at.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8).collect()
}

fn names(path: &Path) -> Vec<OsString> {
    let mut names: Vec<_> = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    names
}

#[test]
fn large_files_come_back_as_they_were_written() {
    over_both(|world| {
        let content = pattern(3 << 20);
        let mut file =
            File::options().read(true).write(true).create_new(true).open(world.path("large")).unwrap();
        file.write_all(&content).unwrap();
        file.seek(SeekFrom::Start(0)).unwrap();
        let mut back = Vec::new();
        file.read_to_end(&mut back).unwrap();
        assert!(back == content, "over {}", world.active);
        // Once more past the page cache.
        world.notifier.inval_inode(file.metadata().unwrap().ino(), 0, 0).unwrap();
        let mut part = vec![0; 1_000_000];
        file.read_exact_at(&mut part, 1_234_567).unwrap();
        assert!(part == content[1_234_567..2_234_567], "over {}", world.active);
    });
}

#[test]
fn long_listings_are_whole_with_and_without_attributes() {
    over_both(|world| {
        let dir = world.path("d");
        fs::create_dir(&dir).unwrap();
        let mut expected: Vec<OsString> = (0..5_000).map(|number| format!("file-{number}").into()).collect();
        for name in &expected {
            File::create_new(dir.join(name)).unwrap();
        }
        expected.sort();
        assert_eq!(names(&dir), expected);
        let sizes = fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len());
        assert_eq!(sizes.sum::<u64>(), 0);
        for name in &expected {
            fs::remove_file(dir.join(name)).unwrap();
        }
        assert_eq!(names(&dir), Vec::<OsString>::new());
        fs::remove_dir(&dir).unwrap();
    });
}

#[test]
fn what_is_removed_is_forgotten() {
    over_both(|world| {
        for number in 0..300 {
            let path = world.path(&format!("f{number}"));
            File::create_new(&path).unwrap();
            fs::remove_file(&path).unwrap();
        }
        let mut world = world;
        // What is still to be forgotten when it is unmounted, nobody is told of.
        soon(|| world.probe.forgotten.load(Ordering::Relaxed) >= 250);
        world.unmount().unwrap();
        assert!(world.probe.forgotten.load(Ordering::Relaxed) >= 250, "over {}", world.active);
    });
}

fn stat(metadata: &Metadata) -> String {
    let (mode, size, links) = (metadata.mode(), metadata.len(), metadata.nlink());
    format!("{mode:o} {size} bytes, {links} links, {}:{}", metadata.mtime(), metadata.mtime_nsec())
}

/// A bit of everything, and what came of it.
fn script(world: &World) -> Vec<String> {
    let path = |name: &str| world.path(name);
    let time = UNIX_EPOCH + Duration::new(1_000_000_000, 5);
    fs::create_dir(path("dir")).unwrap();
    fs::write(path("dir/file"), pattern(10_000)).unwrap();
    fs::set_permissions(path("dir/file"), Permissions::from_mode(0o640)).unwrap();
    File::options().write(true).open(path("dir/file")).unwrap().set_modified(time).unwrap();
    let mut told = vec![stat(&fs::metadata(path("dir/file")).unwrap())];
    for (what, errno) in [
        ("stat of nothing", errno(fs::metadata(path("nothing")))),
        ("mkdir over something", errno(fs::create_dir(path("dir")))),
        ("rmdir of what is full", errno(fs::remove_dir(path("dir")))),
        ("rmdir of a file", errno(fs::remove_dir(path("dir/file")))),
        ("unlink of a directory", errno(fs::remove_file(path("dir")))),
        ("unlink of nothing", errno(fs::remove_file(path("nothing")))),
        ("rename of nothing", errno(fs::rename(path("nothing"), path("x")))),
        ("a name that is too long", errno(fs::metadata(path(&"n".repeat(300))))),
        ("symlink", errno(std::os::unix::fs::symlink("target", path("link")))),
        ("rename", errno(fs::rename(path("dir/file"), path("moved")))),
        ("truncate", errno(File::options().write(true).open(path("moved")).unwrap().set_len(5_000))),
        (
            "rename over something",
            errno(fs::write(path("other"), "1").and_then(|()| fs::rename(path("moved"), path("other")))),
        ),
    ] {
        told.push(format!("{what}: {errno}"));
    }
    told.push(format!("{:?}", names(world.root())));
    told.push(format!("{}", fs::read(path("other")).unwrap() == pattern(5_000)));
    told.push(format!("{:?}", rustix::fs::statvfs(world.root()).unwrap().f_namemax));
    let mut value = [0; 16];
    told.push(format!("{:?}", rustix::fs::getxattr(path("other"), "user.x", &mut value)));
    told
}

#[test]
fn both_transports_give_the_same_results() {
    let classic = script(&World::new(Transport::Classic));
    assert_eq!(classic[0], "100640 10000 bytes, 1 links, 1000000000:5");
    assert_eq!(classic[1], format!("stat of nothing: {}", libc::ENOENT));
    if let Some(uring) = uring() {
        assert_eq!(script(&uring), classic);
    }
}

/// Large contents at the same time, through buffers whose memory is given back in between.
#[test]
fn large_contents_of_many_clients_stay_apart() {
    over_both(|world| {
        thread::scope(|scope| {
            for client in 0..12_usize {
                let (root, active) = (world.root(), &world.active);
                let work = move || {
                    let content = pattern(client + (3 << 20))[client..].to_vec();
                    let path = root.join(format!("client-{client}"));
                    for _ in 0..5 {
                        fs::write(&path, &content).unwrap();
                        // Past the page cache, since reading ahead asks for no more than 128 KiB.
                        let file = File::options().read(true).custom_flags(libc::O_DIRECT).open(&path);
                        let mut back = vec![0; content.len()];
                        file.unwrap().read_exact_at(&mut back, 0).unwrap();
                        assert!(back == content, "over {active}");
                    }
                };
                thread::Builder::new().spawn_scoped(scope, work).unwrap();
            }
        });
    });
}
