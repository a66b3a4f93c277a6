//! A place in a plane for each row.

use ferrome_cell::reduction::{Pca, UmapOptions, umap};
use ferrome_core::page::grouped;

use crate::rows::Rows;
use crate::{Map, Request, Result};

/// Places of all rows.
#[derive(Debug)]
pub(crate) struct Places {
    /// `x` of each row, then `y` of each.
    pub(crate) x: Vec<f32>,
    pub(crate) y: Vec<f32>,
    pub(crate) axes: [String; 2],
    /// How they were made.
    pub(crate) how: String,
}

/// Rows from which on it is said that a map takes time.
const LONG: usize = 20_000;

/// The places of all rows; `None` where there is nothing to make them of.
pub(crate) fn places(rows: &Rows, request: &Request, say: &dyn Fn(&str)) -> Result<Option<Places>> {
    if let Some(x_y) = &rows.x_y {
        let ends = x_y.chunks_exact(2).filter_map(|pair| Some((*pair.first()?, *pair.get(1)?)));
        let (x, y) = ends.unzip();
        let (a, b) = request.x_y.clone().unwrap_or_else(|| ("x".to_owned(), "y".to_owned()));
        let how = format!("the columns {a} and {b}");
        return Ok(Some(Places { x, y, axes: [a, b], how }));
    }
    let Some(vectors) = &rows.vectors else { return Ok(None) };
    let n = rows.ids.len();
    match request.map {
        Map::Pca => {
            let pca = Pca::fit(vectors, 2)?;
            let reduced = pca.apply(vectors)?;
            let k = reduced.size2()?.1;
            let column = |i: i64| -> Result<Vec<f32>> {
                if i >= k { Ok(vec![0.0; n]) } else { Ok(Vec::try_from(reduced.f_select(1, i)?.f_contiguous()?)?) }
            };
            let share = |i: usize| pca.shares.get(i).copied().unwrap_or(0.0) * 100.0;
            let axes = [format!("component 1 ({:.0} %)", share(0)), format!("component 2 ({:.0} %)", share(1))];
            Ok(Some(Places {
                x: column(0)?,
                y: column(1)?,
                axes,
                how: "the first two principal components".to_owned(),
            }))
        }
        Map::Umap => {
            if n >= LONG {
                say(&format!("UMAP of {} rows; --map pca is faster", grouped(n as u64)));
            }
            let options =
                UmapOptions { neighbours: request.umap_neighbours, seed: request.seed, ..UmapOptions::default() };
            let (x, y) = umap(vectors, options)?.into_iter().map(|[x, y]| (x as f32, y as f32)).unzip();
            let how = format!(
                "UMAP of the centred vectors by cosine, {} neighbours, seed {}",
                options.neighbours, options.seed
            );
            Ok(Some(Places { x, y, axes: ["UMAP 1".to_owned(), "UMAP 2".to_owned()], how }))
        }
    }
}
