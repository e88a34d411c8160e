use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;

use firn_journal::{Actor, Ino};
use firn_materializer::decide::Command;

use crate::world::World;

/// Makes files from within, which is faster than through the kernel.
fn make_files(world: &World, parent: Ino, count: usize) {
    let actor = Arc::new(Actor::default());
    for n in 0..count {
        let name = format!("file-{n:06}").as_str().into();
        let command =
            Command::Create { parent, name, mode: 0o100_644, uid: 0, gid: 0, rdev: 0, target: None };
        world.volume().execute(&actor, command).unwrap();
    }
}

#[test]
fn a_huge_directory_is_listed_whole() {
    const COUNT: usize = 100_000;
    let world = World::new();
    fs::create_dir(world.path("d")).unwrap();
    let dir = Ino(fs::metadata(world.path("d")).unwrap().ino());
    make_files(&world, dir, COUNT);
    let names: Vec<_> =
        fs::read_dir(world.path("d")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), COUNT);
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), COUNT);
    assert_eq!(world.sh("ls -lU d | wc -l; find d -type f | wc -l"), format!("{}\n{COUNT}\n", COUNT + 1));
}

/// Found by simulation: what was there when the directory was opened was listed, however long before.
#[test]
fn a_listing_is_of_when_it_begins_and_not_of_when_the_directory_was_opened() {
    let world = World::new();
    fs::write(world.path("old"), "").unwrap();
    let listing = fs::read_dir(world.path("")).unwrap();
    fs::remove_file(world.path("old")).unwrap();
    fs::write(world.path("new"), "").unwrap();
    let names: Vec<_> = listing.map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["new"]);
}

#[test]
fn a_directory_can_be_emptied_while_it_is_listed() {
    let world = World::new();
    make_files(&world, Ino::ROOT, 3000);
    for entry in fs::read_dir(world.path("")).unwrap() {
        fs::remove_file(entry.unwrap().path()).unwrap();
    }
    assert_eq!(fs::read_dir(world.path("")).unwrap().count(), 0);
}

#[test]
fn a_listing_that_starts_again_shows_what_is_new() {
    let world = World::new();
    make_files(&world, Ino::ROOT, 10);
    let names = world.sh(
        r#"python3 -c '
import ctypes, os
libc = ctypes.CDLL(None)
libc.opendir.restype = ctypes.c_void_p
class Dirent(ctypes.Structure):
    _fields_ = [("ino", ctypes.c_ulong), ("off", ctypes.c_long), ("len", ctypes.c_ushort), ("type", ctypes.c_ubyte), ("name", ctypes.c_char * 256)]
libc.readdir.restype = ctypes.POINTER(Dirent)
d = ctypes.c_void_p(libc.opendir(b"."))
def count():
    n = 0
    while libc.readdir(d):
        n += 1
    return n
first = count()
open("new", "w")
libc.rewinddir(d)
print(first, count())
'"#,
    );
    assert_eq!(names, "12 13\n");
}

#[test]
fn directories_count_their_children_and_know_their_parent() {
    let world = World::new();
    fs::create_dir_all(world.path("d/e")).unwrap();
    fs::create_dir(world.path("d/f")).unwrap();
    fs::write(world.path("d/file"), "").unwrap();
    assert_eq!(fs::metadata(world.path("d")).unwrap().nlink(), 4);
    assert_eq!(
        fs::metadata(world.path("d/e/..")).unwrap().ino(),
        fs::metadata(world.path("d")).unwrap().ino()
    );
    fs::rename(world.path("d/e"), world.path("e")).unwrap();
    assert_eq!(fs::metadata(world.path("d")).unwrap().nlink(), 3);
    assert_eq!(fs::metadata(world.path("")).unwrap().nlink(), 4);
}
