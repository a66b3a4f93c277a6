//! A dataframe that grows by rows.

use arrow::array::{RecordBatch, StringArray};
use arrow::datatypes::Schema;
use hdf5_metno::Group;
use hdf5_metno::types::VarLenUnicode;

use super::append::{Append, Fault, encoded, text};
use super::column::ColumnWriter;

/// A dataframe that is being written.
pub(super) struct FrameWriter {
    group: Group,
    index: Append<VarLenUnicode>,
    /// The columns that can be held, by their place in the table.
    columns: Vec<(usize, String, ColumnWriter)>,
    left_out: Vec<String>,
}

impl FrameWriter {
    pub(super) fn create(parent: &Group, name: &str, schema: &Schema) -> Result<Self, Fault> {
        let group = parent.create_group(name)?;
        encoded(&group, "dataframe", "0.2.0")?;
        let wanted = schema.metadata().get("index").cloned();
        let taken = |name: &String| name.contains('/') || schema.field_with_name(name).is_ok();
        let index_name = wanted.filter(|name| !taken(name)).unwrap_or_else(|| "_index".to_owned());
        group.new_attr::<VarLenUnicode>().create("_index")?.write_scalar(&text(&index_name)?)?;
        let index = Append::create(&group, &index_name)?;
        if let Some(dataset) = index.dataset() {
            encoded(dataset, "string-array", "0.2.0")?;
        }
        let (mut columns, mut left_out) = (Vec::new(), Vec::new());
        for (place, field) in schema.fields().iter().enumerate() {
            // A slash would make a group of it.
            let writer = if field.name().contains('/') { None } else { ColumnWriter::create(&group, field)? };
            match writer {
                Some(writer) => columns.push((place, field.name().clone(), writer)),
                None => left_out.push(format!("{name}/{}", field.name())),
            }
        }
        Ok(Self { group, index, columns, left_out })
    }

    pub(super) fn append(&mut self, ids: &StringArray, table: &RecordBatch) -> Result<(), Fault> {
        let ids = ids.iter().map(|id| text(id.unwrap_or_default())).collect::<Result<Vec<_>, _>>()?;
        self.index.append(&ids)?;
        for (place, _, writer) in &mut self.columns {
            writer.append(table.column(*place))?;
        }
        Ok(())
    }

    /// Writes what is known at the end only, and removes the column `without`; gives the names of columns that were left out.
    pub(super) fn finish(self, without: Option<&str>) -> Result<Vec<String>, Fault> {
        let mut names = Vec::new();
        for (_, name, writer) in self.columns {
            if without == Some(name.as_str()) {
                self.group.unlink(&name)?;
                continue;
            }
            writer.finish(&self.group, &name)?;
            names.push(text(&name)?);
        }
        if names.is_empty() {
            self.group.new_attr::<VarLenUnicode>().shape((0,)).create("column-order")?;
        } else {
            self.group.new_attr_builder().with_data(&names).create("column-order")?;
        }
        Ok(self.left_out)
    }
}
