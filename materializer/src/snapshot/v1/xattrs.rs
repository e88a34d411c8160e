use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_schema::Field;
use firn_journal::{Ino, Name};
use firn_store::SnapshotObject;

use super::columns::{Columns, bytes, bytes_field, u64_field, u64s};
use super::table::Table;
use crate::snapshot::Damage;

/// An extended attribute.
#[derive(Clone, PartialEq, Debug)]
pub struct XattrRow {
    /// The inode; with the name, the key.
    pub ino: Ino,
    /// The name, with its namespace (`user.`).
    pub name: Name,
    /// The value.
    pub value: Arc<[u8]>,
}

/// `xattrs.parquet`.
pub struct Xattrs;

impl Table for Xattrs {
    type Row = XattrRow;
    const OBJECT: SnapshotObject = SnapshotObject::Xattrs;
    const BATCH_ROWS: usize = 256;
    const DELTAS: &'static [&'static str] = &["ino"];

    fn fields() -> Vec<Field> {
        vec![u64_field("ino"), bytes_field("name"), bytes_field("value")]
    }

    fn encode(rows: &[XattrRow]) -> Vec<ArrayRef> {
        vec![
            u64s(rows, |row| row.ino.0),
            bytes(rows, |row| row.name.as_bytes()),
            bytes(rows, |row| &row.value),
        ]
    }

    fn decode(columns: &Columns<'_>) -> Result<Vec<XattrRow>, Damage> {
        let (ino, name, value) = (columns.u64s("ino")?, columns.bytes("name")?, columns.bytes("value")?);
        let row = |i: usize| XattrRow {
            ino: Ino(ino[i]),
            name: Name::new(name.value(i)),
            value: value.value(i).into(),
        };
        Ok((0..columns.rows()).map(row).collect())
    }

    fn ascends(a: &XattrRow, b: &XattrRow) -> bool {
        (a.ino, &a.name) < (b.ino, &b.name)
    }
}
