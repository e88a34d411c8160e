//! What an undo changes is taken back from the kernel's caches.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::{FileExt, MetadataExt};

use crate::world::{World, errno};

#[test]
fn content_and_attributes_that_were_cached_are_seen_as_they_are_now() {
    let world = World::new();
    fs::write(world.path("a"), "before").unwrap();
    fs::create_dir(world.path("d")).unwrap();
    let then = world.volume().view();
    fs::write(world.path("a"), "afterwards").unwrap();
    fs::set_permissions(world.path("a"), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    assert_eq!(fs::read_to_string(world.path("a")).unwrap(), "afterwards");
    let mut held = File::open(world.path("a")).unwrap();
    world.go_back(&then);
    assert_eq!(fs::metadata(world.path("a")).unwrap().len(), 6);
    assert_eq!(fs::read_to_string(world.path("a")).unwrap(), "before");
    let mut text = String::new();
    held.read_to_string(&mut text).unwrap();
    assert_eq!(text, "before");
}

#[test]
fn names_that_were_cached_as_there_or_not_there_are_seen_as_they_are_now() {
    let world = World::new();
    fs::write(world.path("removed"), "1").unwrap();
    fs::write(world.path("moved"), "2").unwrap();
    let then = world.volume().view();
    fs::remove_file(world.path("removed")).unwrap();
    fs::rename(world.path("moved"), world.path("elsewhere")).unwrap();
    fs::create_dir_all(world.path("made/deep")).unwrap();
    for gone in ["removed", "moved"] {
        assert!(!world.path(gone).exists());
    }
    assert!(world.path("made/deep").exists());
    world.go_back(&then);
    assert_eq!(fs::read(world.path("removed")).unwrap(), b"1");
    assert_eq!(fs::read(world.path("moved")).unwrap(), b"2");
    for gone in ["elsewhere", "made", "made/deep"] {
        assert!(!world.path(gone).exists(), "{gone}");
    }
    let mut names: Vec<_> =
        fs::read_dir(world.path("")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["moved", "removed"]);
}

#[test]
fn a_file_that_an_undo_takes_away_stays_with_who_holds_it() {
    let world = World::new();
    let then = world.volume().view();
    let file = File::create_new(world.path("a")).unwrap();
    file.write_all_at(b"x", 0).unwrap();
    world.go_back(&then);
    assert_eq!(errno(fs::metadata(world.path("a"))), libc::ENOENT);
    file.write_all_at(b"y", 1).unwrap();
    let mut bytes = [0; 2];
    file.read_exact_at(&mut bytes, 0).unwrap();
    assert_eq!((&bytes, file.metadata().unwrap().nlink()), (b"xy", 0));
    drop(file);
    fs::write(world.path("a"), "again").unwrap();
    assert_eq!(fs::read(world.path("a")).unwrap(), b"again");
}

#[test]
fn going_back_over_many_files_while_others_work_ends() {
    let world = World::new();
    fs::create_dir(world.path("busy")).unwrap();
    let then = world.volume().view();
    for n in 0..300 {
        fs::write(world.path(&format!("f{n}")), "x").unwrap();
    }
    std::thread::scope(|scope| {
        let busy = scope.spawn(|| {
            for n in 0..500 {
                // Undone under our hands, now and then.
                let _ = fs::write(world.path(&format!("busy/{n}")), "y");
                let _ = fs::read_dir(world.path("")).map(Iterator::count);
            }
        });
        for _ in 0..20 {
            loop {
                let head = world.volume().view();
                let effects = firn_materializer::namespace::resets(&head, &then);
                let what = firn_materializer::volume::Transaction {
                    kind: firn_journal::TransactionKind::Undo,
                    target: then.seq(),
                    path: None,
                    effects,
                };
                if world.volume().transact(&Default::default(), head.seq(), what).is_ok() {
                    break;
                }
            }
            world.run(world.session().settled());
        }
        busy.join().unwrap();
    });
    world.go_back(&then);
    assert_eq!(fs::read_dir(world.path("")).unwrap().count(), 1);
    assert_eq!(fs::read_dir(world.path("busy")).unwrap().count(), 0);
}
