//! The main job, from end to end, on a local directory and on a bucket.

mod support;

use std::fs;

use support::tree::{assert_same, read};
use support::{World, pause, s3_endpoint, sh};

fn plant(world: &World) {
    let src = world.dir.join("src");
    for crate_number in 0..20 {
        let dir = src.join(format!("crate-{crate_number}/src/deep"));
        fs::create_dir_all(&dir).unwrap();
        for file in 0..25 {
            fs::write(dir.join(format!("{file}.rs")), format!("fn f{file}() {{}}\n").repeat(file * 40))
                .unwrap();
        }
    }
}

/// Mount, work, lose everything, take it back, look around in the past.
fn story(world: World) {
    plant(&world);
    sh(&world.dir, "cd src && git init -q && git add -A && git commit -qm first");
    let tree = read(&world.dir, false);
    world.inside(&["checkpoint", "before", "-m", "all is well"]);
    let at_checkpoint = world.head();

    pause(2100);
    fs::remove_dir_all(world.dir.join("src")).unwrap();
    assert_eq!(fs::read_dir(&world.dir).unwrap().count(), 0);

    let preview = world.json(&["undo", "--dry-run"]);
    assert!(!preview.is_empty());
    assert_eq!(fs::read_dir(&world.dir).unwrap().count(), 0, "a dry run changes nothing");

    let said = world.inside(&["undo"]);
    assert!(said.contains("firn redo"), "undo says how to take it back: {said}");
    assert_same("after undo", &tree, &read(&world.dir, false));
    assert_eq!(sh(&world.dir.join("src"), "git --no-optional-locks status --short; git fsck"), "");

    world.inside(&["redo"]);
    assert_eq!(fs::read_dir(&world.dir).unwrap().count(), 0);
    world.inside(&["undo", "--to", "@before"]);
    assert_same("after undo --to", &tree, &read(&world.dir, false));

    fs::write(world.dir.join("src/NEW"), "new").unwrap();
    fs::remove_file(world.dir.join("src/crate-0/src/deep/7.rs")).unwrap();
    let past = world.dir.join(".at/@before/src");
    let difference = sh(&world.dir, &format!("diff -rq {} src || true", past.display()));
    assert!(difference.contains("NEW") && difference.contains("7.rs"), "{difference}");
    assert_eq!(difference.lines().count(), 2, "{difference}");
    assert_same(
        "the past in the live mount",
        &tree,
        &read(&world.dir.join(format!(".at/#{at_checkpoint}")), false),
    );

    let rows = world.json(&["diff", "@before", "now"]);
    let changed: Vec<_> = rows.iter().filter_map(|row| row["path"].as_str()).collect();
    assert_eq!(changed, ["src/NEW", "src/crate-0/src/deep/7.rs"]);

    world.inside(&["restore", "src/crate-0", "--at", "@before"]);
    assert!(world.dir.join("src/crate-0/src/deep/7.rs").exists());
    world.umount();
    world.mount();
    fs::remove_file(world.dir.join("src/NEW")).unwrap();
    assert_same("after mounting again", &tree, &read(&world.dir, false));
    world.umount();
    world.ok(&["verify", &world.url.clone()]);
}

#[test]
fn a_tree_comes_back_on_a_local_directory() {
    story(World::local().mounted());
}

#[test]
fn a_tree_comes_back_on_a_bucket() {
    story(World::s3(&s3_endpoint()).mounted());
}

#[test]
fn a_past_instant_is_mounted_beside_the_live_tree() {
    let world = World::local().mounted();
    fs::write(world.dir.join("a"), "one").unwrap();
    let then = format!("#{}", world.head());
    fs::write(world.dir.join("a"), "two").unwrap();
    sh(&world.dir, "sync .");
    let past = world.beside("past");
    world.ok(&["mount", &world.url, past.to_str().unwrap(), "--at", &then]);
    assert_eq!(fs::read(past.join("a")).unwrap(), b"one");
    assert_eq!(fs::read(world.dir.join("a")).unwrap(), b"two");
    let refused = fs::write(past.join("a"), "three").unwrap_err();
    assert_eq!(refused.raw_os_error(), Some(30), "EROFS");
    world.ok(&["umount", past.to_str().unwrap()]);
}

