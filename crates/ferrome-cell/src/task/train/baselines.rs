//! What simple classifiers reach on the same split: on the embeddings of the model before training, and on the ranks of the
//! genes without any model. What they can choose is chosen on the validation part, like the epoch of the model.

use hashbrown::HashMap;
use serde::{Deserialize, Serialize};
use tch::{Device, Kind, Tensor};

use super::Start;
use super::lesson::{Goal, Lesson, Part};
use crate::Result;
use crate::baseline::{Logistic, Neighbours, Standard};
use crate::classification::{Confusion, Quality};
use crate::model::scgpt::CellTokens;
use crate::model::{Encoder, Shape};
use crate::reduction::Pca;

/// A simple classifier on the test part.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Baseline {
    /// What it is, and what was chosen.
    pub name: String,
    /// How good it is.
    pub quality: Quality,
}

/// Numbers of neighbours, and strengths of the penalty, that are tried.
const NEIGHBOURS: [usize; 4] = [1, 5, 15, 50];
const STRENGTHS: [f64; 4] = [0.01, 0.1, 1.0, 10.0];
/// Items that simple classifiers are trained on, at most.
const MOST: usize = 20_000;
/// Genes whose ranks are looked at, the most frequent first, and the components they become.
const GENES: usize = 2000;
const COMPONENTS: usize = 50;

/// All of them; the first says the most frequent class always.
pub(super) fn all(start: &Start, lesson: &Lesson) -> Result<Vec<Baseline>> {
    let _guard = tch::no_grad_guard();
    let mut all = vec![most_frequent(lesson)];
    let (Some(opened), Some(_)) = (start.from, lesson.classes()) else { return Ok(all) };
    let encoder = Encoder::load(opened, Kind::Float, start.device)?;
    let (what, parts) = match &lesson.goal {
        Goal::Genes(genes) => {
            let rows = |part| tokens_of(&encoder, lesson.items(part), &genes.tokens);
            ("embeddings of the genes", [rows(Part::Train)?, rows(Part::Validation)?, rows(Part::Test)?])
        }
        _ => {
            let rows = |part| embeddings(&encoder, lesson, part);
            ("frozen embeddings", [rows(Part::Train)?, rows(Part::Validation)?, rows(Part::Test)?])
        }
    };
    all.extend(both(lesson, what, &parts)?);
    if let Goal::Cells { .. } = lesson.goal {
        let what = if matches!(encoder, Encoder::ScGpt(_)) { "values" } else { "ranks" };
        let parts = genes(lesson)?;
        all.extend(both(lesson, &format!("{what}, {COMPONENTS} principal components"), &parts)?);
    }
    Ok(all)
}

fn most_frequent(lesson: &Lesson) -> Baseline {
    let mut counts: HashMap<usize, usize> = HashMap::new();
    for class in truth(lesson, Part::Train) {
        *counts.entry(class).or_insert(0) += 1;
    }
    let best =
        counts.into_iter().max_by_key(|&(class, count)| (count, usize::MAX - class)).map_or(0, |(class, _)| class);
    let n = lesson.items(Part::Test).len();
    Baseline { name: "the most frequent class".into(), quality: quality(lesson, Part::Test, &vec![best; n]) }
}

fn truth(lesson: &Lesson, part: Part) -> Vec<usize> {
    let items = lesson.items(part).iter().filter_map(|&item| lesson.class().get(item)).copied();
    items.take(if part == Part::Train { MOST } else { usize::MAX }).collect()
}

fn quality(lesson: &Lesson, part: Part, predicted: &[usize]) -> Quality {
    let names = lesson.classes().map_or(&[][..], |classes| &classes.names);
    Confusion::new(names, &truth(lesson, part), predicted).quality()
}

/// Nearest neighbours and logistic regression on rows of training, validation and test.
fn both(lesson: &Lesson, what: &str, [train, validation, test]: &[Tensor; 3]) -> Result<Vec<Baseline>> {
    let (classes, count) = (truth(lesson, Part::Train), lesson.classes().map_or(0, |classes| classes.names.len()));
    let standard = Standard::of(train)?;
    let [train, validation, test] = [standard.apply(train)?, standard.apply(validation)?, standard.apply(test)?];
    let right = |predicted: Vec<usize>| quality(lesson, Part::Validation, &predicted).accuracy;

    let near = Neighbours::new(&train, &classes, count)?;
    let mut best = (f64::MIN, 1);
    for k in NEIGHBOURS {
        let accuracy = right(near.predict(&validation, k)?);
        if accuracy > best.0 {
            best = (accuracy, k);
        }
    }
    let name = format!("{} nearest neighbours on {what}", best.1);
    let neighbours = Baseline { name, quality: quality(lesson, Part::Test, &near.predict(&test, best.1)?) };

    let mut best: Option<(f64, f64, Logistic)> = None;
    for c in STRENGTHS {
        let model = Logistic::fit(&train, &classes, count, c)?;
        let accuracy = right(model.predict(&validation)?);
        if best.as_ref().is_none_or(|(known, ..)| accuracy > *known) {
            best = Some((accuracy, c, model));
        }
    }
    let Some((_, c, model)) = best else { return Ok(vec![neighbours]) };
    let name = format!("logistic regression on {what} (C {c})");
    Ok(vec![neighbours, Baseline { name, quality: quality(lesson, Part::Test, &model.predict(&test)?) }])
}

