use std::collections::BTreeMap;

use firn_journal::{Ino, TransactionKind};
use firn_materializer::namespace::resets;
use proptest::prelude::*;

use super::walk::{Walk, units};
use super::{LogRow, Op};
use crate::path::{is_within, join};
use crate::plan::plan_undo;
use crate::testing::{World, steps, tree};

/// The whole log of a path, newest first.
fn log(world: &World, path: Option<&str>, effects: bool) -> Vec<LogRow> {
    let mut walk = Walk::new(world.ns.clone(), path.map(str::as_bytes), effects);
    let units = units(&world.events).into_iter().rev();
    units.flat_map(|unit| walk.back(&world.events[unit])).collect()
}

/// `op path`, and where from.
fn lines(world: &World, path: &str) -> Vec<String> {
    let text = |path: &[u8]| String::from_utf8_lossy(path).into_owned();
    let line = |row: LogRow| {
        let from = row.op.from().map(|from| format!(" < {}", text(from))).unwrap_or_default();
        format!("{} {}{from}", row.op.name(), row.path.as_deref().map(text).unwrap_or_default())
    };
    log(world, Some(path), false).into_iter().map(line).collect()
}

/// The paths of an inode in a view.
fn paths(world: &World, view: usize, ino: Ino) -> Vec<Vec<u8>> {
    let ns = &world.views[view];
    let links = ns.links(ino);
    let paths = links.filter_map(|(parent, name)| Some(join(&ns.path_of(parent)?, name.as_bytes())));
    paths.chain((ino == Ino::ROOT).then(Vec::new)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn paths_are_those_of_their_time(steps in steps(40)) {
        let world = World::after(&steps);
        let rows = log(&world, None, false);
        prop_assert_eq!(rows.len(), world.events.len());
        for row in rows {
            let after = row.seq.0 as usize;
            let Some(ino) = row.ino else { continue };
            let (before, now) = (paths(&world, after - 1, ino), paths(&world, after, ino));
            let expected = if matches!(row.op, Op::Unlinked) { &before } else { &now };
            prop_assert!(row.path.as_ref().is_some_and(|path| expected.contains(path)), "{:?}: {:?}", row, expected);
            if let Some(from) = row.op.from() {
                prop_assert!(before.contains(&from.to_vec()), "{:?}", row);
            }
        }
    }

    #[test]
    fn transactions_are_passed_over_without_losing_the_way(
        first in steps(20), second in steps(20), when in 0..1000usize, scope in 0..1000usize
    ) {
        let mut world = World::after(&first);
        let plain = log(&world, None, false);
        let past = world.views[when % world.views.len()].clone();
        let all: Vec<_> = tree(&world.ns, b"").into_keys().collect();
        let path = all[scope % all.len()].clone();
        if let Ok(effects) = plan_undo(&past, &world.ns, &path) {
            world.transact(TransactionKind::Undo, past.seq(), Some(&path), effects);
        }
        second.iter().for_each(|step| world.step(step));
        for effects in [false, true] {
            let rows = log(&world, None, effects);
            prop_assert_eq!(&rows[rows.len() - plain.len()..], &plain[..]);
        }
    }

    #[test]
    fn what_is_below_a_directory_shows_in_its_log(steps in steps(40)) {
        let world = World::after(&steps);
        let of_a: BTreeMap<_, _> = log(&world, Some("a"), false).into_iter().map(|row| (row.seq, row)).collect();
        for row in log(&world, None, false) {
            let here = row.path.iter().map(Vec::as_slice).chain(row.op.from()).any(|path| is_within(path, b"a"));
            let there = world.views[row.seq.0 as usize].resolve(b"a");
            // What is at `a` in the end, at the time of the event.
            let same = there.is_some() && there == world.ns.resolve(b"a");
            prop_assert!(!(here && same) || of_a.contains_key(&row.seq), "{:?}", row);
        }
    }
}

#[test]
fn a_file_is_followed_across_renames_of_it_and_of_what_is_above() {
    let mut world = World::new();
    let file = world.make("d/f");
    world.write(file, 0, 1);
    world.mv("d/f", "d/g");
    world.make("other");
    world.mv("d", "e");
    world.write(file, 1, 1);
    assert_eq!(
        lines(&world, "e/g"),
        ["write e/g", "rename e < d", "rename d/g < d/f", "write d/f", "create d/f"]
    );
}

#[test]
fn a_file_is_followed_across_saves_and_temporary_names_are_not() {
    let mut world = World::new();
    let file = world.make("f");
    world.write(file, 0, 1);
    // An earlier use of the same temporary name, for another file.
    world.make("g");
    world.make("tmp");
    world.mv("tmp", "g");
    let saved = world.make("tmp");
    world.write(saved, 0, 2);
    world.mv("tmp", "f");
    assert_eq!(lines(&world, "f"), ["rename f < tmp", "write tmp", "create tmp", "write f", "create f"]);
}

#[test]
fn a_save_that_keeps_a_backup_is_followed() {
    let mut world = World::new();
    let file = world.make("f");
    world.write(file, 0, 1);
    world.mv("f", "f~");
    let saved = world.make("f");
    world.write(saved, 0, 2);
    world.rm("f~");
    // That the backup was removed later is no history of the path.
    assert_eq!(lines(&world, "f"), ["write f", "create f", "rename f~ < f", "write f", "create f"]);
}

#[test]
fn a_path_has_a_log_after_its_deletion() {
    let mut world = World::new();
    let file = world.make("d/e/f");
    world.write(file, 0, 1);
    world.make("x");
    world.rm("d");
    let whole = ["remove d/e/f", "write d/e/f", "create d/e/f"];
    assert_eq!(lines(&world, "d/e/f"), whole);
    let d = lines(&world, "d");
    assert_eq!(
        d,
        ["remove d", "remove d/e", "remove d/e/f", "write d/e/f", "create d/e/f", "mkdir d/e", "mkdir d"]
    );
}

#[test]
fn a_transaction_is_one_row_and_shows_its_effects_when_asked() {
    let mut world = World::new();
    world.make("d/f");
    let past = world.ns.clone();
    world.rm("d");
    let effects = resets(&world.ns, &past);
    let count = effects.len();
    world.transact(TransactionKind::Undo, past.seq(), None, effects);
    let rows = log(&world, None, false);
    assert_eq!(
        rows[0].op,
        Op::Transaction { kind: TransactionKind::Undo, target: past.seq(), count: count as u32 }
    );
    assert_eq!((rows[0].seq, rows[0].first.0), (world.ns.seq(), world.ns.seq().0 - count as u64));
    assert_eq!(lines(&world, "d/f"), ["undo ", "remove d/f", "create d/f"]);
    let shown = log(&world, Some("d/f"), true);
    let effects: Vec<_> = shown.iter().map(|row| row.op.name()).collect();
    assert_eq!(effects, ["undo", "put-entry", "put-inode", "remove", "create"]);
    assert_eq!(shown[1].path.as_deref(), Some(&b"d/f"[..]));
}

#[test]
fn another_path_has_another_log() {
    let mut world = World::new();
    world.make("a/f");
    world.make("ab");
    assert_eq!(lines(&world, "ab"), ["create ab"]);
    assert_eq!(lines(&world, "nothing"), [] as [&str; 0]);
}

#[test]
fn what_a_transaction_removed_has_the_path_that_it_had() {
    let mut world = World::new();
    world.make("x");
    let past = world.ns.clone();
    world.make("d/e/f");
    let effects = resets(&world.ns, &past);
    world.transact(TransactionKind::Undo, past.seq(), None, effects);
    let shown = log(&world, Some("d"), true);
    let removed: Vec<_> = shown.iter().filter(|row| row.op == Op::EntryDropped).collect();
    let mut paths: Vec<_> = removed.iter().filter_map(|row| row.path.as_deref()).collect();
    paths.sort();
    assert_eq!(paths, [&b"d"[..], b"d/e", b"d/e/f"]);
}
