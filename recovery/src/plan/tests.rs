use std::collections::BTreeMap;

use firn_journal::{EventKind, Ino, TransactionKind};
use firn_materializer::namespace::Namespace;
use proptest::prelude::*;

use super::{PlanError, plan_copy, plan_undo};
use crate::diff::diff;
use crate::path::is_within;
use crate::testing::{Seen, World, assert_sound, steps, tree};

/// A path that is there in one of the two views.
fn some_path(past: &Namespace, present: &Namespace, choice: usize) -> Vec<u8> {
    let mut paths: Vec<_> = tree(past, b"").into_keys().chain(tree(present, b"").into_keys()).collect();
    paths.sort();
    paths.dedup();
    paths[choice % paths.len()].clone()
}

/// Which paths of a tree are one file: for each the first of them.
fn groups(paths: &BTreeMap<Vec<u8>, Ino>) -> BTreeMap<&Vec<u8>, &Vec<u8>> {
    let mut first: BTreeMap<Ino, &Vec<u8>> = BTreeMap::new();
    paths.iter().map(|(path, ino)| (path, *first.entry(*ino).or_insert(path))).collect()
}

fn assert_same_below(expected: &Namespace, found: &Namespace, path: &[u8]) {
    let (then, now) = (tree(expected, path), tree(found, path));
    assert_eq!(groups(&then), groups(&now));
    for (path, ino) in &then {
        let (then, now) = (Seen::of(expected, *ino), Seen::of(found, now[path]));
        if then != now {
            assert_eq!(then.but_links(), now.but_links(), "{}", String::from_utf8_lossy(path));
        }
    }
}

fn assert_same_outside(expected: &Namespace, found: &Namespace, path: &[u8]) {
    let (before, mut after) = (tree(expected, b""), tree(found, b""));
    for (at, ino) in before.iter().filter(|(at, _)| !is_within(at, path)) {
        assert_eq!(after.remove(at), Some(*ino));
        let (mut before, mut after) = (Seen::of(expected, *ino), Seen::of(found, *ino));
        (before.attributes.nlink, after.attributes.nlink) = (0, 0);
        assert_eq!(before, after);
    }
    // Directories above the path may have come back.
    assert!(after.keys().all(|at| is_within(at, path) || is_within(path, at)));
}

fn undo(world: &mut World, past: &Namespace, path: &[u8]) -> Result<(), PlanError> {
    let effects = plan_undo(past, &world.ns, path)?;
    world.transact(TransactionKind::Undo, past.seq(), Some(path), effects);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn below_the_path_it_is_then_and_elsewhere_it_is_now(steps in steps(40), when in 0..1000usize, choice in 0..1000usize) {
        let mut world = World::after(&steps);
        let (past, present) = (world.views[when % world.views.len()].clone(), world.ns.clone());
        let path = some_path(&past, &present, choice);
        match undo(&mut world, &past, &path) {
            Ok(_) => {
                assert_sound(&world.ns);
                assert_same_below(&past, &world.ns, &path);
                if !path.is_empty() {
                    assert_same_outside(&present, &world.ns, &path);
                }
            }
            Err(PlanError::NotADirectory { path: above }) => {
                prop_assert!(is_within(&path, &above));
                let there = present.inode(present.resolve(&above).unwrap()).unwrap();
                prop_assert!(!there.is_dir());
            }
            Err(error) => prop_assert!(false, "{error}"),
        }
    }

    #[test]
    fn undoing_an_undo_is_the_identity(steps in steps(40), when in 0..1000usize, choice in 0..1000usize) {
        let mut world = World::after(&steps);
        let (past, present) = (world.views[when % world.views.len()].clone(), world.ns.clone());
        let path = some_path(&past, &present, choice);
        if undo(&mut world, &past, &path).is_ok() {
            match undo(&mut world, &present, &path) {
                // It was never there but in between, and what it is there for is done.
                Err(PlanError::Nowhere { .. }) => return Ok(()),
                done => done.unwrap(),
            }
            assert_sound(&world.ns);
            assert_same_below(&present, &world.ns, &path);
            if present.resolve(&path).is_some() {
                prop_assert_eq!(plan_undo(&present, &world.ns, &path), Ok(vec![]), "nothing is left to do");
            }
        }
    }

    #[test]
    fn a_whole_undo_and_redo_leave_no_difference(steps in steps(40), when in 0..1000usize) {
        let mut world = World::after(&steps);
        let (past, present) = (world.views[when % world.views.len()].clone(), world.ns.clone());
        undo(&mut world, &past, b"").unwrap();
        prop_assert_eq!(diff(&past, &world.ns, None), vec![]);
        undo(&mut world, &present, b"").unwrap();
        prop_assert_eq!(diff(&present, &world.ns, None), vec![]);
        prop_assert!(present.dirents().eq(world.ns.dirents()) && present.inodes().eq(world.ns.inodes()));
        prop_assert!(present.all_extents().eq(world.ns.all_extents()));
    }

    #[test]
    fn a_copy_is_the_past_under_other_numbers(steps in steps(40), when in 0..1000usize, choice in 0..1000usize) {
        let mut world = World::after(&steps);
        let (past, present) = (world.views[when % world.views.len()].clone(), world.ns.clone());
        let path = some_path(&past, &past, choice);
        let effects = plan_copy(&past, &path, &present, b"copy").unwrap();
        world.transact(TransactionKind::Restore, past.seq(), Some(b"copy"), effects);
        assert_sound(&world.ns);
        assert_same_outside(&present, &world.ns, b"copy");
        let (then, now) = (tree(&past, &path), tree(&world.ns, b"copy"));
        prop_assert_eq!(then.len(), now.len());
        for ((_, then), (_, now)) in then.iter().zip(&now) {
            prop_assert!(present.inode(*now).is_none());
            prop_assert_eq!(Seen::of(&past, *then).but_links(), Seen::of(&world.ns, *now).but_links());
        }
    }
}

