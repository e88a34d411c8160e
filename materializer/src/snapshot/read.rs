use firn_journal::{PackSeal, VolumeId};
use firn_store::{Retrying, SnapshotObject, StoreError};
use tokio::task::yield_now;

use super::objects::Folder;
use super::v1::{
    Checkpoints, Dirents, Extents, Inodes, Packs, Table, TableEntry, TableReader, Tables, Toc, Xattrs,
};
use super::{Damage, Snapshot, SnapshotError, SnapshotId};
use crate::namespace::{EvolveError, Loader};

/// Rebuilds what a snapshot file holds.
///
/// # Errors
/// [`SnapshotError::Damaged`] names the object that does not verify; [`SnapshotError::Store`] if one is missing or
/// out of reach.
pub async fn read(store: &Retrying, volume: VolumeId, id: SnapshotId) -> Result<Snapshot, SnapshotError> {
    let folder = Folder::new(store, id);
    let toc = read_toc(&folder, volume, id).await?;
    let mut loader = Loader::default();
    load_tree(&folder, &toc.tables, &mut loader).await?;
    while loader.settle(Inodes::BATCH_ROWS) {
        yield_now().await;
    }
    let packs = read_packs(&folder, &toc.tables.packs).await?;
    let ns = loader
        .finish(toc.tip.seq, toc.time, toc.next_ino)
        .map_err(|error| folder.damaged(Inodes::OBJECT, error.into()))?;
    Ok(Snapshot { ns, packs, tip: toc.tip })
}

/// The objects of a snapshot file that are not as they were written, each with what is wrong with it.
///
/// # Errors
/// The store does not answer.
pub async fn damaged_objects(
    store: &Retrying,
    volume: VolumeId,
    id: SnapshotId,
) -> Result<Vec<(SnapshotObject, SnapshotError)>, StoreError> {
    let folder = Folder::new(store, id);
    let toc = match read_toc(&folder, volume, id).await {
        Ok(toc) => toc,
        Err(SnapshotError::Store(error)) => return Err(error),
        Err(error) => return Ok(vec![(SnapshotObject::Toc, error)]),
    };
    let Tables { inodes, dirents, extents, xattrs, packs, checkpoints } = &toc.tables;
    let mut damaged = Vec::new();
    for (object, entry) in [
        (Inodes::OBJECT, inodes),
        (Dirents::OBJECT, dirents),
        (Extents::OBJECT, extents),
        (Xattrs::OBJECT, xattrs),
        (Packs::OBJECT, packs),
        (Checkpoints::OBJECT, checkpoints),
    ] {
        match folder.get(object, entry).await {
            Ok(_) => {}
            Err(SnapshotError::Store(error)) => return Err(error),
            Err(error) => damaged.push((object, error)),
        }
    }
    Ok(damaged)
}

async fn read_toc(folder: &Folder<'_>, volume: VolumeId, id: SnapshotId) -> Result<Toc, SnapshotError> {
    let bytes = folder.get_toc().await?;
    let check = || {
        let toc = Toc::decode(&bytes)?;
        if toc.volume != volume {
            return Err(Damage::Foreign { expected: volume, found: toc.volume });
        }
        if (toc.tip.seq, toc.tip.segment) != (id.seq, id.segment) {
            return Err(Damage::Misplaced);
        }
        Ok(toc)
    };
    check().map_err(|damage| folder.damaged(SnapshotObject::Toc, damage))
}

async fn load_tree(folder: &Folder<'_>, tables: &Tables, loader: &mut Loader) -> Result<(), SnapshotError> {
    read_table::<Inodes>(folder, &tables.inodes, |row| loader.inode(row.ino, row.attributes, row.target))
        .await?;
    read_table::<Dirents>(folder, &tables.dirents, |row| loader.dirent(row.parent, &row.name, row.ino))
        .await?;
    read_table::<Extents>(folder, &tables.extents, |row| loader.extent(row.ino, row.placed)).await?;
    read_table::<Xattrs>(folder, &tables.xattrs, |row| loader.xattr(row.ino, &row.name, row.value)).await?;
    read_table::<Checkpoints>(folder, &tables.checkpoints, |row| {
        loader.checkpoint(row.name, row.checkpoint);
        Ok(())
    })
    .await
}

async fn read_packs(folder: &Folder<'_>, entry: &TableEntry) -> Result<Vec<PackSeal>, SnapshotError> {
    let mut packs = Vec::new();
    read_table::<Packs>(folder, entry, |seal| {
        packs.push(seal);
        Ok(())
    })
    .await?;
    Ok(packs)
}

/// Gives each row of a verified table to `load`.
async fn read_table<T: Table>(
    folder: &Folder<'_>,
    entry: &TableEntry,
    mut load: impl FnMut(T::Row) -> Result<(), EvolveError> + Send,
) -> Result<(), SnapshotError> {
    let damaged = |damage| folder.damaged(T::OBJECT, damage);
    let bytes = folder.get(T::OBJECT, entry).await?;
    let mut reader = TableReader::<T>::open(bytes, entry.rows).map_err(damaged)?;
    while let Some(rows) = reader.batch().map_err(damaged)? {
        rows.into_iter().try_for_each(&mut load).map_err(|error| damaged(error.into()))?;
        yield_now().await;
    }
    Ok(())
}
