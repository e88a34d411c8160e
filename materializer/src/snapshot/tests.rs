use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use firn_clock::{Entropy, SeededEntropy, Timestamp};
use firn_journal::{
    Epoch, Event, EventKind, Hash, Ino, JournalTip, Name, PackSeal, SegmentNo, Seq, VolumeId,
};
use firn_store::{Key, Patience, Retrying, SnapshotObject, StoreHealth};
use object_store::memory::InMemory;
use proptest::prelude::*;

use super::*;

mod arbitrary;
mod golden;
mod hostile;

const VOLUME: VolumeId = VolumeId(*b"a volume's id 16");

fn memory() -> Retrying {
    Retrying::new(Arc::new(InMemory::new()), StoreHealth::default(), Patience::UpTo(Duration::from_secs(1)))
}

/// The end of a journal whose last event is that of `ns`.
fn tip(ns: &Namespace) -> JournalTip {
    JournalTip {
        segment: SegmentNo(9),
        hash: Hash([7; 32]),
        seq: ns.seq(),
        time: Timestamp(3),
        epoch: Epoch(4),
    }
}

fn run<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime").block_on(future)
}

async fn written(ns: &Namespace, packs: &[PackSeal]) -> (Retrying, SnapshotId) {
    let store = memory();
    let id = write(&store, VOLUME, ns, packs.to_vec(), tip(ns)).await.expect("it is written");
    (store, id)
}

fn key(id: SnapshotId, object: SnapshotObject) -> Key {
    Key::Snapshot { seq: id.seq.0, segment: id.segment.0, object }
}

async fn bytes_of(store: &Retrying, id: SnapshotId, object: SnapshotObject) -> Bytes {
    store.get(key(id, object)).await.expect("it is read").expect("it is there")
}

async fn replace(store: &Retrying, id: SnapshotId, object: SnapshotObject, bytes: Vec<u8>) {
    store.put(key(id, object), bytes.into()).await.expect("it is stored");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_namespace_is_rebuilt_exactly(ns in arbitrary::namespace(), packs in arbitrary::packs()) {
        run(async {
            let (store, id) = written(&ns, &packs).await;
            prop_assert_eq!(id, SnapshotId { seq: ns.seq(), segment: SegmentNo(9) });
            let found = read(&store, VOLUME, id).await.expect("it is read");
            prop_assert_eq!(found.packs, packs);
            prop_assert_eq!(found.tip, tip(&ns));
            prop_assert_eq!(found.ns.totals(), ns.totals());
            let inodes = ns.inodes().zip(found.ns.inodes());
            for ((ino, inode), found) in inodes {
                prop_assert_eq!((ino, inode), found);
            }
            prop_assert!(found.ns == ns);
            Ok(())
        })?;
    }

    #[test]
    fn the_same_namespace_gives_the_same_objects(ns in arbitrary::namespace(), packs in arbitrary::packs()) {
        run(async {
            let (first, id) = written(&ns, &packs).await;
            let again = read(&first, VOLUME, id).await.expect("it is read");
            let (second, _) = written(&again.ns, &again.packs).await;
            for object in SnapshotObject::ALL {
                prop_assert_eq!(bytes_of(&first, id, object).await, bytes_of(&second, id, object).await);
            }
            Ok(())
        })?;
    }
}

#[test]
fn only_whole_files_are_listed_newest_first() {
    run(async {
        let (store, id) = written(&Namespace::default(), &[]).await;
        let toc = bytes_of(&store, id, SnapshotObject::Toc).await;
        let with = |seq, segment| SnapshotId { seq: Seq(seq), segment: SegmentNo(segment) };
        for id in [with(20, 3), with(100, 4), with(20, 4)] {
            replace(&store, id, SnapshotObject::Toc, toc.to_vec()).await;
        }
        replace(&store, with(200, 9), SnapshotObject::Inodes, Vec::new()).await;
        let ids = list(&store).await.expect("they are listed");
        assert_eq!(ids, [with(100, 4), with(20, 4), with(20, 3), id]);
        assert!(list(&memory()).await.expect("there is none").is_empty());
    });
}

#[test]
fn a_table_of_several_parts_is_read_whole() {
    run(async {
        let mut ns = Namespace::default();
        let entropy = SeededEntropy::new(1);
        for seq in 1..200 {
            let value: Vec<u8> = (0..4096).flat_map(|_| entropy.bits().to_le_bytes()).collect();
            let name = Name::from(format!("user.{seq}").as_str());
            let kind = EventKind::XattrSet { ino: Ino::ROOT, name, value: value.into() };
            let time = Timestamp(seq as i64);
            ns.apply(&Event { seq: Seq(seq), time, actor: Arc::default(), kind }).expect("it fits");
        }
        let (store, id) = written(&ns, &[]).await;
        assert!(bytes_of(&store, id, SnapshotObject::Xattrs).await.len() > 10_000_000);
        assert!(read(&store, VOLUME, id).await.expect("it is read").ns == ns);
    });
}
