use arrow_array::ArrayRef;
use arrow_schema::Field;
use firn_store::SnapshotObject;

use super::columns::Columns;
use crate::snapshot::Damage;

/// One of the six tables: how its rows are columns.
pub trait Table {
    /// A row.
    type Row: Clone + Send + Sync;

    /// The object that holds the table.
    const OBJECT: SnapshotObject;

    /// Rows that are encoded or decoded in one go, between two yields: tens of megabytes at the most.
    const BATCH_ROWS: usize = 8192;

    /// The columns whose values ascend or hardly repeat: stored as differences, without a dictionary.
    const DELTAS: &'static [&'static str];

    /// The columns in order.
    fn fields() -> Vec<Field>;

    /// Columns of these rows, in the order of [`Table::fields`].
    fn encode(rows: &[Self::Row]) -> Vec<ArrayRef>;

    /// The rows of these columns. Whether they make sense is for the namespace's loader to say.
    ///
    /// # Errors
    /// A column is missing, or holds what its type has no value for.
    fn decode(columns: &Columns<'_>) -> Result<Vec<Self::Row>, Damage>;

    /// Whether `b` can come after `a`: the keys ascend.
    fn ascends(a: &Self::Row, b: &Self::Row) -> bool;
}
