use arrow_array::ArrayRef;
use arrow_schema::Field;
use firn_clock::Timestamp;
use firn_journal::Seq;
use firn_store::SnapshotObject;

use super::columns::{Columns, text_field, texts, time_field, times, u64_field, u64s};
use super::table::Table;
use crate::namespace::Checkpoint;
use crate::snapshot::Damage;

/// A name for an instant.
#[derive(Clone, PartialEq, Debug)]
pub struct CheckpointRow {
    /// The name, the key.
    pub name: String,
    /// What it names.
    pub checkpoint: Checkpoint,
}

/// `checkpoints.parquet`.
pub struct Checkpoints;

impl Table for Checkpoints {
    type Row = CheckpointRow;
    const OBJECT: SnapshotObject = SnapshotObject::Checkpoints;
    const DELTAS: &'static [&'static str] = &["seq", "time"];

    fn fields() -> Vec<Field> {
        vec![text_field("name"), u64_field("seq"), time_field("time"), text_field("message")]
    }

    fn encode(rows: &[CheckpointRow]) -> Vec<ArrayRef> {
        vec![
            texts(rows, |row| &row.name),
            u64s(rows, |row| row.checkpoint.seq.0),
            times(rows, |row| row.checkpoint.time),
            texts(rows, |row| &row.checkpoint.message),
        ]
    }

    fn decode(columns: &Columns<'_>) -> Result<Vec<CheckpointRow>, Damage> {
        let (name, message) = (columns.texts("name")?, columns.texts("message")?);
        let (seq, time) = (columns.u64s("seq")?, columns.times("time")?);
        let row = |i: usize| CheckpointRow {
            name: name.value(i).to_owned(),
            checkpoint: Checkpoint {
                seq: Seq(seq[i]),
                time: Timestamp(time[i]),
                message: message.value(i).to_owned(),
            },
        };
        Ok((0..columns.rows()).map(row).collect())
    }

    fn ascends(a: &CheckpointRow, b: &CheckpointRow) -> bool {
        a.name < b.name
    }
}
