//! AnnData's h5ad: anndata 0.1.0 with dataframes 0.2.0, categories 0.2.0 and a CSR matrix 0.1.0.
//!
//! Source: the on-disk specification of anndata, <https://anndata.readthedocs.io/en/latest/fileformat-prose.html>.

mod append;
mod category;
mod column;
mod frame;
mod obsm;
mod values;

use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, RecordBatchOptions, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use hdf5_metno::{File, Group};

use super::{WriteOptions, Written, check_output, every_block, unfinished};
use crate::Result;
use crate::cells::{Cells, Genes, ValueKind, Values};
use crate::read::CellReader;
use append::{Append, Fault, encoded};
use frame::FrameWriter;

pub use obsm::add_obsm;

/// Groups that every file of anndata has, empty here.
const EMPTY: [&str; 6] = ["layers", "obsm", "obsp", "uns", "varm", "varp"];

/// Writes all cells of `reader` to the file at `path`.
///
/// # Errors
///
/// The input is damaged, or the file cannot be written; then there is no file.
pub fn write(reader: &mut dyn CellReader, path: &Path, options: &WriteOptions) -> Result<Written> {
    check_output(path, options)?;
    let unfinished = unfinished(path);
    let written = write_to(reader, path, &unfinished, options);
    match written {
        Ok(written) => {
            fs_err::rename(&unfinished, path)?;
            Ok(written)
        }
        Err(error) => {
            let _ = std::fs::remove_file(&unfinished);
            Err(error)
        }
    }
}

fn write_to(reader: &mut dyn CellReader, path: &Path, unfinished: &Path, options: &WriteOptions) -> Result<Written> {
    let failed = |fault: Fault| fault.at(path);
    let header = reader.header().clone();
    let file = File::create(unfinished).map_err(|error| Fault::from(error).at(path))?;
    let mut anndata = AnnData::create(&file, &header.genes, header.kind, &header.obs).map_err(failed)?;
    let mut written = every_block(reader, path, options, |cells| anndata.append(cells).map_err(failed))?;
    written.left_out = anndata.finish(&written.rejected, header.genes.len()).map_err(failed)?;
    file.close().map_err(|error| Fault::from(error).at(path))?;
    fs_err::File::open(unfinished)?.sync_all()?;
    Ok(written)
}

/// A file that is being written.
struct AnnData {
    matrix: Group,
    obs: FrameWriter,
    /// The columns of obs, and one for the reasons why cells cannot be used.
    schema: SchemaRef,
    error: String,
    indices: Append<i32>,
    counts: Append<i32>,
    floats: Append<f32>,
    starts: Append<i64>,
    entries: i64,
    cells: u64,
    left_out: Vec<String>,
}

impl AnnData {
    fn create(file: &File, genes: &Genes, kind: ValueKind, obs: &Schema) -> Result<Self, Fault> {
        encoded(file, "anndata", "0.1.0")?;
        for name in EMPTY {
            let group = file.create_group(name)?;
            encoded(&group, "dict", "0.1.0")?;
        }
        let var = var(genes)?;
        let mut frame = FrameWriter::create(file, "var", &var.schema())?;
        frame.append(&genes.ids, &var)?;
        let left_out = frame.finish(None)?;
        let matrix = file.create_group("X")?;
        encoded(&matrix, "csr_matrix", "0.1.0")?;
        let (indices, starts) = (Append::create(&matrix, "indices")?, Append::create(&matrix, "indptr")?);
        let (counts, floats) = match kind {
            ValueKind::Counts => (Append::create(&matrix, "data")?, Append::nowhere()),
            ValueKind::Floats => (Append::nowhere(), Append::create(&matrix, "data")?),
        };
        let error = free_name(obs, "error");
        let fields = obs.fields().iter().cloned().chain([Arc::new(Field::new(&error, DataType::Utf8, true))]);
        let schema = Arc::new(Schema::new_with_metadata(fields.collect::<Vec<_>>(), obs.metadata().clone()));
        let obs = FrameWriter::create(file, "obs", &schema)?;
        let mut anndata =
            Self { matrix, obs, schema, error, indices, counts, floats, starts, entries: 0, cells: 0, left_out };
        anndata.starts.append(&[0])?;
        Ok(anndata)
    }

    fn append(&mut self, cells: &Cells) -> Result<(), Fault> {
        let mut reasons = vec![None; cells.len()];
        for (row, reason) in &cells.rejected {
            reasons[*row] = Some(reason.as_str());
        }
        let reasons: ArrayRef = Arc::new(StringArray::from(reasons));
        let columns = cells.obs.columns().iter().cloned().chain([reasons]).collect();
        self.obs.append(&cells.ids, &RecordBatch::try_new(self.schema.clone(), columns)?)?;
        let genes: Vec<i32> = cells.genes.iter().map(|&gene| gene as i32).collect();
        self.indices.append(&genes)?;
        match &cells.values {
            Values::Counts(values) => self.counts.append(values)?,
            Values::Floats(values) => self.floats.append(values)?,
        }
        let ends: Vec<i64> = cells.starts.iter().skip(1).map(|&end| self.entries + end as i64).collect();
        self.starts.append(&ends)?;
        self.entries += cells.genes.len() as i64;
        self.cells += cells.len() as u64;
        Ok(())
    }

    /// Writes what is known at the end only; gives the names of columns that were left out.
    fn finish(mut self, rejected: &[(String, String)], genes: usize) -> Result<Vec<String>, Fault> {
        let shape = [self.cells as i64, genes as i64];
        self.matrix.new_attr_builder().with_data(&shape).create("shape")?;
        self.left_out.extend(self.obs.finish(rejected.is_empty().then_some(self.error.as_str()))?);
        Ok(self.left_out)
    }
}

/// A name that no column has.
fn free_name(schema: &Schema, name: &str) -> String {
    let mut name = name.to_owned();
    while schema.field_with_name(&name).is_ok() {
        name.push('_');
    }
    name
}

/// The columns of var, with the names of genes where they are not among them.
fn var(genes: &Genes) -> Result<RecordBatch, Fault> {
    let Some(names) = &genes.names else { return Ok(genes.columns.clone()) };
    let is_names = |column: &ArrayRef| {
        cast(column, &DataType::Utf8)
            .is_ok_and(|texts| texts.as_string_opt::<i32>().is_some_and(|texts| same(texts, names)))
    };
    if genes.columns.columns().iter().any(is_names) || genes.columns.column_by_name("gene_name").is_some() {
        return Ok(genes.columns.clone());
    }
    let schema = genes.columns.schema();
    let first = Arc::new(Field::new("gene_name", DataType::Utf8, true));
    let fields: Vec<_> = [first].into_iter().chain(schema.fields().iter().cloned()).collect();
    let schema = Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()));
    let columns = [Arc::new(names.clone()) as ArrayRef].into_iter().chain(genes.columns.columns().iter().cloned());
    let options = RecordBatchOptions::new().with_row_count(Some(genes.len()));
    Ok(RecordBatch::try_new_with_options(schema, columns.collect(), &options)?)
}

/// Whether two columns hold the same text; a missing one is as an empty one.
fn same(left: &StringArray, right: &StringArray) -> bool {
    left.len() == right.len()
        && left.iter().zip(right).all(|(left, right)| left.unwrap_or_default() == right.unwrap_or_default())
}