#[test]
fn what_did_not_change_costs_nothing() {
    let mut world = World::new();
    for i in 0..500 {
        world.make(&format!("p/d{}/f{i}", i % 10));
        world.make(&format!("q/d{}/f{i}", i % 10));
    }
    let past = world.ns.clone();
    let file = world.ns.resolve(b"p/d3/f3").unwrap();
    world.write(file, 0, 10);
    for i in 0..100 {
        let file = world.ns.resolve(format!("q/d{}/f{i}", i % 10).as_bytes()).unwrap();
        world.write(file, 0, 10);
    }
    let effects = plan_undo(&past, &world.ns, b"p").unwrap();
    assert!(effects.len() <= 3, "{effects:?}");
}

#[test]
fn a_removed_file_comes_back_under_its_own_number() {
    let mut world = World::new();
    let file = world.make("p/a/f");
    let past = world.ns.clone();
    world.rm("p");
    undo(&mut world, &past, b"p/a/f").unwrap();
    assert_eq!(world.ns.resolve(b"p/a/f"), Some(file));
}

#[test]
fn a_directory_that_moved_out_stays_there_and_is_copied() {
    let mut world = World::new();
    world.make("q/");
    let file = world.make("p/d/f");
    world.write(file, 0, 10);
    let past = world.ns.clone();
    world.mv("p/d", "q/d");
    undo(&mut world, &past, b"p").unwrap();
    assert_eq!(world.ns.resolve(b"q/d/f"), Some(file));
    let copy = world.ns.resolve(b"p/d/f").unwrap();
    assert_ne!(copy, file);
    assert_eq!(Seen::of(&past, file).bytes, Seen::of(&world.ns, copy).bytes);
}

#[test]
fn errors_name_what_is_in_the_way() {
    let mut world = World::new();
    world.make("p/a/f");
    let past = world.ns.clone();
    world.rm("p");
    world.make("p");
    let plan = |path: &[u8]| plan_undo(&past, &world.ns, path).unwrap_err();
    assert_eq!(plan(b"p/a/f"), PlanError::NotADirectory { path: b"p".to_vec() });
    assert_eq!(plan(b"nothing"), PlanError::Nowhere { path: b"nothing".to_vec() });
    let copy = |from: &[u8], to: &[u8]| plan_copy(&past, from, &world.ns, to).unwrap_err();
    assert_eq!(copy(b"p/a", b"p"), PlanError::Exists { path: b"p".to_vec() });
    assert_eq!(copy(b"p/a", b"x/y"), PlanError::NoParent { path: b"x".to_vec() });
    assert_eq!(copy(b"nothing", b"y"), PlanError::NotThen { path: b"nothing".to_vec() });
    assert_eq!(copy(b"p/a", b".."), PlanError::BadName { path: b"..".to_vec() });
}

#[test]
fn content_comes_back_by_reference() {
    let mut world = World::new();
    let file = world.make("f");
    world.write(file, 0, 10);
    let past = world.ns.clone();
    world.write(file, 5, 20);
    let effects = plan_undo(&past, &world.ns, b"f").unwrap();
    assert!(effects.iter().all(|effect| !matches!(effect, EventKind::Written { .. })));
    undo(&mut world, &past, b"f").unwrap();
    assert_eq!(Seen::of(&past, file), Seen::of(&world.ns, file));
}
