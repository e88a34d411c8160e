use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, BinaryArray};
use arrow_schema::{DataType, Field};
use firn_clock::Timestamp;
use firn_journal::{Attributes, Ino};
use firn_store::SnapshotObject;

use super::columns::{Columns, time_field, times, u32_field, u32s, u64_field, u64s};
use super::table::Table;
use crate::snapshot::Damage;

/// What an inode is, but for what its extents and entries tell.
#[derive(Clone, PartialEq, Debug)]
pub struct InodeRow {
    /// The key.
    pub ino: Ino,
    /// What stat tells.
    pub attributes: Attributes,
    /// Where a symbolic link points to.
    pub target: Option<Arc<[u8]>>,
}

/// `inodes.parquet`.
pub struct Inodes;

impl Table for Inodes {
    type Row = InodeRow;
    const OBJECT: SnapshotObject = SnapshotObject::Inodes;
    const DELTAS: &'static [&'static str] = &["ino", "atime", "mtime", "ctime", "btime"];

    fn fields() -> Vec<Field> {
        vec![
            u64_field("ino"),
            u32_field("mode"),
            u32_field("uid"),
            u32_field("gid"),
            u32_field("nlink"),
            u32_field("rdev"),
            u64_field("size"),
            time_field("atime"),
            time_field("mtime"),
            time_field("ctime"),
            time_field("btime"),
            Field::new("target", DataType::Binary, true),
        ]
    }

    fn encode(rows: &[InodeRow]) -> Vec<ArrayRef> {
        vec![
            u64s(rows, |row| row.ino.0),
            u32s(rows, |row| row.attributes.mode),
            u32s(rows, |row| row.attributes.uid),
            u32s(rows, |row| row.attributes.gid),
            u32s(rows, |row| row.attributes.nlink),
            u32s(rows, |row| row.attributes.rdev),
            u64s(rows, |row| row.attributes.size),
            times(rows, |row| row.attributes.atime),
            times(rows, |row| row.attributes.mtime),
            times(rows, |row| row.attributes.ctime),
            times(rows, |row| row.attributes.btime),
            Arc::new(BinaryArray::from_iter(rows.iter().map(|row| row.target.as_deref()))),
        ]
    }

    fn decode(columns: &Columns<'_>) -> Result<Vec<InodeRow>, Damage> {
        let (ino, size) = (columns.u64s("ino")?, columns.u64s("size")?);
        let (mode, nlink, rdev) = (columns.u32s("mode")?, columns.u32s("nlink")?, columns.u32s("rdev")?);
        let (uid, gid) = (columns.u32s("uid")?, columns.u32s("gid")?);
        let (atime, mtime) = (columns.times("atime")?, columns.times("mtime")?);
        let (ctime, btime) = (columns.times("ctime")?, columns.times("btime")?);
        let target =
            columns.any("target")?.as_binary_opt::<i32>().ok_or(Damage::Column { name: "target" })?;
        let row = |i: usize| InodeRow {
            ino: Ino(ino[i]),
            attributes: Attributes {
                mode: mode[i],
                uid: uid[i],
                gid: gid[i],
                nlink: nlink[i],
                rdev: rdev[i],
                size: size[i],
                atime: Timestamp(atime[i]),
                mtime: Timestamp(mtime[i]),
                ctime: Timestamp(ctime[i]),
                btime: Timestamp(btime[i]),
            },
            target: target.is_valid(i).then(|| target.value(i).into()),
        };
        Ok((0..columns.rows()).map(row).collect())
    }

    fn ascends(a: &InodeRow, b: &InodeRow) -> bool {
        a.ino < b.ino
    }
}
