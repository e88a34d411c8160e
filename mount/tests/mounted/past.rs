use std::fs::{self, OpenOptions};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use firn_materializer::instant::format_time;
use firn_mount::{Fs, Session};
use jiff::tz::TimeZone;

use crate::world::{World, errno};

/// A path below `dir` at an instant.
fn at(world: &World, dir: &str, time: &str, rest: &str) -> PathBuf {
    world.path(dir).join(".at").join(time).join(rest)
}

#[test]
fn the_past_is_reached_from_every_directory_and_listed_in_none() {
    let mut world = World::new();
    fs::create_dir(world.path("d")).unwrap();
    fs::write(world.path("d/a"), "first").unwrap();
    let first = format!("#{}", world.now().0);
    fs::write(world.path("d/a"), "second, longer").unwrap();
    fs::create_dir(world.path("d/new")).unwrap();
    fs::remove_dir(world.path("d/new")).unwrap();
    fs::rename(world.path("d"), world.path("moved")).unwrap();
    for _ in 0..2 {
        assert_eq!(fs::read_to_string(at(&world, "", &first, "d/a")).unwrap(), "first");
        // The same directory, though it had another name then.
        assert_eq!(fs::read_to_string(at(&world, "moved", &first, "a")).unwrap(), "first");
        assert_eq!(fs::metadata(at(&world, "moved", &first, "a")).unwrap().len(), 5);
        assert_eq!(fs::read_to_string(at(&world, "moved", "now", "a")).unwrap(), "second, longer");
        assert_eq!(
            world.sh("ls -a; ls -a .at moved/.at; find . | wc -l"),
            ".\n..\nmoved\n.at:\n.\n..\n\nmoved/.at:\n.\n..\n3\n"
        );
        assert_eq!(
            world.sh(&format!("find '.at/{first}' | sort")),
            format!(".at/{first}\n.at/{first}/d\n.at/{first}/d/a\n")
        );
        world.remount();
    }
}

#[test]
fn every_form_of_time_leads_there() {
    let world = World::new();
    fs::write(world.path("a"), "1").unwrap();
    let actor = Default::default();
    let made = world.run(world.volume().checkpoint(&actor, Some("good".into()), String::new())).unwrap();
    let time = format_time(made.time, &TimeZone::UTC);
    fs::write(world.path("a"), "2").unwrap();
    for form in ["@good", time.as_str()] {
        assert_eq!(fs::read_to_string(at(&world, "", form, "a")).unwrap(), "1", "{form}");
    }
    assert_eq!(fs::read_to_string(at(&world, "", "now", "a")).unwrap(), "2");
    for nowhere in ["@bad", "1999-01-01", "2h-ago", "#999999", "nonsense", "2200-01-01"] {
        assert_eq!(errno(fs::metadata(at(&world, "", nowhere, ""))), libc::ENOENT, "{nowhere}");
    }
}

#[test]
fn what_was_not_there_then_is_not_there() {
    let world = World::new();
    let before = format!("#{}", world.now().0);
    fs::create_dir(world.path("d")).unwrap();
    fs::write(world.path("d/a"), "").unwrap();
    assert_eq!(errno(fs::metadata(at(&world, "d", &before, ""))), libc::ENOENT);
    assert_eq!(errno(fs::metadata(at(&world, "", &before, "d"))), libc::ENOENT);
    assert_eq!(fs::read_dir(at(&world, "", &before, "")).unwrap().count(), 0);
    // A past directory has no past of its own.
    assert_eq!(errno(fs::metadata(at(&world, "", &before, ".at"))), libc::ENOENT);
}

