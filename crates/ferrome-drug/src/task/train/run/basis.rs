use std::path::Path;

use crate::{
    Error, Result,
    checkpoint::{CheckpointConfig, Label, ModelKind},
    model::PairConfig,
    task::train::{Data, Split, TrainConfig},
};

/// The pairs whose drugs, proteins and values a model knows. Members that rotate share them, and with them one configuration.
pub(super) fn basis(config: &TrainConfig, split: &Split) -> Vec<usize> {
    let rotated = if config.split.rotate { split.validation.as_slice() } else { &[] };
    split.train.iter().chain(rotated).copied().collect()
}

pub(super) fn distinct(pairs: &[usize], of: impl Fn(usize) -> usize) -> Vec<usize> {
    let mut all: Vec<usize> = pairs.iter().map(|&i| of(i)).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// Mean and standard deviation of the values of these pairs; both classes must be there where there are classes.
pub(super) fn spread(config: &TrainConfig, data: &Data, pairs: &[usize]) -> Result<(f64, f64)> {
    let path = data.files.first().map_or(Path::new(""), |(path, _)| path.as_path());
    let nothing = |what: String| Error::file(path, format!("{what}: there is nothing to learn"));
    if config.objective.has_probability() {
        let positives = pairs.iter().filter(|&&i| data.pairs[i].positive == Some(true)).count();
        if positives == 0 || positives == pairs.len() {
            let all = if positives == 0 { 0 } else { 1 };
            return Err(nothing(format!("all {} labels to train on are {all}", pairs.len())));
        }
    }
    if !config.objective.has_affinity() {
        return Ok((0.0, 1.0));
    }
    let values: Vec<f64> = pairs.iter().filter_map(|&i| data.pairs[i].value).collect();
    let center = values.iter().sum::<f64>() / values.len().max(1) as f64;
    let scale = (values.iter().map(|v| (v - center).powi(2)).sum::<f64>() / values.len().max(1) as f64).sqrt();
    if scale > 1e-9 * center.abs().max(1e-3) {
        Ok((center, scale))
    } else {
        Err(nothing(format!("all {} values to train on are {center}", values.len())))
    }
}

/// The model's `config.json`, but for what training finds out.
pub(super) fn describe(
    config: &TrainConfig,
    models: &[PairConfig],
    (center, scale): (f64, f64),
) -> Result<CheckpointConfig> {
    let (model, others) = models.split_first().ok_or_else(|| Error::Model("an ensemble without members".into()))?;
    let others = if others.iter().all(|other| other == model) { Vec::new() } else { others.to_vec() };
    let rows = if config.looks_at("protein_rows") { config.protein_rows.clone() } else { Vec::new() };
    let fingerprints = if config.looks_at("fingerprints") { config.fingerprints.clone() } else { Vec::new() };
    Ok(CheckpointConfig {
        ferrome: ModelKind::DrugTarget,
        label: Label { name: config.label.name.clone(), unit: config.label.unit.clone(), center, scale },
        objective: config.objective,
        variance: config.has_variance(),
        model: model.clone(),
        members: models.len(),
        others,
        fingerprints,
        protein_rows: rows,
        calibration: None,
        trained: std::collections::BTreeMap::new(),
    })
}
