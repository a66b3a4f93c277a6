//! One row per entry: cell, gene, value.
//!
//! A first pass counts the entries of each cell. Where all rows of a cell stand together, the second pass gives them as
//! they come; otherwise it sorts them into a temporary file (16 bytes per entry, in `TMPDIR`), so that memory grows with
//! the number of cells and genes, not of entries. Cells and genes are in order of first appearance.

use std::path::PathBuf;

use arrow::array::{Array, AsArray, Float64Array, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Schema, SchemaRef};
use hashbrown::HashMap;

use super::files::{Batch, Files};
use super::names::texts;
use super::source::{Opened, RawRows, Source};
use super::spill::Spilled;
use crate::cells::{Genes, no_columns};
use crate::{Error, Result};

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

/// Rows that are decoded at a time.
const BATCH_ROWS: usize = 1 << 16;

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

    fn all(&self) -> Vec<String> {
        vec![self.cell.clone(), self.gene.clone(), self.count.clone()]
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
    let mut survey = Survey::default();
    let mut files = Files::new(paths, Some(vec![columns.cell.clone(), columns.gene.clone()]), BATCH_ROWS);
    while let Some(batch) = files.next()? {
        survey.add(&batch, columns)?;
    }
    let (ids, genes) = (survey.cells.array(), survey.genes.array());
    let rows = Entries {
        files: Files::new(paths, Some(columns.all()), BATCH_ROWS),
        columns: columns.clone(),
        cells: survey.cells.numbers,
        genes: survey.genes.numbers,
    };
    let source: Box<dyn Source> = if survey.scattered {
        Box::new(Spilled::sort(rows, &survey.entries, ids.clone())?)
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

/// Names in order of first appearance.
#[derive(Default)]
struct Numbering {
    numbers: HashMap<String, u32>,
    names: Vec<String>,
}

impl Numbering {
    fn number(&mut self, name: &str) -> u32 {
        if let Some(&number) = self.numbers.get(name) {
            return number;
        }
        // The table holds fewer names than rows that memory could hold.
        let number = self.names.len() as u32;
        self.numbers.insert(name.to_owned(), number);
        self.names.push(name.to_owned());
        number
    }

    fn array(&self) -> StringArray {
        StringArray::from_iter_values(&self.names)
    }
}

/// What the first pass finds.
#[derive(Default)]
struct Survey {
    cells: Numbering,
    genes: Numbering,
    /// Rows of each cell.
    entries: Vec<u64>,
    last: Option<u32>,
    /// A cell's rows do not all stand together.
    scattered: bool,
}

impl Survey {
    fn add(&mut self, batch: &Batch, columns: &Columns) -> Result<()> {
        let (cells, genes) = (text(batch, &columns.cell)?, text(batch, &columns.gene)?);
        for (cell, gene) in cells.iter().zip(&genes) {
            // Neither is null: `text` has looked.
            let number = self.cells.number(cell.unwrap_or_default());
            self.genes.number(gene.unwrap_or_default());
            if self.entries.len() <= number as usize {
                self.entries.push(0);
            } else if self.last != Some(number) {
                self.scattered = true;
            }
            self.entries[number as usize] += 1;
            self.last = Some(number);
        }
        Ok(())
    }
}

/// The second pass: cell, gene and value of each row.
pub(super) struct Entries {
    files: Files,
    columns: Columns,
    cells: HashMap<String, u32>,
    genes: HashMap<String, u32>,
}

impl Entries {
    /// Some rows; `None` after the last ones.
    pub(super) fn next(&mut self) -> Result<Option<Vec<(u32, u32, f64)>>> {
        let Some(batch) = self.files.next()? else { return Ok(None) };
        let (cells, genes) = (text(&batch, &self.columns.cell)?, text(&batch, &self.columns.gene)?);
        let values = numbers(&batch, &self.columns.count)?;
        let changed = || Error::file(&batch.path, "changed while it was read");
        let number = |numbers: &HashMap<String, u32>, name: Option<&str>| numbers.get(name?).copied();
        let rows = cells.iter().zip(&genes).zip(values.values());
        let rows = rows.map(|((cell, gene), &value)| {
            let cell = number(&self.cells, cell).ok_or_else(changed)?;
            Ok((cell, number(&self.genes, gene).ok_or_else(changed)?, value))
        });
        rows.collect::<Result<Vec<_>>>().map(Some)
    }
}

fn text(batch: &Batch, name: &str) -> Result<StringArray> {
    let column = texts(batch.column(name)?).map_err(|error| Error::file(&batch.path, error.to_string()))?;
    refuse_null(batch, name, &column)?;
    Ok(column)
}

fn numbers(batch: &Batch, name: &str) -> Result<Float64Array> {
    let column = cast(batch.column(name)?, &DataType::Float64)?.as_primitive::<Float64Type>().clone();
    refuse_null(batch, name, &column)?;
    Ok(column)
}

fn refuse_null(batch: &Batch, name: &str, column: &dyn Array) -> Result<()> {
    match (0..column.len()).find(|&row| column.is_null(row)) {
        Some(row) => Err(batch.trouble(row, format!("`{name}` is null"))),
        None => Ok(()),
    }
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
