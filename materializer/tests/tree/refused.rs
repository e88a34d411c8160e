//! Events and saved rows that were never written by this code, one by one.

use firn_clock::Timestamp;
use firn_journal::{BlockRef, Epoch, EventKind, Extent, Ino, Name, PackId, PlacedExtent, Seq};
use firn_materializer::namespace::{Checkpoint, EvolveError, Loader, MAX_FILE_SIZE, Namespace};

use crate::subject::{began, event};

fn extent(offset: u64, len: u32, skip: u32) -> PlacedExtent {
    let block = BlockRef { pack: PackId { epoch: Epoch(1), number: 0 }, slot: 0 };
    PlacedExtent { offset, extent: Extent { len, skip, block } }
}

/// A file (2) in the root.
fn with_file() -> Namespace {
    let mut namespace = Namespace::default();
    let (ino, parent, name) = (Ino(2), Ino::ROOT, Name::from("file"));
    let created =
        EventKind::Created { ino, parent, name, mode: 0o100_644, uid: 0, gid: 0, rdev: 0, target: None };
    namespace.apply(&event(1, 1, created)).unwrap();
    namespace
}

#[test]
fn events_out_of_order() {
    let mut namespace = Namespace::default();
    let named =
        |seq, time| event(seq, time, EventKind::Checkpointed { name: "n".into(), message: String::new() });
    namespace.apply(&named(1, -5)).unwrap();
    for (seq, time) in [(1, 7), (3, 7), (0, 7), (u64::MAX, 7), (2, -5), (2, -6)] {
        assert!(namespace.clone().apply(&named(seq, time)).is_err(), "event {seq} at {time}");
    }
    namespace.apply(&named(2, -4)).unwrap();
    let expected = Checkpoint { seq: Seq(2), time: Timestamp(-4), message: String::new() };
    assert_eq!(namespace.checkpoint("n"), Some(&expected));
}

#[test]
fn a_transaction_of_two_times_or_within_another() {
    let mut namespace = Namespace::default();
    let put = |seq, time| {
        let (name, value) = ("user.a".into(), b"1"[..].into());
        event(seq, time, EventKind::XattrPut { ino: Ino::ROOT, name, value })
    };
    namespace.apply(&event(1, 5, began(2))).unwrap();
    assert_eq!(namespace.transaction_left(), 2);
    assert!(namespace.clone().apply(&put(2, 6)).is_err());
    let nested = namespace.clone().apply(&event(2, 5, began(2)));
    assert_eq!(nested, Err(EvolveError::NestedTransaction { left: 2 }));
    namespace.apply(&put(2, 5)).unwrap();
    namespace.apply(&put(3, 5)).unwrap();
    assert_eq!(namespace.transaction_left(), 0);
    assert!(namespace.clone().apply(&put(4, 5)).is_err());
    namespace.apply(&event(4, 6, began(2))).unwrap();
}

#[test]
fn extents_that_cannot_be() {
    let namespace = with_file();
    for (offset, len, extents) in [
        (0, 0, vec![]),
        (MAX_FILE_SIZE, 1, vec![]),
        (u64::MAX, 2, vec![]),
        (10, 10, vec![extent(9, 2, 0)]),
        (10, 10, vec![extent(15, 6, 0)]),
        (10, 10, vec![extent(u64::MAX, 2, 0)]),
        (10, 10, vec![extent(12, 0, 0)]),
        (10, 10, vec![extent(12, 2, u32::MAX - 1)]),
        (10, 10, vec![extent(14, 2, 0), extent(12, 2, 0)]),
        (10, 10, vec![extent(12, 3, 0), extent(14, 2, 0)]),
    ] {
        let written = EventKind::Written { ino: Ino(2), offset, len, extents: extents.clone() };
        let put = EventKind::ExtentsPut { ino: Ino(2), offset, len, extents };
        for kind in [written, put] {
            let applied = namespace.clone().apply(&event(2, 2, kind.clone()));
            assert!(
                matches!(applied, Err(EvolveError::BadRange { .. } | EvolveError::BadExtent { .. })),
                "{kind:?}: {applied:?}"
            );
        }
    }
}

#[test]
fn rows_that_do_not_fit() {
    let namespace = with_file();
    let attributes = |ino| namespace.inode(ino).unwrap().attributes.clone();
    let finish = |loader: Loader, next| loader.finish(Seq(1), Timestamp(1), Ino(next));
    assert_eq!(finish(Loader::default(), 2).err(), Some(EvolveError::NoInode(Ino::ROOT)));
    let mut loader = Loader::default();
    loader.inode(Ino::ROOT, attributes(Ino::ROOT), None).unwrap();
    loader.inode(Ino(2), attributes(Ino(2)), None).unwrap();
    assert!(loader.inode(Ino(2), attributes(Ino(2)), None).is_err());
    loader.extent(Ino(2), extent(10, 10, 0)).unwrap();
    for overlapping in [extent(5, 6, 0), extent(12, 2, 0), extent(19, 4, 0)] {
        let offset = overlapping.offset;
        let refused = loader.extent(Ino(2), overlapping);
        assert_eq!(refused, Err(EvolveError::BadExtent { ino: Ino(2), offset }));
    }
    loader.dirent(Ino::ROOT, &"file".into(), Ino(2)).unwrap();
    assert!(loader.dirent(Ino::ROOT, &"file".into(), Ino(2)).is_err());
    assert!(loader.dirent(Ino::ROOT, &"other".into(), Ino(3)).is_err());
    assert!(loader.xattr(Ino(3), &"user.a".into(), b"1"[..].into()).is_err());
    let stale = EvolveError::StaleIno { ino: Ino(2), next: Ino(3) };
    assert_eq!(finish(loader, 2).err(), Some(stale));
}
