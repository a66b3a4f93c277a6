//! `ferrome drug evaluate`: a model on pairs with known values, always beside what simpler methods reach.

mod baselines;
mod page;
mod plots;
mod scored;

use std::path::Path;

use ferrome_core::{fingerprint::Fingerprint, fingerprint::hex, interrupt::Interrupt, journal::write_whole};
use serde::Serialize;
use tch::Device;

use super::train::{Data, Part, Progress, Split, TrainConfig};
use crate::{
    Error, Result,
    checkpoint::{FAST, Folder, Objective},
};
use scored::Known;
pub use scored::{Measure, Scored};

/// What an evaluation is started with.
#[derive(Debug)]
pub struct Start<'a> {
    /// The data, the split and what simpler models are trained with.
    pub config: &'a TrainConfig,
    /// The model's folder.
    pub model: &'a Path,
    /// The name under which the model stands in the report.
    pub name: &'a str,
    /// The folder of the report.
    pub folder: &'a Path,
    /// The folder of the simpler models, which is used again where it fits the data.
    pub baselines: &'a Path,
    /// Which pairs are evaluated.
    pub on: Part,
    /// Resamples of the bootstrap.
    pub resamples: u64,
    /// Where to run.
    pub device: Device,
    /// Asks the training of a simpler model to stop.
    pub interrupt: Interrupt,
}

/// What an evaluation found.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// What the values are called.
    pub label: String,
    /// Which pairs, and how they were split.
    pub pairs: String,
    /// How many.
    pub count: usize,
    /// The model first, then the simpler ones.
    pub models: Vec<Scored>,
    #[serde(skip)]
    known: Known,
}

/// Scores the pairs, measures, and writes `report.md`, `report.html`, `metrics.json` and `predictions.csv`.
///
/// # Errors
///
/// The model cannot be opened or is of another kind than the data; the split leaves no such pairs; the folder cannot be
/// written.
pub fn evaluate(start: &Start, data: &Data, tell: &mut dyn FnMut(&Progress)) -> Result<Report> {
    fs_err::create_dir_all(start.folder)?;
    let config = start.config;
    let split = Split::new(&config.split, data, config.seed, 0)?;
    let which = match start.on {
        Part::Validation => &split.validation,
        Part::Train => &split.train,
        _ => &split.test,
    };
    if which.is_empty() {
        return Err(Error::file(start.folder, "the split leaves no pairs to test on; choose others with --on"));
    }
    let model = Folder::open(start.model)?;
    let fits = model.config.objective.has_affinity() == config.objective.has_affinity();
    if !fits {
        let kind = |objective: Objective| if objective.has_affinity() { "affinities" } else { "interactions" };
        let (found, expected) = (kind(model.config.objective), kind(config.objective));
        return Err(Error::file(start.model, format!("the model predicts {found}, the data hold {expected}")));
    }
    let known = Known::new(data, which, config.objective);
    let scores = scored::predict(&model, config, data, which, start.device)?;
    let calibration = model.config.calibration.as_ref();
    let mut models = vec![Scored::new(start.name, &known, scores, calibration, start.resamples)];
    if start.model.join(FAST).is_dir() {
        let fast = Folder::open_fast(start.model)?;
        let scores = scored::predict(&fast, config, data, which, start.device)?;
        let (name, calibration) = (format!("{}, fast tier", start.name), fast.config.calibration.as_ref());
        models.push(Scored::new(&name, &known, scores, calibration, start.resamples));
    }
    for (name, scores, calibration) in baselines::all(start, data, &split, which, tell)? {
        models.push(Scored::new(&name, &known, scores, calibration.as_ref(), start.resamples));
    }
    let pairs = format!("{} pairs, split by {}", part(start.on), super::train::split_in_words(config));
    let report = Report { label: config.label.name.clone(), pairs, count: which.len(), models, known };
    write(&report, data, which, start.folder)?;
    Ok(report)
}

fn part(part: Part) -> &'static str {
    match part {
        Part::Train => "training",
        Part::Validation => "validation",
        _ => "test",
    }
}

fn write(report: &Report, data: &Data, which: &[usize], folder: &Path) -> Result<()> {
    write_whole(&folder.join("report.md"), page::markdown(report))?;
    write_whole(&folder.join("report.html"), page::html(report)?)?;
    let json = serde_json::to_string_pretty(report).map_err(|e| Error::file(folder, e.to_string()))?;
    write_whole(&folder.join("metrics.json"), json + "\n")?;
    let mut csv = String::from("row,drug,protein,truth,score,std\n");
    let Some(model) = report.models.first() else { return Ok(()) };
    let quoted =
        |text: &str| if text.contains([',', '"']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.into() };
    for (i, pair) in which.iter().filter_map(|&i| data.pairs.get(i)).enumerate() {
        let number = |list: &[f64]| list.get(i).map_or_else(String::new, |value| format!("{value:.6}"));
        let (drug, protein) = (quoted(&data.drugs[pair.drug].id), quoted(&data.proteins[pair.protein].id));
        let cells = [number(&report.known.truth), number(&model.score), number(&model.std)];
        csv.push_str(&format!("{},{drug},{protein},{}\n", pair.row, cells.join(",")));
    }
    Ok(write_whole(&folder.join("predictions.csv"), csv)?)
}

/// Equal where the simpler models would be.
fn identity(start: &Start, data: &Data, split: &Split) -> String {
    let mut identity = Fingerprint::new().field(data.fingerprint().as_bytes());
    identity.push(split.json(data).as_bytes());
    identity.push(format!("{:?} {:?}", start.on, start.config.objective).as_bytes());
    hex(identity.finish())
}
