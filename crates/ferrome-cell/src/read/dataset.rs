//! A dataset that ferrome wrote, read back.

mod parts;

use std::path::Path;

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::datatypes::{Float32Type, Int32Type, Schema, SchemaRef};

use super::blocks::{Blocks, Pieces};
use super::parquet::files::{Batch, Files};
use super::{CellReader, Header};
use crate::cells::{Cells, ValueKind, Values};
use crate::dataset::frame::{Columns, Frame};
use crate::dataset::{GENES, genes, sha256};
use crate::{Error, Result};

/// Rows that are decoded at a time.
const BATCH_ROWS: usize = 512;

/// Reads a dataset.
pub struct DatasetReader {
    header: Header,
    blocks: Blocks,
    rows: PartRows,
}

impl DatasetReader {
    /// Opens the dataset in the folder `path`.
    ///
    /// # Errors
    ///
    /// It is unfinished, incomplete, put together from several, or newer than this ferrome.
    pub fn open(path: &Path) -> Result<Self> {
        let file = path.join(GENES);
        let digest = sha256(&fs_err::read(&file)?);
        let (genes, description) = genes::from_parquet(&file).map_err(|error| Error::file(&file, error.to_string()))?;
        let parts = parts::survey(path, &digest)?;
        let obs =
            Columns::original(&description.obs, &parts.schema).map_err(|error| Error::file(path, error.to_string()))?;
        let header = Header {
            obs: obs.schema(&description.obs),
            cells: Some(parts.cells),
            nonzeros: parts.nonzeros,
            layer: parts.layer,
            kind: parts.kind,
            format: "dataset of ferrome",
            genes,
        };
        let rows = PartRows {
            files: Files::new(&parts.paths, None, BATCH_ROWS),
            frame: description.obs,
            schema: parts.schema,
            obs,
            kind: parts.kind,
            genes: header.genes.len(),
        };
        Ok(Self { header, blocks: Blocks::new(), rows })
    }
}

impl CellReader for DatasetReader {
    fn header(&self) -> &Header {
        &self.header
    }

    fn next_cells(&mut self, nonzeros: usize) -> Result<Option<Cells>> {
        self.blocks.next(&mut self.rows, nonzeros)
    }
}

/// The rows of all parts.
struct PartRows {
    files: Files,
    frame: Frame,
    schema: SchemaRef,
    obs: Columns,
    kind: ValueKind,
    genes: usize,
}

impl Pieces for PartRows {
    fn next_piece(&mut self) -> Result<Option<Cells>> {
        let Some(batch) = self.files.next()? else { return Ok(None) };
        let wrong = |reason: String| Error::file(&batch.path, reason);
        check_columns(&batch.path, &batch.rows.schema(), &self.schema)?;
        let ids = batch.column("cell_id")?.as_string::<i32>().clone();
        let (starts, genes, values) = self.entries(&batch)?;
        let stored: Vec<ArrayRef> =
            self.frame.columns.iter().map(|name| batch.column(&name.name).cloned()).collect::<Result<_>>()?;
        let obs = self.obs.table(&self.frame, &stored, ids.len()).map_err(|error| wrong(error.to_string()))?;
        let rejected = reasons(batch.column("error")?.as_string::<i32>());
        Ok(Some(Cells { first: 0, ids, obs, starts, genes, values, rejected, rounded: 0 }))
    }
}

impl PartRows {
    fn entries(&self, batch: &Batch) -> Result<(Vec<usize>, Vec<u32>, Values)> {
        let lists = batch.column("gene_idx")?.as_list::<i32>();
        let values = batch.column("value")?.as_list::<i32>();
        if let Some(row) = (0..lists.len()).find(|&row| lists.value_length(row) != values.value_length(row)) {
            let (genes, values) = (lists.value_length(row), values.value_length(row));
            return Err(batch.trouble(row, format!("`gene_idx` has {genes} entries, `value` has {values}")));
        }
        let indices = list_values(lists);
        if indices.null_count() > 0 {
            return Err(Error::file(&batch.path, "`gene_idx` has nulls inside its lists"));
        }
        let indices = indices.as_primitive::<Int32Type>().values();
        let mut starts = vec![0];
        for row in 0..lists.len() {
            let start: usize = starts.last().copied().unwrap_or_default();
            let end = start + lists.value_length(row).unsigned_abs() as usize;
            let genes = &indices[start..end];
            if !genes.windows(2).all(|pair| pair[0] < pair[1]) || genes.first().is_some_and(|&gene| gene < 0) {
                return Err(batch.trouble(row, "`gene_idx` does not ascend from 0"));
            }
            if let Some(&gene) = genes.last().filter(|&&gene| gene as usize >= self.genes) {
                return Err(
                    batch.trouble(row, format!("`gene_idx` {gene} is beyond the last gene, {}", self.genes - 1))
                );
            }
            starts.push(end);
        }
        let values = self.values(batch, &list_values(values))?;
        Ok((starts, indices.iter().map(|&gene| gene as u32).collect(), values))
    }

    fn values(&self, batch: &Batch, values: &ArrayRef) -> Result<Values> {
        let values = match self.kind {
            ValueKind::Counts => Values::Counts(values.as_primitive::<Int32Type>().values().to_vec()),
            ValueKind::Floats => Values::Floats(values.as_primitive::<Float32Type>().values().to_vec()),
        };
        let sound = match &values {
            Values::Counts(values) => values.iter().all(|&value| value > 0),
            Values::Floats(values) => values.iter().all(|&value| value != 0.0 && value.is_finite()),
        };
        if sound {
            Ok(values)
        } else {
            Err(Error::file(&batch.path, "`value` holds a zero, or something that is no value"))
        }
    }
}

/// The values that the rows of a list column hold, one row after the other.
fn list_values(list: &arrow::array::ListArray) -> ArrayRef {
    let offsets = list.value_offsets();
    let (first, last) = (offsets.first().copied().unwrap_or(0), offsets.last().copied().unwrap_or(0));
    list.values().slice(first as usize, (last - first) as usize)
}

fn reasons(errors: &StringArray) -> Vec<(usize, String)> {
    let rows = errors.iter().enumerate();
    rows.filter_map(|(row, reason)| Some((row, reason?.to_owned()))).collect()
}

/// Refuses a part whose columns are not those of the first one.
fn check_columns(path: &Path, found: &Schema, expected: &Schema) -> Result<()> {
    let same = |name: &str| {
        let kind = |schema: &Schema| schema.field_with_name(name).ok().map(|field| field.data_type().clone());
        kind(found) == kind(expected)
    };
    match expected.fields().iter().find(|field| !same(field.name())) {
        Some(field) => Err(Error::file(path, format!("column `{}` is not as in the first part", field.name()))),
        None => Ok(()),
    }
}
