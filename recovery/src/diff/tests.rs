use std::collections::{BTreeMap, BTreeSet};

use firn_journal::Ino;
use firn_materializer::decide::RenameMode;
use firn_materializer::namespace::Namespace;
use proptest::prelude::*;

use super::{Change, DiffRow, diff};
use crate::path::{is_within, join, split};
use crate::testing::{Seen, World, steps, tree};

fn rows(old: &Namespace, new: &Namespace) -> Vec<String> {
    diff(old, new, None).iter().map(show).collect()
}

fn show(row: &DiffRow) -> String {
    let text = |path: &[u8]| String::from_utf8_lossy(path).into_owned();
    let from = row.from.as_deref().map(|from| format!(" < {}", text(from))).unwrap_or_default();
    let aspects: Vec<_> = row.aspects.names().collect();
    let aspects = if aspects.is_empty() { String::new() } else { format!(" ({})", aspects.join(" ")) };
    format!("{} {}{from}{aspects}", row.change.name(), text(&row.path))
}

/// What a difference is made of, to one who compares two directories.
fn plain(ns: &Namespace, ino: Ino) -> Seen {
    let mut seen = Seen::of(ns, ino).but_links();
    if ns.inode(ino).unwrap().is_dir() {
        (seen.attributes.size, seen.attributes.mtime) = Default::default();
    }
    seen.attributes.btime = Default::default();
    seen
}

/// Where a path of the new view was, as the rows tell it.
fn origin(by_path: &BTreeMap<&[u8], &DiffRow>, path: &[u8]) -> Option<Vec<u8>> {
    match by_path.get(path) {
        Some(row) if row.change == Change::Added => None,
        Some(row) if row.from.is_some() => row.from.clone(),
        _ => match split(path) {
            None => Some(Vec::new()),
            // A row at the very path without `from` has stayed where it was.
            Some(_) if by_path.contains_key(path) => Some(path.to_vec()),
            Some((above, name)) => match origin(by_path, above) {
                Some(above) => Some(join(&above, name)),
                None => Some(path.to_vec()),
            },
        },
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_rows_explain_the_difference(steps in steps(40), when in 0..1000usize) {
        let world = World::after(&steps);
        let (old, new) = (&world.views[when % world.views.len()], &world.ns);
        let rows = diff(old, new, None);
        let now_there = rows.iter().filter(|row| row.change != Change::Removed);
        let by_path: BTreeMap<&[u8], &DiffRow> = now_there.map(|row| (&row.path[..], row)).collect();
        let (before, after) = (tree(old, b""), tree(new, b""));
        let mut left: BTreeSet<&Vec<u8>> = before.keys().collect();
        for (path, ino) in &after {
            let Some(was) = origin(&by_path, path) else { continue };
            prop_assert!(left.remove(&was), "{:?} came from {:?}\n{:#?}", path, was, rows);
            let same = plain(old, before[&was]) == plain(new, *ino);
            let told = by_path.get(&path[..]).is_none_or(|row| row.aspects.is_empty());
            prop_assert_eq!(same, told, "{:?}", path);
        }
        let removed: BTreeSet<&Vec<u8>> =
            rows.iter().filter(|row| row.change == Change::Removed).map(|row| &row.path).collect();
        prop_assert_eq!(removed, left);
        for row in &rows {
            prop_assert!(row.change != Change::Modified || !row.aspects.is_empty());
            prop_assert!(row.change != Change::Renamed || row.from.as_ref().is_some_and(|from| *from != row.path));
        }
    }

    #[test]
    fn a_scope_shows_what_is_in_it(steps in steps(40), when in 0..1000usize) {
        let world = World::after(&steps);
        let (old, new) = (&world.views[when % world.views.len()], &world.ns);
        let all = diff(old, new, None);
        let scoped = diff(old, new, Some(b"a"));
        for row in &scoped {
            prop_assert!([&row.path[..], row.old_path()].iter().any(|p| is_within(p, b"a") || is_within(b"a", p)));
        }
        let left = |row: &DiffRow| row.change == Change::Renamed && is_within(row.old_path(), b"a");
        let touching = all.iter().filter(|row| is_within(&row.path, b"a") || left(row));
        prop_assert_eq!(scoped.len(), touching.count());
        prop_assert_eq!(diff(old, new, Some(b"")), all);
    }
}

#[test]
fn a_renamed_directory_is_one_row() {
    let mut world = World::new();
    let file = world.make("a/b/f");
    world.make("a/b/g");
    let old = world.ns.clone();
    world.mv("a", "z");
    assert_eq!(rows(&old, &world.ns), ["renamed z < a"]);
    world.write(file, 0, 1);
    assert_eq!(rows(&old, &world.ns), ["renamed z < a", "modified z/b/f < a/b/f (content times)"]);
}

#[test]
fn a_save_by_rename_is_a_modification() {
    let mut world = World::new();
    world.make("f");
    let old = world.ns.clone();
    let saved = world.make("tmp");
    world.write(saved, 0, 3);
    world.mv("tmp", "f");
    assert_eq!(rows(&old, &world.ns), ["modified f (content times)"]);
}

#[test]
fn a_save_that_keeps_a_backup_is_a_modification_and_an_addition() {
    let mut world = World::new();
    world.make("f");
    let old = world.ns.clone();
    world.mv("f", "f~");
    let saved = world.make("f");
    world.write(saved, 0, 3);
    assert_eq!(rows(&old, &world.ns), ["modified f (content times)", "added f~"]);
}

#[test]
fn a_directory_lists_what_came_and_went_with_it() {
    let mut world = World::new();
    world.make("d/e/f");
    let full = world.ns.clone();
    world.rm("d");
    assert_eq!(rows(&full, &world.ns), ["removed d", "removed d/e", "removed d/e/f"]);
    assert_eq!(rows(&world.ns, &full), ["added d", "added d/e", "added d/e/f"]);
}

#[test]
fn a_directory_that_was_made_anew_is_compared_by_path() {
    let mut world = World::new();
    world.make("d/same");
    world.make("d/gone");
    let old = world.ns.clone();
    world.rm("d");
    world.make("d/same");
    world.make("d/new");
    assert_eq!(rows(&old, &world.ns), ["removed d/gone", "added d/new", "modified d/same (times)"]);
}

#[test]
fn directories_that_change_places_are_two_renames() {
    let mut world = World::new();
    world.make("a/f");
    world.make("b/g");
    let old = world.ns.clone();
    world.rename((Ino::ROOT, "a".into()), (Ino::ROOT, "b".into()), RenameMode::Exchange);
    assert_eq!(rows(&old, &world.ns), ["renamed a < b", "renamed b < a"]);
}

#[test]
fn another_type_is_a_removal_and_an_addition() {
    let mut world = World::new();
    world.make("x");
    let old = world.ns.clone();
    world.rm("x");
    world.make("x/y");
    assert_eq!(rows(&old, &world.ns), ["removed x", "added x", "added x/y"]);
}

#[test]
fn what_leaves_the_scope_is_removed_from_it() {
    let mut world = World::new();
    world.make("a/f");
    world.make("b/");
    let old = world.ns.clone();
    world.mv("a/f", "b/f");
    let scoped: Vec<_> = diff(&old, &world.ns, Some(b"a")).iter().map(show).collect();
    assert_eq!(scoped, ["removed a/f"]);
    let scoped: Vec<_> = diff(&old, &world.ns, Some(b"b")).iter().map(show).collect();
    assert_eq!(scoped, ["renamed b/f < a/f"]);
}
