//! The limits and the odd cases; the model tests in `tests/tree` do the rest.

use std::sync::Arc;

use firn_clock::Timestamp;
use firn_journal::{Actor, Attributes, BlockRef, Epoch, Event, EventKind, Extent, Ino, PackId, PlacedExtent};

use super::*;
use crate::namespace::MAX_FILE_SIZE;

const DIR: u32 = 0o040_755;
const FILE: u32 = 0o100_644;
const LINK: u32 = 0o120_777;

/// A directory (2) with a file (3) in it, and whatever happens then.
struct Tree {
    ns: Namespace,
    open: Vec<Ino>,
}

impl Tree {
    fn new() -> Self {
        let mut tree = Tree { ns: Namespace::default(), open: Vec::new() };
        tree.does(create(Ino::ROOT, "dir", DIR, None));
        tree.does(create(Ino(2), "file", FILE, None));
        tree
    }

    fn decide(&self, command: &Command) -> Result<Decision, Errno> {
        let is_open = |ino| self.open.contains(&ino);
        let context = Context { now: Timestamp(0), actor: &Arc::new(Actor::default()), is_open: &is_open };
        decide(&self.ns, command, &context)
    }

    fn apply(&mut self, kind: EventKind) {
        let (seq, time) = (self.ns.seq().next(), self.ns.time().next());
        self.ns.apply(&Event { seq, time, actor: Arc::default(), kind }).unwrap();
    }

    fn does(&mut self, command: Command) -> Decision {
        let decision = self.decide(&command).unwrap();
        decision.events.iter().cloned().for_each(|kind| self.apply(kind));
        decision
    }

    fn refuses(&self, command: Command, expected: Errno) {
        assert_eq!(self.decide(&command), Err(expected), "{command:?}");
    }
}

fn create(parent: Ino, name: &str, mode: u32, target: Option<&str>) -> Command {
    let target = target.map(|target| target.as_bytes().into());
    Command::Create { parent, name: name.into(), mode, uid: 0, gid: 0, rdev: 0, target }
}

fn write(offset: u64, len: u64, extents: Vec<PlacedExtent>) -> Command {
    Command::Write { ino: Ino(3), offset, len, extents }
}

fn byte_at(offset: u64) -> PlacedExtent {
    let block = BlockRef { pack: PackId { epoch: Epoch(1), number: 0 }, slot: 0 };
    PlacedExtent { offset, extent: Extent { len: 1, skip: 0, block } }
}

fn xattr(name: &str, len: usize) -> Command {
    Command::SetXattr { ino: Ino(3), name: name.into(), value: vec![0; len].into(), mode: XattrMode::Set }
}

#[test]
fn names_are_checked() {
    let tree = Tree::new();
    let longest = "n".repeat(255);
    assert!(tree.decide(&create(Ino::ROOT, &longest, FILE, None)).is_ok());
    tree.refuses(create(Ino::ROOT, &(longest + "n"), FILE, None), Errno::NAMETOOLONG);
    for name in ["", ".", "..", "a/b", "a\0b"] {
        tree.refuses(create(Ino::ROOT, name, FILE, None), Errno::INVAL);
        tree.refuses(Command::Unlink { parent: Ino(2), name: name.into() }, Errno::INVAL);
    }
}

#[test]
fn a_parent_must_be_a_directory_that_is_there() {
    let mut tree = Tree::new();
    tree.refuses(create(Ino(3), "x", FILE, None), Errno::NOTDIR);
    tree.refuses(create(Ino(99), "x", FILE, None), Errno::NOENT);
    tree.does(create(Ino(2), "gone", DIR, None));
    tree.open.push(Ino(4));
    tree.does(Command::Rmdir { parent: Ino(2), name: "gone".into() });
    assert!(tree.ns.is_orphan(Ino(4)));
    tree.refuses(create(Ino(4), "x", FILE, None), Errno::NOENT);
    tree.refuses(Command::Link { ino: Ino(3), parent: Ino(4), name: "x".into() }, Errno::NOENT);
}

#[test]
fn a_file_without_a_name_can_be_given_one() {
    let mut tree = Tree::new();
    let unnamed = |parent| Command::CreateUnnamed { parent, mode: 0o640, uid: 5, gid: 6 };
    tree.refuses(unnamed(Ino(3)), Errno::NOTDIR);
    tree.does(unnamed(Ino(2)));
    let ino = Ino(4);
    let made = tree.ns.inode(ino).unwrap().attributes.clone();
    assert_eq!((made.mode, made.nlink, made.uid, made.gid), (0o100_640, 0, 5, 6));
    assert!(tree.ns.is_orphan(ino));
    tree.does(Command::Link { ino, parent: Ino(2), name: "named".into() });
    assert_eq!(tree.ns.inode(ino).unwrap().attributes.nlink, 1);
    assert!(!tree.ns.is_orphan(ino));
}

