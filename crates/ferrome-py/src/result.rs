//! What a run wrote, as Python takes it: an Arrow table, or one array of its vectors.

use std::{ffi::OsString, path::Path};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Float32Type, SchemaRef};
use ferrome_cli::Trouble;
use ferrome_core::table::Parts;
use numpy::{PyArray1, PyArray2, PyArrayMethods};
use pyo3::{Bound, PyResult, Python};

/// The rows of a finished run.
pub(crate) struct Rows {
    pub(crate) schema: SchemaRef,
    pub(crate) batches: Vec<RecordBatch>,
}

/// The vectors of a finished run, one a row, NaN where there is none.
pub(crate) struct Vectors {
    pub(crate) numbers: Vec<f32>,
    pub(crate) rows: usize,
    pub(crate) width: usize,
    /// The number of each row without a vector, and why.
    pub(crate) rejected: Vec<(usize, String)>,
}

/// The array `[rows, width]`, and the number of each row without a vector, with the reason.
pub(crate) type VectorsInPython<'py> = (Bound<'py, PyArray2<f32>>, Vec<(usize, String)>);

impl Vectors {
    /// The numbers as an array of NumPy, without a copy.
    pub(crate) fn into_python(self, py: Python<'_>) -> PyResult<VectorsInPython<'_>> {
        Ok((PyArray1::from_vec(py, self.numbers).reshape([self.rows, self.width])?, self.rejected))
    }
}

/// A folder for a run whose table is read and then forgotten.
pub(crate) fn folder() -> Result<tempfile::TempDir, Trouble> {
    Ok(tempfile::Builder::new().prefix("ferrome-").tempdir().map_err(anyhow::Error::from)?)
}

/// Has a subcommand write into `folder`: says so after its two names, since what follows `--` are files.
pub(crate) fn into(arguments: &mut Vec<OsString>, folder: &Path) {
    let (names, output): (usize, [OsString; 2]) = (2.min(arguments.len()), ["--output".into(), folder.into()]);
    arguments.splice(names..names, output);
}

/// Reads the parts in `folder`.
pub(crate) fn rows(folder: &Path) -> Result<Rows, Trouble> {
    let parts = Parts::open(folder).map_err(trouble)?;
    let batches = parts.batches().collect::<Result<_, _>>().map_err(trouble)?;
    Ok(Rows { schema: parts.schema().clone(), batches })
}

/// Reads the column `embedding` of the parts in `folder`.
pub(crate) fn vectors(folder: &Path) -> Result<Vectors, Trouble> {
    let parts = Parts::open(folder).map_err(trouble)?;
    let width = match parts.schema().field_with_name("embedding").map(|field| field.data_type()) {
        Ok(DataType::FixedSizeList(_, width)) => usize::try_from(*width).unwrap_or(0),
        _ => 0,
    };
    let numbers = Vec::with_capacity(parts.rows() * width);
    let mut made = Vectors { numbers, rows: 0, width, rejected: Vec::new() };
    for batch in parts.batches() {
        made.add(&batch.map_err(trouble)?);
    }
    Ok(made)
}

impl Vectors {
    fn add(&mut self, batch: &RecordBatch) {
        let column = batch.column_by_name("embedding").and_then(|column| column.as_fixed_size_list_opt());
        let Some(column) = column else { return };
        let Some(numbers) = column.values().as_primitive_opt::<Float32Type>() else { return };
        let errors = batch.column_by_name("error").and_then(|column| column.as_string_opt::<i32>());
        for row in 0..batch.num_rows() {
            if column.is_null(row) {
                self.numbers.extend(std::iter::repeat_n(f32::NAN, self.width));
                let reason = errors.filter(|errors| errors.is_valid(row)).map(|errors| errors.value(row).to_owned());
                self.rejected.push((self.rows + row, reason.unwrap_or_default()));
                continue;
            }
            let first = (column.offset() + row) * self.width;
            self.numbers.extend_from_slice(numbers.values().get(first..first + self.width).unwrap_or_default());
        }
        self.rows += batch.num_rows();
    }
}

fn trouble(error: ferrome_core::Error) -> Trouble {
    anyhow::Error::from(error).into()
}
