use rayon::prelude::*;
use serde::Serialize;
use tch::Device;

use crate::{
    Error, Result,
    checkpoint::{Calibration, Encoded, Folder, Objective, Scores},
    inputs::{Drug, Embeddings, Inputs},
    metrics::{self, Interval},
    task::train::{Data, TrainConfig},
};

/// Drugs or proteins that are encoded together.
const TOGETHER: usize = 256;
/// Of the promise that is looked at.
const CONFIDENCE: f64 = 0.9;
/// Of the intervals of measures.
const INTERVAL: f64 = 0.95;

/// What is known of the pairs.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    /// Values; 0 and 1 where there are only labels.
    pub(super) truth: Vec<f64>,
    /// Labels; empty where there are none.
    pub(super) positive: Vec<bool>,
    pub(super) has_affinity: bool,
}

/// A model's scores of the pairs, and what they are worth.
#[derive(Clone, Debug, Serialize)]
pub struct Scored {
    /// The model.
    pub name: String,
    /// What it was measured by.
    pub measures: Vec<Measure>,
    /// Its scores.
    #[serde(skip)]
    pub score: Vec<f64>,
    /// Their standard deviations; empty where it gives none.
    #[serde(skip)]
    pub std: Vec<f64>,
}

/// One number of a [`Scored`].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Measure {
    /// Such as `MSE`.
    pub name: &'static str,
    /// `None` where it is not defined.
    pub value: Option<f64>,
    /// Where it lies with 95 % confidence, by the bootstrap over pairs.
    pub interval: Option<Interval>,
}

impl Known {
    pub(super) fn new(data: &Data, which: &[usize], objective: Objective) -> Self {
        let pairs = || which.iter().filter_map(|&i| data.pairs.get(i));
        let positive: Vec<bool> = pairs().filter_map(|pair| pair.positive).collect();
        let has_affinity = objective.has_affinity();
        let label = |pair: &crate::task::train::Pair| f64::from(u8::from(pair.positive == Some(true)));
        let truth = pairs().map(|pair| if has_affinity { pair.value.unwrap_or(f64::NAN) } else { label(pair) });
        Self { truth: truth.collect(), positive, has_affinity }
    }
}

/// A measure of truth, labels, scores and half widths (or standard deviations) of pairs.
type Of = fn(&Picked) -> Option<f64>;

/// Some of the pairs.
struct Picked {
    truth: Vec<f64>,
    positive: Vec<bool>,
    score: Vec<f64>,
    std: Vec<f64>,
    width: Vec<f64>,
}

impl Scored {
    /// Measures scores, with intervals from so many resamples.
    pub(super) fn new(
        name: &str,
        known: &Known,
        scores: Scores,
        calibration: Option<&Calibration>,
        resamples: u64,
    ) -> Self {
        let half = |std: &f64| calibration.and_then(|c| c.half_width(CONFIDENCE, *std));
        let width: Option<Vec<f64>> = scores.std.iter().map(half).collect();
        let width = width.filter(|_| known.has_affinity).unwrap_or_default();
        let pick = |rows: &[usize]| {
            let of = |list: &[f64]| rows.iter().filter_map(|&i| list.get(i)).copied().collect::<Vec<_>>();
            let positive = rows.iter().filter_map(|&i| known.positive.get(i)).copied().collect();
            Picked {
                truth: of(&known.truth),
                positive,
                score: of(&scores.score),
                std: of(&scores.std),
                width: of(&width),
            }
        };
        let all: Vec<usize> = (0..known.truth.len()).collect();
        let whole = pick(&all);
        let list = measures(known, !scores.std.is_empty(), !width.is_empty());
        let measure = |(name, of): (&'static str, Of)| {
            let value = of(&whole);
            let interval = if value.is_some() && resamples > 0 {
                metrics::bootstrap(all.len(), resamples, INTERVAL, 1, |rows| of(&pick(rows)))
            } else {
                None
            };
            Measure { name, value, interval }
        };
        let measures = list.into_iter().map(measure).collect();
        Self { name: name.to_owned(), measures, score: scores.score, std: scores.std }
    }
}