#[test]
fn a_symbolic_link_has_a_target_and_nothing_else_has() {
    let tree = Tree::new();
    tree.refuses(create(Ino(2), "x", LINK, None), Errno::INVAL);
    tree.refuses(create(Ino(2), "x", FILE, Some("t")), Errno::INVAL);
    tree.refuses(create(Ino(2), "x", LINK, Some("")), Errno::NOENT);
    tree.refuses(create(Ino(2), "x", LINK, Some(&"t".repeat(4096))), Errno::NAMETOOLONG);
    assert!(tree.decide(&create(Ino(2), "x", LINK, Some(&"t".repeat(4095)))).is_ok());
    tree.refuses(create(Ino(2), "x", 0o644, None), Errno::INVAL);
}

#[test]
fn a_file_has_a_limit_of_links() {
    let mut tree = Tree::new();
    let link = |name: &str| Command::Link { ino: Ino(3), parent: Ino::ROOT, name: name.into() };
    let attributes = |nlink| Attributes { nlink, ..Tree::new().ns.inode(Ino(3)).unwrap().attributes.clone() };
    tree.apply(EventKind::InodePut { ino: Ino(3), attributes: attributes(64_999), target: None });
    tree.does(link("last"));
    tree.refuses(link("one more"), Errno::MLINK);
}

#[test]
fn an_open_file_outlives_its_last_name() {
    let mut tree = Tree::new();
    tree.open.push(Ino(3));
    tree.does(Command::Unlink { parent: Ino(2), name: "file".into() });
    tree.does(write(0, 1, vec![byte_at(0)]));
    assert_eq!(tree.decide(&Command::Evict { ino: Ino(3) }), Ok(Decision::default()));
    tree.open.clear();
    tree.does(Command::Evict { ino: Ino(3) });
    assert!(tree.ns.inode(Ino(3)).is_none());
    assert_eq!(tree.ns.totals().allocated, 0);
    assert_eq!(tree.decide(&Command::Evict { ino: Ino(3) }), Ok(Decision::default()));
    tree.refuses(write(0, 1, Vec::new()), Errno::STALE);
}

#[test]
fn only_files_have_content() {
    let mut tree = Tree::new();
    tree.does(create(Ino(2), "link", LINK, Some("t")));
    for (ino, errno) in [(Ino(2), Errno::ISDIR), (Ino(4), Errno::INVAL), (Ino(9), Errno::STALE)] {
        tree.refuses(Command::Write { ino, offset: 0, len: 1, extents: Vec::new() }, errno);
        tree.refuses(Command::Truncate { ino, size: 0 }, errno);
        tree.refuses(Command::Punch { ino, offset: 0, len: 1 }, errno);
        let changes = AttributeChanges { size: Some(0), mode: Some(0), ..AttributeChanges::default() };
        tree.refuses(Command::SetAttributes { ino, changes }, errno);
        let (from, to) = (Ino(3), ino);
        tree.refuses(Command::CopyRange { from, from_offset: 0, to, to_offset: 0, len: 1 }, errno);
        tree.refuses(Command::CopyRange { from: to, from_offset: 0, to: from, to_offset: 0, len: 1 }, errno);
    }
}

#[test]
fn a_file_ends_before_two_to_the_63() {
    let mut tree = Tree::new();
    for (offset, len) in [(MAX_FILE_SIZE, 1), (1, MAX_FILE_SIZE), (u64::MAX, 1), (0, u64::MAX)] {
        let ino = Ino(3);
        tree.refuses(write(offset, len, Vec::new()), Errno::FBIG);
        tree.refuses(Command::Punch { ino, offset, len }, Errno::FBIG);
        tree.refuses(Command::Allocate { ino, offset, len }, Errno::FBIG);
    }
    tree.refuses(Command::Truncate { ino: Ino(3), size: MAX_FILE_SIZE + 1 }, Errno::FBIG);
    tree.does(write(MAX_FILE_SIZE - 1, 1, vec![byte_at(MAX_FILE_SIZE - 1)]));
    assert_eq!(tree.ns.inode(Ino(3)).unwrap().attributes.size, MAX_FILE_SIZE);
    assert_eq!(tree.ns.extents(Ino(3), 0..u64::MAX).count(), 1);
    tree.does(Command::Punch { ino: Ino(3), offset: 5, len: MAX_FILE_SIZE - 5 });
    assert_eq!(tree.ns.extents(Ino(3), 0..u64::MAX).count(), 0);
}

