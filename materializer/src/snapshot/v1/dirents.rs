use arrow_array::ArrayRef;
use arrow_schema::Field;
use firn_journal::{Ino, Name};
use firn_store::SnapshotObject;

use super::columns::{Columns, bytes, bytes_field, u64_field, u64s};
use super::table::Table;
use crate::snapshot::Damage;

/// An entry of a directory. Its type is its inode's.
#[derive(Clone, PartialEq, Debug)]
pub struct DirentRow {
    /// The directory; with the name, the key.
    pub parent: Ino,
    /// The name.
    pub name: Name,
    /// What it names.
    pub ino: Ino,
}

/// `dirents.parquet`.
pub struct Dirents;

impl Table for Dirents {
    type Row = DirentRow;
    const OBJECT: SnapshotObject = SnapshotObject::Dirents;
    const DELTAS: &'static [&'static str] = &["parent", "name", "ino"];

    fn fields() -> Vec<Field> {
        vec![u64_field("parent"), bytes_field("name"), u64_field("ino")]
    }

    fn encode(rows: &[DirentRow]) -> Vec<ArrayRef> {
        vec![
            u64s(rows, |row| row.parent.0),
            bytes(rows, |row| row.name.as_bytes()),
            u64s(rows, |row| row.ino.0),
        ]
    }

    fn decode(columns: &Columns<'_>) -> Result<Vec<DirentRow>, Damage> {
        let (parent, name, ino) = (columns.u64s("parent")?, columns.bytes("name")?, columns.u64s("ino")?);
        let row =
            |i: usize| DirentRow { parent: Ino(parent[i]), name: Name::new(name.value(i)), ino: Ino(ino[i]) };
        Ok((0..columns.rows()).map(row).collect())
    }

    fn ascends(a: &DirentRow, b: &DirentRow) -> bool {
        (a.parent, &a.name) < (b.parent, &b.name)
    }
}
