//! Maps of the cells, coloured by batch and by type.

use std::path::Path;

use ferrome_core::journal::write_whole;
use tch::Tensor;

use super::Corpus;
use crate::Result;
use crate::reduction::{UmapOptions, umap};
use crate::task::map::draw::draw;

/// A picture of one method.
#[derive(Clone, Debug)]
pub(super) struct Picture {
    pub(super) method: String,
    /// What gives the colour.
    pub(super) colour: &'static str,
    pub(super) file: String,
    pub(super) svg: String,
}

/// Draws `rows` (those of the `cells` of the corpus) into `folder`.
pub(super) fn draw_method(
    (corpus, cells): (&Corpus, &[usize]),
    (method, rows): (&str, &Tensor),
    folder: &Path,
) -> Result<Vec<Picture>> {
    let places = umap(rows, UmapOptions::default())?;
    let axes = ["UMAP 1".to_owned(), "UMAP 2".to_owned()];
    let name = |names: &[String], number: Option<usize>| number.and_then(|number| names.get(number)).cloned();
    let batch: Vec<String> = cells.iter().filter_map(|&cell| name(&corpus.batches, Some(corpus.batch[cell]))).collect();
    let kind = cells.iter().map(|&cell| name(&corpus.types, corpus.kind[cell]).unwrap_or_default()).collect();
    let mut colours = vec![("batch", batch)];
    if !corpus.types.is_empty() {
        colours.push(("type", kind));
    }
    let picture = |(colour, values): (&'static str, Vec<String>)| {
        let svg = draw(&places, &values, Some(colour), &axes)?;
        let file = format!("umap-{}-{colour}.svg", plain(method));
        write_whole(&folder.join(&file), &svg)?;
        Ok(Picture { method: method.to_owned(), colour, file, svg })
    };
    colours.into_iter().map(picture).collect()
}

/// A name that every file system takes.
fn plain(name: &str) -> String {
    let letters =
        name.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect::<String>();
    letters.split('-').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-")
}
