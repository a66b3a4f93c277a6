//! Tables as a user of Arrow reads them.

use std::path::Path;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Float32Type, Int64Type};
use arrow::ipc::reader::FileReader;
use fs_err::File;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

/// All rows of an output.
#[derive(Debug, PartialEq)]
pub(crate) struct Table(pub(crate) RecordBatch);

impl Table {
    /// Reads a Parquet file, an Arrow file, or a folder of parts.
    pub(crate) fn read(path: &Path) -> Self {
        let batches = match path.extension().and_then(|suffix| suffix.to_str()) {
            _ if path.is_dir() => {
                let entries = fs_err::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
                let mut parts: Vec<_> = entries.filter(|path| path.is_file()).collect();
                parts.sort_unstable();
                parts.iter().flat_map(|part| parquet(part)).collect()
            }
            Some("arrow" | "feather") => {
                FileReader::try_new(File::open(path).unwrap(), None).unwrap().collect::<Result<Vec<_>, _>>().unwrap()
            }
            _ => parquet(path),
        };
        let plain = arrow::datatypes::Schema::new(batches[0].schema().fields().clone());
        let plain = std::sync::Arc::new(plain);
        let batches: Vec<RecordBatch> = batches
            .iter()
            .map(|batch| RecordBatch::try_new(plain.clone(), batch.columns().to_vec()).unwrap())
            .collect();
        Self(concat_batches(&plain, &batches).unwrap())
    }

    pub(crate) fn rows(&self) -> usize {
        self.0.num_rows()
    }

    /// Names of the columns.
    pub(crate) fn columns(&self) -> Vec<String> {
        self.0.schema().fields().iter().map(|field| field.name().clone()).collect()
    }

    /// A column's type, as Arrow writes it.
    pub(crate) fn kind(&self, column: &str) -> String {
        self.column(column).data_type().to_string()
    }

    pub(crate) fn ids(&self) -> Vec<String> {
        self.strings("id").into_iter().map(Option::unwrap).collect()
    }

    pub(crate) fn errors(&self) -> Vec<Option<String>> {
        self.strings("error")
    }

    pub(crate) fn lengths(&self) -> Vec<i64> {
        self.column("length").as_primitive::<Int64Type>().values().to_vec()
    }

    /// The numbers of each row of a column of vectors, or of lists of vectors, one after another; `None` for null.
    pub(crate) fn numbers(&self, column: &str) -> Vec<Option<Vec<f32>>> {
        let column = self.column(column);
        (0..column.len()).map(|row| column.is_valid(row).then(|| flat(&column.slice(row, 1)))).collect()
    }

    /// The column `embedding`, without nulls.
    pub(crate) fn embeddings(&self) -> Vec<Vec<f32>> {
        self.numbers("embedding").into_iter().map(Option::unwrap).collect()
    }

    /// A column of text, without nulls, whatever its encoding.
    pub(crate) fn texts(&self, column: &str) -> Vec<String> {
        let plain = arrow::compute::cast(self.column(column), &DataType::Utf8).unwrap();
        plain.as_string::<i32>().iter().map(|text| text.unwrap().to_owned()).collect()
    }

    /// The numbers of one row of a column of lists.
    pub(crate) fn integers_of(&self, column: &str, row: usize) -> Vec<i32> {
        let list = self.column(column).as_list::<i32>().value(row);
        list.as_primitive::<arrow::datatypes::Int32Type>().values().to_vec()
    }

    /// The texts of one row of a column of lists.
    pub(crate) fn texts_of(&self, column: &str, row: usize) -> Vec<Option<String>> {
        let list = self.column(column).as_list::<i32>().value(row);
        list.as_string::<i32>().iter().map(|text| text.map(ToOwned::to_owned)).collect()
    }

    fn column(&self, name: &str) -> &ArrayRef {
        self.0.column_by_name(name).unwrap_or_else(|| panic!("no column {name} in {:?}", self.columns()))
    }

    pub(crate) fn strings(&self, column: &str) -> Vec<Option<String>> {
        self.column(column).as_string::<i32>().iter().map(|text| text.map(str::to_owned)).collect()
    }
}

fn parquet(path: &Path) -> Vec<RecordBatch> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap().into_file()).unwrap();
    reader.build().unwrap().collect::<Result<_, _>>().unwrap()
}

fn flat(array: &ArrayRef) -> Vec<f32> {
    match array.data_type() {
        DataType::Float32 => array.as_primitive::<Float32Type>().values().to_vec(),
        DataType::FixedSizeList(..) => flat(&array.as_fixed_size_list().value(0)),
        DataType::List(_) => {
            let list = array.as_list::<i32>().value(0);
            (0..list.len()).flat_map(|row| flat(&list.slice(row, 1))).collect()
        }
        other => panic!("not a column of vectors: {other}"),
    }
}

/// The largest difference, relative to values above 1.
pub(crate) fn difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    let each = a.iter().zip(b).map(|(a, b)| (a - b).abs() / b.abs().max(1.0));
    each.fold(0.0, |most, one| if one.is_nan() { f32::NAN } else { most.max(one) })
}

pub(crate) fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

/// The mean over rows of `width` numbers.
pub(crate) fn mean(rows: &[f32], width: usize) -> Vec<f32> {
    let count = (rows.len() / width) as f64;
    let sum = |column: usize| rows.iter().skip(column).step_by(width).map(|x| f64::from(*x)).sum::<f64>();
    (0..width).map(|column| (sum(column) / count) as f32).collect()
}
