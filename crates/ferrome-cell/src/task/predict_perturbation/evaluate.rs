//! The held-out conditions: the generator beside simple predictions.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray, UInt64Array};
use ferrome_core::journal::RunDescription;
use ferrome_core::table::write_table;

use super::metrics::{Quality, most_changed};
use super::{Condition, Screen, Split, TrainConfig, predict};
use crate::Result;
use crate::model::scgpt::Generator;

/// The ways to predict, as the report names them.
pub const METHODS: [&str; 4] = ["generator", "no change", "mean change", "sum of single changes"];

/// What each method reaches on a held-out condition.
#[derive(Clone, Debug)]
pub struct Scores {
    /// The condition.
    pub condition: String,
    /// Its cells.
    pub cells: usize,
    /// In the order of [`METHODS`]; none where a method has no answer.
    pub qualities: [Option<Quality>; 4],
}

/// Compares predictions with the mean expression of each held-out condition.
///
/// # Errors
///
/// Fails when the device has no room.
pub fn evaluate(generator: &Generator, screen: &Screen, split: &Split, config: &TrainConfig) -> Result<Vec<Scores>> {
    let control = mean(screen, &screen.control().cells);
    let changes: Vec<(usize, Vec<f64>)> =
        split.train.iter().map(|&place| (place, change(screen, place, &control))).collect();
    let average = sum(changes.iter().map(|(_, change)| change), control.len());
    let average: Vec<f64> = average.iter().map(|sum| sum / changes.len().max(1) as f64).collect();
    let controls = cells(screen, &screen.control().cells);
    let one = |&place: &usize| {
        let condition = &screen.conditions[place];
        let measured = mean(screen, &condition.cells);
        let top = most_changed(&cells(screen, &condition.cells), &controls);
        let quality = |predicted: &[f64]| Quality::of(predicted, &measured, &control, &top);
        let after =
            |change: &[f64]| -> Vec<f64> { control.iter().zip(change).map(|(base, change)| base + change).collect() };
        let found = predict(generator, screen, &condition.genes, config.control_cells, config.seed)?;
        let single = singles(screen, condition, &changes);
        Ok(Scores {
            condition: condition.name.clone(),
            cells: condition.cells.len(),
            qualities: [
                Some(quality(&found)),
                Some(quality(&control)),
                Some(quality(&after(&average))),
                single.map(|single| quality(&after(&single))),
            ],
        })
    };
    split.test.iter().map(one).collect()
}

/// The mean over conditions of what a method reaches; none where it has no answer.
#[must_use]
pub fn mean_of(scores: &[Scores], method: usize, read: impl Fn(&Quality) -> Option<f64>) -> Option<f64> {
    let values: Vec<f64> = scores.iter().filter_map(|scores| read(scores.qualities.get(method)?.as_ref()?)).collect();
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// Writes one row per condition and method.
///
/// # Errors
///
/// The file cannot be written.
pub fn write_report(scores: &[Scores], path: &Path) -> Result<()> {
    let rows: Vec<(&Scores, &str, &Quality)> = scores
        .iter()
        .flat_map(|each| {
            METHODS
                .iter()
                .zip(&each.qualities)
                .filter_map(move |(name, quality)| Some((each, *name, quality.as_ref()?)))
        })
        .collect();
    let numbers = |read: fn(&Quality) -> Option<f64>| {
        let column: Float64Array = rows.iter().map(|(_, _, quality)| read(quality)).collect();
        Arc::new(column) as ArrayRef
    };
    let condition: StringArray = rows.iter().map(|(scores, ..)| Some(scores.condition.as_str())).collect();
    let method: StringArray = rows.iter().map(|(_, name, _)| Some(*name)).collect();
    let cells: UInt64Array = rows.iter().map(|(scores, ..)| Some(scores.cells as u64)).collect();
    let table = RecordBatch::try_from_iter_with_nullable([
        ("condition", Arc::new(condition) as ArrayRef, false),
        ("cells", Arc::new(cells), false),
        ("method", Arc::new(method), false),
        ("mse", numbers(|quality| Some(quality.mse)), false),
        ("pearson", numbers(|quality| quality.pearson), true),
        ("pearson_change", numbers(|quality| quality.pearson_change), true),
        ("mse_top20", numbers(|quality| Some(quality.mse_top)), false),
        ("pearson_top20", numbers(|quality| quality.pearson_top), true),
        ("pearson_change_top20", numbers(|quality| quality.pearson_change_top), true),
    ])?;
    Ok(write_table(&table, path, &RunDescription::new())?)
}

fn cells<'s>(screen: &'s Screen, cells: &[usize]) -> Vec<&'s [f32]> {
    cells.iter().map(|&cell| screen.cell(cell)).collect()
}

/// Mean expression of some cells: `[g]`.
pub(super) fn mean(screen: &Screen, cells: &[usize]) -> Vec<f64> {
    let mut sums = vec![0.0; screen.genes.len()];
    for &cell in cells {
        sums.iter_mut().zip(screen.cell(cell)).for_each(|(sum, &value)| *sum += f64::from(value));
    }
    sums.into_iter().map(|sum| sum / cells.len().max(1) as f64).collect()
}

fn change(screen: &Screen, place: usize, control: &[f64]) -> Vec<f64> {
    let measured = mean(screen, &screen.conditions[place].cells);
    measured.iter().zip(control).map(|(measured, control)| measured - control).collect()
}

fn sum<'v>(vectors: impl Iterator<Item = &'v Vec<f64>>, genes: usize) -> Vec<f64> {
    vectors.fold(vec![0.0; genes], |mut sums, vector| {
        sums.iter_mut().zip(vector).for_each(|(sum, value)| *sum += value);
        sums
    })
}

/// The sum of the changes of each gene alone, where all were trained on.
fn singles(screen: &Screen, condition: &Condition, changes: &[(usize, Vec<f64>)]) -> Option<Vec<f64>> {
    let alone = |gene: &usize| {
        let found = changes.iter().find(|(place, _)| screen.conditions[*place].genes == [*gene]);
        found.map(|(_, change)| change)
    };
    let changes = condition.genes.iter().map(alone).collect::<Option<Vec<_>>>()?;
    Some(sum(changes.into_iter(), screen.genes.len()))
}
