//! One column of numbers for each gene, as `adata.to_df().to_parquet()` writes.

use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{AsArray, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Float64Type, SchemaRef};
use arrow::error::ArrowError;

use super::files::{self, Batch, Files};
use super::names;
use super::obs::Obs;
use super::source::{Opened, RawRow, RawRows, Source};
use crate::cells::Genes;
use crate::{Error, Result};

/// Numbers that are decoded at a time.
const BATCH_VALUES: usize = 1 << 20;

/// Columns of numbers that describe a cell and are no genes.
const MEASURES: [&str; 14] = [
    "n_counts",
    "n_genes",
    "n_genes_by_counts",
    "total_counts",
    "total_counts_mt",
    "pct_counts_mt",
    "percent_mito",
    "percent.mt",
    "nCount_RNA",
    "nFeature_RNA",
    "size_factor",
    "size_factors",
    "doublet_score",
    "log1p_total_counts",
];

/// Whether a column is a gene: it holds numbers, and is not known to be something else.
pub(super) fn is_gene(field: &Field) -> bool {
    let number = field.data_type().is_integer() || field.data_type().is_floating();
    number && !MEASURES.contains(&field.name().as_str()) && !field.name().starts_with("__index_level_")
}

/// Opens the files at `paths`.
pub(super) fn open(paths: &[PathBuf], schema: &SchemaRef) -> Result<Opened> {
    let id = names::id_column(schema);
    let (genes, others): (Vec<_>, Vec<_>) = schema.fields().iter().cloned().partition(|field| is_gene(field));
    let is_obs = |field: &&Arc<Field>| Some(field.name()) != id.as_ref() && !field.name().starts_with("__index_level_");
    let obs = Obs::new(others.iter().filter(is_obs));
    let integers = genes.iter().all(|field| field.data_type().is_integer());
    let genes: Vec<String> = genes.iter().map(|field| field.name().clone()).collect();
    let files = Files::new(paths, None, (BATCH_VALUES / genes.len().max(1)).clamp(1, 1024));
    Ok(Opened {
        genes: Genes::from_ids(StringArray::from_iter_values(&genes)),
        cells: Some(files::rows(paths)?),
        obs: obs.schema(),
        layer: "columns of genes".to_owned(),
        format: "parquet (wide: one column per gene)",
        integers,
        source: Box::new(Wide { files, id, obs, genes, rows: 0 }),
    })
}

struct Wide {
    files: Files,
    id: Option<String>,
    obs: Obs,
    genes: Vec<String>,
    rows: u64,
}

impl Source for Wide {
    fn next_rows(&mut self) -> Result<Option<RawRows>> {
        let Some(batch) = self.files.next()? else { return Ok(None) };
        let wrong = |error: ArrowError| Error::file(&batch.path, error.to_string());
        let ids = names::ids(&batch.rows, self.id.as_deref(), self.rows).map_err(wrong)?;
        self.rows += batch.rows.num_rows() as u64;
        let obs = self.obs.of(&batch)?;
        Ok(Some(RawRows { ids, obs, rows: self.rows(&batch)? }))
    }
}

impl Wide {
    fn rows(&self, batch: &Batch) -> Result<Vec<RawRow>> {
        let mut rows: Vec<RawRow> = vec![Ok(Vec::new()); batch.rows.num_rows()];
        for (name, gene) in self.genes.iter().zip(0..) {
            let values = cast(batch.column(name)?, &DataType::Float64)?;
            let values = values.as_primitive::<Float64Type>();
            for (row, value) in rows.iter_mut().zip(values) {
                match (row.as_mut(), value) {
                    (Ok(entries), Some(value)) if value != 0.0 => entries.push((gene, value)),
                    (Ok(_), None) => *row = Err(format!("gene `{name}` has no value")),
                    _ => {}
                }
            }
        }
        Ok(rows)
    }
}
