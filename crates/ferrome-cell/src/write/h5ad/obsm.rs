//! A copy of an h5ad file with one more matrix in `obsm`.

use std::path::{Path, PathBuf};

use arrow::array::{Array, AsArray, FixedSizeListArray};
use arrow::datatypes::Float32Type;
use hdf5_metno::{Dataset, File, Group};
use ndarray::ArrayView2;

use super::append::{Fault, encoded};
use crate::read::parquet::files::{self, Files};
use crate::write::unfinished;
use crate::{Error, Result};

/// Rows that are written at a time.
const BATCH_ROWS: usize = 4096;

/// Copies the h5ad file `input` to `output` and adds `obsm[name]` from the column `column` of vectors of f32 of the Parquet
/// files at `table`, one row for each cell, in order; rows that are null become NaN. One that is there is replaced.
///
/// The copy appears whole or not at all.
///
/// # Errors
///
/// The table has not one row for each of the `cells`, the file's `obsm` is none, or the copy cannot be written.
pub fn add_obsm(input: &Path, output: &Path, table: (&Path, &str), name: &str, cells: u64) -> Result<()> {
    let (folder, column) = table;
    let paths = files::list(folder)?;
    let rows = files::rows(&paths)?;
    if rows != cells {
        return Err(Error::file(input, format!("has {cells} cells, and there are {rows} rows for obsm")));
    }
    let copy = unfinished(output);
    let written = copy_to(input, &copy).and_then(|()| fill(&copy, output, &paths, column, (name, rows)));
    if written.is_err() {
        let _ = std::fs::remove_file(&copy);
    }
    written?;
    fs_err::File::open(&copy)?.sync_all()?;
    Ok(fs_err::rename(&copy, output)?)
}

// What cannot be written to can still be copied.
fn copy_to(input: &Path, copy: &Path) -> Result<()> {
    let mut source = fs_err::File::open(input)?;
    let mut target = fs_err::File::create(copy)?;
    std::io::copy(&mut source, &mut target)?;
    Ok(())
}

fn fill(copy: &Path, output: &Path, paths: &[PathBuf], column: &str, (name, rows): (&str, u64)) -> Result<()> {
    let failed = |fault: Fault| fault.at(output);
    let file = File::open_rw(copy).map_err(|error| failed(error.into()))?;
    let obsm = obsm(&file).map_err(failed)?.ok_or_else(|| {
        Error::file(output, "`obsm` of the input is no group (anndata before 0.7): write it anew with anndata first")
    })?;
    let mut files = Files::new(paths, Some(vec![column.to_owned()]), BATCH_ROWS);
    let (mut dataset, mut row) = (None::<Dataset>, 0);
    while let Some(batch) = files.next()? {
        let wrong = || Error::file(&batch.path, format!("`{column}` holds no vectors of f32"));
        let vectors = batch.column(column)?.as_fixed_size_list_opt().ok_or_else(wrong)?;
        let (values, width) = numbers(vectors).ok_or_else(wrong)?;
        let view = ArrayView2::from_shape((vectors.len(), width), &values).map_err(|_| wrong())?;
        if dataset.is_none() {
            let rows = usize::try_from(rows).unwrap_or(usize::MAX);
            dataset = Some(create(&obsm, name, [rows, width]).map_err(failed)?);
        }
        if let Some(dataset) = &dataset {
            dataset.write_slice(&view, (row..row + vectors.len(), ..)).map_err(|error| failed(error.into()))?;
        }
        row += vectors.len();
    }
    file.close().map_err(|error| failed(error.into()))
}

/// The group `obsm`, new where there is none; `None` where it is something else.
fn obsm(file: &File) -> Result<Option<Group>, Fault> {
    if !file.link_exists("obsm") {
        let group = file.create_group("obsm")?;
        encoded(&group, "dict", "0.1.0")?;
        return Ok(Some(group));
    }
    Ok(file.group("obsm").ok())
}

fn create(obsm: &Group, name: &str, shape: [usize; 2]) -> Result<Dataset, Fault> {
    if obsm.link_exists(name) {
        obsm.unlink(name)?;
    }
    let dataset = obsm.new_dataset::<f32>().shape(shape).create(name)?;
    encoded(&dataset, "array", "0.2.0")?;
    Ok(dataset)
}

/// The vectors one after the other, NaN where there is none, and their width.
fn numbers(vectors: &FixedSizeListArray) -> Option<(Vec<f32>, usize)> {
    let width = usize::try_from(vectors.value_length()).ok()?;
    let mut values = Vec::with_capacity(vectors.len() * width);
    for row in 0..vectors.len() {
        if vectors.is_null(row) {
            values.resize(values.len() + width, f32::NAN);
        } else {
            values.extend_from_slice(vectors.value(row).as_primitive_opt::<Float32Type>()?.values());
        }
    }
    Some((values, width))
}
