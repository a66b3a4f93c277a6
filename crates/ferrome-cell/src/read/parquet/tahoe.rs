//! One row per cell with two lists, `genes` and `expressions`, as in Tahoe-100M.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, AsArray, LargeListArray, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Float64Type, Int64Type, SchemaRef};
use arrow::error::ArrowError;
use hashbrown::HashMap;

use super::files::{self, Batch, Files};
use super::names;
use super::obs::Obs;
use super::source::{Opened, RawRow, RawRows, Source};
use crate::cells::Genes;
use crate::{Error, Result};

mod tokens;

/// The list of genes, by token number.
pub(super) const GENES: &str = "genes";
/// The list of values.
pub(super) const EXPRESSIONS: &str = "expressions";

/// Rows that are decoded at a time.
const BATCH_ROWS: usize = 512;

const NAMED: &str = "parquet (one row per cell, genes named by gene_metadata)";
const NUMBERED: &str = "parquet (one row per cell; genes are token numbers: there is no gene_metadata.parquet beside it, and no --gene-map)";

/// Opens the files at `paths`.
pub(super) fn open(paths: &[PathBuf], schema: &SchemaRef, gene_map: Option<&Path>) -> Result<Opened> {
    let first = paths.first().cloned().unwrap_or_default();
    let map = gene_map.map(Path::to_owned).or_else(|| tokens::beside(&first));
    let (genes, columns) = match &map {
        Some(map) => tokens::read(map)?,
        None => tokens::numbers(paths)?,
    };
    let id = names::id_column(schema);
    let is_obs = |field: &&Arc<Field>| {
        ![GENES, EXPRESSIONS].contains(&field.name().as_str()) && Some(field.name()) != id.as_ref()
    };
    let obs = Obs::new(schema.fields().iter().filter(is_obs));
    let expressions = schema.field_with_name(EXPRESSIONS)?.data_type();
    let integers =
        matches!(expressions, DataType::List(item) | DataType::LargeList(item) if item.data_type().is_integer());
    let named = map.is_some();
    let schema_obs = obs.schema();
    let lists = Lists { files: Files::new(paths, None, BATCH_ROWS), id, obs, columns, rows: 0, map };
    Ok(Opened {
        genes,
        cells: Some(files::rows(paths)?),
        obs: schema_obs,
        layer: EXPRESSIONS.to_owned(),
        format: if named { NAMED } else { NUMBERED },
        integers,
        source: Box::new(lists),
    })
}

struct Lists {
    files: Files,
    id: Option<String>,
    obs: Obs,
    columns: HashMap<i64, u32>,
    rows: u64,
    map: Option<PathBuf>,
}

impl Source for Lists {
    fn next_rows(&mut self) -> Result<Option<RawRows>> {
        let Some(batch) = self.files.next()? else { return Ok(None) };
        let wrong = |error: ArrowError| Error::file(&batch.path, error.to_string());
        let genes = list(&batch, GENES, &DataType::Int64)?;
        let values = list(&batch, EXPRESSIONS, &DataType::Float64)?;
        let ids = names::ids(&batch.rows, self.id.as_deref(), self.rows).map_err(wrong)?;
        let obs = self.obs.of(&batch)?;
        self.rows += batch.rows.num_rows() as u64;
        let rows = (0..batch.rows.num_rows()).map(|row| self.row(&genes, &values, row)).collect();
        Ok(Some(RawRows { ids, obs, rows }))
    }
}

impl Lists {
    /// The entries of a cell, without the marker that Tahoe-100M puts before the first: token 1 with the value -2.
    fn row(&self, genes: &LargeListArray, values: &LargeListArray, row: usize) -> RawRow {
        if genes.is_null(row) || values.is_null(row) {
            return Err(format!("`{GENES}` or `{EXPRESSIONS}` is null"));
        }
        let (genes, values) = (genes.value(row), values.value(row));
        if genes.len() != values.len() {
            return Err(format!("`{GENES}` has {} entries, `{EXPRESSIONS}` has {}", genes.len(), values.len()));
        }
        let (genes, values) = (genes.as_primitive::<Int64Type>(), values.as_primitive::<Float64Type>());
        if genes.null_count() + values.null_count() > 0 {
            return Err(format!("`{GENES}` or `{EXPRESSIONS}` holds a null"));
        }
        let entries = genes.values().iter().zip(values.values()).map(|(&token, &value)| (token, value));
        let marker = entries.clone().next() == Some((1, -2.0));
        entries.skip(usize::from(marker)).map(|(token, value)| Ok((self.column(token)?, value))).collect()
    }

    fn column(&self, token: i64) -> Result<u32, String> {
        let column = self.columns.get(&token).copied();
        column.ok_or_else(|| match &self.map {
            Some(map) => format!("token {token} is not in {}", map.display()),
            None => format!("token {token} is below zero"),
        })
    }
}

/// A list column with items of one type, whatever kind of list it is.
fn list(batch: &Batch, name: &str, item: &DataType) -> Result<LargeListArray> {
    let wrong = |reason: String| Error::file(&batch.path, reason);
    let column = batch.column(name)?;
    let kind = DataType::LargeList(Arc::new(Field::new("item", item.clone(), true)));
    let numbers = match column.data_type() {
        DataType::List(found) | DataType::LargeList(found) => found.data_type().is_numeric(),
        _ => false,
    };
    if !numbers {
        return Err(wrong(format!("column `{name}` has type {}, expected a list of numbers", column.data_type())));
    }
    let column = cast(column, &kind).map_err(|error| wrong(error.to_string()))?;
    Ok(column.as_list::<i64>().clone())
}

/// Ids, names and columns by token.
type TokenGenes = (Genes, HashMap<i64, u32>);

/// Genes in the order of their tokens.
fn by_token(mut rows: Vec<(i64, String, Option<String>)>) -> TokenGenes {
    rows.sort();
    rows.dedup_by_key(|(token, ..)| *token);
    let columns = rows.iter().zip(0..).map(|((token, ..), column)| (*token, column)).collect();
    let names: StringArray = rows.iter().map(|(_, _, name)| name.clone()).collect();
    let ids = StringArray::from_iter_values(rows.iter().map(|(_, id, _)| id));
    let mut genes = Genes::from_ids(ids);
    genes.names = (names.null_count() < names.len()).then_some(names);
    (genes, columns)
}
