//! Any event, for properties.

use std::sync::Arc;

use firn_clock::Timestamp;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use crate::{
    Actor, Attributes, BlockRef, Epoch, Event, EventKind, Extent, Hash, Ino, JournalTip, Name, PackHome,
    PackId, PackSeal, PlacedExtent, Replaced, SegmentNo, Seq, TransactionKind,
};

/// Small values mostly, but also those at the ends.
fn number() -> impl Strategy<Value = u64> {
    prop_oneof![4 => 0..300u64, 2 => any::<u64>(), 1 => Just(u64::MAX), 1 => Just(1 << 63)]
}

fn small() -> impl Strategy<Value = u32> {
    prop_oneof![4 => 0..300u32, 1 => any::<u32>(), 1 => Just(u32::MAX)]
}

fn ino() -> impl Strategy<Value = Ino> {
    number().prop_map(Ino)
}

pub fn time() -> impl Strategy<Value = Timestamp> {
    prop_oneof![any::<i64>(), Just(i64::MIN), Just(i64::MAX), Just(0)].prop_map(Timestamp)
}

fn entry() -> impl Strategy<Value = Name> {
    let valid = |bytes: &Vec<u8>| Name::is_valid_entry(bytes);
    vec(prop_oneof![Just(b'a'), 1..=255u8], 1..=255)
        .prop_filter("an entry's name", valid)
        .prop_map(|b| Name::new(&b))
}

fn xattr() -> impl Strategy<Value = Name> {
    vec(1..=255u8, 1..=255).prop_map(|bytes| Name::new(&bytes))
}

fn bytes() -> impl Strategy<Value = Arc<[u8]>> {
    vec(any::<u8>(), 0..300).prop_map(Arc::from)
}

fn pack() -> impl Strategy<Value = PackId> {
    (small(), small()).prop_map(|(epoch, number)| PackId { epoch: Epoch(epoch), number })
}

/// A range of a file, and extents in it with gaps before, between and after them.
fn extents() -> impl Strategy<Value = (u64, u64, Vec<PlacedExtent>)> {
    let extent = (1..=u32::MAX, small(), pack(), small()).prop_map(|(len, skip, pack, slot)| Extent {
        len,
        skip,
        block: BlockRef { pack, slot },
    });
    (0..u64::MAX / 2, vec((0..9u64, extent), 0..6), 0..9u64).prop_map(|(offset, gapped, after)| {
        let mut end = offset;
        let mut extents = Vec::new();
        for (gap, extent) in gapped {
            extents.push(PlacedExtent { offset: end + gap, extent });
            end += gap + u64::from(extent.len);
        }
        (offset, end + after - offset, extents)
    })
}

fn attributes() -> impl Strategy<Value = Attributes> {
    ((small(), small(), small(), small(), small(), number()), (time(), time(), time(), time())).prop_map(
        |((mode, uid, gid, nlink, rdev, size), (atime, mtime, ctime, btime))| Attributes {
            mode,
            uid,
            gid,
            nlink,
            rdev,
            size,
            atime,
            mtime,
            ctime,
            btime,
        },
    )
}

fn replaced() -> impl Strategy<Value = Option<Replaced>> {
    option::of((ino(), any::<bool>()).prop_map(|(ino, evict)| Replaced { ino, evict }))
}

