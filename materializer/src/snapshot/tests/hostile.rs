//! Objects that are not what a writer wrote.

use proptest::sample::Index;

use super::*;
use crate::snapshot::v1::{Checkpoints, Dirents, Extents, Inodes, Packs, Table, TableReader, Toc, Xattrs};

/// Reads a table whose checksum was found right.
fn decode<T: Table>(file: Bytes, rows: u64) -> Result<usize, Damage> {
    let mut reader = TableReader::<T>::open(file, rows)?;
    let mut found = 0;
    while let Some(rows) = reader.batch()? {
        found += rows.len();
    }
    Ok(found)
}

fn decode_any(object: SnapshotObject, file: Bytes, rows: u64) -> Result<usize, Damage> {
    match object {
        SnapshotObject::Inodes => decode::<Inodes>(file, rows),
        SnapshotObject::Dirents => decode::<Dirents>(file, rows),
        SnapshotObject::Extents => decode::<Extents>(file, rows),
        SnapshotObject::Xattrs => decode::<Xattrs>(file, rows),
        SnapshotObject::Packs => decode::<Packs>(file, rows),
        SnapshotObject::Checkpoints => decode::<Checkpoints>(file, rows),
        SnapshotObject::Toc => Toc::decode(&file).map(|_| 0),
    }
}

/// How many rows the table of contents tells of.
async fn rows_of(store: &Retrying, id: SnapshotId, object: SnapshotObject) -> u64 {
    let toc = bytes_of(store, id, SnapshotObject::Toc).await;
    let tables = Toc::decode(&toc).expect("it was just written").tables;
    match object {
        SnapshotObject::Inodes => tables.inodes.rows,
        SnapshotObject::Dirents => tables.dirents.rows,
        SnapshotObject::Extents => tables.extents.rows,
        SnapshotObject::Xattrs => tables.xattrs.rows,
        SnapshotObject::Packs => tables.packs.rows,
        SnapshotObject::Checkpoints => tables.checkpoints.rows,
        SnapshotObject::Toc => 0,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn a_changed_byte_is_found_and_its_object_named(
        ns in arbitrary::namespace(), packs in arbitrary::packs(), object in 0..SnapshotObject::ALL.len(), at: Index, by in 1..=255_u8,
    ) {
        run(async {
            let (store, id) = written(&ns, &packs).await;
            let mut bytes = bytes_of(&store, id, SnapshotObject::ALL[object]).await.to_vec();
            let at = at.index(bytes.len());
            bytes[at] = bytes[at].wrapping_add(by);
            replace(&store, id, SnapshotObject::ALL[object], bytes).await;
            let error = read(&store, VOLUME, id).await.expect_err("it was changed").to_string();
            let key = key(id, SnapshotObject::ALL[object]).to_string();
            prop_assert!(error.contains(&key), "{}", error);
            Ok(())
        })?;
    }

    #[test]
    fn a_shortened_object_is_found(ns in arbitrary::namespace(), object in 0..SnapshotObject::ALL.len(), len: Index) {
        run(async {
            let (store, id) = written(&ns, &[]).await;
            let bytes = bytes_of(&store, id, SnapshotObject::ALL[object]).await;
            replace(&store, id, SnapshotObject::ALL[object], bytes[..len.index(bytes.len())].to_vec()).await;
            prop_assert!(read(&store, VOLUME, id).await.is_err());
            Ok(())
        })?;
    }
}

/// By somebody who makes the checksums right.
#[test]
fn no_flipped_bit_makes_the_decoder_panic() {
    run(async {
        let (ns, packs, tip) = golden::expected();
        let store = memory();
        let id = write(&store, VOLUME, &ns, packs, tip).await.expect("it is written");
        for object in SnapshotObject::ALL {
            let bytes = bytes_of(&store, id, object).await;
            let rows = rows_of(&store, id, object).await;
            for (at, bit) in (0..bytes.len()).flat_map(|at| (0..8).map(move |bit| (at, bit))) {
                let mut changed = bytes.to_vec();
                changed[at] ^= 1 << bit;
                let _ = decode_any(object, changed.into(), rows);
            }
        }
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn no_table_makes_the_decoder_panic(
        ns in arbitrary::namespace(),
        object in 0..SnapshotObject::ALL.len(),
        changes in proptest::collection::vec((any::<Index>(), any::<u8>()), 1..8),
    ) {
        let object = SnapshotObject::ALL[object];
        let (mut bytes, rows) = run(async {
            let (store, id) = written(&ns, &[]).await;
            (bytes_of(&store, id, object).await.to_vec(), rows_of(&store, id, object).await)
        });
        for (at, to) in changes {
            let at = at.index(bytes.len());
            bytes[at] = to;
        }
        let _ = decode_any(object, bytes.into(), rows);
    }

    #[test]
    fn no_bytes_make_the_decoder_panic(bytes: Vec<u8>, object in 0..SnapshotObject::ALL.len(), rows: u64) {
        prop_assert!(decode_any(SnapshotObject::ALL[object], bytes.into(), rows).is_err());
    }
}
