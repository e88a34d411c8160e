//! One table as a Parquet file in memory.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{DataType, Schema, SchemaRef};
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::{
    ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use super::columns::Columns;
use super::table::Table;
use crate::snapshot::Damage;

const GROUP_ROWS: usize = 128 * 1024;
/// Compressed and estimated: a writer's bound, not the format's.
const GROUP_BYTES: usize = 16 * 1024 * 1024;

/// Encodes a table, batch by batch.
pub struct TableWriter<T: Table> {
    schema: SchemaRef,
    writer: ArrowWriter<Vec<u8>>,
    last: Option<T::Row>,
}

impl<T: Table> TableWriter<T> {
    /// An empty table.
    ///
    /// # Errors
    /// What the Parquet library says; none is expected.
    pub fn new() -> Result<Self, ParquetError> {
        let schema: SchemaRef = Arc::new(Schema::new(T::fields()));
        let options = ArrowWriterOptions::new()
            .with_properties(properties::<T>()?)
            .with_skip_arrow_metadata(true)
            .with_schema_root("firn".into());
        let writer = ArrowWriter::try_new_with_options(Vec::new(), schema.clone(), options)?;
        Ok(TableWriter { schema, writer, last: None })
    }

    /// Adds rows, whose keys ascend. A call's work is in proportion to the rows, give or take a row group that
    /// they complete.
    ///
    /// # Errors
    /// What the Parquet library says; none is expected.
    ///
    /// # Panics
    /// If the keys do not ascend: nobody could read the table.
    pub fn write(&mut self, rows: &[T::Row]) -> Result<(), ParquetError> {
        assert!(continues::<T>(self.last.as_ref(), rows), "the rows of a table ascend");
        self.last = rows.last().cloned();
        let batch = RecordBatch::try_new(self.schema.clone(), T::encode(rows))?;
        self.writer.write(&batch)
    }

    /// The file.
    ///
    /// # Errors
    /// What the Parquet library says; none is expected.
    pub fn finish(self) -> Result<Vec<u8>, ParquetError> {
        self.writer.into_inner()
    }
}

fn properties<T: Table>() -> Result<WriterProperties, ParquetError> {
    let common = WriterProperties::builder()
        .set_created_by("firn".into())
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_offset_index_disabled(true)
        .set_max_row_group_row_count(Some(GROUP_ROWS))
        .set_max_row_group_bytes(Some(GROUP_BYTES));
    let deltas = T::fields().into_iter().filter(|field| T::DELTAS.contains(&field.name().as_str()));
    let properties = deltas.fold(common, |builder, field| {
        let encoding = match field.data_type() {
            DataType::Binary => Encoding::DELTA_LENGTH_BYTE_ARRAY,
            _ => Encoding::DELTA_BINARY_PACKED,
        };
        let column = ColumnPath::from(field.name().as_str());
        builder.set_column_dictionary_enabled(column.clone(), false).set_column_encoding(column, encoding)
    });
    Ok(properties.build())
}

/// Decodes a table, batch by batch. The bytes need not be what a writer wrote.
pub struct TableReader<T: Table> {
    batches: ParquetRecordBatchReader,
    last: Option<T::Row>,
    left: u64,
}

impl<T: Table> TableReader<T> {
    /// Opens a file that should hold this many rows.
    ///
    /// # Errors
    /// It is no such file.
    pub fn open(file: Bytes, rows: u64) -> Result<Self, Damage> {
        guarded(|| {
            let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
            let file_len = file.len() as u64;
            let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(file, options)?;
            check_schema::<T>(builder.schema())?;
            check_layout(builder.metadata(), file_len, rows)?;
            let batches = builder.with_batch_size(T::BATCH_ROWS).build()?;
            Ok(TableReader { batches, last: None, left: rows })
        })
    }

    /// The next rows; `None` at the end. After an error the reader is of no use any more.
    ///
    /// # Errors
    /// They cannot be decoded, are not in order, or are too few or too many.
    pub fn batch(&mut self) -> Result<Option<Vec<T::Row>>, Damage> {
        let Some(batch) = guarded(|| Ok(self.batches.next().transpose()?))? else {
            return if self.left == 0 { Ok(None) } else { Err(Damage::Rows) };
        };
        let rows = T::decode(&Columns::of(&batch))?;
        self.left = self.left.checked_sub(rows.len() as u64).ok_or(Damage::Rows)?;
        if !continues::<T>(self.last.as_ref(), &rows) {
            return Err(Damage::Order);
        }
        self.last = rows.last().cloned();
        Ok(Some(rows))
    }
}

/// The Parquet library is not made for hostile input: where it panics, the file is at fault.
fn guarded<R>(step: impl FnOnce() -> Result<R, Damage>) -> Result<R, Damage> {
    catch_unwind(AssertUnwindSafe(step)).unwrap_or(Err(Damage::Unreadable))
}

/// Whether these rows are in order, and come after the last one before them.
fn continues<T: Table>(last: Option<&T::Row>, rows: &[T::Row]) -> bool {
    rows.is_sorted_by(|a, b| T::ascends(a, b)) && last.zip(rows.first()).is_none_or(|(a, b)| T::ascends(a, b))
}

/// The columns that the table has, and no others.
fn check_schema<T: Table>(found: &Schema) -> Result<(), Damage> {
    let expected = T::fields();
    let same = found.fields().iter().map(|field| &**field).eq(expected.iter());
    if same { Ok(()) } else { Err(Damage::Schema { found: found.to_string() }) }
}

/// What the library takes for granted: that column chunks lie within the file, and that row counts add up.
fn check_layout(metadata: &ParquetMetaData, file_len: u64, rows: u64) -> Result<(), Damage> {
    let mut found = 0_u64;
    for group in metadata.row_groups() {
        found =
            u64::try_from(group.num_rows()).ok().and_then(|n| found.checked_add(n)).ok_or(Damage::Rows)?;
        for chunk in group.columns() {
            let start = chunk.dictionary_page_offset().unwrap_or(chunk.data_page_offset());
            let end = u64::try_from(start)
                .ok()
                .zip(u64::try_from(chunk.compressed_size()).ok())
                .and_then(|(start, len)| start.checked_add(len));
            if end.is_none_or(|end| end > file_len) {
                return Err(Damage::Layout);
            }
        }
    }
    if found == rows { Ok(()) } else { Err(Damage::Rows) }
}