/// Any event but the beginning of a transaction, which does not stand alone.
pub fn kind() -> impl Strategy<Value = EventKind> {
    use EventKind::*;
    prop_oneof![
        (small(), any::<String>(), small(), any::<String>())
            .prop_map(|(epoch, host, pid, version)| Mounted { epoch: Epoch(epoch), host, pid, version }),
        any::<(String, String)>().prop_map(|(name, message)| Checkpointed { name, message }),
        (ino(), ino(), entry(), (small(), small(), small(), small()), option::of(bytes())).prop_map(
            |(ino, parent, name, (mode, uid, gid, rdev), target)| {
                Created { ino, parent, name, mode, uid, gid, rdev, target }
            }
        ),
        (ino(), ino(), entry()).prop_map(|(ino, parent, name)| Linked { ino, parent, name }),
        (ino(), ino(), entry(), any::<bool>()).prop_map(|(ino, parent, name, evict)| Unlinked {
            ino,
            parent,
            name,
            evict
        }),
        (ino(), ino(), entry(), ino(), entry(), replaced()).prop_map(
            |(ino, parent, name, new_parent, new_name, replaced)| {
                Renamed { ino, parent, name, new_parent, new_name, replaced }
            }
        ),
        (ino(), ino(), entry(), ino(), ino(), entry()).prop_map(
            |(ino, parent, name, other, other_parent, other_name)| {
                Exchanged { ino, parent, name, other, other_parent, other_name }
            }
        ),
        ino().prop_map(|ino| Evicted { ino }),
        (
            ino(),
            option::of(small()),
            option::of(small()),
            option::of(small()),
            option::of(time()),
            option::of(time())
        )
            .prop_map(|(ino, mode, uid, gid, atime, mtime)| AttributesSet {
                ino,
                mode,
                uid,
                gid,
                atime,
                mtime
            }),
        (ino(), xattr(), bytes()).prop_map(|(ino, name, value)| XattrSet { ino, name, value }),
        (ino(), xattr()).prop_map(|(ino, name)| XattrRemoved { ino, name }),
        (ino(), extents()).prop_map(|(ino, (offset, len, extents))| Written { ino, offset, len, extents }),
        (ino(), number()).prop_map(|(ino, size)| Truncated { ino, size }),
        (ino(), attributes(), option::of(bytes())).prop_map(|(ino, attributes, target)| InodePut {
            ino,
            attributes,
            target
        }),
        ino().prop_map(|ino| InodeDropped { ino }),
        (ino(), entry(), ino(), option::of(ino())).prop_map(|(parent, name, ino, replaced)| DirentPut {
            parent,
            name,
            ino,
            replaced
        }),
        (ino(), entry(), ino()).prop_map(|(parent, name, ino)| DirentDropped { parent, name, ino }),
        (ino(), extents()).prop_map(|(ino, (offset, len, extents))| ExtentsPut { ino, offset, len, extents }),
        (ino(), xattr(), bytes()).prop_map(|(ino, name, value)| XattrPut { ino, name, value }),
        (ino(), xattr()).prop_map(|(ino, name)| XattrDropped { ino, name }),
    ]
}

pub fn transaction_kind() -> impl Strategy<Value = TransactionKind> {
    prop_oneof![Just(TransactionKind::Undo), Just(TransactionKind::Redo), Just(TransactionKind::Restore)]
}

fn actor() -> impl Strategy<Value = Actor> {
    // Few of them, so that some have several events.
    (0..3u32, small(), small(), vec(any::<u8>(), 0..16)).prop_map(|(uid, gid, pid, command)| Actor {
        uid,
        gid,
        pid,
        command,
    })
}

/// The end of some journal, with room for more.
pub fn tip() -> impl Strategy<Value = JournalTip> {
    (0..1u64 << 40, any::<[u8; 32]>(), 0..1u64 << 40, -1i64 << 60..1 << 60, small()).prop_map(
        |(segment, hash, seq, time, epoch)| JournalTip {
            segment: SegmentNo(segment),
            hash: Hash(hash),
            seq: Seq(seq),
            time: Timestamp(time),
            epoch: Epoch(epoch),
        },
    )
}

/// What can come after this tip: single events and transactions.
pub fn events_after(tip: JournalTip) -> impl Strategy<Value = Vec<Event>> {
    let alone = kind().prop_map(|kind| vec![kind]);
    let transaction = (transaction_kind(), number(), vec(kind(), 0..4), option::of(vec(any::<u8>(), 0..20)))
        .prop_map(|(kind, target, members, path)| {
            let count = members.len() as u32;
            let began = EventKind::TransactionBegan { kind, target: Seq(target), count, path };
            std::iter::once(began).chain(members).collect()
        });
    let moment = (1..1i64 << 50, actor().prop_map(Arc::new), prop_oneof![4 => alone, 1 => transaction]);
    vec(moment, 0..12).prop_map(move |moments| {
        let (mut seq, mut time) = (tip.seq, tip.time);
        let mut events = Vec::new();
        for (delta, actor, kinds) in moments {
            time.0 += delta;
            for kind in kinds {
                seq = seq.next();
                events.push(Event { seq, time, actor: actor.clone(), kind });
            }
        }
        events
    })
}

/// Seals, and the rider that one of them may be of.
pub fn packs() -> impl Strategy<Value = (Vec<PackSeal>, Vec<u8>)> {
    let seal =
        (pack(), number(), small(), any::<[u8; 32]>()).prop_map(|(pack, len, table_len, hash)| PackSeal {
            pack,
            segment: SegmentNo(0),
            home: PackHome::Object,
            len,
            table_len,
            table_hash: Hash(hash),
        });
    (vec(seal, 0..4), vec(any::<u8>(), 0..200)).prop_map(|(mut seals, mut rider)| {
        match seals.first_mut().filter(|_| !rider.is_empty()) {
            Some(seal) => {
                seal.home = PackHome::Rider { offset: 0 };
                seal.len = rider.len() as u64;
            }
            None => rider.clear(),
        }
        (seals, rider)
    })
}