fn measures(known: &Known, has_std: bool, has_width: bool) -> Vec<(&'static str, Of)> {
    let mut list: Vec<(&'static str, Of)> = Vec::new();
    if known.has_affinity {
        list.extend([
            ("MSE", (|p| metrics::mse(&p.truth, &p.score)) as Of),
            ("CI", |p| metrics::concordance(&p.truth, &p.score)),
            ("rm2", |p| metrics::rm2(&p.truth, &p.score)),
            ("Pearson", |p| metrics::pearson(&p.truth, &p.score)),
            ("Spearman", |p| metrics::spearman(&p.truth, &p.score)),
        ]);
    }
    if !known.positive.is_empty() {
        list.extend([
            ("AUROC", (|p| metrics::auroc(&p.positive, &p.score)) as Of),
            ("AUPRC", |p| metrics::auprc(&p.positive, &p.score)),
            ("EF1%", |p| metrics::enrichment(&p.positive, &p.score, 0.01)),
            ("BEDROC", |p| metrics::bedroc(&p.positive, &p.score, 20.0)),
        ]);
    }
    if !known.has_affinity {
        list.push(("calibration error", |p| metrics::expected_calibration_error(&p.positive, &p.score, 10)));
    } else if has_std {
        list.push(("calibration error", |p| metrics::regression_calibration_error(&p.truth, &p.score, &p.std)));
    }
    if has_width {
        list.push(("in 90 % interval", |p| metrics::coverage(&p.truth, &p.score, &p.width)));
    }
    list
}

/// What a model says of pairs.
pub(super) fn predict(
    folder: &Folder,
    config: &TrainConfig,
    data: &Data,
    which: &[usize],
    device: Device,
) -> Result<Scores> {
    let (ensemble, inputs) = (folder.load(device)?, Inputs::new(&folder.config)?);
    let drug = |drug: &crate::task::train::TrainedDrug| {
        Drug::new(&drug.molecule, &inputs).map_err(|refusal| Error::Model(format!("drug `{}`: {refusal}", drug.id)))
    };
    let drugs: Vec<Drug> = data.drugs.par_iter().map(drug).collect::<Result<_>>()?;
    let drugs: Vec<&Drug> = drugs.iter().collect();
    let drugs = drugs.chunks(TOGETHER).map(|some| ensemble.drugs(some)).collect::<Result<Vec<_>>>()?;
    let rows = rows(folder, config, data)?;
    let proteins: Vec<usize> = (0..data.proteins.len()).collect();
    let encode = |some: &[usize]| {
        let rows: Vec<&[f32]> = some.iter().filter_map(|&i| rows.get(i)).map(Vec::as_slice).collect();
        let sequences: Vec<&[u8]> = some.iter().map(|&i| data.proteins[i].sequence.as_slice()).collect();
        ensemble.proteins(&rows, &sequences)
    };
    let proteins = proteins.chunks(TOGETHER).map(encode).collect::<Result<Vec<_>>>()?;
    let pairs: Vec<(i64, i64)> =
        which.iter().map(|&i| (data.pairs[i].drug as i64, data.pairs[i].protein as i64)).collect();
    ensemble.pairs(&Encoded::concatenated(&drugs)?, &Encoded::concatenated(&proteins)?, &pairs)
}

/// The rows of all proteins; none where the model looks at sequences alone.
fn rows(folder: &Folder, config: &TrainConfig, data: &Data) -> Result<Vec<Vec<f32>>> {
    let Some(mut rows) = folder.rows()? else { return Ok(Vec::new()) };
    if let (Some(_), Some(path)) = (rows.table_width(), &config.data.embeddings) {
        rows = rows.with_table(Embeddings::read(path)?)?;
    }
    let row = |protein: &crate::task::train::Protein| {
        rows.row(&protein.id, &protein.sequence).map_err(|why| Error::Model(format!("protein `{}`: {why}", protein.id)))
    };
    data.proteins.par_iter().map(row).collect()
}
