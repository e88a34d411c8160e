//! Crashes, second mounts, damaged and foreign objects.

mod support;

use std::fs;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use support::tree::{assert_same, read};
use support::{World, kill, pause, sh};

#[test]
fn a_second_init_is_refused_and_changes_nothing() {
    let world = World::local();
    world.ok(&["init", &world.url]);
    let before = fs::read(world.store().join("firn.volume")).unwrap();
    assert_eq!(fs::read_dir(world.store()).unwrap().count(), 1, "nothing but the manifest is there");
    let said = world.fails(&["init", &world.url]);
    assert!(said.contains("already"), "{said}");
    assert_eq!(fs::read(world.store().join("firn.volume")).unwrap(), before);
}

#[test]
fn mounting_what_is_no_volume_says_how_to_make_one() {
    let world = World::local();
    let said = world.fails(&["mount", &world.url, world.dir.to_str().unwrap()]);
    assert!(said.contains("firn init"), "{said}");
}

#[test]
fn a_second_writer_is_refused_with_the_pid_of_the_first() {
    let world = World::local().mounted();
    let second = world.beside("second");
    let said = world.fails(&["mount", &world.url, second.to_str().unwrap()]);
    assert!(said.contains(&world.pid().to_string()), "{said}");
    fs::write(world.dir.join("a"), "still alive").unwrap();
    sh(&world.dir, "sync .");
}

#[test]
fn a_dead_mount_is_cleaned_up_by_the_next_one() {
    let world = World::local().mounted();
    fs::write(world.dir.join("a"), "1").unwrap();
    sh(&world.dir, "sync a");
    kill(world.pid());
    assert!(fs::metadata(&world.dir).is_err(), "the mount is dead");
    world.mount();
    assert_eq!(fs::read(world.dir.join("a")).unwrap(), b"1");
}

#[test]
fn sigterm_unmounts_cleanly() {
    let world = World::local().mounted();
    fs::write(world.dir.join("a"), "1").unwrap();
    let pid = world.pid();
    sh(&world.beside("x"), &format!("kill -TERM {pid}"));
    for _ in 0..500 {
        if !PathBuf::from(format!("/proc/{pid}")).exists() {
            break;
        }
        pause(20);
    }
    assert_eq!(fs::read_dir(&world.dir).unwrap().count(), 0, "unmounted");
    world.mount();
    assert_eq!(fs::read(world.dir.join("a")).unwrap(), b"1");
}

/// What fsync, sync or a checkpoint acknowledged is there after kill -9.
#[test]
fn what_was_synced_survives_kill_9() {
    let world = World::local().mounted();
    for round in 0..8 {
        let path = world.dir.join(format!("round-{round}"));
        let mut file = fs::File::create(&path).unwrap();
        file.write_all(&vec![round as u8; 300_000 * round + 10]).unwrap();
        match round % 3 {
            0 => file.sync_all().unwrap(),
            1 => drop(sh(&world.dir, "sync .")),
            _ => drop(world.inside(&["checkpoint", &format!("c{round}")])),
        }
        world.crash();
        for past in 0..=round {
            let bytes = fs::read(world.dir.join(format!("round-{past}"))).unwrap();
            assert_eq!(bytes, vec![past as u8; 300_000 * past + 10]);
        }
    }
}

/// After kill -9 the tree is one that the volume really had; here each file says which.
#[test]
fn a_crash_leaves_a_prefix() {
    let world = World::local().mounted();
    let script = "i=0; while true; do echo $i > f.tmp; mv f.tmp file-$((i % 50)); i=$((i+1)); done";
    for _ in 0..4 {
        let mut writer = std::process::Command::new("bash")
            .args(["-c", script])
            .current_dir(&world.dir)
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        pause(1700);
        world.kill();
        let _ = writer.kill();
        let _ = writer.wait();
        world.mount();
        let mut numbers: Vec<u64> = (0..50)
            .filter_map(|slot| fs::read_to_string(world.dir.join(format!("file-{slot}"))).ok())
            .map(|text| text.trim().parse().expect("a renamed file is never empty: it was written before"))
            .collect();
        numbers.sort_unstable();
        assert!(!numbers.is_empty());
        let gapless = numbers.windows(2).all(|pair| pair[1] == pair[0] + 1);
        assert!(gapless, "not the state after any prefix: {numbers:?}");
        sh(&world.dir, "rm -f f.tmp file-*; sync .");
    }
}

