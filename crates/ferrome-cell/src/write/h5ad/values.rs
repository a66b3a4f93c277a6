//! Values of one type that grow by rows.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{
    DataType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type,
    UInt64Type,
};
use hdf5_metno::Group;
use hdf5_metno::types::VarLenUnicode;

use super::append::{Append, Fault, encoded, text};

/// Calls a macro with every type of number: its name here and in Arrow, the type of HDF5, its array type.
macro_rules! numbers {
    ($($name:ident, $native:ty, $arrow:ty;)*) => {
        /// Values of one type that are being written.
        pub(super) enum ValueWriter {
            /// Truth values.
            Boolean(Append<bool>),
            /// Text.
            Utf8(Append<VarLenUnicode>),
            $(
                /// Numbers.
                $name(Append<$native>),
            )*
        }

        impl ValueWriter {
            /// A dataset in `group`; what is no number or truth value is text.
            pub(super) fn create(group: &Group, name: &str, kind: &DataType) -> Result<Self, Fault> {
                let writer = match kind {
                    DataType::Boolean => Self::Boolean(Append::create(group, name)?),
                    $(DataType::$name => Self::$name(Append::create(group, name)?),)*
                    _ => Self::Utf8(Append::create(group, name)?),
                };
                let dataset = match &writer {
                    Self::Boolean(values) => values.dataset(),
                    Self::Utf8(values) => values.dataset(),
                    $(Self::$name(values) => values.dataset(),)*
                };
                let encoding = if matches!(writer, Self::Utf8(_)) { "string-array" } else { "array" };
                dataset.map_or(Ok(()), |dataset| encoded(dataset, encoding, "0.2.0"))?;
                Ok(writer)
            }

            /// Adds values of the writer's type; a missing number is NaN where there is one, else zero or empty.
            pub(super) fn append(&mut self, column: &ArrayRef) -> Result<(), Fault> {
                match self {
                    Self::Boolean(values) => {
                        let column = column.as_boolean();
                        let column: Vec<bool> = column.iter().map(Option::unwrap_or_default).collect();
                        values.append(&column)
                    }
                    Self::Utf8(values) => {
                        let column = column.as_string::<i32>().iter().map(|value| text(value.unwrap_or_default()));
                        values.append(&column.collect::<Result<Vec<_>, _>>()?)
                    }
                    $(Self::$name(values) => {
                        let column = column.as_primitive::<$arrow>();
                        if column.null_count() == 0 {
                            return values.append(column.values());
                        }
                        let column: Vec<$native> = column.iter().map(|value| value.unwrap_or(<$native>::MISSING)).collect();
                        values.append(&column)
                    })*
                }
            }
        }
    };
}

numbers! {
    Int8, i8, Int8Type;
    Int16, i16, Int16Type;
    Int32, i32, Int32Type;
    Int64, i64, Int64Type;
    UInt8, u8, UInt8Type;
    UInt16, u16, UInt16Type;
    UInt32, u32, UInt32Type;
    UInt64, u64, UInt64Type;
    Float32, f32, Float32Type;
    Float64, f64, Float64Type;
}

/// What stands for a missing number.
trait Missing {
    const MISSING: Self;
}

macro_rules! missing {
    ($($native:ty: $value:expr),*) => { $(impl Missing for $native { const MISSING: Self = $value; })* };
}

missing!(i8: 0, i16: 0, i32: 0, i64: 0, u8: 0, u16: 0, u32: 0, u64: 0, f32: f32::NAN, f64: f64::NAN);
