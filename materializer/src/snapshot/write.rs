use bytes::Bytes;
use firn_journal::{JournalTip, PackSeal, VolumeId};
use firn_store::{Retrying, SnapshotObject};
use tokio::task::yield_now;

use super::objects::Folder;
use super::v1::{
    CheckpointRow, Checkpoints, DirentRow, Dirents, ExtentRow, Extents, InodeRow, Inodes, Packs, Table,
    TableEntry, TableWriter, Tables, Toc, XattrRow, Xattrs,
};
use super::{SnapshotError, SnapshotId};
use crate::namespace::Namespace;

/// Saves the namespace `ns`, which is that at the end of the durable segment `tip`, with the packs committed up to
/// there. Memory: the compressed bytes of one table at a time.
///
/// # Errors
/// [`SnapshotError::Store`] if the store refuses; without a table of contents, what was written so far counts
/// for nothing, and the next attempt overwrites it.
///
/// # Panics
/// If `ns` is in the middle of a transaction or is not the namespace at `tip`.
pub async fn write(
    store: &Retrying,
    volume: VolumeId,
    ns: &Namespace,
    mut packs: Vec<PackSeal>,
    tip: JournalTip,
) -> Result<SnapshotId, SnapshotError> {
    assert_eq!(ns.seq(), tip.seq, "a snapshot file is of the end of a segment");
    assert_eq!(ns.transaction_left(), 0, "a transaction lies within one segment");
    packs.sort_unstable_by_key(|seal| seal.pack);
    let id = SnapshotId { seq: tip.seq, segment: tip.segment };
    let folder = Folder::new(store, id);
    let tables = Tables {
        inodes: write_table::<Inodes>(&folder, inodes(ns)).await?,
        dirents: write_table::<Dirents>(&folder, dirents(ns)).await?,
        extents: write_table::<Extents>(&folder, extents(ns)).await?,
        xattrs: write_table::<Xattrs>(&folder, xattrs(ns)).await?,
        packs: write_table::<Packs>(&folder, packs.into_iter()).await?,
        checkpoints: write_table::<Checkpoints>(&folder, checkpoints(ns)).await?,
    };
    let toc = Toc { volume, time: ns.time(), next_ino: ns.next_ino(), tip, tables };
    folder.put(SnapshotObject::Toc, toc.encode().into()).await?;
    Ok(id)
}

fn inodes(ns: &Namespace) -> impl Iterator<Item = InodeRow> + Send {
    ns.inodes().map(|(ino, inode)| InodeRow {
        ino,
        attributes: inode.attributes.clone(),
        target: inode.target.clone(),
    })
}

fn dirents(ns: &Namespace) -> impl Iterator<Item = DirentRow> + Send {
    ns.dirents().map(|(parent, name, dirent)| DirentRow { parent, name: name.clone(), ino: dirent.ino })
}

fn extents(ns: &Namespace) -> impl Iterator<Item = ExtentRow> + Send {
    ns.all_extents().map(|(ino, placed)| ExtentRow { ino, placed })
}

fn xattrs(ns: &Namespace) -> impl Iterator<Item = XattrRow> + Send {
    ns.all_xattrs().map(|(ino, name, value)| XattrRow { ino, name: name.clone(), value: value.clone() })
}

fn checkpoints(ns: &Namespace) -> impl Iterator<Item = CheckpointRow> + Send {
    ns.checkpoints()
        .map(|(name, checkpoint)| CheckpointRow { name: name.into(), checkpoint: checkpoint.clone() })
}

async fn write_table<T: Table>(
    folder: &Folder<'_>,
    mut rows: impl Iterator<Item = T::Row> + Send,
) -> Result<TableEntry, SnapshotError> {
    let encode = |source| SnapshotError::Encode { object: folder.key(T::OBJECT).to_string(), source };
    let mut writer = TableWriter::<T>::new().map_err(encode)?;
    let mut count = 0;
    loop {
        let batch: Vec<T::Row> = rows.by_ref().take(T::BATCH_ROWS).collect();
        if batch.is_empty() {
            break;
        }
        count += batch.len() as u64;
        writer.write(&batch).map_err(encode)?;
        yield_now().await;
    }
    let bytes = Bytes::from(writer.finish().map_err(encode)?);
    let hash = super::objects::checksum(&bytes).await;
    let entry = TableEntry { rows: count, len: bytes.len() as u64, hash };
    folder.put(T::OBJECT, bytes).await?;
    Ok(entry)
}
