use arrow::array::{ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, ToByteSlice};
use ferrome_core::fingerprint::Fingerprint;

use crate::cells::{Cells, Values};

/// A hash over everything in a block that its tokens and columns are made from; `columns` are those of `obs` that are read.
pub(super) fn of(cells: &Cells, columns: &[String]) -> u128 {
    let mut all = Fingerprint::new();
    for id in &cells.ids {
        all.push(id.unwrap_or_default().as_bytes());
    }
    cells.starts.iter().for_each(|start| all.push(&start.to_le_bytes()));
    all.push(cells.genes.to_byte_slice());
    match &cells.values {
        Values::Counts(values) => all.push(values.to_byte_slice()),
        Values::Floats(values) => all.push(values.to_byte_slice()),
    }
    for (row, reason) in &cells.rejected {
        all.push(&row.to_le_bytes());
        all.push(reason.as_bytes());
    }
    for column in columns.iter().filter_map(|name| cells.obs.column_by_name(name)) {
        push_column(&mut all, column);
    }
    all.finish()
}

/// Adds the values of a column as text.
fn push_column(all: &mut Fingerprint, column: &ArrayRef) {
    let Ok(text) = cast(column, &DataType::Utf8) else { return };
    let Some(text) = text.as_string_opt::<i32>() else { return };
    for value in text {
        all.push(&[u8::from(value.is_some())]);
        all.push(value.unwrap_or_default().as_bytes());
    }
}