#[test]
fn what_changes_nothing_makes_no_event() {
    let mut tree = Tree::new();
    let (ino, parent, name) = (Ino(3), Ino(2), Name::from("file"));
    tree.does(Command::Truncate { ino, size: 10 });
    let rename = |mode| {
        let (new_parent, new_name) = (parent, name.clone());
        Command::Rename { parent, name: name.clone(), new_parent, new_name, mode }
    };
    for command in [
        Command::Allocate { ino, offset: 4, len: 6 },
        Command::Punch { ino, offset: 10, len: 5 },
        Command::Write { ino, offset: 99, len: 0, extents: Vec::new() },
        Command::SetAttributes { ino, changes: AttributeChanges::default() },
        rename(RenameMode::Replace),
        rename(RenameMode::Exchange),
    ] {
        assert_eq!(tree.decide(&command), Ok(Decision::default()), "{command:?}");
    }
    tree.refuses(rename(RenameMode::NoReplace), Errno::EXIST);
    assert_eq!(tree.does(Command::Truncate { ino, size: 10 }).events.len(), 1);
    assert_eq!(tree.ns.inode(ino).unwrap().attributes.mtime, tree.ns.time());
}

#[test]
fn a_copy_of_very_many_extents_is_cut_where_one_begins() {
    let mut tree = Tree::new();
    let all = MAX_COPY_EXTENTS as u64 + 10;
    let extents = (0..all).map(|at| byte_at(3 * at + 1)).collect();
    tree.does(write(0, 3 * all, extents));
    tree.does(create(Ino(2), "copy", FILE, None));
    let (from, to) = (Ino(3), Ino(4));
    let rest = |at: u64| Command::CopyRange {
        from,
        from_offset: at,
        to,
        to_offset: at + 7,
        len: u64::from(u32::MAX),
    };
    let copied = tree.does(rest(0)).copied;
    assert_eq!(copied, 3 * MAX_COPY_EXTENTS as u64 + 1);
    assert_eq!(copied + tree.does(rest(copied)).copied, 3 * all);
    assert_eq!(tree.does(rest(3 * all)).copied, 0);
    let shifted = tree.ns.extents(from, 0..u64::MAX).map(|placed| placed.offset + 7);
    assert!(shifted.eq(tree.ns.extents(to, 0..u64::MAX).map(|placed| placed.offset)));
}

#[test]
fn extended_attributes_have_limits() {
    let mut tree = Tree::new();
    tree.refuses(xattr("", 1), Errno::RANGE);
    tree.refuses(xattr(&"n".repeat(256), 1), Errno::RANGE);
    tree.refuses(xattr("user.a", 65_537), Errno::TOOBIG);
    tree.does(xattr(&"n".repeat(255), 65_536));
    tree.refuses(Command::RemoveXattr { ino: Ino(3), name: "user.a".into() }, Errno::NODATA);
}

#[test]
fn a_checkpoint_has_a_name_that_can_be_typed() {
    let tree = Tree::new();
    let checkpoint = |name: &str| Command::Checkpoint { name: name.to_owned(), message: String::new() };
    assert!(tree.decide(&checkpoint("before the merge")).is_ok());
    tree.refuses(checkpoint(""), Errno::INVAL);
    tree.refuses(checkpoint(&"n".repeat(256)), Errno::NAMETOOLONG);
    for name in ["a/b", "a\nb"] {
        tree.refuses(checkpoint(name), Errno::INVAL);
    }
}

#[test]
fn flags_of_the_kernel_are_understood_or_refused() {
    assert_eq!(
        [0, 1, 2].map(RenameMode::from_flags).map(Result::unwrap),
        [RenameMode::Replace, RenameMode::NoReplace, RenameMode::Exchange]
    );
    assert!([3, 4, 5, 8].into_iter().all(|flags| RenameMode::from_flags(flags) == Err(Errno::INVAL)));
    assert_eq!(
        [0, 1, 2].map(XattrMode::from_flags).map(Result::unwrap),
        [XattrMode::Set, XattrMode::Create, XattrMode::Replace]
    );
    assert!([3, 4, -1].into_iter().all(|flags| XattrMode::from_flags(flags) == Err(Errno::INVAL)));
}

#[test]
fn error_numbers_are_those_of_linux() {
    assert_eq!((Errno::MLINK.0, Errno::NOTEMPTY.0, Errno::NODATA.0, Errno::STALE.0), (31, 39, 61, 116));
    assert_eq!(Errno::NOENT.to_string(), "no such file or directory (ENOENT)");
    assert_eq!(format!("{:?} {:?}", Errno::TOOBIG, Errno(200)), "E2BIG Errno(200)");
}
