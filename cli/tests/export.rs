//! What happened in a mount, in a file: all of it, or, redacted, nothing that tells to what it happened.

mod support;

use std::fs;
use std::net::TcpListener;
use std::path::Path;

use firn_journal::{Event, EventKind, Ino};
use firn_materializer::namespace::Namespace;
use firn_recovery::export::Export;
use rustix::process::{Pid, Signal, kill_process};
use support::{World, pause, sh};

/// Names and content that are in the tree, all of which a redacted export must hide.
const SECRETS: [&str; 9] = [
    "hush-directory",
    "hush-file.rs",
    "hush content of a small file",
    "hush line in a large file",
    "hush-target",
    "hush-attribute",
    "hush-value",
    "hush-checkpoint",
    "hush message",
];

/// A mounted volume in which a little of everything has happened.
fn lived_in() -> World {
    let world = World::local().mounted();
    let [directory, file, small, line, target, attribute, value, checkpoint, message] = SECRETS;
    let dir = world.dir.join(directory);
    fs::create_dir(&dir).unwrap();
    fs::write(dir.join(file), small).unwrap();
    let lines: String = (0..200_000).map(|number| format!("{number} {line}\n")).collect();
    fs::write(dir.join("large"), lines).unwrap();
    std::os::unix::fs::symlink(format!("../{directory}/{target}"), dir.join("link")).unwrap();
    let name = format!("user.{attribute}");
    let set = rustix::fs::setxattr(dir.join(file), &*name, value.as_bytes(), rustix::fs::XattrFlags::empty());
    set.unwrap();
    world.inside(&["checkpoint", checkpoint, "-m", message]);
    fs::remove_file(dir.join(file)).unwrap();
    world.inside(&["restore", &format!("{directory}/{file}"), "--at", &format!("@{checkpoint}")]);
    sh(&world.dir, "sync .");
    world
}

fn events(export: &Export) -> Vec<Event> {
    export.events().map(Result::unwrap).collect()
}

fn replayed(export: &Export) -> Namespace {
    let mut ns = Namespace::default();
    events(export).iter().for_each(|event| ns.apply(event).unwrap());
    ns
}

/// The bytes of a file without holes.
fn content(export: &Export, ns: &Namespace, ino: Ino) -> Vec<u8> {
    let size = ns.inode(ino).unwrap().attributes.size;
    let pieces = ns.extents(ino, 0..size).map(|placed| {
        let block = export.block(placed.extent.block).unwrap();
        let skip = placed.extent.skip as usize;
        block[skip..skip + placed.extent.len as usize].to_vec()
    });
    pieces.collect::<Vec<_>>().concat()
}

/// All that there is to find for whoever takes the file apart.
fn decoded(path: &Path) -> Vec<u8> {
    let export = Export::open(path).unwrap();
    let mut bytes = fs::read(path).unwrap();
    for block in export.blocks() {
        bytes.extend_from_slice(&export.block(block).unwrap());
    }
    for event in events(&export) {
        bytes.extend_from_slice(&event.actor.command);
        bytes.extend(format!("{:?}", event.kind).into_bytes());
        match event.kind {
            EventKind::TransactionBegan { path: Some(path), .. } => bytes.extend(path),
            EventKind::XattrSet { value, .. } | EventKind::XattrPut { value, .. } => bytes.extend(&*value),
            EventKind::Created { target: Some(target), .. }
            | EventKind::InodePut { target: Some(target), .. } => bytes.extend(&*target),
            _ => {}
        }
    }
    bytes
}

fn holds(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|window| window == text)
}

#[test]
fn a_mounts_history_is_in_the_file_and_can_be_replayed() {
    let world = lived_in();
    let there = world.beside("exports");
    let [live, stored] = ["live", "stored"].map(|name| there.join(name));
    let row = world.json(&["export", "--events", live.to_str().unwrap()]).remove(0);
    assert_eq!(row["last"]["seq"], world.head());
    assert_eq!((&row["redacted"], &row["volume"]), (&false.into(), &world.url.as_str().into()));
    assert_eq!(row["bytes"], fs::metadata(&live).unwrap().len());
    let export = Export::open(&live).unwrap();
    let ns = replayed(&export);
    for name in ["hush-file.rs", "large"] {
        let ino = ns.resolve(format!("hush-directory/{name}").as_bytes()).unwrap();
        let expected = fs::read(world.dir.join("hush-directory").join(name)).unwrap();
        assert!(content(&export, &ns, ino) == expected, "{name}");
    }
    assert!(matches!(events(&export)[0].kind, EventKind::Mounted { .. }));
    world.umount();
    world.ok(&["export", "--events", &world.url, stored.to_str().unwrap()]);
    let after = Export::open(&stored).unwrap();
    assert_eq!(events(&after)[..events(&export).len()], events(&export));
    assert_eq!(fs::read_dir(&there).unwrap().count(), 2, "nothing else is left there");
}

