//! One row per entry: cell, gene, value.
//!
//! A first pass counts the entries of each cell. Where all rows of a cell stand together, the second pass gives them as
//! they come; otherwise it sorts them into a temporary file (16 bytes per entry, in `TMPDIR`), so that memory grows with
//! the number of cells and genes, not of entries. Cells and genes are in order of first appearance.

mod passes;

use std::path::PathBuf;

use arrow::array::{Array, StringArray};
use arrow::datatypes::{DataType, Schema, SchemaRef};

use super::source::{Opened, RawRows, Source};
use super::spill::Spilled;
use crate::Result;
use crate::cells::{Genes, no_columns};
pub(super) use passes::Entries;
use passes::Survey;

/// Names of the column of cells, whatever their case; the first that is there.
pub const CELL: [&str; 12] = [
    "cell_id",
    "cell",
    "cellid",
    "barcode",
    "cell_barcode",
    "barcodes",
    "cb",
    "cell_name",
    "obs_id",
    "obs_name",
    "obs_names",
    "obs",
];
/// Names of the column of genes, whatever their case; the first that is there.
pub const GENE: [&str; 13] = [
    "gene_id",
    "gene",
    "geneid",
    "ensembl_id",
    "feature_id",
    "feature",
    "gene_name",
    "gene_symbol",
    "symbol",
    "feature_name",
    "var_id",
    "var_name",
    "var",
];
/// Names of the column of values, whatever their case; the first that is there.
pub const COUNT: [&str; 12] = [
    "count",
    "counts",
    "umi_count",
    "umi_counts",
    "umis",
    "n_umi",
    "n_umis",
    "numi",
    "umi",
    "value",
    "expression",
    "x",
];

/// The columns of a long table.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Columns {
    cell: String,
    gene: String,
    count: String,
    integers: bool,
}

impl Columns {
    /// The columns of a long table, if the schema has all three.
    pub(super) fn of(schema: &SchemaRef) -> Option<Self> {
        let flat = |kind: &DataType| !kind.is_nested() && !kind.is_floating();
        let count = named(schema, &COUNT, |kind| kind.is_integer() || kind.is_floating())?;
        let integers = schema.field_with_name(&count).is_ok_and(|field| field.data_type().is_integer());
        Some(Self { cell: named(schema, &CELL, flat)?, gene: named(schema, &GENE, flat)?, count, integers })
    }
}

fn named(schema: &Schema, names: &[&str], fits: impl Fn(&DataType) -> bool) -> Option<String> {
    let called = |name: &str| {
        schema.fields().iter().find(|field| field.name().eq_ignore_ascii_case(name) && fits(field.data_type()))
    };
    names.iter().find_map(|name| called(name)).map(|field| field.name().clone())
}

/// Opens the files at `paths`.
pub(super) fn open(paths: &[PathBuf], columns: &Columns) -> Result<Opened> {
    let survey = Survey::of(paths, columns)?;
    let (ids, genes) = (survey.cells.array(), survey.genes.array());
    let (scattered, counts) = (survey.scattered, survey.entries.clone());
    let rows = Entries::new(paths, columns, survey);
    let source: Box<dyn Source> = if scattered {
        Box::new(Spilled::sort(rows, &counts, ids.clone())?)
    } else {
        Box::new(Adjacent { rows, ids: ids.clone(), current: None })
    };
    Ok(Opened {
        genes: Genes::from_ids(genes),
        cells: Some(ids.len() as u64),
        obs: no_columns(0).schema(),
        layer: columns.count.clone(),
        format: "parquet (long: one row per cell and gene)",
        integers: columns.integers,
        source,
    })
}

/// Cells whose rows stand together.
struct Adjacent {
    rows: Entries,
    ids: StringArray,
    /// The cell whose rows are being read.
    current: Option<(u32, Vec<(u32, f64)>)>,
}

impl Source for Adjacent {
    fn next_rows(&mut self) -> Result<Option<RawRows>> {
        let mut done: Vec<(u32, Vec<(u32, f64)>)> = Vec::new();
        while done.is_empty() {
            let Some(rows) = self.rows.next()? else {
                done.extend(self.current.take());
                break;
            };
            for (cell, gene, value) in rows {
                match &mut self.current {
                    Some((current, entries)) if *current == cell => entries.push((gene, value)),
                    _ => done.extend(self.current.replace((cell, vec![(gene, value)]))),
                }
            }
        }
        Ok((!done.is_empty()).then(|| finished(&self.ids, done)))
    }
}

/// Cells whose rows are all there.
pub(super) fn finished(ids: &StringArray, cells: Vec<(u32, Vec<(u32, f64)>)>) -> RawRows {
    let names = cells.iter().map(|&(cell, _)| ids.value(cell as usize));
    RawRows {
        ids: StringArray::from_iter_values(names),
        obs: no_columns(cells.len()),
        rows: cells.into_iter().map(|(_, entries)| Ok(entries)).collect(),
    }
}
