//! Things that went wrong once.

mod support;

use std::fs;
use std::process::{Command, Stdio};

use support::{World, pause, sh};

/// The writer record of a live writer was overwritten by one that it had fenced, as that one was unmounted: a
/// third mount then took the volume from the live one.
#[test]
fn a_fenced_writer_does_not_release_its_successor() {
    let world = World::local().mounted();
    let (second, third) = (world.beside("second"), world.beside("third"));
    sh(&world.dir, "echo 1 > first; sync first");
    fs::remove_file(world.store().join("writer")).unwrap();
    world.ok(&["mount", &world.url, second.to_str().unwrap()]);
    let record = fs::read(world.store().join("writer")).unwrap();
    // Nothing is pending here, so that all is durable, and this one need not even know that it is fenced.
    world.umount();
    assert_eq!(fs::read(world.store().join("writer")).unwrap(), record);
    let said = world.fails(&["mount", &world.url, third.to_str().unwrap()]);
    assert!(said.contains("being written"), "{said}");
    sh(&second, "echo 2 > second; sync second");
    world.ok(&["umount", second.to_str().unwrap()]);
}

/// Mounts that began at the same moment all saw that nobody wrote, and took the volume from each other.
#[test]
fn of_mounts_that_begin_together_one_gets_the_volume_and_keeps_it() {
    for _ in 0..8 {
        let world = World::local();
        world.ok(&["init", &world.url]);
        let places: Vec<_> = (0..5).map(|n| world.beside(&format!("at-{n}"))).collect();
        let begun: Vec<_> = places
            .iter()
            .map(|place| {
                let mut mount = world.command(place.parent().unwrap(), &["mount", &world.url]);
                mount.arg(place).stdout(Stdio::null()).stderr(Stdio::null());
                mount.spawn().unwrap()
            })
            .collect();
        let ended: Vec<bool> = begun.into_iter().map(|mut mount| mount.wait().unwrap().success()).collect();
        let winners: Vec<_> = places.iter().zip(&ended).filter(|(_, won)| **won).map(|(at, _)| at).collect();
        for winner in &winners {
            let wrote = world.command(winner, &["checkpoint", "mine"]).output().unwrap();
            let written = wrote.status.success();
            world.firn(&["umount", winner.to_str().unwrap()]);
            assert!(written, "a mount that was given the volume lost it: {ended:?}");
        }
        assert_eq!(winners.len(), 1, "{ended:?}");
    }
}

/// More than a segment can hold, within one commit: the volume turned read-only, and lost all of it.
/// Mounting right after the kill of a process that takes a while to die was refused, too: over io_uring the kernel
/// answers ECANCELED then.
#[test]
fn changes_larger_than_a_segment_become_durable() {
    let mut world = World::local();
    world.mount_options.extend(["--commit-interval".into(), "600s".into()]);
    let world = world.mounted();
    let value = vec![b'v'; 60_000];
    for number in 0..19_000 {
        let path = world.dir.join(format!("{}", number % 200));
        if number < 200 {
            fs::write(&path, "").unwrap();
        }
        let name = format!("user.{}", number / 200 % 4);
        rustix::fs::setxattr(&path, name, &value, rustix::fs::XattrFlags::empty()).unwrap();
    }
    sh(&world.dir, "sync 7");
    world.crash();
    let mut found = vec![0; 65_536];
    let len = rustix::fs::getxattr(world.dir.join("199"), "user.2", &mut found[..]).unwrap();
    assert_eq!(&found[..len], value);
}

/// An undo was planned anew whenever anything changed, and gave up where something always did.
#[test]
fn a_large_undo_gets_through_while_others_write() {
    let world = World::local().mounted();
    sh(&world.dir, "mkdir d; cd d; for i in $(seq 4000); do echo $i > $i; done");
    world.inside(&["checkpoint", "whole"]);
    sh(&world.dir, "rm -r d");
    let mut writer = Command::new("bash")
        .args(["-c", "while true; do echo x > w || exit; done"])
        .current_dir(&world.dir)
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let undone = world.command(&world.dir, &["undo", "--to", "@whole", "--path", "d"]).output().unwrap();
    writer.kill().unwrap();
    writer.wait().unwrap();
    assert!(undone.status.success(), "{}", String::from_utf8_lossy(&undone.stderr));
    assert_eq!(fs::read_dir(world.dir.join("d")).unwrap().count(), 4000);
}

/// Links, fifos and the like carry no attributes of the `user` namespace, so the mount was not recognised from
/// them: a link was followed, and what it names was restored or undone in its stead.
#[test]
fn a_path_that_is_a_link_or_a_fifo_now_is_itself() {
    let world = World::local().mounted();
    sh(&world.dir, "echo wanted > a; echo other > b; echo dangling > c; echo piped > p");
    world.inside(&["checkpoint", "then"]);
    sh(&world.dir, "rm a c p; ln -s b a; ln -s nothing c; mkfifo p; echo now > b");
    for name in ["a", "c", "p"] {
        let copy = format!("copy-of-{name}");
        world.inside(&["restore", name, "--at", "@then", "--to", &copy]);
        let said = world.inside(&["undo", "--path", name, "--to", "@then"]);
        let text = fs::read_to_string(world.dir.join(name)).unwrap();
        assert_eq!(fs::read_to_string(world.dir.join(&copy)).unwrap(), text, "{said}");
    }
    assert_eq!(sh(&world.dir, "cat a b c p"), "wanted\nnow\ndangling\npiped\n");
}

/// `mkdir` and `rm -rf` within one burst leave nothing: undo went on to the burst before, and took back older work.
#[test]
fn an_undo_of_a_burst_without_a_trace_spares_older_work() {
    let world = World::local().mounted();
    fs::write(world.dir.join("precious"), "work").unwrap();
    pause(2200);
    sh(&world.dir, "mkdir tt; touch tt/a tt/b; rm -rf tt");
    let refused = world.command(&world.dir, &["undo"]).output().unwrap();
    assert!(!refused.status.success());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("--to"), "it says what to do");
    assert_eq!(fs::read(world.dir.join("precious")).unwrap(), b"work");
}

/// The client of the store panicked.
#[test]
fn an_endpoint_that_is_no_address_is_an_error() {
    let world = World::local();
    let mut init = world.command(&world.dir, &["init", "s3://bucket/volume"]);
    init.envs([("AWS_ENDPOINT_URL", "notaurl"), ("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "b")]);
    let said = String::from_utf8(init.output().unwrap().stderr).unwrap();
    assert!(said.contains("AWS_ENDPOINT_URL") && !said.contains("panicked"), "{said}");
}