#[test]
fn instants_that_do_not_exist_are_refused_with_the_range() {
    let world = World::local().mounted();
    fs::write(world.dir.join("a"), "one").unwrap();
    for when in ["2h", "2200-01-01", "#999999", "@nothing"] {
        let output = world.command(&world.dir, &["diff", when]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success(), "{when} went through");
        assert!(said.contains("history goes from") || said.contains("no checkpoint"), "{when}: {said}");
        assert!(fs::metadata(world.dir.join(".at").join(when)).is_err());
    }
}

#[test]
fn the_past_is_reached_from_every_directory_and_listed_in_none() {
    let world = World::local().mounted();
    fs::create_dir_all(world.dir.join("a/b")).unwrap();
    fs::write(world.dir.join("a/b/c"), "then").unwrap();
    let then = world.head();
    fs::write(world.dir.join("a/b/c"), "now").unwrap();
    fs::rename(world.dir.join("a"), world.dir.join("z")).unwrap();
    let past = world.dir.join(format!("z/b/.at/#{then}/c"));
    assert_eq!(fs::read(past).unwrap(), b"then");
    for dir in [&world.dir, &world.dir.join("z"), &world.dir.join("z/b")] {
        assert!(fs::read_dir(dir).unwrap().all(|entry| entry.unwrap().file_name() != ".at"));
    }
    let refused = fs::write(world.dir.join(format!("z/b/.at/#{then}/new")), "x").unwrap_err();
    assert_eq!(refused.raw_os_error(), Some(30), "EROFS");
}

#[test]
fn the_log_follows_a_file_over_renames_and_after_its_end() {
    let world = World::local().mounted();
    fs::write(world.dir.join("draft"), "1").unwrap();
    fs::rename(world.dir.join("draft"), world.dir.join("final")).unwrap();
    fs::write(world.dir.join("other"), "x").unwrap();
    fs::remove_file(world.dir.join("final")).unwrap();
    let rows = world.json(&["log", "final"]);
    let paths: Vec<_> = rows.iter().map(|row| row["path"].as_str().unwrap_or_default()).collect();
    assert!(paths.contains(&"draft") && paths.contains(&"final"), "{rows:?}");
    assert!(!paths.contains(&"other"), "{rows:?}");
    for row in &rows {
        assert!(row["seq"].is_u64() && row["time"].is_string() && row["op"].is_string(), "{row}");
        assert!(row["actor"]["pid"].is_u64() && row["actor"]["command"].is_string(), "{row}");
    }
    let sequence: Vec<_> = rows.iter().map(|row| row["seq"].as_u64().unwrap()).collect();
    assert!(sequence.windows(2).all(|pair| pair[0] > pair[1]), "newest first: {sequence:?}");
}

#[test]
fn undo_can_be_scoped_to_a_path_and_history_stays() {
    let world = World::local().mounted();
    fs::create_dir(world.dir.join("mine")).unwrap();
    fs::create_dir(world.dir.join("yours")).unwrap();
    fs::write(world.dir.join("mine/a"), "good").unwrap();
    fs::write(world.dir.join("yours/a"), "good").unwrap();
    let good = format!("#{}", world.head());
    fs::write(world.dir.join("mine/a"), "bad").unwrap();
    fs::write(world.dir.join("yours/a"), "better").unwrap();
    let bad = format!("#{}", world.head());
    world.inside(&["undo", "--to", &good, "--path", "mine"]);
    assert_eq!(fs::read(world.dir.join("mine/a")).unwrap(), b"good");
    assert_eq!(fs::read(world.dir.join("yours/a")).unwrap(), b"better");
    assert_eq!(fs::read(world.dir.join(format!(".at/{bad}/mine/a"))).unwrap(), b"bad");
}
