//! The folder that Cell Ranger writes since version 3: `matrix.mtx.gz`, `features.tsv.gz`, `barcodes.tsv.gz`.
//!
//! Columns of `obs` have no place there, and of `var` only `feature_types`. The first line of a matrix says how many
//! entries follow, so that the entries wait in a temporary file until they are counted.

use std::fs::File;
use std::io::{self, BufWriter, Seek, Write};
use std::path::{Path, PathBuf};

use arrow::array::{Array, AsArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::{WriteOptions, Written, check_output, every_block, unfinished};
use crate::cells::{Cells, Genes, ValueKind, Values};
use crate::read::CellReader;
use crate::{Error, Result};

/// The files of the folder.
const FILES: [&str; 3] = ["barcodes.tsv.gz", "features.tsv.gz", "matrix.mtx.gz"];

/// Columns of `var` that the folder holds: the kind of a feature under two names, and its name.
const FEATURE_COLUMNS: [&str; 4] = ["feature_types", "feature_type", "gene_name", "gene_symbols"];

type Gz = GzEncoder<BufWriter<File>>;

/// Writes all cells of `reader` to the folder at `path`.
///
/// # Errors
///
/// The input is damaged, or the files cannot be written; then the folder is as it was.
pub fn write(reader: &mut dyn CellReader, path: &Path, options: &WriteOptions) -> Result<Written> {
    refuse_foreign(path, options)?;
    let work = unfinished(path);
    if work.is_dir() {
        fs_err::remove_dir_all(&work)?;
    }
    fs_err::create_dir_all(&work)?;
    let written = write_to(reader, path, &work, options);
    if written.is_ok() {
        if path.is_dir() {
            for name in FILES {
                fs_err::rename(work.join(name), path.join(name))?;
            }
        } else {
            fs_err::rename(&work, path)?;
        }
    }
    let _ = std::fs::remove_dir_all(&work);
    written
}

fn refuse_foreign(path: &Path, options: &WriteOptions) -> Result<()> {
    if path.is_dir() && fs_err::read_dir(path)?.next().is_none() {
        return Ok(());
    }
    check_output(path, options)?;
    if path.is_dir() && !FILES.iter().all(|name| path.join(name).is_file()) {
        return Err(Error::file(path, "is no matrix folder; choose an empty or new folder for -o"));
    }
    Ok(())
}

fn write_to(reader: &mut dyn CellReader, path: &Path, work: &Path, options: &WriteOptions) -> Result<Written> {
    let header = reader.header().clone();
    let failed = |error: io::Error| Error::file(path, format!("cannot be written ({error})"));
    features(&header.genes, work).map_err(failed)?;
    let mut barcodes = gz(work, "barcodes.tsv.gz").map_err(failed)?;
    let mut entries = BufWriter::new(tempfile::tempfile_in(work).map_err(failed)?);
    let mut written = every_block(reader, path, options, |cells| {
        cells.ids.iter().try_for_each(|id| writeln!(barcodes, "{}", flat(id.unwrap_or_default()))).map_err(failed)?;
        append(&mut entries, cells).map_err(failed)
    })?;
    finish(barcodes).map_err(failed)?;
    matrix(entries, work, &header.genes, header.kind, &written).map_err(failed)?;
    written.left_out = left_out(&header);
    Ok(written)
}

fn left_out(header: &crate::read::Header) -> Vec<String> {
    let obs = header.obs.fields().iter().map(|field| format!("obs/{}", field.name()));
    let columns = header.genes.columns.schema();
    let var = columns.fields().iter().filter(|field| !FEATURE_COLUMNS.contains(&field.name().as_str()));
    obs.chain(var.map(|field| format!("var/{}", field.name()))).collect()
}

/// Lines of the matrix, without its head.
fn append(entries: &mut impl Write, cells: &Cells) -> io::Result<()> {
    for (row, bounds) in cells.starts.windows(2).enumerate() {
        let cell = cells.first + row as u64 + 1;
        for at in bounds[0]..bounds[1] {
            let gene = cells.genes[at] + 1;
            match &cells.values {
                Values::Counts(values) => writeln!(entries, "{gene} {cell} {}", values[at])?,
                Values::Floats(values) => writeln!(entries, "{gene} {cell} {}", values[at])?,
            }
        }
    }
    Ok(())
}

fn matrix(entries: BufWriter<File>, work: &Path, genes: &Genes, kind: ValueKind, written: &Written) -> io::Result<()> {
    let mut entries = entries.into_inner().map_err(io::IntoInnerError::into_error)?;
    entries.rewind()?;
    let mut matrix = gz(work, "matrix.mtx.gz")?;
    let field = if kind == ValueKind::Counts { "integer" } else { "real" };
    writeln!(matrix, "%%MatrixMarket matrix coordinate {field} general")?;
    writeln!(
        matrix,
        "%metadata_json: {{\"software_version\": \"ferrome {}\", \"format_version\": 2}}",
        env!("CARGO_PKG_VERSION")
    )?;
    writeln!(matrix, "{} {} {}", genes.len(), written.cells, written.entries)?;
    io::copy(&mut entries, &mut matrix)?;
    finish(matrix)
}

fn features(genes: &Genes, work: &Path) -> io::Result<()> {
    let kinds = FEATURE_COLUMNS.iter().take(2).find_map(|name| genes.columns.column_by_name(name));
    let kinds = kinds.and_then(|kinds| cast(kinds, &DataType::Utf8).ok());
    let kinds = kinds.as_ref().and_then(|kinds| kinds.as_string_opt::<i32>());
    let mut features = gz(work, "features.tsv.gz")?;
    for row in 0..genes.len() {
        let id = genes.ids.value(row);
        let name = genes.names.as_ref().filter(|names| names.is_valid(row)).map_or(id, |names| names.value(row));
        let kind = kinds.filter(|kinds| kinds.is_valid(row)).map_or("Gene Expression", |kinds| kinds.value(row));
        writeln!(features, "{}\t{}\t{}", flat(id), flat(name), flat(kind))?;
    }
    finish(features)
}

/// Text without what would end a field or a line.
fn flat(text: &str) -> String {
    text.replace(['\t', '\n', '\r'], " ")
}

fn gz(folder: &Path, name: &str) -> io::Result<Gz> {
    Ok(GzEncoder::new(BufWriter::new(File::create(PathBuf::from(folder).join(name))?), Compression::fast()))
}

fn finish(gz: Gz) -> io::Result<()> {
    gz.finish()?.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
}
