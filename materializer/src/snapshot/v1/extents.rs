use arrow_array::ArrayRef;
use arrow_schema::Field;
use firn_journal::{BlockRef, Extent, Ino, PackId, PlacedExtent};
use firn_store::SnapshotObject;

use super::columns::{Columns, u32_field, u32s, u64_field, u64s};
use super::table::Table;
use crate::snapshot::Damage;

/// A stretch of a file that is not a hole.
#[derive(Clone, PartialEq, Debug)]
pub struct ExtentRow {
    /// The file; with the offset, the key.
    pub ino: Ino,
    /// Where in the file, and what.
    pub placed: PlacedExtent,
}

/// `extents.parquet`.
pub struct Extents;

impl Table for Extents {
    type Row = ExtentRow;
    const OBJECT: SnapshotObject = SnapshotObject::Extents;
    const DELTAS: &'static [&'static str] = &["ino", "offset", "slot"];

    fn fields() -> Vec<Field> {
        vec![
            u64_field("ino"),
            u64_field("offset"),
            u32_field("len"),
            u32_field("skip"),
            u64_field("pack"),
            u32_field("slot"),
        ]
    }

    fn encode(rows: &[ExtentRow]) -> Vec<ArrayRef> {
        vec![
            u64s(rows, |row| row.ino.0),
            u64s(rows, |row| row.placed.offset),
            u32s(rows, |row| row.placed.extent.len),
            u32s(rows, |row| row.placed.extent.skip),
            u64s(rows, |row| row.placed.extent.block.pack.to_u64()),
            u32s(rows, |row| row.placed.extent.block.slot),
        ]
    }

    fn decode(columns: &Columns<'_>) -> Result<Vec<ExtentRow>, Damage> {
        let (ino, offset, pack) = (columns.u64s("ino")?, columns.u64s("offset")?, columns.u64s("pack")?);
        let (len, skip, slot) = (columns.u32s("len")?, columns.u32s("skip")?, columns.u32s("slot")?);
        let row = |i: usize| {
            let block = BlockRef { pack: PackId::from_u64(pack[i]), slot: slot[i] };
            let extent = Extent { len: len[i], skip: skip[i], block };
            ExtentRow { ino: Ino(ino[i]), placed: PlacedExtent { offset: offset[i], extent } }
        };
        Ok((0..columns.rows()).map(row).collect())
    }

    /// By key, and without overlap.
    fn ascends(a: &ExtentRow, b: &ExtentRow) -> bool {
        let end = a.placed.offset.saturating_add(u64::from(a.placed.extent.len));
        a.ino < b.ino || a.ino == b.ino && end <= b.placed.offset
    }
}
