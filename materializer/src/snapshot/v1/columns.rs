//! Typed columns of a batch that came from outside.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{TimestampNanosecondType, UInt32Type, UInt64Type};
use arrow_array::{
    Array, ArrayRef, ArrowPrimitiveType, BinaryArray, PrimitiveArray, RecordBatch, StringArray,
    TimestampNanosecondArray, UInt32Array, UInt64Array,
};
use arrow_schema::{DataType, Field, TimeUnit};
use firn_clock::Timestamp;

use crate::snapshot::Damage;

const UTC: &str = "UTC";

/// A required column of unsigned 64-bit integers.
pub fn u64_field(name: &str) -> Field {
    Field::new(name, DataType::UInt64, false)
}

/// A required column of unsigned 32-bit integers.
pub fn u32_field(name: &str) -> Field {
    Field::new(name, DataType::UInt32, false)
}

/// A required column of instants: nanoseconds since 1970, in UTC.
pub fn time_field(name: &str) -> Field {
    Field::new(name, DataType::Timestamp(TimeUnit::Nanosecond, Some(UTC.into())), false)
}

/// A required column of bytes.
pub fn bytes_field(name: &str) -> Field {
    Field::new(name, DataType::Binary, false)
}

/// A required column of text.
pub fn text_field(name: &str) -> Field {
    Field::new(name, DataType::Utf8, false)
}

/// Makes a column of unsigned 64-bit integers.
pub fn u64s<R>(rows: &[R], value: impl Fn(&R) -> u64) -> ArrayRef {
    Arc::new(UInt64Array::from_iter_values(rows.iter().map(value)))
}

/// Makes a column of unsigned 32-bit integers.
pub fn u32s<R>(rows: &[R], value: impl Fn(&R) -> u32) -> ArrayRef {
    Arc::new(UInt32Array::from_iter_values(rows.iter().map(value)))
}

/// Makes a column of instants.
pub fn times<R>(rows: &[R], value: impl Fn(&R) -> Timestamp) -> ArrayRef {
    let values = rows.iter().map(|row| value(row).0);
    Arc::new(TimestampNanosecondArray::from_iter_values(values).with_timezone(UTC))
}

/// Makes a column of bytes.
pub fn bytes<R>(rows: &[R], value: impl Fn(&R) -> &[u8]) -> ArrayRef {
    Arc::new(BinaryArray::from_iter_values(rows.iter().map(value)))
}

/// Makes a column of text.
pub fn texts<R>(rows: &[R], value: impl Fn(&R) -> &str) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(rows.iter().map(value)))
}

/// Takes the columns of a batch by name and type.
pub struct Columns<'a> {
    batch: &'a RecordBatch,
}

impl<'a> Columns<'a> {
    /// The columns of this batch.
    pub fn of(batch: &'a RecordBatch) -> Self {
        Columns { batch }
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.batch.num_rows()
    }

    /// The column of this name, whatever its type.
    pub fn any(&self, name: &'static str) -> Result<&'a dyn Array, Damage> {
        self.batch.column_by_name(name).map(|column| column.as_ref()).ok_or(Damage::Column { name })
    }

    fn required<T>(
        &self,
        name: &'static str,
        typed: impl FnOnce(&'a dyn Array) -> Option<&'a T>,
    ) -> Result<&'a T, Damage> {
        let column = self.any(name)?;
        if column.null_count() > 0 {
            return Err(Damage::Column { name });
        }
        typed(column).ok_or(Damage::Column { name })
    }

    fn primitive<T: ArrowPrimitiveType>(&self, name: &'static str) -> Result<&'a PrimitiveArray<T>, Damage> {
        self.required(name, |column| column.as_primitive_opt::<T>())
    }

    /// A required column of unsigned 64-bit integers.
    pub fn u64s(&self, name: &'static str) -> Result<&'a [u64], Damage> {
        Ok(self.primitive::<UInt64Type>(name)?.values())
    }

    /// A required column of unsigned 32-bit integers.
    pub fn u32s(&self, name: &'static str) -> Result<&'a [u32], Damage> {
        Ok(self.primitive::<UInt32Type>(name)?.values())
    }

    /// A required column of instants, in nanoseconds.
    pub fn times(&self, name: &'static str) -> Result<&'a [i64], Damage> {
        Ok(self.primitive::<TimestampNanosecondType>(name)?.values())
    }

    /// A required column of bytes.
    pub fn bytes(&self, name: &'static str) -> Result<&'a BinaryArray, Damage> {
        self.required(name, |column| column.as_binary_opt::<i32>())
    }

    /// A required column of text.
    pub fn texts(&self, name: &'static str) -> Result<&'a StringArray, Damage> {
        self.required(name, |column| column.as_string_opt::<i32>())
    }
}
