//! What a trained generator keeps, and what it writes.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray};
use ferrome_core::journal::{RunDescription, write_whole};
use ferrome_core::table::write_table;
use ferrome_core::train::write_tensors;
use serde::{Deserialize, Serialize};

use super::{Screen, evaluate::mean};
use crate::model::scgpt::{Generator, save_vocabulary};
use crate::vocabulary::Vocabulary;
use crate::{Error, Result};

const FILE: &str = "perturbation.json";

/// How cells are prepared for a trained generator.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Prepared {
    /// The genes that it was trained on, by their keys in the vocabulary.
    pub genes: Vec<String>,
    /// Conditions that were held out.
    pub held_out: Vec<String>,
    /// Control cells that a prediction is the mean of.
    pub control_cells: usize,
    /// Seed of their choice.
    pub seed: u64,
}

impl Prepared {
    /// Reads what [`save`] wrote beside the model.
    ///
    /// # Errors
    ///
    /// There is no such file, or it is something else.
    pub fn open(folder: &Path) -> Result<Self> {
        let path = folder.join(FILE);
        if !path.exists() {
            let reason = "no perturbation.json; expected a folder of `ferrome cell predict-perturbation train`";
            return Err(Error::file(folder, reason));
        }
        serde_json::from_slice(&fs_err::read(&path)?).map_err(|e| Error::file(&path, e.to_string()))
    }
}

/// Writes an scGPT folder: `model.safetensors`, `args.json`, `vocab.json`, and `perturbation.json`.
///
/// # Errors
///
/// A file cannot be written.
pub fn save(generator: &Generator, vocabulary: &Vocabulary, prepared: &Prepared, folder: &Path) -> Result<()> {
    let json = |value: serde_json::Result<String>| value.map(|text| text + "\n").map_err(std::io::Error::from);
    write_tensors(&generator.parameters(), [("format".into(), "pt".into())], &folder.join("model.safetensors"))?;
    write_whole(&folder.join("args.json"), json(serde_json::to_string_pretty(generator.config()))?)?;
    save_vocabulary(vocabulary, folder)?;
    Ok(write_whole(&folder.join(FILE), json(serde_json::to_string_pretty(prepared))?)?)
}

/// Writes `condition`, `gene`, `control`, `predicted`, `change`, one row per condition and gene.
///
/// # Errors
///
/// The file cannot be written.
pub fn write_predictions(predictions: &[(String, Vec<f64>)], screen: &Screen, path: &Path) -> Result<()> {
    let control = mean(screen, &screen.control().cells);
    let rows = || {
        predictions.iter().flat_map(|(name, values)| {
            let genes = screen.genes.iter().zip(&control).zip(values);
            genes.map(move |((gene, &control), &predicted)| (name.as_str(), gene.as_str(), control, predicted))
        })
    };
    let table = RecordBatch::try_from_iter([
        ("condition", Arc::new(rows().map(|row| Some(row.0)).collect::<StringArray>()) as ArrayRef),
        ("gene", Arc::new(rows().map(|row| Some(row.1)).collect::<StringArray>())),
        ("control", Arc::new(rows().map(|row| Some(row.2)).collect::<Float64Array>())),
        ("predicted", Arc::new(rows().map(|row| Some(row.3)).collect::<Float64Array>())),
        ("change", Arc::new(rows().map(|row| Some(row.3 - row.2)).collect::<Float64Array>())),
    ])?;
    Ok(write_table(&table, path, &RunDescription::new())?)
}
