//! NumPy arrays, with the ids beside them.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use arrow::array::{Array, ArrowPrimitiveType, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Float16Type, Float32Type, Float64Type, ToByteSlice};
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use fs_err::File;
use half::f16;

use super::merge::Sink;
use super::{Columns, failed};
use crate::{Error, Result};

/// An array that is being written; rows without a vector are NaN.
pub(super) struct NpySink {
    ids: (PathBuf, BufWriter<File>),
    array: (PathBuf, BufWriter<File>),
    position: usize,
    width: usize,
}

impl NpySink {
    /// `rows` must be the rows that will be written.
    pub(super) fn create(ids: &Path, array: &Path, columns: &Columns, rows: u64) -> Result<Self> {
        let unfit = || Error::Table { path: array.to_owned(), reason: "not one column of floats".to_owned() };
        let (position, width, number) = columns.single().ok_or_else(unfit)?;
        let open = |path: &Path| Ok::<_, Error>((path.to_owned(), BufWriter::new(File::create(path)?)));
        let mut sink = Self { ids: open(ids)?, array: open(array)?, position, width: width.unwrap_or(1) };
        let header = header(number, rows, width);
        sink.array.1.write_all(&header).map_err(|error| failed(array, error))?;
        Ok(sink)
    }

    fn write_ids(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        let ids = ArrayFormatter::try_new(batch.column(0).as_ref(), &FormatOptions::default())?;
        for row in 0..batch.num_rows() {
            let id = ids.value(row).to_string().replace(['\n', '\r'], " ");
            writeln!(self.ids.1, "{id}")?;
        }
        Ok(())
    }

    fn write_array(&mut self, batch: &RecordBatch) -> std::io::Result<()> {
        let column = batch.column(self.position);
        let number = match column.data_type() {
            DataType::FixedSizeList(item, _) => item.data_type(),
            flat => flat,
        };
        match number {
            DataType::Float16 => self.write_floats::<Float16Type>(column, f16::NAN),
            DataType::Float64 => self.write_floats::<Float64Type>(column, f64::NAN),
            _ => self.write_floats::<Float32Type>(column, f32::NAN),
        }
    }

    fn write_floats<T: ArrowPrimitiveType>(&mut self, column: &dyn Array, nan: T::Native) -> std::io::Result<()> {
        let values = column.as_fixed_size_list_opt().map_or(column, |list| list.values().as_ref());
        let missing = vec![nan; self.width];
        let rows = values.as_primitive::<T>().values().chunks_exact(self.width.max(1));
        for (row, numbers) in rows.enumerate() {
            let numbers = if column.is_valid(row) { numbers } else { missing.as_slice() };
            self.array.1.write_all(numbers.to_byte_slice())?;
        }
        Ok(())
    }
}

impl Sink for NpySink {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.write_ids(batch).map_err(|error| failed(&self.ids.0, error))?;
        self.write_array(batch).map_err(|error| failed(&self.array.0, error))
    }

    fn finish(self: Box<Self>) -> Result<()> {
        for (path, writer) in [self.ids, self.array] {
            let file = writer.into_inner().map_err(|error| failed(&path, error.into_error()))?;
            file.sync_all().map_err(|error| failed(&path, error))?;
        }
        Ok(())
    }
}

/// The header of version 1.0, padded to a multiple of 64 bytes.
fn header(number: &DataType, rows: u64, width: Option<usize>) -> Vec<u8> {
    let bytes = number.primitive_width().unwrap_or(4);
    let order = if cfg!(target_endian = "little") { '<' } else { '>' };
    let shape = width.map_or_else(|| format!("({rows},)"), |width| format!("({rows}, {width})"));
    let text = format!("{{'descr': '{order}f{bytes}', 'fortran_order': False, 'shape': {shape}, }}");
    let length = (10 + text.len() + 1).next_multiple_of(64) - 10;
    let mut header = b"\x93NUMPY\x01\x00".to_vec();
    header.extend((length as u16).to_le_bytes());
    header.extend(format!("{text:<width$}\n", width = length - 1).bytes());
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_is_what_numpy_writes() {
        let expected = format!("{:<117}\n", "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 480), }");
        let header = header(&DataType::Float32, 3, Some(480));
        assert_eq!(&header[..10], b"\x93NUMPY\x01\x00\x76\x00");
        assert_eq!(header[10..], *expected.as_bytes());
        assert_eq!(header.len(), 128);
    }
}
