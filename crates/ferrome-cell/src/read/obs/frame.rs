use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, StringArray};
use arrow::datatypes::{Field, Schema, SchemaRef};

use super::column::Column;
use super::compound::Table;
use crate::Result;
use crate::read::hdf5::{Attributes, Kind, Node, Source, Stored};

/// A dataframe in a file, read by ranges of rows.
#[derive(Debug)]
pub(in crate::read) struct Frame {
    rows: u64,
    index: Column,
    columns: Vec<Column>,
    schema: SchemaRef,
}

/// Collects the columns of a frame.
#[derive(Debug, Default)]
pub(in crate::read) struct Parts {
    columns: Vec<(Field, Column)>,
    skipped: Vec<String>,
    /// How the index is called, if it has a name.
    index: Option<String>,
}

impl Parts {
    /// Adds the column stored as `place` under `name`, or notes that it cannot be read.
    pub(in crate::read) fn add(&mut self, source: &Source, place: &str, name: &str) {
        match Column::open(source, place) {
            Ok(column) => self.columns.push((column.field(name), column)),
            Err(_) => self.skipped.push(name.to_owned()),
        }
    }

    /// Adds a column that is in memory.
    pub(in crate::read) fn push(&mut self, field: Field, array: ArrayRef) {
        self.columns.push((field, Column::Memory(array)));
    }

    /// Adds an array under `name`.
    pub(in crate::read) fn memory(&mut self, name: &str, array: ArrayRef) {
        self.push(Field::new(name, array.data_type().clone(), true), array);
    }

    /// The frame with these columns; the error names one of another length.
    pub(in crate::read) fn finish(self, index: Column) -> Result<Frame, String> {
        let rows = index.len();
        if let Some((field, column)) = self.columns.iter().find(|(_, column)| column.len() != rows) {
            return Err(format!("column {} has {} rows, expected {rows}", field.name(), column.len()));
        }
        let (fields, columns): (Vec<_>, Vec<_>) = self.columns.into_iter().unzip();
        let mut metadata = HashMap::new();
        if !self.skipped.is_empty() {
            metadata.insert("skipped".to_owned(), self.skipped.join(", "));
        }
        metadata.extend(self.index.map(|index| ("index".to_owned(), index)));
        Ok(Frame { rows, index, columns, schema: Arc::new(Schema::new_with_metadata(fields, metadata)) })
    }
}

impl Frame {
    /// A dataframe that is in memory; there are as many ids as rows.
    pub(in crate::read) fn memory(ids: StringArray, columns: &RecordBatch) -> Self {
        Self {
            rows: columns.num_rows() as u64,
            index: Column::Memory(Arc::new(ids)),
            columns: columns.columns().iter().cloned().map(Column::Memory).collect(),
            schema: columns.schema(),
        }
    }

    /// The dataframe stored as `name`, such as `obs` or `raw/var`.
    pub(in crate::read) fn open(source: &Source, name: &str) -> Result<Self> {
        let mut parts = Parts::default();
        let index = match source.node(name) {
            Some(Node::Group(group)) => {
                let index = index_name(source, name, &group)?;
                let columns = group.texts("column-order").unwrap_or_else(|| members(source, name, &group));
                for column in columns.iter().filter(|column| **column != index) {
                    parts.add(source, &format!("{name}/{column}"), column);
                }
                parts.index = Some(index.clone()).filter(|index| index != "_index");
                Column::open(source, &format!("{name}/{index}"))?
            }
            Some(Node::Dataset(dataset)) => {
                let stored = Stored::of(source, dataset, name)?;
                let Kind::Compound(compound) = stored.kind().clone() else {
                    return Err(stored.wrong("expected a dataframe, found an array"));
                };
                table(source, stored, &compound, &mut parts)?
            }
            None => return Err(source.wrong(name, "there is no such dataframe, or its place in the file is damaged")),
        };
        parts.finish(index).map_err(|what| source.wrong(name, what))
    }

    /// The number of rows.
    pub(in crate::read) fn len(&self) -> u64 {
        self.rows
    }

    /// The columns, the index not among them.
    pub(in crate::read) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The index of some rows.
    pub(in crate::read) fn ids(&mut self, range: Range<u64>) -> Result<StringArray> {
        self.index.read_ids(range)
    }

    /// The columns of some rows.
    pub(in crate::read) fn rows(&mut self, range: Range<u64>) -> Result<RecordBatch> {
        let options = RecordBatchOptions::new().with_row_count(Some((range.end - range.start) as usize));
        let columns = self.columns.iter_mut().map(|column| column.read(range.clone())).collect::<Result<_>>()?;
        Ok(RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)?)
    }
}

/// The columns of a table; its index is the field `index`, or the first one.
fn table(
    source: &Source,
    stored: Stored,
    compound: &hdf5_metno::types::CompoundType,
    parts: &mut Parts,
) -> Result<Column> {
    let wrong = stored.wrong("the table has no index");
    let mut fields = Table::read(source, stored, compound)?.fields;
    let place = fields.iter().position(|(name, _)| name == "index").unwrap_or(0);
    if place >= fields.len() {
        return Err(wrong);
    }
    let (_, index) = fields.remove(place);
    for (name, field) in fields {
        match field {
            Some((field, array)) => parts.push(field, array),
            None => parts.skipped.push(name),
        }
    }
    index.map(|(_, array)| Column::Memory(array)).ok_or(wrong)
}

/// What the attribute `_index` says; older files lack it.
fn index_name(source: &Source, name: &str, group: &hdf5_metno::Location) -> Result<String> {
    let said = group.text("_index");
    let usual = ["_index", "index"].map(str::to_owned);
    let found = said.into_iter().chain(usual).find(|index| source.node(&format!("{name}/{index}")).is_some());
    found.ok_or_else(|| source.wrong(name, "the dataframe has no index, or it is damaged"))
}

/// The columns of a frame that does not give their order.
fn members(source: &Source, name: &str, group: &hdf5_metno::Location) -> Vec<String> {
    if group.attr("column-order").is_ok() {
        // An empty list of names is stored as an array of numbers.
        return Vec::new();
    }
    source.names(name).into_iter().filter(|member| !member.starts_with("__")).collect()
}
