//! `ferrome cell map`: vectors of cells as points in a plane, coloured by a column.

pub(crate) mod draw;
mod points;

use std::path::{Path, PathBuf};

use ferrome_core::journal::write_whole;
use tch::Tensor;

use crate::reduction::{Pca, UmapOptions, umap};
use crate::{Error, Result};
use points::Points;

/// How vectors become points.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Method {
    /// The first two principal components.
    Pca,
    /// UMAP of the vectors.
    Umap(UmapOptions),
}

/// A map to draw.
#[derive(Clone, Debug)]
pub struct Map<'a> {
    /// A table of `cell embed`: `cell_id` and `embedding`.
    pub embeddings: &'a Path,
    /// The column that gives the colour, in that table or in the one of `labels`.
    pub colour: Option<&'a str>,
    /// A table with `cell_id` and that column: Parquet, CSV or TSV.
    pub labels: Option<&'a Path>,
    /// How.
    pub method: Method,
    /// The SVG.
    pub picture: PathBuf,
    /// A CSV of the points, where one is asked for.
    pub table: Option<PathBuf>,
}

/// Reads the vectors, makes points of them and draws. Gives the number of cells drawn, and of those without a vector.
///
/// # Errors
///
/// A table cannot be read or lacks a column; no cell has a vector; the files cannot be written.
pub fn map(map: &Map) -> Result<(usize, usize)> {
    let points = Points::read(map.embeddings, map.colour, map.labels)?;
    if points.ids.is_empty() {
        return Err(Error::file(map.embeddings, "no cell has a vector: there is nothing to draw"));
    }
    let shape = [i64::try_from(points.ids.len()).unwrap_or(0), i64::try_from(points.width).unwrap_or(0)];
    let rows = Tensor::f_from_slice(&points.values)?.f_view(shape)?;
    let (places, axes) = match map.method {
        Method::Pca => {
            let pca = Pca::fit(&rows, 2)?;
            let share = |i: usize| pca.shares.get(i).copied().unwrap_or(0.0) * 100.0;
            let axes = [format!("component 1 ({:.0} %)", share(0)), format!("component 2 ({:.0} %)", share(1))];
            (pairs(&pca.apply(&rows)?)?, axes)
        }
        Method::Umap(options) => (umap(&rows, options)?, ["UMAP 1".to_owned(), "UMAP 2".to_owned()]),
    };
    write_whole(&map.picture, draw::draw(&places, &points.colours, map.colour, &axes)?)?;
    if let Some(path) = &map.table {
        write_whole(path, points.csv(&places, map.colour)?)?;
    }
    Ok((points.ids.len(), points.without))
}

/// The rows of `[n, 2]`, or of `[n, 1]` with 0 beside.
fn pairs(rows: &Tensor) -> Result<Vec<[f64; 2]>> {
    let width = usize::try_from(rows.size2()?.1).unwrap_or(1).max(1);
    let rows = rows.f_contiguous()?;
    let mut values = vec![0.0_f32; rows.numel()];
    rows.f_copy_data(&mut values, rows.numel())?;
    let at = |row: &[f32], i: usize| f64::from(row.get(i).copied().unwrap_or(0.0));
    Ok(values.chunks(width).map(|row| [at(row, 0), at(row, 1)]).collect())
}