#[test]
fn a_redacted_export_tells_no_name_and_no_content() {
    let world = lived_in();
    let there = world.beside("exports");
    let [plain, redacted] = ["plain", "redacted"].map(|name| there.join(name));
    world.inside(&["export", "--events", plain.to_str().unwrap()]);
    let said = world.inside(&["export", "--events", "--redact", redacted.to_str().unwrap()]);
    assert!(said.contains("stand-ins"), "{said}");
    let before = Export::open(&plain).unwrap();
    let mut secrets: Vec<Vec<u8>> = SECRETS.map(|secret| secret.as_bytes().to_vec()).into();
    secrets.push(b"hush".to_vec());
    for event in events(&before) {
        secrets.push(event.actor.command.clone());
        if let EventKind::Mounted { host, .. } = event.kind {
            secrets.push(host.into_bytes());
        }
    }
    // What has a few bytes only may be in anything, and every file of Firn says that it is one.
    secrets.retain(|secret| secret.len() > 3 && secret != b"firn");
    secrets.sort();
    secrets.dedup();
    let (open, hidden) = (decoded(&plain), decoded(&redacted));
    for secret in secrets {
        let text = String::from_utf8_lossy(&secret).into_owned();
        assert!(holds(&open, &secret), "{text} is in what is not redacted");
        assert!(!holds(&hidden, &secret), "{text} is in what is redacted");
    }
    let after = Export::open(&redacted).unwrap();
    assert!(after.is_redacted());
    assert!(events(&before).iter().any(|event| event.actor.command == b"firn"));
    assert!(events(&after).iter().all(|event| event.actor.command != b"firn"));
    let shape = |export: &Export| -> Vec<_> {
        let ns = replayed(export);
        let of = |ino| ns.inode(ino).map(|inode| (ino, inode.attributes.clone())).unwrap();
        ns.inodes().map(|(ino, _)| of(ino)).collect()
    };
    assert_eq!(shape(&before), shape(&after));
    assert!(fs::metadata(&redacted).unwrap().len() < 4 << 20, "stand-ins compress");
}

#[test]
fn an_export_ends_at_an_instant() {
    let world = lived_in();
    let file = world.beside("exports").join("file");
    world.inside(&["export", "--events", file.to_str().unwrap(), "--to", "@hush-checkpoint"]);
    let export = Export::open(&file).unwrap();
    assert!(matches!(events(&export).pop().unwrap().kind, EventKind::Checkpointed { .. }));
    assert!(replayed(&export).resolve(b"hush-directory/hush-file.rs").is_some());
}

#[test]
fn what_cannot_be_exported_leaves_no_file_and_says_why() {
    let world = lived_in();
    let there = world.beside("exports");
    let file = there.join("file");
    let path = file.to_str().unwrap();
    let fails = |arguments: &[&str], code: i32, words: &str| {
        let output = world.command(&world.dir, arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        assert!(said.contains(words), "{arguments:?}: {said}");
        assert_eq!(fs::read_dir(&there).unwrap().count(), 0, "{arguments:?} left something");
    };
    fails(&["export", path], 2, "--events");
    fails(&["export", "--events", "s3://bucket/volume"], 2, "firn export --events URL FILE");
    fails(&["export", "--events", there.join("no/file").to_str().unwrap()], 3, "cannot write");
    fails(&["export", "--events", path, "--to", "#999999"], 3, "the history goes from");
    fails(&["export", "--events", path, "--to", "whenever"], 2, "is not a time");
    // Too much to ride in a segment, also compressed.
    let noise = (0..1_000_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes());
    fs::write(world.dir.join("noise"), noise.collect::<Vec<u8>>()).unwrap();
    sh(&world.dir, "sync .");
    fs::remove_dir_all(world.store().join("packs")).unwrap();
    fails(&["export", "--events", path], 6, "is missing");

    fs::write(&file, "mine").unwrap();
    let said = world.fails(&["export", "--events", &world.url, path]);
    assert!(said.contains("is there already"), "{said}");
    assert_eq!(fs::read(&file).unwrap(), b"mine");
}

#[test]
fn an_interrupted_export_leaves_nothing() {
    let world = World::local();
    let there = world.beside("exports");
    // A store that takes every request and answers none.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let file = there.join("file");
    let arguments = ["export", "--events", "s3://bucket/volume", file.to_str().unwrap()];
    let mut command = world.command(&there, &arguments);
    command.env("AWS_ENDPOINT_URL", format!("http://{}", silent.local_addr().unwrap()));
    command.envs([("AWS_ACCESS_KEY_ID", "x"), ("AWS_SECRET_ACCESS_KEY", "x"), ("AWS_REGION", "x")]);
    let mut running = command.stderr(std::process::Stdio::piped()).spawn().unwrap();
    while fs::read_dir(&there).unwrap().count() == 0 {
        assert!(running.try_wait().unwrap().is_none(), "it ended by itself");
        pause(10);
    }
    assert!(!file.exists());
    kill_process(Pid::from_child(&running), Signal::INT).unwrap();
    let ended = running.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!(ended.status.code(), Some(7), "{said}");
    assert!(said.contains("interrupted; nothing was written"), "{said}");
    assert_eq!(fs::read_dir(&there).unwrap().count(), 0);
}