fn cells(lesson: &Lesson, part: Part) -> Vec<usize> {
    let most = if part == Part::Train { MOST } else { usize::MAX };
    lesson.items(part).iter().copied().take(most).collect()
}

/// What each family's own embedding is, `[n, d]`: of a Geneformer the mean over the tokens of each cell, from the second-to-last layer,
/// of an scGPT the vector of the cell, from the last.
fn embeddings(encoder: &Encoder, lesson: &Lesson, part: Part) -> Result<Tensor> {
    let mut rows = Vec::new();
    let blocks = encoder.shape().blocks();
    for batch in lesson.batches(cells(lesson, part)) {
        let batch = lesson.cells(&batch);
        if let Encoder::ScGpt(_) = encoder {
            let vectors = encoder.represent(&batch, blocks)?.cells(encoder)?;
            rows.extend(vectors.f_unbind(0)?);
            continue;
        }
        let represented = encoder.represent(&batch, blocks - 1)?;
        for (start, length) in represented.sequences().spans() {
            rows.push(represented.x.f_narrow(0, start, length)?.f_mean_dim(0, false, Kind::Float)?);
        }
    }
    stack(&rows, encoder.shape().width())
}

/// The rows of the token table: `[n, d]`.
fn tokens_of(encoder: &Encoder, items: &[usize], tokens: &[i32]) -> Result<Tensor> {
    let tokens: Vec<i64> = items.iter().filter_map(|&item| tokens.get(item)).map(|&token| i64::from(token)).collect();
    let table = match encoder.shape() {
        Shape::Geneformer(_) => "bert.embeddings.word_embeddings.weight",
        Shape::ScGpt(_) => "encoder.embedding.weight",
    };
    let Some((_, table)) = encoder.parameters().into_iter().find(|(name, _)| name == table) else {
        return stack(&[], encoder.shape().width());
    };
    Ok(table
        .f_index_select(0, &Tensor::f_from_slice(&tokens)?.f_to_device(table.device())?)?
        .f_to_device(Device::Cpu)?)
}

fn stack(rows: &[Tensor], width: i64) -> Result<Tensor> {
    if rows.is_empty() {
        return Ok(Tensor::f_zeros([0, width], (Kind::Float, Device::Cpu))?);
    }
    Ok(Tensor::f_stack(rows, 0)?.f_to_device(Device::Cpu)?)
}

/// `1 - rank / genes` of the most frequent genes, or their values where cells have values, 0 where a cell lacks them, as principal
/// components of the training cells.
fn genes(lesson: &Lesson) -> Result<[Tensor; 3]> {
    let mut counts: HashMap<i32, usize> = HashMap::new();
    for &cell in lesson.items(Part::Train) {
        lesson.tokens(cell).iter().for_each(|&token| *counts.entry(token).or_insert(0) += 1);
    }
    let mut genes: Vec<(i32, usize)> = counts.into_iter().collect();
    genes.sort_unstable_by_key(|&(token, count)| (std::cmp::Reverse(count), token));
    genes.truncate(GENES);
    let column: HashMap<i32, usize> = genes.iter().enumerate().map(|(i, &(token, _))| (token, i)).collect();
    let rows = |part: Part| -> Result<Tensor> {
        let cells = cells(lesson, part);
        let mut values = vec![0.0_f32; cells.len() * genes.len()];
        for (&cell, row) in cells.iter().zip(values.chunks_mut(genes.len().max(1))) {
            let CellTokens { tokens, values } = lesson.cell(cell);
            for (rank, token) in tokens.iter().enumerate() {
                if let Some(slot) = column.get(token).and_then(|&place| row.get_mut(place)) {
                    *slot = values.get(rank).copied().unwrap_or(1.0 - rank as f32 / tokens.len() as f32);
                }
            }
        }
        let shape = [i64::try_from(cells.len()).unwrap_or(0), i64::try_from(genes.len()).unwrap_or(0)];
        Ok(Tensor::f_from_slice(&values)?.f_view(shape)?)
    };
    let train = rows(Part::Train)?;
    let pca = Pca::fit(&train, COMPONENTS)?;
    Ok([pca.apply(&train)?, pca.apply(&rows(Part::Validation)?)?, pca.apply(&rows(Part::Test)?)?])
}
