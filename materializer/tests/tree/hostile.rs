use std::sync::Arc;

use firn_clock::Timestamp;
use firn_journal::{
    Attributes, BlockRef, Epoch, Event, EventKind, Extent, Ino, Name, PackId, PlacedExtent, Replaced, Seq,
    TransactionKind,
};
use firn_materializer::namespace::Namespace;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use crate::subject;

/// The event at its place in the order, so that it gets past that check.
pub fn in_order(ns: &Namespace, kind: EventKind) -> Event {
    let ahead = if ns.transaction_left() > 0 { 0 } else { 1 };
    subject::event(ns.seq().0 + 1, ns.time().0 + ahead, kind)
}

/// Few of them, so that they meet; and the ends of the range.
fn ino() -> impl Strategy<Value = Ino> {
    prop_oneof![12 => 1..9u64, 1 => Just(0), 1 => Just(u64::MAX), 1 => Just(u64::MAX - 1)].prop_map(Ino)
}

fn name() -> impl Strategy<Value = Name> {
    let odd = prop_oneof![Just(vec![]), Just(b"..".to_vec()), Just(b"a/b".to_vec()), Just(vec![b'n'; 300])];
    prop_oneof![12 => "[abc]".prop_map(String::into_bytes), 1 => odd].prop_map(|bytes| Name::new(&bytes))
}

fn mode() -> impl Strategy<Value = u32> {
    let file_type = prop_oneof![3 => Just(0o040_000), 3 => Just(0o100_000), 1 => Just(0o120_000)];
    prop_oneof![12 => file_type.prop_map(|bits| bits | 0o644), 1 => any::<u32>()]
}

fn number() -> impl Strategy<Value = u64> {
    prop_oneof![8 => 0..60u64, 1 => Just(u64::MAX), 1 => Just(i64::MAX as u64), 1 => Just(i64::MAX as u64 - 20)]
}

/// A range and extents that mostly lie in it, one after the other.
fn content_of_range() -> impl Strategy<Value = (u64, u64, Vec<PlacedExtent>)> {
    let short = || prop_oneof![12 => 0..20u32, 1 => Just(u32::MAX), 1 => Just(u32::MAX - 5)];
    let gap = prop_oneof![12 => 0..9u64, 1 => number()];
    (number(), number(), vec((gap, short(), short(), 0..3u32), 0..3)).prop_map(|(offset, len, pieces)| {
        let mut at = offset;
        let placed = pieces.into_iter().map(|(gap, len, skip, slot)| {
            let block = BlockRef { pack: PackId { epoch: Epoch(1), number: 0 }, slot };
            let placed = PlacedExtent { offset: at.wrapping_add(gap), extent: Extent { len, skip, block } };
            at = placed.offset.wrapping_add(u64::from(len));
            placed
        });
        let extents = placed.collect();
        (offset, len, extents)
    })
}

fn target() -> impl Strategy<Value = Option<Arc<[u8]>>> {
    option::weighted(0.2, Just(Arc::from(&b"where"[..])))
}

prop_compose! {
    fn attributes()(mode in mode(), nlink in 0..4u32, size in prop_oneof![number(), Just(5)]) -> Attributes {
        let zero = Timestamp(0);
        Attributes { mode, uid: 0, gid: 0, nlink, rdev: 0, size, atime: zero, mtime: zero, ctime: zero, btime: zero }
    }
}

fn value() -> impl Strategy<Value = Arc<[u8]>> {
    prop_oneof![8 => Just(4), 1 => Just(70_000)].prop_map(|len| vec![7; len].into())
}

pub fn event() -> impl Strategy<Value = EventKind> {
    prop_oneof![4 => commanded(), 2 => content(), 5 => resets(), 1 => other()]
}

fn commanded() -> impl Strategy<Value = EventKind> {
    let replaced = option::of((ino(), any::<bool>()).prop_map(|(ino, evict)| Replaced { ino, evict }));
    prop_oneof![
        3 => (ino(), ino(), name(), mode(), target()).prop_map(|(ino, parent, name, mode, target)| {
            EventKind::Created { ino, parent, name, mode, uid: 0, gid: 0, rdev: 0, target }
        }),
        1 => (ino(), ino(), name()).prop_map(|(ino, parent, name)| EventKind::Linked { ino, parent, name }),
        1 => (ino(), ino(), name(), any::<bool>())
            .prop_map(|(ino, parent, name, evict)| EventKind::Unlinked { ino, parent, name, evict }),
        1 => (ino(), ino(), name(), ino(), name(), replaced).prop_map(
            |(ino, parent, name, new_parent, new_name, replaced)| {
                EventKind::Renamed { ino, parent, name, new_parent, new_name, replaced }
            },
        ),
        1 => (ino(), ino(), name(), ino(), ino(), name()).prop_map(
            |(ino, parent, name, other, other_parent, other_name)| {
                EventKind::Exchanged { ino, parent, name, other, other_parent, other_name }
            },
        ),
        1 => ino().prop_map(|ino| EventKind::Evicted { ino }),
    ]
}

fn content() -> impl Strategy<Value = EventKind> {
    prop_oneof![
        (ino(), content_of_range()).prop_map(|(ino, (offset, len, extents))| EventKind::Written {
            ino,
            offset,
            len,
            extents
        }),
        (ino(), number()).prop_map(|(ino, size)| EventKind::Truncated { ino, size }),
        (ino(), option::of(mode())).prop_map(|(ino, mode)| {
            EventKind::AttributesSet { ino, mode, uid: None, gid: None, atime: None, mtime: None }
        }),
        (ino(), name(), value()).prop_map(|(ino, name, value)| EventKind::XattrSet { ino, name, value }),
        (ino(), name()).prop_map(|(ino, name)| EventKind::XattrRemoved { ino, name }),
    ]
}

fn resets() -> impl Strategy<Value = EventKind> {
    prop_oneof![
        3 => (ino(), attributes(), target())
            .prop_map(|(ino, attributes, target)| EventKind::InodePut { ino, attributes, target }),
        1 => ino().prop_map(|ino| EventKind::InodeDropped { ino }),
        6 => (ino(), name(), ino(), option::weighted(0.2, ino()))
            .prop_map(|(parent, name, ino, replaced)| EventKind::DirentPut { parent, name, ino, replaced }),
        1 => (ino(), name(), ino()).prop_map(|(parent, name, ino)| EventKind::DirentDropped { parent, name, ino }),
        2 => (ino(), content_of_range())
            .prop_map(|(ino, (offset, len, extents))| EventKind::ExtentsPut { ino, offset, len, extents }),
        1 => (ino(), name(), value()).prop_map(|(ino, name, value)| EventKind::XattrPut { ino, name, value }),
        1 => (ino(), name()).prop_map(|(ino, name)| EventKind::XattrDropped { ino, name }),
    ]
}

fn other() -> impl Strategy<Value = EventKind> {
    let kind = Just(TransactionKind::Restore);
    prop_oneof![
        (kind, 0..4u32).prop_map(|(kind, count)| {
            EventKind::TransactionBegan { kind, target: Seq(1), count, path: None }
        }),
        Just(EventKind::Mounted { epoch: Epoch(1), host: String::new(), pid: 1, version: String::new() }),
    ]
}
