//! Cells in Parquet, in the layouts that people have; which one it is follows from the columns.
//!
//! | layout | columns | genes |
//! |---|---|---|
//! | rows of lists, as in Tahoe-100M | `genes` and `expressions`, two lists of equal length; the others are `obs` | by token number, named by `gene_metadata.parquet` |
//! | long | one of each of [`long::CELL`], [`long::GENE`], [`long::COUNT`]; the others are not kept | in order of appearance |
//! | wide, as `adata.to_df().to_parquet()` writes | one column of numbers for each gene; text and truth values are `obs` | in order of the columns |
//!
//! A file of `input_ids` holds tokens, not counts, and is refused.

pub(crate) mod files;
pub mod long;
mod names;
mod obs;
mod source;
mod spill;
mod tahoe;
mod wide;

use std::path::Path;

use arrow::datatypes::{DataType, SchemaRef};

use super::{CellReader, ReadOptions};
use crate::{Error, Result};
use source::SourceReader;

/// Opens a Parquet file, or a folder of them with the same columns.
///
/// # Errors
///
/// The columns fit no layout, the values are no counts, or a file is damaged.
pub fn open(path: &Path, options: &ReadOptions) -> Result<Box<dyn CellReader>> {
    let paths = files::list(path)?;
    let Some(first) = paths.first() else { return Err(Error::file(path, "holds no .parquet file")) };
    let builder = files::open(first)?;
    let schema = builder.schema().clone();
    let opened = match layout(&schema) {
        Some(Layout::Tokens) => return Err(Error::file(first, TOKENS)),
        Some(Layout::Lists) => tahoe::open(&paths, &schema, options.gene_map.as_deref())?,
        Some(Layout::Long(columns)) => long::open(&paths, &columns)?,
        Some(Layout::Wide) => wide::open(&paths, &schema)?,
        None => return Err(unknown(first, &schema)),
    };
    Ok(Box::new(SourceReader::new(first, opened, options.allow_floats)?))
}

const TOKENS: &str = "has a column `input_ids`: its cells are tokens already, and counts cannot be made from tokens; \
    start from the counts that it was made from";

/// What the columns of a Parquet file mean.
#[derive(Debug, Eq, PartialEq)]
enum Layout {
    Tokens,
    Lists,
    Long(long::Columns),
    Wide,
}

fn layout(schema: &SchemaRef) -> Option<Layout> {
    let kind = |name: &str| schema.field_with_name(name).ok().map(arrow::datatypes::Field::data_type);
    let is_list =
        |name: &str| kind(name).is_some_and(|kind| matches!(kind, DataType::List(_) | DataType::LargeList(_)));
    if is_list("input_ids") {
        return Some(Layout::Tokens);
    }
    if is_list(tahoe::GENES) && is_list(tahoe::EXPRESSIONS) {
        return Some(Layout::Lists);
    }
    if let Some(columns) = long::Columns::of(schema) {
        return Some(Layout::Long(columns));
    }
    let numbers = schema.fields().iter().filter(|field| wide::is_gene(field)).count();
    let nested = schema.fields().iter().any(|field| field.data_type().is_nested());
    (numbers >= 2 && numbers * 2 > schema.fields().len() && !nested).then_some(Layout::Wide)
}

fn unknown(path: &Path, schema: &SchemaRef) -> Error {
    let found = files::show(schema);
    Error::file(
        path,
        format!(
            "holds no cells that ferrome knows: expected the lists `genes` and `expressions` (one row per cell), \
             columns such as `cell`, `gene` and `count` (one row per entry), or one column of numbers per gene; found {found}"
        ),
    )
}
