//! What Python gives: lists, and tables of any library that speaks Arrow's PyCapsule interface.

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, AsArray, StringArray},
    compute::{cast, concat},
    datatypes::{DataType, Schema},
};
use ferrome_protein::read::Protein;
use pyo3::{
    Bound, PyAny, PyResult,
    exceptions::{PyTypeError, PyValueError},
    types::{PyAnyMethods, PyStringMethods, PyTypeMethods},
};
use pyo3_arrow::{PyArray, PyChunkedArray, PyRecordBatch, PyTable};

/// What proteins are called in messages that were not read from a file.
const SOURCE: &str = "sequences";

/// The proteins of a list of sequences, of an Arrow array of them, or of a table with the columns `sequence` and `id`.
pub(crate) fn proteins(given: &Bound<'_, PyAny>, sequence: &str, id: &str) -> PyResult<Vec<Protein>> {
    if given.hasattr("__arrow_c_stream__")? {
        if let Ok(table) = given.extract::<PyTable>() {
            return of_table(table, sequence, id);
        }
        let array: PyChunkedArray = given.extract()?;
        return of_column(&texts(SOURCE, array.chunks(), array.data_type(), false)?, None);
    }
    if given.hasattr("__arrow_c_array__")? {
        if let Ok(batch) = given.extract::<PyRecordBatch>() {
            let batch = batch.into_inner();
            return of_table(PyTable::try_new(vec![batch.clone()], batch.schema())?, sequence, id);
        }
        let array: PyArray = given.extract()?;
        return of_column(&texts(SOURCE, &[Arc::clone(array.array())], array.array().data_type(), false)?, None);
    }
    let source: Arc<str> = SOURCE.into();
    let mut proteins = Vec::new();
    for (i, item) in given.try_iter()?.enumerate() {
        let item = item?;
        let text = item.cast::<pyo3::types::PyString>().map_err(|_| {
            let found = item.get_type().name().map_or_else(|_| "something else".to_owned(), |name| name.to_string());
            PyTypeError::new_err(format!("{SOURCE}: item {i}: expected a string, found {found}"))
        })?;
        proteins.push(Protein::given(&i.to_string(), &text.to_cow()?, &source, i as u64 + 1));
    }
    Ok(proteins)
}

fn of_table(table: PyTable, sequence: &str, id: &str) -> PyResult<Vec<Protein>> {
    let (batches, schema) = table.into_inner();
    let column = |name: &str, numbers: bool| -> PyResult<Option<StringArray>> {
        let Ok(place) = schema.index_of(name) else { return Ok(None) };
        let chunks: Vec<ArrayRef> = batches.iter().map(|batch| Arc::clone(batch.column(place))).collect();
        texts(name, &chunks, schema.field(place).data_type(), numbers).map(Some)
    };
    let sequences = column(sequence, false)?.ok_or_else(|| lacks(sequence, &schema))?;
    of_column(&sequences, column(id, true)?.as_ref())
}

fn lacks(column: &str, schema: &Schema) -> pyo3::PyErr {
    let names: Vec<String> = schema.fields().iter().map(|field| format!("`{}`", field.name())).collect();
    PyValueError::new_err(format!("the table has no column `{column}`; it has {}", names.join(", ")))
}

// A column as strings; ids may be `numbers`.
fn texts(name: &str, chunks: &[ArrayRef], kind: &DataType, numbers: bool) -> PyResult<StringArray> {
    let text = matches!(kind, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Dictionary(..));
    if !(text || (numbers && kind.is_integer())) {
        return Err(PyTypeError::new_err(format!("column `{name}`: expected strings, found {kind}")));
    }
    let wrong = |error: arrow::error::ArrowError| PyValueError::new_err(format!("column `{name}`: {error}"));
    let chunks: Vec<ArrayRef> =
        chunks.iter().map(|chunk| cast(chunk, &DataType::Utf8)).collect::<Result<_, _>>().map_err(wrong)?;
    let chunks: Vec<&dyn Array> = chunks.iter().map(AsRef::as_ref).collect();
    if chunks.is_empty() {
        return Ok(StringArray::new_null(0));
    }
    Ok(concat(&chunks).map_err(wrong)?.as_string::<i32>().clone())
}

fn of_column(sequences: &StringArray, ids: Option<&StringArray>) -> PyResult<Vec<Protein>> {
    let source: Arc<str> = SOURCE.into();
    let proteins = sequences.iter().enumerate().map(|(i, sequence)| {
        let number = i.to_string();
        let id = ids.map_or(number.as_str(), |ids| if ids.is_null(i) { "" } else { ids.value(i) });
        Protein::given(id, sequence.unwrap_or_default(), &source, i as u64 + 1)
    });
    Ok(proteins.collect())
}
