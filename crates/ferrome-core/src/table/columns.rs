//! The columns of a run's table: those known without the model, those of the model, and `error`.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use super::{Format, Output};
use crate::{Error, Result};

/// The table's columns in three groups.
#[derive(Clone, Debug)]
pub(crate) struct Columns {
    /// All of them.
    pub(crate) table: SchemaRef,
    /// Those that the model computes.
    pub(crate) model: SchemaRef,
    /// Those that the model computes, and `error`.
    pub(crate) computed: SchemaRef,
}

impl Columns {
    pub(crate) fn new(described: &Schema, model: SchemaRef) -> Self {
        let error = Arc::new(Field::new("error", DataType::Utf8, true));
        let computed: Vec<_> = model.fields().iter().cloned().chain([error]).collect();
        let table: Vec<_> = described.fields().iter().chain(&computed).cloned().collect();
        Self { table: Arc::new(Schema::new(table)), model, computed: Arc::new(Schema::new(computed)) }
    }

    /// The position of the model's only column, and how many numbers a row of it holds; `None` when flat.
    pub(crate) fn single(&self) -> Option<(usize, Option<usize>, &DataType)> {
        let [field] = self.model.fields().as_ref() else { return None };
        let position = self.table.fields().len() - 2;
        let (width, number) = match field.data_type() {
            DataType::FixedSizeList(item, width) => (Some(usize::try_from(*width).ok()?), item.data_type()),
            flat => (None, flat),
        };
        number.is_floating().then_some((position, width, number))
    }

    /// Refuses a table that the output's format cannot hold.
    pub(crate) fn check(&self, output: &Output) -> Result<()> {
        let refused = |reason| Err(Error::OutputShape { path: output.path().to_owned(), reason });
        match output.format() {
            Format::Npy if self.single().is_none() => {
                let found: Vec<String> = self
                    .model
                    .fields()
                    .iter()
                    .map(|field| format!("{} ({})", field.name(), field.data_type()))
                    .collect();
                refused(format!(".npy holds one column of one vector of floats a row, found {}", found.join(" and ")))
            }
            Format::Csv => match self.table.fields().iter().find(|field| !fits_text(field.data_type())) {
                Some(field) => {
                    refused(format!(".csv cannot hold the nested column `{}` ({})", field.name(), field.data_type()))
                }
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }
}

fn fits_text(kind: &DataType) -> bool {
    match kind {
        DataType::FixedSizeList(item, _) => !item.data_type().is_nested(),
        kind => !kind.is_nested(),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn vector(name: &str, width: i32) -> Field {
        Field::new(name, DataType::FixedSizeList(Arc::new(Field::new("item", DataType::Float32, false)), width), true)
    }

    pub(crate) fn columns(model: Vec<Field>) -> Columns {
        Columns::new(&Schema::new(vec![Field::new("id", DataType::Utf8, false)]), Arc::new(Schema::new(model)))
    }

    #[test]
    fn npy_with_two_columns_is_refused() {
        let columns = columns(vec![vector("layer_1", 4), Field::new("score", DataType::Int32, true)]);
        let output = Output::parse("out.npy").unwrap();
        assert_eq!(
            columns.check(&output).unwrap_err().to_string(),
            "out.npy: .npy holds one column of one vector of floats a row, found layer_1 (FixedSizeList(4 x non-null \
             Float32)) and score (Int32); choose .parquet, .arrow or a folder for -o"
        );
    }

    #[test]
    fn csv_with_residues_is_refused() {
        let residues = Field::new("residues", DataType::List(Arc::new(vector("item", 2))), true);
        let message = columns(vec![residues]).check(&Output::parse("out.csv").unwrap()).unwrap_err().to_string();
        assert_eq!(
            message,
            "out.csv: .csv cannot hold the nested column `residues` (List(FixedSizeList(2 x non-null Float32))); choose \
             .parquet, .arrow or a folder for -o"
        );
    }

    #[test]
    fn single_vector_column_is_found() {
        let columns = columns(vec![vector("embedding", 4)]);
        assert_eq!(columns.single(), Some((1, Some(4), &DataType::Float32)));
    }

    #[test]
    fn columns_that_make_no_table_are_an_error() {
        let batch = arrow::array::RecordBatch::try_new(columns(vec![]).table, vec![]);
        assert_eq!(
            Error::from(batch.unwrap_err()).to_string(),
            "cannot build the table: Invalid argument error: number of columns(0) must match number of fields(2) in schema"
        );
    }
}
