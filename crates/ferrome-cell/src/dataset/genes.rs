//! `genes.parquet`: one row per gene.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int32Array, RecordBatch, StringArray, new_null_array};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{DataType, Field, Schema};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;

use super::frame::{Columns, Frame};
use super::{Description, FORMAT_VERSION, GENE_COLUMNS, METADATA};
use crate::cells::Genes;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// An Ensembl id without its version; every other id, such as the symbol `RP11-34P13.7`, as it is.
///
/// ```
/// use ferrome_cell::dataset::genes::unversioned;
///
/// assert_eq!(unversioned("ENSG00000141510.18"), "ENSG00000141510");
/// assert_eq!(unversioned("RP11-34P13.7"), "RP11-34P13.7");
/// ```
#[must_use]
pub fn unversioned(id: &str) -> &str {
    let Some((stable, version)) = id.split_once('.') else { return id };
    let letters = stable.trim_end_matches(|c: char| c.is_ascii_digit());
    let digits = stable.len() - letters.len();
    let ensembl = letters.starts_with("ENS") && letters.bytes().all(|byte| byte.is_ascii_uppercase()) && digits == 11;
    let numeric = !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_digit());
    if ensembl && numeric { stable } else { id }
}

/// The frame of the columns of `var`, and the description of a dataset with these genes.
///
/// # Errors
///
/// Categories have no text.
pub fn describe(genes: &Genes, n_obs: Option<u64>, obs: Frame) -> Result<Description, BoxError> {
    Ok(Description {
        format_version: FORMAT_VERSION,
        n_obs,
        n_vars: genes.len() as u64,
        names: genes.names.is_some(),
        obs,
        var: Frame::new(&genes.columns, reserved(genes), "_var")?,
    })
}

/// The names that columns of `var` may not have. A column `gene_name` that holds the names of genes is our own.
fn reserved(genes: &Genes) -> &'static [&'static str] {
    let [others @ .., name] = &GENE_COLUMNS;
    let texts = genes.columns.column_by_name(name).and_then(|column| cast(column, &DataType::Utf8).ok());
    let texts = texts.as_ref().and_then(|texts| texts.as_string_opt::<i32>());
    match (texts, &genes.names) {
        (Some(texts), Some(names)) if texts == names => others,
        _ => &GENE_COLUMNS,
    }
}

/// The bytes of `genes.parquet`; equal genes and descriptions give equal bytes.
///
/// # Errors
///
/// The table cannot be built.
pub fn to_parquet(genes: &Genes, description: &Description) -> Result<Vec<u8>, BoxError> {
    let table = table(genes, &description.var)?;
    let json = serde_json::to_string(description)?;
    // pyarrow shows the Arrow schema's metadata, polars and duckdb show the file's.
    let table = table.clone().with_schema(Arc::new(
        table.schema().as_ref().clone().with_metadata([(METADATA.to_owned(), json.clone())].into()),
    ))?;
    let metadata = KeyValue::new(METADATA.to_owned(), json);
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_key_value_metadata(Some(vec![metadata]))
        .build();
    let mut writer = ArrowWriter::try_new(Vec::new(), table.schema(), Some(properties))?;
    writer.write(&table)?;
    Ok(writer.into_inner()?)
}

fn table(genes: &Genes, var: &Frame) -> Result<RecordBatch, BoxError> {
    let columns = Columns::stored(var, &genes.columns.schema());
    let rows = i32::try_from(genes.len()).map_err(|_| format!("{} genes are more than 2,147,483,647", genes.len()))?;
    let stable: StringArray = genes.ids.iter().map(|id| id.map(unversioned)).collect();
    let names: ArrayRef = match &genes.names {
        Some(names) => Arc::new(names.clone()),
        None => new_null_array(&DataType::Utf8, genes.len()),
    };
    let ours: [ArrayRef; 4] =
        [Arc::new(Int32Array::from_iter_values(0..rows)), Arc::new(stable), Arc::new(genes.ids.clone()), names];
    let fields = ours
        .iter()
        .zip(GENE_COLUMNS)
        .map(|(column, name)| Arc::new(Field::new(name, column.data_type().clone(), name == "gene_name")));
    let stored = columns.fields.iter().cloned().zip(columns.apply(genes.columns.columns())?);
    let stored = stored.filter(|(field, _)| !GENE_COLUMNS.contains(&field.name().as_str()));
    let (fields, columns): (Vec<_>, Vec<_>) = fields.zip(ours.iter().cloned()).chain(stored).unzip();
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?)
}

/// Reads `genes.parquet` at `path`.
///
/// # Errors
///
/// It is no Parquet file, or not the genes of a dataset; the text says what is missing.
pub fn from_parquet(path: &Path) -> Result<(Genes, Description), BoxError> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(fs_err::File::open(path)?.into_file())?;
    let entries = builder.metadata().file_metadata().key_value_metadata();
    let json = entries.into_iter().flatten().find(|entry| entry.key == METADATA).and_then(|entry| entry.value.clone());
    let json = json.ok_or_else(|| format!("is not the genes of a dataset: its footer has no `{METADATA}`"))?;
    let description: Description =
        serde_json::from_str(&json).map_err(|error| format!("its `{METADATA}` cannot be understood: {error}"))?;
    if description.format_version > FORMAT_VERSION {
        let found = description.format_version;
        return Err(format!("has layout version {found}, this ferrome knows those up to {FORMAT_VERSION}").into());
    }
    let schema = builder.schema().clone();
    let batches = builder.build()?.collect::<Result<Vec<_>, _>>()?;
    let table = concat_batches(&schema, &batches)?;
    let genes = genes(&table, &description)?;
    if genes.len() as u64 != description.n_vars {
        return Err(format!("has {} genes, its footer says {}", genes.len(), description.n_vars).into());
    }
    Ok((genes, description))
}

fn genes(table: &RecordBatch, description: &Description) -> Result<Genes, BoxError> {
    let text = |name: &str| -> Result<StringArray, BoxError> {
        let column = table.column_by_name(name).ok_or_else(|| format!("has no column `{name}`"))?;
        Ok(cast(column, &DataType::Utf8)?.as_string::<i32>().clone())
    };
    let ids = text("gene_id_full")?;
    if ids.null_count() > 0 {
        return Err("column `gene_id_full` has nulls".into());
    }
    let names = if description.names { Some(text("gene_name")?) } else { None };
    let columns = Columns::original(&description.var, &table.schema())?;
    let stored: Vec<ArrayRef> = description
        .var
        .columns
        .iter()
        .map(|column| table.column_by_name(&column.name).cloned().ok_or(format!("has no column `{}`", column.name)))
        .collect::<Result<_, _>>()?;
    Ok(Genes { columns: columns.table(&description.var, &stored, ids.len())?, ids, names })
}
