//! What a run leaves: the model, vectors, scores beside those of other methods, maps, a page.

use std::fmt::Write;
use std::path::Path;

use ferrome_core::journal::write_whole;
use rand::SeedableRng;
use rand::seq::index;
use rand_chacha::ChaCha8Rng;
use serde::Serialize;
use tch::{Device, Kind, Tensor};

use super::pictures::{Picture, draw_method};
use super::tables::{self, measures};
use super::{Corpus, IntegrateConfig, Outcome, embed, folder, page};
use crate::Result;
use crate::integration::{Scores, score};
use crate::model::scgpt::{self, Integrator, OpenModel};
use crate::vocabulary::Vocabulary;

/// Cells that a map shows at most.
const SHOWN: usize = 3000;
/// The methods that are always there.
const WITHOUT_MODEL: &str = "log-PCA";
const AS_GIVEN: &str = "scGPT as given";
const INTEGRATED: &str = "scGPT integrated";

/// A training that is done, and what to make of it.
#[derive(Debug)]
pub struct Finish<'a> {
    /// How it was trained.
    pub config: &'a IntegrateConfig,
    /// The cells.
    pub corpus: &'a Corpus,
    /// The model that it began with.
    pub foundation: &'a OpenModel,
    /// Its genes.
    pub vocabulary: &'a Vocabulary,
    /// The column of obs that names the batches.
    pub batch: &'a str,
    /// What the training was.
    pub outcome: &'a Outcome,
    /// Names of what was made elsewhere, and its vectors of the corpus's cells: `[c, d]` each.
    pub rivals: Vec<(String, Tensor)>,
    /// Cells that are scored at most.
    pub score_cells: usize,
    /// What the cells are called on the page.
    pub title: &'a str,
    /// The folder to write.
    pub folder: &'a Path,
    /// Where models run.
    pub device: Device,
}

/// A method and its scores.
#[derive(Clone, Debug, Serialize)]
pub struct Method {
    /// What it is called.
    pub name: String,
    /// Width of its vectors.
    pub dimensions: i64,
    /// Its scores.
    #[serde(flatten)]
    pub scores: Scores,
}

/// Writes the model's folder (`model.safetensors`, `args.json`, `vocab.json`, `tokens.json`, `integration.json`), `embeddings.parquet`, `before.parquet` and
/// `pca.parquet`, `integration.csv`, `clusters.csv`, `report.json`, maps, `README.md` and `report.html`. Gives each method's scores.
///
/// # Errors
///
/// A file cannot be written, or the device has no room.
pub fn finish(mut finish: Finish, model: &Integrator) -> Result<Vec<Method>> {
    let _guard = tch::no_grad_guard();
    let Finish { corpus, folder: path, device, .. } = finish;
    folder::save(&finish, model)?;
    // Read back, so that the vectors are those that `cell embed` makes of the folder.
    let trained = scgpt::open(path)?.load(Kind::Float, device)?;
    let mut all = vec![(WITHOUT_MODEL.to_owned(), embed::components(corpus)?)];
    tables::vectors(corpus, &all[0].1, &path.join("pca.parquet"))?;
    if finish.foundation.batches()?.is_none() {
        let rows = embed::frozen(corpus, &finish.foundation.load(Kind::Float, device)?)?;
        tables::vectors(corpus, &rows, &path.join("before.parquet"))?;
        all.push((AS_GIVEN.to_owned(), rows));
    }
    let rows = embed::integrated(corpus, &trained)?;
    tables::vectors(corpus, &rows, &path.join("embeddings.parquet"))?;
    all.push((INTEGRATED.to_owned(), rows));
    all.append(&mut finish.rivals);
    let (methods, pictures) = compare(&finish, &all)?;
    write(&finish, &methods, &pictures)?;
    Ok(methods)
}