#[test]
fn files_unlinked_while_open_are_collected_after_a_crash() {
    let world = World::local().mounted();
    let before = world.status()["inodes"].as_u64();
    let file = fs::File::create(world.dir.join("gone")).unwrap();
    file.sync_all().unwrap();
    fs::remove_file(world.dir.join("gone")).unwrap();
    file.sync_all().unwrap();
    world.kill();
    drop(file);
    world.mount();
    assert_eq!(world.status()["inodes"].as_u64(), before);
}

#[test]
fn every_local_file_but_the_volume_can_be_deleted() {
    let world = World::local().mounted();
    fs::create_dir(world.dir.join("d")).unwrap();
    fs::write(world.dir.join("d/a"), "1").unwrap();
    let tree = read(&world.dir, true);
    world.umount();
    for cache in ["cache", "state", "run"] {
        let _ = fs::remove_dir_all(world.beside(cache));
    }
    for entry in fs::read_dir(world.store().join("snapshots")).into_iter().flatten() {
        fs::remove_dir_all(entry.unwrap().path()).unwrap();
    }
    world.mount();
    assert_same("rebuilt from segments alone", &tree, &read(&world.dir, true));
}

fn objects(world: &World, folder: &str) -> Vec<PathBuf> {
    let mut found: Vec<_> =
        fs::read_dir(world.store().join(folder)).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    found
}

/// Damage is found and named, and nothing is served in its place.
#[test]
fn a_damaged_segment_is_named_and_not_served() {
    for damage in ["flip", "truncate", "remove", "swap"] {
        let world = World::local().mounted();
        for number in 0..5 {
            fs::write(world.dir.join(format!("{number}")), "x".repeat(1000)).unwrap();
            sh(&world.dir, "sync .");
        }
        world.umount();
        fs::remove_dir_all(world.store().join("snapshots")).unwrap();
        let segments = objects(&world, "journal");
        let victim = &segments[3];
        let mut bytes = fs::read(victim).unwrap();
        match damage {
            "flip" => {
                let middle = bytes.len() / 4;
                bytes[middle] ^= 1;
                fs::write(victim, &bytes).unwrap();
            }
            "truncate" => fs::write(victim, &bytes[..bytes.len() / 4]).unwrap(),
            "remove" => fs::remove_file(victim).unwrap(),
            _ => drop(fs::copy(&segments[2], victim).unwrap()),
        }
        let count = objects(&world, "journal").len();
        let said = world.fails(&["mount", &world.url, world.dir.to_str().unwrap()]);
        let name = victim.file_name().unwrap().to_string_lossy().into_owned();
        assert!(said.contains(&name), "{damage}: the damaged object is named: {said}");
        assert_eq!(objects(&world, "journal").len(), count, "{damage}: nothing was written");
        let found = world.firn(&["verify", &world.url]);
        assert!(!found.status.success(), "{damage}");
        let report =
            String::from_utf8_lossy(&found.stdout).into_owned() + &String::from_utf8_lossy(&found.stderr);
        assert!(report.contains(&name), "{damage}: {report}");
    }
}

/// P7: also the end of a journal that is cut short is missed.
#[test]
fn a_lost_last_segment_is_named() {
    let world = World::local().mounted();
    fs::write(world.dir.join("a"), "1").unwrap();
    world.umount();
    fs::remove_dir_all(world.store().join("snapshots")).unwrap();
    let last = objects(&world, "journal").pop().unwrap();
    fs::remove_file(&last).unwrap();
    let name = last.file_name().unwrap().to_string_lossy().into_owned();
    let said = world.fails(&["mount", &world.url, world.dir.to_str().unwrap()]);
    assert!(said.contains(&name), "{said}");
    let found = world.firn(&["verify", &world.url]);
    assert!(String::from_utf8_lossy(&found.stdout).contains(&name) && !found.status.success());
    fs::remove_file(world.store().join("writer")).unwrap();
    world.mount();
    assert!(!world.dir.join("a").exists(), "going on without it was asked for");
}

