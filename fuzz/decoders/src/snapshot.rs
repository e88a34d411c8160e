use std::sync::Arc;

use firn_journal::{JournalReader, SegmentNo, Seq, VolumeId};
use firn_materializer::snapshot::{self, SnapshotId};
use firn_store::{Key, SnapshotObject, StoreHealth};
use object_store::ObjectStore;
use serde_json::json;

use crate::memory;

/// What the golden files are of.
const VOLUME: VolumeId = VolumeId(*b"a volume's id 16");
const ID: SnapshotId = SnapshotId { seq: Seq(14), segment: SegmentNo(4) };

macro_rules! golden {
    ($file:literal) => {
        include_bytes!(concat!(
            "../../../testdata/snapshot/v1/snapshots/00000000000000000014-00000000000000000004/",
            $file
        ))
    };
}

/// The tables, under the names that they have in a table of contents.
pub const TABLES: [(&str, SnapshotObject, &[u8]); 6] = [
    ("inodes", SnapshotObject::Inodes, golden!("inodes.parquet")),
    ("dirents", SnapshotObject::Dirents, golden!("dirents.parquet")),
    ("extents", SnapshotObject::Extents, golden!("extents.parquet")),
    ("xattrs", SnapshotObject::Xattrs, golden!("xattrs.parquet")),
    ("packs", SnapshotObject::Packs, golden!("packs.parquet")),
    ("checkpoints", SnapshotObject::Checkpoints, golden!("checkpoints.parquet")),
];

/// The first line of a table of contents; the golden tables belong to it.
pub fn snapshot_toc(bytes: &[u8]) -> bool {
    // Under the key that it names, so that it is not just misplaced.
    let named: serde_json::Value = serde_json::from_slice(bytes).unwrap_or_default();
    let seq = named["seq"].as_u64().map_or(ID.seq, Seq);
    let segment = named["journal"]["segment"].as_u64().map_or(ID.segment, SegmentNo);
    memory::run(async {
        let folder = Folder::golden(SnapshotId { seq, segment }).await;
        folder.reads(with_checksum(bytes)).await
    })
}

/// One of the tables among golden ones: its place in [`TABLES`] (a byte), how many rows the table of contents
/// tells of (two bytes, little-endian), and its file.
pub fn snapshot_table(bytes: &[u8]) -> bool {
    let [table, a, b, file @ ..] = bytes else { return false };
    let (name, object, _) = TABLES[usize::from(*table) % TABLES.len()];
    let hash = blake3::hash(file).to_string();
    let mut toc = golden_toc();
    toc["tables"][name] = json!({ "rows": u16::from_le_bytes([*a, *b]), "len": file.len(), "hash": hash });
    memory::run(async {
        let folder = Folder::golden(ID).await;
        folder.put(object, file).await;
        folder.reads(with_checksum(toc.to_string().as_bytes())).await
    })
}

/// The first line of the golden table of contents.
pub fn golden_toc() -> serde_json::Value {
    let line = golden!("snapshot.toc").split(|byte| *byte == b'\n').next().unwrap_or_default();
    serde_json::from_slice(line).expect("golden files do not change")
}

fn with_checksum(line: &[u8]) -> Vec<u8> {
    [line, format!("\n{}\n", blake3::hash(line)).as_bytes()].concat()
}

/// A snapshot file in a bucket.
struct Folder {
    store: Arc<dyn ObjectStore>,
    id: SnapshotId,
}

impl Folder {
    /// With the golden tables, and no table of contents.
    async fn golden(id: SnapshotId) -> Folder {
        let folder = Folder { store: memory::empty(), id };
        for (_, object, file) in TABLES {
            folder.put(object, file).await;
        }
        folder
    }

    async fn put(&self, object: SnapshotObject, bytes: &[u8]) {
        let key = Key::Snapshot { seq: self.id.seq.0, segment: self.id.segment.0, object };
        memory::objects(&self.store).put(key, bytes.to_vec().into()).await.expect("memory takes any object");
    }

    /// What is read is written, and reads the same again; and a journal can be asked for what comes after it.
    async fn reads(&self, toc: Vec<u8>) -> bool {
        self.put(SnapshotObject::Toc, &toc).await;
        let read = snapshot::read(&memory::objects(&self.store), VOLUME, self.id).await;
        let Ok(found) = read else { return false };
        let again = memory::objects(&memory::empty());
        let id = snapshot::write(&again, VOLUME, &found.ns, found.packs.clone(), found.tip).await;
        assert_eq!(id.expect("what was read can be written"), self.id);
        let read = snapshot::read(&again, VOLUME, self.id).await.expect("what was written can be read");
        assert!(read.ns == found.ns, "the namespace is another");
        assert_eq!((read.packs, read.tip), (found.packs, found.tip));
        let journal = JournalReader::new(self.store.clone(), VOLUME, StoreHealth::default());
        assert!(!matches!(journal.replay(found.tip).next().await, Ok(Some(_))), "there is no journal");
        true
    }
}
