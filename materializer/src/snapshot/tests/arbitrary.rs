//! Namespaces that events can make, also strange ones: link counts that do not add up, times of any century,
//! orphans, names that are no text.

use std::sync::Arc;

use firn_clock::Timestamp;
use firn_journal::{
    Attributes, BlockRef, Epoch, Event, EventKind, Extent, Hash, Ino, Name, PackHome, PackId, PackSeal,
    PlacedExtent, SegmentNo,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use crate::namespace::Namespace;

/// What came of events of these kinds, each if it fits. Inodes that are made get the next number.
pub fn namespace() -> impl Strategy<Value = Namespace> {
    vec((kind(), 1..1_000_000_000_000_i64), 0..120).prop_map(|steps| {
        let mut ns = Namespace::default();
        for (mut kind, pause) in steps {
            if let EventKind::Created { ino, .. } = &mut kind {
                *ino = Ino(ns.next_ino().0 + ino.0 % 2);
            }
            let time = Timestamp(ns.time().0 + pause);
            let event = Event { seq: ns.seq().next(), time, actor: Arc::default(), kind };
            let mut next = ns.clone();
            if next.apply(&event).is_ok() {
                ns = next;
            }
        }
        ns
    })
}

/// Packs with ascending ids.
pub fn packs() -> impl Strategy<Value = Vec<PackSeal>> {
    let seal = (any::<u64>(), any::<[u64; 3]>(), any::<u32>(), option::of(any::<u64>()), any::<[u8; 32]>());
    let seal = seal.prop_map(|(pack, [segment, len, _], table_len, rider, hash)| PackSeal {
        pack: PackId::from_u64(pack),
        segment: SegmentNo(segment),
        home: rider.map_or(PackHome::Object, |offset| PackHome::Rider { offset }),
        len,
        table_len,
        table_hash: Hash(hash),
    });
    vec(seal, 0..20).prop_map(|mut seals| {
        seals.sort_by_key(|seal| seal.pack);
        seals.dedup_by_key(|seal| seal.pack);
        seals
    })
}

fn ino() -> impl Strategy<Value = Ino> {
    (1..16_u64).prop_map(Ino)
}

fn name() -> impl Strategy<Value = Name> {
    prop_oneof![
        4 => "[a-f]".prop_map(|text| Name::from(text.as_str())),
        1 => vec(1..=255_u8, 1..=255).prop_map(|bytes| Name::new(&bytes)),
    ]
}

fn mode() -> impl Strategy<Value = u32> {
    let bits =
        prop_oneof![4 => Just(0o040_000), 4 => Just(0o100_000), 1 => Just(0o020_000), 1 => Just(0o140_000)];
    (bits, 0..0o10000_u32).prop_map(|(kind, permissions)| kind | permissions)
}

fn bytes(longest: usize) -> impl Strategy<Value = Arc<[u8]>> {
    vec(any::<u8>(), 0..longest).prop_map(Into::into)
}

/// A length, and extents within that many bytes from `offset` on.
fn content() -> impl Strategy<Value = (u64, u64, Vec<PlacedExtent>)> {
    let piece = (0..3_u64, 1..5000_u32, 0..1000_u32, any::<u64>(), any::<u32>());
    (prop_oneof![0..20_000_u64, Just(1 << 62)], vec(piece, 0..4), 1..3_u64).prop_map(
        |(offset, pieces, tail)| {
            let mut at = offset;
            let mut extents = Vec::new();
            for (gap, len, skip, pack, slot) in pieces {
                let block = BlockRef { pack: PackId::from_u64(pack), slot };
                at += gap;
                extents.push(PlacedExtent { offset: at, extent: Extent { len, skip, block } });
                at += u64::from(len);
            }
            (offset, at + tail - offset, extents)
        },
    )
}

fn attributes() -> impl Strategy<Value = Attributes> {
    (mode(), any::<[u32; 4]>(), 0..=i64::MAX as u64, any::<[i64; 4]>()).prop_map(
        |(mode, small, size, times)| {
            let [uid, gid, nlink, rdev] = small;
            let [atime, mtime, ctime, btime] = times.map(Timestamp);
            Attributes { mode, uid, gid, nlink, rdev, size, atime, mtime, ctime, btime }
        },
    )
}

fn kind() -> impl Strategy<Value = EventKind> {
    prop_oneof![
        6 => (ino(), ino(), name(), mode(), any::<[u32; 3]>()).prop_map(|(ino, parent, name, mode, [uid, gid, _])| {
            EventKind::Created { ino, parent, name, mode, uid, gid, rdev: 0, target: None }
        }),
        1 => (ino(), ino(), name(), bytes(300)).prop_map(|(ino, parent, name, target)| {
            let mode = 0o120_777;
            EventKind::Created { ino, parent, name, mode, uid: 0, gid: 0, rdev: 0, target: Some(target) }
        }),
        2 => (ino(), ino(), name()).prop_map(|(ino, parent, name)| EventKind::Linked { ino, parent, name }),
        1 => (ino(), ino(), name(), any::<bool>())
            .prop_map(|(ino, parent, name, evict)| EventKind::Unlinked { ino, parent, name, evict }),
        1 => (ino(), ino(), name(), ino(), name()).prop_map(|(ino, parent, name, new_parent, new_name)| {
            EventKind::Renamed { ino, parent, name, new_parent, new_name, replaced: None }
        }),
        4 => (ino(), content())
            .prop_map(|(ino, (offset, len, extents))| EventKind::Written { ino, offset, len, extents }),
        1 => (ino(), 0..30_000_u64).prop_map(|(ino, size)| EventKind::Truncated { ino, size }),
        1 => (ino(), name(), bytes(2000)).prop_map(|(ino, name, value)| EventKind::XattrSet { ino, name, value }),
        1 => ("[a-z]{1,3}", ".{0,10}")
            .prop_map(|(name, message)| EventKind::Checkpointed { name, message }),
        1 => Just(EventKind::Mounted { epoch: Epoch(1), host: "h".into(), pid: 1, version: "0".into() }),
        3 => (ino(), attributes())
            .prop_map(|(ino, attributes)| EventKind::InodePut { ino, attributes, target: None }),
        2 => (ino(), name(), ino())
            .prop_map(|(parent, name, ino)| EventKind::DirentPut { parent, name, ino, replaced: None }),
        1 => (ino(), ino(), name())
            .prop_map(|(ino, parent, name)| EventKind::DirentDropped { parent, name, ino }),
    ]
}
