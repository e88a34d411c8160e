//! Real programs at work in the mount, and what they say themselves of the result.

mod support;

use std::fs;

use support::tree::{assert_same, read};
use support::{World, sh};

#[test]
fn git_clones_commits_collects_and_finds_nothing_wrong() {
    let world = World::anywhere().mounted();
    sh(
        &world.dir,
        "mkdir origin && cd origin && git init -q
         for i in $(seq 200); do mkdir -p d$((i % 10)); echo $i > d$((i % 10))/$i; done
         git add -A && git commit -qm one && git clone -q . ../clone && cd ../clone
         echo more > new && git add new && git commit -qm two && git gc -q && git fsck --strict 2>&1
         git checkout -qb side HEAD~1 && git checkout -q - && git push -q origin HEAD:refs/heads/other",
    );
    assert_eq!(sh(&world.dir.join("clone"), "git status --short"), "");
    sh(&world.dir, "sync .");
    world.crash();
    assert_eq!(sh(&world.dir.join("clone"), "git fsck --strict 2>&1; git status --short"), "");
}

fn sqlite(mode: &str) {
    let world = World::anywhere().mounted();
    let script = format!(
        "sqlite3 t.db 'pragma journal_mode={mode}; create table t(a integer primary key, b text);'
         for round in $(seq 15); do
           sqlite3 t.db \"insert into t(b) select hex(randomblob(100)) from (select 1 from sqlite_master, (with recursive c(n) as (select 1 union all select n+1 from c where n<100) select n from c));\"
         done
         sqlite3 t.db 'delete from t where a % 3 = 0; vacuum; pragma integrity_check; select count(*) from t;'"
    );
    assert!(sh(&world.dir, &script).contains("ok\n1000"));
    world.crash();
    assert_eq!(
        sh(&world.dir, "sqlite3 t.db 'pragma integrity_check; select count(*) from t;'"),
        "ok\n1000\n"
    );
}

#[test]
fn sqlite_keeps_what_it_committed_with_a_rollback_journal() {
    sqlite("delete");
}

#[test]
fn sqlite_keeps_what_it_committed_with_a_write_ahead_log() {
    sqlite("wal");
}

/// kill -9 in the middle of transactions: every acknowledged one is there. The rollback journal is truncated, which
/// SQLite syncs; where it deletes it, it takes a directory that cannot be opened any more for a synced one.
#[test]
fn sqlite_killed_at_work_keeps_each_acknowledged_transaction() {
    for mode in ["truncate", "wal"] {
        let world = World::anywhere().mounted();
        sh(
            &world.dir,
            &format!("sqlite3 t.db 'pragma journal_mode={mode}; create table t(a integer primary key);'"),
        );
        let acknowledged = world.beside("outside").join("acknowledged");
        let script = format!(
            "i=0; while i=$((i+1)) && sqlite3 t.db \"pragma journal_mode={mode}; pragma synchronous=extra; insert into t values($i);\"; do echo $i > {}; done",
            acknowledged.display()
        );
        let mut writer = std::process::Command::new("bash")
            .args(["-c", &script])
            .current_dir(&world.dir)
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        support::pause(2500);
        world.kill();
        let _ = writer.wait();
        world.mount();
        let last: u64 = fs::read_to_string(acknowledged).unwrap().trim().parse().unwrap();
        let found = sh(&world.dir, "sqlite3 t.db 'pragma integrity_check; select count(*), max(a) from t;'");
        let mut lines = found.lines();
        assert_eq!(lines.next(), Some("ok"), "{mode}");
        let (count, max) = lines.next().unwrap().split_once('|').unwrap();
        assert_eq!(count, max, "{mode}: no gap");
        assert!(max.parse::<u64>().unwrap() >= last, "{mode}: {max} of {last} acknowledged");
    }
}

#[test]
fn cargo_builds_and_runs() {
    let world = World::anywhere().mounted();
    sh(
        &world.dir,
        "unset CARGO_TARGET_DIR; cargo new --quiet --vcs none hello && cd hello && CARGO_TARGET_DIR=target cargo build --quiet --offline
         ./target/debug/hello | grep -q 'Hello, world!'
         touch src/main.rs && CARGO_TARGET_DIR=target cargo build --quiet --offline",
    );
}

