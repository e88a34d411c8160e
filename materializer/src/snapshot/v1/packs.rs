use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::UInt64Type;
use arrow_array::{Array, ArrayRef, UInt64Array};
use arrow_schema::{DataType, Field};
use firn_journal::{Hash, PackHome, PackId, PackSeal, SegmentNo};
use firn_store::SnapshotObject;

use super::columns::{Columns, bytes, bytes_field, u32_field, u32s, u64_field, u64s};
use super::table::Table;
use crate::snapshot::Damage;

/// `packs.parquet`: where the packs are, keyed by pack.
pub struct Packs;

impl Table for Packs {
    type Row = PackSeal;
    const OBJECT: SnapshotObject = SnapshotObject::Packs;
    const DELTAS: &'static [&'static str] = &["pack", "segment"];

    fn fields() -> Vec<Field> {
        vec![
            u64_field("pack"),
            u64_field("segment"),
            Field::new("rider_offset", DataType::UInt64, true),
            u64_field("len"),
            u32_field("table_len"),
            bytes_field("table_hash"),
        ]
    }

    fn encode(rows: &[PackSeal]) -> Vec<ArrayRef> {
        let rider_offset = |seal: &PackSeal| match seal.home {
            PackHome::Object => None,
            PackHome::Rider { offset } => Some(offset),
        };
        vec![
            u64s(rows, |row| row.pack.to_u64()),
            u64s(rows, |row| row.segment.0),
            Arc::new(UInt64Array::from_iter(rows.iter().map(rider_offset))),
            u64s(rows, |row| row.len),
            u32s(rows, |row| row.table_len),
            bytes(rows, |row| &row.table_hash.0),
        ]
    }

    fn decode(columns: &Columns<'_>) -> Result<Vec<PackSeal>, Damage> {
        let (pack, segment, len) = (columns.u64s("pack")?, columns.u64s("segment")?, columns.u64s("len")?);
        let (table_len, table_hash) = (columns.u32s("table_len")?, columns.bytes("table_hash")?);
        let rider_offset = columns
            .any("rider_offset")?
            .as_primitive_opt::<UInt64Type>()
            .ok_or(Damage::Column { name: "rider_offset" })?;
        let row = |i: usize| {
            let hash = table_hash.value(i).try_into().map_err(|_| Damage::Column { name: "table_hash" })?;
            Ok(PackSeal {
                pack: PackId::from_u64(pack[i]),
                segment: SegmentNo(segment[i]),
                home: match rider_offset.is_valid(i) {
                    true => PackHome::Rider { offset: rider_offset.value(i) },
                    false => PackHome::Object,
                },
                len: len[i],
                table_len: table_len[i],
                table_hash: Hash(hash),
            })
        };
        (0..columns.rows()).map(row).collect()
    }

    fn ascends(a: &PackSeal, b: &PackSeal) -> bool {
        a.pack < b.pack
    }
}
