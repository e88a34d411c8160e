use arrow_schema::ArrowError;
use firn_journal::VolumeId;
use firn_store::StoreError;
use parquet::errors::ParquetError;

use crate::namespace::EvolveError;

/// Why a snapshot file was not read or written. Nothing is lost with it: the journal holds everything.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The store did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An object is not what a writer wrote.
    #[error(
        "{object} is damaged: {damage}. Opening goes on without this snapshot file, from an older one or from the \
         journal; delete the objects of its folder"
    )]
    Damaged {
        /// The key of the object.
        object: String,
        /// What is wrong with it.
        damage: Damage,
    },
    /// The rows could not be put into Parquet.
    #[error("{object} could not be encoded: {source}. This is a bug of Firn; the journal is not affected")]
    Encode {
        /// The key of the object.
        object: String,
        /// What the library says.
        source: ParquetError,
    },
    /// A table grew beyond what one object can hold.
    #[error(
        "{object} would have {len} bytes, and an object can have {limit}. The volume goes on without newer snapshot \
         files, and opens more slowly"
    )]
    TooLong {
        /// The key of the object.
        object: String,
        /// Its length in bytes.
        len: u64,
        /// The longest object.
        limit: u64,
    },
}

/// What is wrong with an object of a snapshot file.
#[derive(Debug, thiserror::Error)]
pub enum Damage {
    /// The object is not there.
    #[error("there is no such object")]
    Missing,
    /// The object is shorter than recorded.
    #[error("expected {expected} bytes, found {found}")]
    Length {
        /// As recorded.
        expected: u64,
        /// As found.
        found: u64,
    },
    /// The bytes changed after they were written.
    #[error("its BLAKE3 checksum does not match")]
    Checksum,
    /// The table of contents is not JSON of the expected form, or states what cannot be.
    #[error("it is no table of contents: {0}")]
    Contents(String),
    /// A later version.
    #[error("expected format {supported}, found format {found}; a newer Firn wrote it and can read it")]
    Version {
        /// What this code reads.
        supported: u32,
        /// What was found.
        found: u32,
    },
    /// It belongs to another volume.
    #[error("expected volume {expected}, found volume {found}; it was copied from another bucket")]
    Foreign {
        /// The volume that is open.
        expected: VolumeId,
        /// The volume that the file names.
        found: VolumeId,
    },
    /// It holds another instant than its key says.
    #[error("its key does not name the instant that it holds")]
    Misplaced,
    /// The Parquet library cannot read it.
    #[error("it is no Parquet file: {0}")]
    Parquet(#[from] ParquetError),
    /// The Parquet library cannot read a batch of it.
    #[error("its columns cannot be read: {0}")]
    Arrow(#[from] ArrowError),
    /// The Parquet library gave up on it.
    #[error("it is no Parquet file that can be read")]
    Unreadable,
    /// Column chunks reach beyond the file.
    #[error("its columns reach beyond its end")]
    Layout,
    /// Its columns are others.
    #[error("it has other columns than its table: {found}")]
    Schema {
        /// The columns that it has.
        found: String,
    },
    /// A column is missing, has another type, or lacks values.
    #[error("column `{name}` is missing or has other values than its table allows")]
    Column {
        /// The column.
        name: &'static str,
    },
    /// Another number of rows than recorded.
    #[error("it does not have the recorded number of rows")]
    Rows,
    /// A row is there twice, or before a smaller one.
    #[error("its rows are not in ascending order")]
    Order,
    /// The rows contradict each other.
    #[error("its rows contradict each other: {0}")]
    Rule(#[from] EvolveError),
}
