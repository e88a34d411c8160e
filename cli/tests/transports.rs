//! How the kernel's requests reach a mount, and what the user is told of it.

mod support;

use std::fs;

use serde_json::Value;
use support::World;

/// What `firn mount --json` tells.
fn mounted_over(world: &World, transport: &str) -> Value {
    let dir = world.dir.display().to_string();
    let told = world.ok(&["mount", "--json", "--transport", transport, &world.url, &dir]);
    serde_json::from_str(&told).unwrap()
}

#[test]
fn a_mount_over_the_classic_device_is_the_same_tree() {
    let world = World::local();
    world.ok(&["init", &world.url]);
    mounted_over(&world, "auto");
    fs::write(world.dir.join("file"), "over whatever is best").unwrap();
    world.ok(&["umount", &world.dir.display().to_string()]);

    let told = mounted_over(&world, "classic");
    let over = told["transport"].as_str().unwrap();
    assert!(over.starts_with("/dev/fuse (") && over.ends_with(" threads)"), "{told}");
    assert_eq!(fs::read_to_string(world.dir.join("file")).unwrap(), "over whatever is best");
    fs::rename(world.dir.join("file"), world.dir.join("renamed")).unwrap();
    assert_eq!(fs::read_dir(&world.dir).unwrap().count(), 1);
}

/// What the doctor finds is what mounts then do.
#[test]
fn the_doctor_knows_whether_io_uring_can_be_had() {
    let world = World::local();
    world.ok(&["init", &world.url]);
    let findings: Vec<Value> =
        world.ok(&["doctor", "--json"]).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(findings.iter().filter(|finding| finding["needed"] == true).all(|finding| finding["ok"] == true));
    let uring = findings.iter().find(|finding| finding["check"] == "FUSE over io_uring").unwrap();
    let dir = world.dir.display().to_string();
    let told = world.ok(&["mount", &world.url, &dir]);
    let first = told.lines().next().unwrap();
    match uring["ok"] == true {
        true => assert!(first.contains("over io_uring ("), "{first}"),
        false => {
            assert!(first.contains("over /dev/fuse (") && first.contains("not io_uring: "), "{first}");
            world.ok(&["umount", &dir]);
            assert!(uring["advice"].as_str().unwrap().contains("enable_uring"));
            assert!(
                world.fails(&["mount", "--transport", "uring", &world.url, &dir]).contains("enable_uring")
            );
        }
    }
}