#[test]
fn the_past_cannot_be_changed() {
    let world = World::new();
    fs::write(world.path("a"), "1").unwrap();
    let then = at(&world, "", &format!("#{}", world.now().0), "");
    assert_eq!(errno(fs::write(then.join("a"), "2")), libc::EROFS);
    assert_eq!(errno(fs::write(then.join("b"), "2")), libc::EROFS);
    assert_eq!(errno(fs::remove_file(then.join("a"))), libc::EROFS);
    assert_eq!(errno(fs::create_dir(then.join("d"))), libc::EROFS);
    assert_eq!(errno(fs::rename(then.join("a"), then.join("b"))), libc::EROFS);
    assert_eq!(
        errno(fs::set_permissions(then.join("a"), fs::metadata(&then).unwrap().permissions())),
        libc::EROFS
    );
    assert_eq!(errno(OpenOptions::new().append(true).open(then.join("a"))), libc::EROFS);
    assert_eq!(
        rustix::fs::setxattr(then.join("a"), "user.x", b"1", rustix::fs::XattrFlags::empty()),
        Err(rustix::io::Errno::ROFS)
    );
    assert_eq!(errno(fs::create_dir(world.path(".at/d"))), libc::EROFS);
    assert_eq!(fs::read(then.join("a")).unwrap(), b"1");
}

#[test]
fn the_name_of_the_past_is_reserved() {
    let world = World::new();
    fs::write(world.path("a"), "1").unwrap();
    assert_eq!(errno(fs::create_dir(world.path(".at"))), libc::EEXIST);
    assert_eq!(errno(fs::write(world.path(".at"), "x")), libc::EISDIR);
    assert_eq!(errno(fs::remove_dir(world.path(".at"))), libc::EPERM);
    assert_ne!(errno(fs::rename(world.path("a"), world.path(".at"))), 0);
    assert_ne!(errno(fs::rename(world.path(".at"), world.path("b"))), 0);
    assert_eq!(fs::read(world.path("a")).unwrap(), b"1");
}

#[test]
fn present_and_past_have_different_numbers_and_the_past_keeps_its_own() {
    let world = World::new();
    fs::write(world.path("a"), "1").unwrap();
    let time = format!("#{}", world.now().0);
    let present = fs::metadata(world.path("a")).unwrap().ino();
    let past = fs::metadata(at(&world, "", &time, "a")).unwrap().ino();
    assert_ne!(present, past);
    assert_eq!(fs::metadata(at(&world, "", &time, "a")).unwrap().ino(), past);
}

#[test]
fn more_instants_than_stay_in_memory_can_be_looked_at() {
    let world = World::new();
    let mut instants = Vec::new();
    for n in 0..80 {
        fs::write(world.path("a"), format!("{n}")).unwrap();
        instants.push(format!("#{}", world.now().0));
    }
    let open: Vec<_> =
        instants.iter().map(|time| fs::File::open(at(&world, "", time, "")).unwrap()).collect();
    for round in 0..2 {
        for (n, dir) in open.iter().enumerate() {
            let bytes =
                fs::read_to_string(format!("/proc/self/fd/{}/a", std::os::fd::AsRawFd::as_raw_fd(dir)));
            assert_eq!(bytes.unwrap(), n.to_string(), "round {round}");
        }
    }
}

#[test]
fn an_instant_can_be_mounted_by_itself() {
    let world = World::new();
    fs::create_dir(world.path("d")).unwrap();
    fs::write(world.path("d/a"), "then").unwrap();
    let then = world.volume().view();
    fs::write(world.path("d/a"), "now").unwrap();
    fs::create_dir(world.outside("past")).unwrap();
    let past = world.outside("past");
    let fs_then = Fs::fixed(world.volume().history(), then);
    let session = world.run(Session::mount(fs_then, &past, world.options(), b"")).unwrap();
    assert_eq!(fs::read_to_string(past.join("d/a")).unwrap(), "then");
    assert_eq!(fs::metadata(past.join("d/a")).unwrap().ino(), fs::metadata(world.path("d/a")).unwrap().ino());
    assert_eq!(errno(fs::write(past.join("d/a"), "x")), libc::EROFS);
    assert_eq!(errno(fs::metadata(past.join(".at"))), libc::ENOENT);
    world.run(session.unmount()).unwrap();
}
