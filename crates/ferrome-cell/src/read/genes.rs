//! `var`: the genes of a matrix.

use arrow::array::RecordBatch;

use super::obs::{Frame, texts};
use crate::Result;
use crate::cells::Genes;

/// Columns that hold the names (symbols) of genes, the most telling first.
const NAMES: [&str; 8] =
    ["feature_name", "gene_name", "gene_symbols", "gene_symbol", "gene_names", "symbol", "name", "Symbol"];

/// The genes of a frame, all of it, by the index. The column with their names stays among the columns too.
pub(super) fn genes(frame: &mut Frame) -> Result<Genes> {
    let ids = frame.ids(0..frame.len())?;
    let columns = frame.rows(0..frame.len())?;
    let names = names(&columns)?;
    Ok(Genes { ids, names, columns })
}

fn names(columns: &RecordBatch) -> Result<Option<arrow::array::StringArray>> {
    NAMES.iter().find_map(|name| columns.column_by_name(name)).map(texts).transpose()
}