#[test]
fn damaged_content_is_an_error_and_never_other_bytes() {
    let world = World::local().mounted();
    let noise: Vec<u8> =
        (0..3_000_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    fs::write(world.dir.join("big"), &noise).unwrap();
    world.umount();
    let pack = objects(&world, "packs").remove(0);
    let mut bytes = fs::read(&pack).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&pack, bytes).unwrap();
    world.mount();
    let failed = fs::read(world.dir.join("big")).unwrap_err();
    assert_eq!(failed.raw_os_error(), Some(5), "EIO");
    world.umount();
    let found = world.firn(&["verify", &world.url]);
    assert!(!found.status.success());
    let report = String::from_utf8_lossy(&found.stdout).into_owned();
    assert!(report.contains("big"), "the path that is hit is named: {report}");
}

#[test]
fn names_of_any_bytes_and_long_paths() {
    let world = World::local().mounted();
    let name = std::ffi::OsStr::from_bytes(b"a\xff\xfe\n\t\"'\\b");
    fs::write(world.dir.join(name), "bytes").unwrap();
    let long = "n".repeat(255);
    fs::write(world.dir.join(&long), "long").unwrap();
    assert_eq!(fs::write(world.dir.join("n".repeat(256)), "x").unwrap_err().raw_os_error(), Some(36));
    let deep = format!(
        "cd {}; for i in $(seq 40); do mkdir {d}; cd {d}; done; echo deep > file",
        world.dir.display(),
        d = "d".repeat(200)
    );
    sh(&world.dir, &deep);
    world.crash_after_sync();
    assert_eq!(fs::read(world.dir.join(name)).unwrap(), b"bytes");
    assert_eq!(fs::read(world.dir.join(&long)).unwrap(), b"long");
    let rows = world.json(&["log", "--limit", "100"]);
    assert!(
        rows.iter().any(|row| row["path_bytes"].is_string()),
        "names that are not UTF-8 are given in full"
    );
    sh(
        &world.dir,
        &format!(
            "cd {}; for i in $(seq 40); do cd {d}; done; cat file",
            world.dir.display(),
            d = "d".repeat(200)
        ),
    );
}

impl World {
    fn crash_after_sync(&self) {
        sh(&self.dir, "sync .");
        self.crash();
    }
}

/// Something that works in the mount until the mount is killed under it.
fn killed_at_work(world: &World, script: &str) {
    let mut work = std::process::Command::new("bash")
        .args(["-ec", script])
        .current_dir(&world.dir)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    pause(2300);
    world.kill();
    let _ = work.wait();
    world.mount();
}

/// P1: files that were unpacked in an order are there in that order, each whole but the last.
#[test]
fn an_untar_that_is_killed_leaves_its_beginning() {
    let world = World::local().mounted();
    let source = world.beside("source");
    sh(&source, "mkdir t; for i in $(seq -w 4000); do head -c $((10#$i * 7)) /dev/urandom > t/$i; done");
    sh(&source, "ls t | sed 's,^,t/,' | tar -cf a.tar -T -");
    killed_at_work(&world, &format!("while tar -xf {}/a.tar; do mv t $(date +%N); done", source.display()));
    let trees: Vec<_> = fs::read_dir(&world.dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(!trees.is_empty(), "nothing was durable after two commit intervals");
    for tree in trees {
        let mut names: Vec<_> =
            fs::read_dir(&tree).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        for (at, name) in names.iter().enumerate() {
            assert_eq!(name.to_str().unwrap(), format!("{:04}", at + 1), "no file is left out");
            let (found, whole) =
                (fs::read(tree.join(name)).unwrap(), fs::read(source.join("t").join(name)).unwrap());
            let is_last = at + 1 == names.len();
            assert!(
                found == whole || is_last && whole.starts_with(&found),
                "{name:?} is not what was unpacked"
            );
        }
    }
}

/// P1: whatever git did, it did in an order that makes sense at each moment.
#[test]
fn git_that_is_killed_at_work_finds_a_good_repository() {
    let world = World::local().mounted();
    let who = "git -c user.name=t -c user.email=t@example.org";
    let script = format!(
        "git init -q r; cd r; i=0; while i=$((i+1)); do echo $i > f$i; git add -A; {who} commit -qm $i; done"
    );
    killed_at_work(&world, &script);
    sh(
        &world.dir,
        "cd r; find .git -name '*.lock' -delete; git fsck --strict --no-dangling; git log -1 --oneline",
    );
    sh(
        &world.dir,
        &format!("cd r; echo more > more; git add -A; {who} commit -qm more; git --no-optional-locks status"),
    );
}