#[test]
fn tar_and_rsync_copy_exactly_and_the_second_rsync_copies_nothing() {
    let world = World::anywhere().mounted();
    let source = world.beside("source");
    sh(
        &source,
        "for i in $(seq 300); do mkdir -p d$((i % 7))/e; head -c $((i * 50)) /dev/urandom > d$((i % 7))/e/$i; done
         ln -s d1 link; ln d1/e/1 hard; touch -d '2001-02-03 04:05:06.789' d2; chmod 2750 d3; mkfifo pipe; truncate -s 1M sparse",
    );
    sh(&world.dir, &format!("mkdir tar && tar -C {} -cf - . | tar -C tar -xpf -", source.display()));
    assert_same("tar", &read(&source, false), &read(&world.dir.join("tar"), false));
    sh(&world.dir, &format!("rsync -aHX {}/ rsync/", source.display()));
    assert_same("rsync", &read(&source, false), &read(&world.dir.join("rsync"), false));
    let again = sh(&world.dir, &format!("rsync -aHX --itemize-changes {}/ rsync/", source.display()));
    assert_eq!(again, "", "the second rsync found something to copy");
    let before = world.head();
    sh(&world.dir, "cat rsync/*/*/* > /dev/null");
    assert_eq!(world.head(), before, "reading makes no events");
}

#[test]
fn python_makes_an_environment_and_installs_a_package() {
    let world = World::anywhere().mounted();
    sh(
        &world.dir,
        "python3 -m venv env && env/bin/pip install --quiet --disable-pip-version-check six && env/bin/python -c 'import six'",
    );
}

#[test]
fn npm_installs_a_package() {
    let world = World::anywhere().mounted();
    sh(
        &world.dir,
        "npm init -y >/dev/null && npm install --silent --no-audit --no-fund is-number && node -e \"require('is-number')\"",
    );
}

#[test]
fn mmap_writers_share_memory_and_it_is_kept() {
    let world = World::anywhere().mounted();
    let script = r#"
import mmap, os
fd = os.open("m", os.O_RDWR | os.O_CREAT)
os.ftruncate(fd, 1 << 20)
a, b = mmap.mmap(fd, 1 << 20), mmap.mmap(fd, 1 << 20)
for i in range(0, 1 << 20, 4096):
    a[i:i+5] = b"hello"
assert b[8192:8197] == b"hello"
a.flush()
assert os.pread(fd, 5, 4096) == b"hello"
os.fsync(fd)
"#;
    fs::write(world.beside("scripts").join("m.py"), script).unwrap();
    sh(&world.dir, &format!("python3 {}/m.py", world.beside("scripts").display()));
    world.crash();
    let bytes = fs::read(world.dir.join("m")).unwrap();
    assert!(bytes.chunks(4096).all(|page| page.starts_with(b"hello")) && bytes.len() == 1 << 20);
}

#[test]
fn an_editor_saves_by_writing_and_renaming() {
    let world = World::anywhere().mounted();
    fs::write(world.dir.join("text"), "one\n").unwrap();
    let then = world.head();
    sh(
        &world.dir,
        "for i in 1 2 3; do cp -p text .text.swp; echo line $i >> .text.swp; sync .text.swp; mv .text.swp text; done",
    );
    assert_eq!(fs::read_to_string(world.dir.join("text")).unwrap(), "one\nline 1\nline 2\nline 3\n");
    assert_eq!(fs::read_to_string(world.dir.join(format!(".at/#{then}/text"))).unwrap(), "one\n");
    let ops = world.json(&["log", "text"]);
    assert!(ops.len() >= 6, "the log follows the saves: {ops:?}");
}

#[test]
fn a_huge_directory_is_listed_whole() {
    let world = World::anywhere().mounted();
    sh(&world.dir, "mkdir many && cd many && seq 1 100000 | xargs touch");
    assert_eq!(fs::read_dir(world.dir.join("many")).unwrap().count(), 100_000);
    sh(&world.dir, "rm -rf many");
    assert_eq!(fs::read_dir(&world.dir).unwrap().count(), 0);
}