/// Scores and draws each method, on the same cells.
fn compare(finish: &Finish, all: &[(String, Tensor)]) -> Result<(Vec<Method>, Vec<Picture>)> {
    let corpus = finish.corpus;
    let scored = some(corpus.len(), finish.score_cells, finish.config.seed);
    let shown = some(corpus.len(), SHOWN, finish.config.seed);
    let batches: Vec<usize> = scored.iter().map(|&cell| corpus.batch[cell]).collect();
    let types: Vec<Option<usize>> = scored.iter().map(|&cell| corpus.kind[cell]).collect();
    let (mut methods, mut pictures, mut clusters) = (Vec::new(), Vec::new(), Vec::new());
    for (name, rows) in all {
        let (scores, found) = score(&taken(rows, &scored)?, &batches, &types)?;
        methods.push(Method { name: name.clone(), dimensions: rows.size2()?.1, scores });
        clusters.extend(found.map(|found| (name.as_str(), found.of)));
        pictures.extend(draw_method((corpus, &shown), (name, &taken(rows, &shown)?), finish.folder)?);
    }
    if !clusters.is_empty() {
        tables::clusters((corpus, &scored), &clusters, &finish.folder.join("clusters.csv"))?;
    }
    Ok((methods, pictures))
}

/// All cells, or so many by chance, ascending.
fn some(cells: usize, most: usize, seed: u64) -> Vec<usize> {
    if cells <= most {
        return (0..cells).collect();
    }
    let mut chosen = index::sample(&mut ChaCha8Rng::seed_from_u64(seed), cells, most).into_vec();
    chosen.sort_unstable();
    chosen
}

fn taken(rows: &Tensor, cells: &[usize]) -> Result<Tensor> {
    let cells: Vec<i64> = cells.iter().map(|&cell| cell as i64).collect();
    Ok(rows.f_index_select(0, &Tensor::f_from_slice(&cells)?)?)
}

fn write(finish: &Finish, methods: &[Method], pictures: &[Picture]) -> Result<()> {
    let folder = finish.folder;
    tables::scores(methods, &folder.join("integration.csv"))?;
    let json = serde_json::json!({
        "cells": finish.corpus.len(), "genes": finish.corpus.genes.len(), "batches": finish.corpus.batches,
        "types": finish.corpus.types, "scored_cells": finish.score_cells.min(finish.corpus.len()),
        "config": finish.config, "best_epoch": finish.outcome.best.as_ref().map(|best| best.epoch), "methods": methods,
    });
    write_whole(&folder.join("report.json"), format!("{json:#}\n"))?;
    write_whole(&folder.join("README.md"), markdown(finish, methods, pictures))?;
    let curve = fs_err::read_to_string(folder.join("loss.svg"))?;
    write_whole(&folder.join("report.html"), page::page(finish, methods, pictures, &curve))?;
    Ok(())
}

/// What was done, in one paragraph.
pub(super) fn summary(finish: &Finish) -> String {
    let Finish { corpus, config, .. } = finish;
    let best = finish.outcome.best.as_ref().map_or_else(String::new, |best| {
        format!(", of which epoch {} told hidden genes best (mean squared error {:.2})", best.epoch, best.validation)
    });
    let scored = finish.score_cells.min(corpus.len());
    format!(
        "{} cells of {} batches (obs column `{}`) over {} genes; {} epochs{best}. Scores are of {scored} cells; higher is better in all.",
        corpus.len(),
        corpus.batches.len(),
        finish.batch,
        corpus.genes.len(),
        config.epochs
    )
}

/// A score as people read it.
pub(super) fn shown(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{value:.3}"))
}

fn markdown(finish: &Finish, methods: &[Method], pictures: &[Picture]) -> String {
    let names = measures(&Scores::default()).map(|(name, _)| name);
    let mut text = format!("# {}: batches integrated\n\n{}\n\n", finish.title, summary(finish));
    // Writing into a String does not fail.
    let _ = writeln!(text, "| method | {} |\n|---|{}", names.join(" | "), "---|".repeat(names.len()));
    for method in methods {
        let values = measures(&method.scores).map(|(_, value)| shown(value));
        let _ = writeln!(text, "| {} | {} |", method.name.replace('|', "\\|"), values.join(" | "));
    }
    text.push_str("\nWhat they mean: docs/cell.md of Ferrome, section Integration.\n\n");
    for picture in pictures {
        let _ = writeln!(text, "![{}, by {}]({})", picture.method, picture.colour, picture.file);
    }
    let _ = write!(
        text,
        "\n![learning curve](loss.svg)\n\nVectors of other cells of these batches: `ferrome cell embed CELLS -m {} --batch {} -o OUT`.\n",
        finish.folder.display(),
        finish.batch
    );
    text
}
