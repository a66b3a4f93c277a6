//! `ferrome report`: a table of embeddings or scores as one HTML page that needs nothing from outside.
//!
//! [`write()`] reads the table (`read`, `vectors`, `columns`), gives each row a place in a plane (`place`) and its nearest others
//! (`near`), and puts them with regl-scatterplot and the page's own scripts into one file (`page`).

mod blob;
mod columns;
mod error;
mod near;
mod page;
mod place;
mod read;
mod rows;
mod sample;
mod table;
mod vectors;

use std::path::{Path, PathBuf};

use ferrome_core::journal::write_whole;

pub use error::{Error, Result};

/// How rows get their places.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Map {
    /// UMAP of the vectors.
    Umap,
    /// The first two principal components of the vectors.
    Pca,
}

/// A page to make.
#[derive(Clone, Debug)]
pub struct Request {
    /// Parquet, a folder of Parquet parts, Arrow IPC, CSV, TSV or h5ad.
    pub table: PathBuf,
    /// How rows get their places, where they do not come from `x_y`.
    pub map: Map,
    /// The column of vectors, or what the names of the columns of its numbers start with; otherwise `embedding`, or the first.
    pub embedding: Option<String>,
    /// Columns of places that are there already.
    pub x_y: Option<(String, String)>,
    /// The column that names rows; otherwise the first of `id`, `cell_id`, `drug_id`, or the first of text.
    pub id: Option<String>,
    /// The column that gives the colour at first.
    pub colour: Option<String>,
    /// The column whose largest values are the best; otherwise `score`.
    pub score: Option<String>,
    /// The columns that the page holds; otherwise all that are numbers or text.
    pub columns: Option<Vec<String>>,
    /// Nearest others of each row, 0 for none.
    pub neighbours: usize,
    /// Neighbours that UMAP holds a row together with.
    pub umap_neighbours: usize,
    /// Rows on the page, at most: of more, so many are drawn by chance.
    pub points: usize,
    /// Seed of everything random.
    pub seed: u64,
}

/// What a page holds.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Outcome {
    /// Rows on the page.
    pub rows: u64,
    /// Rows of the table.
    pub table_rows: u64,
    /// Rows without a vector or a place, which are not on the page.
    pub left_out: u64,
    /// Bytes of the page.
    pub bytes: u64,
}

/// Reads the table of `request` and writes the page to `output`, whole or not at all; `say` is told what takes long.
///
/// # Errors
///
/// The table cannot be read, lacks what is asked for or has no rows; the page cannot be written.
pub fn write(request: &Request, output: &Path, say: &dyn Fn(&str)) -> Result<Outcome> {
    let source = read::open(&request.table)?;
    let plan = table::Plan::new(source.as_ref(), request)?;
    let rows = rows::read(source.as_ref(), &plan, request, rows::LIMITS)?;
    if rows.ids.is_empty() {
        return Err(Error::table(&request.table, nothing(&rows, source.about().rows, &plan)));
    }
    let places = place::places(&rows, request, say)?;
    let near = near::near(&rows, request.neighbours, say)?;
    let outcome =
        Outcome { rows: rows.ids.len() as u64, table_rows: source.about().rows, left_out: rows.left_out, bytes: 0 };
    let content = page::Content { request, source: source.as_ref(), plan: &plan, rows: &rows, places, near, outcome };
    let html = page::page(&content)?;
    write_whole(output, &html)?;
    Ok(Outcome { bytes: html.len() as u64, ..outcome })
}

/// Why there is no row.
fn nothing(rows: &rows::Rows, all: u64, plan: &table::Plan) -> String {
    match (all, &plan.x_y, &plan.vectors) {
        (0, _, _) => "holds no rows: there is nothing to show".to_owned(),
        (_, Some((x, y)), _) => {
            format!("no row has finite numbers in `{}` and `{}`: there is nothing to draw", x.name, y.name)
        }
        (_, None, Some(vectors)) => format!(
            "none of its {} rows has a vector of finite numbers in `{}`: there is nothing to draw",
            rows.left_out,
            vectors.name()
        ),
        (_, None, None) => "no row was drawn: allow more --points".to_owned(),
    }
}
