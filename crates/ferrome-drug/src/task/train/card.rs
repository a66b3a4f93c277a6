//! The model card.

use std::{collections::BTreeMap, fmt::Write};

use super::{Data, Outcome, Quality, SplitKind, TrainConfig};
use crate::{
    checkpoint::{CheckpointConfig, FAST},
    model::PairConfig,
};

/// What is kept in the model's `config.json` of how it was trained: for people.
pub(super) fn trained(config: &TrainConfig, data: &Data, epochs: &[u64]) -> BTreeMap<String, String> {
    let mut trained = BTreeMap::new();
    let mut add = |key: &str, value: String| {
        trained.insert(key.to_owned(), value);
    };
    for (path, digest) in &data.files {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        add(&format!("data.{name}"), format!("xxh3-128 {digest}"));
    }
    add("split", split(config));
    add("seed", config.seed.to_string());
    add("epochs", epochs.iter().map(u64::to_string).collect::<Vec<_>>().join(", "));
    add("refit", config.refit.to_string());
    add("version", env!("CARGO_PKG_VERSION").to_owned());
    trained
}

/// How the pairs were split, in words.
pub(crate) fn split(config: &TrainConfig) -> String {
    let folds = |list: &[super::Fold]| list.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let split = &config.split;
    match split.by {
        SplitKind::Column => {
            let validation =
                if split.rotate { "every other fold in turn".to_owned() } else { folds(&split.validation) };
            let column = split.column.as_deref().unwrap_or_default();
            format!("column `{column}`: validation {validation}; test {}", folds(&split.test))
        }
        SplitKind::Files => "one table for each part".into(),
        SplitKind::Saved => "saved row numbers".into(),
        drawn => {
            let name = serde_json::to_value(drawn).ok();
            let name = name.as_ref().and_then(|name| name.as_str()).unwrap_or_default();
            format!("{name}: validation {}, test {}, seed {}", split.validation_share, split.test_share, config.seed)
        }
    }
}

/// The file `README.md`.
pub(super) fn card(config: &TrainConfig, written: &CheckpointConfig, outcome: &Outcome, data: &Data) -> String {
    let mut text = format!("# Drug-target model: {}\n\n", config.label.name);
    let mut line = |content: String| {
        // Writing into a String does not fail.
        let _ = writeln!(text, "{content}");
    };
    let members =
        if written.members == 1 { "one model".into() } else { format!("the mean of {} models", written.members) };
    line(format!(
        "Predicts {} ({}) from SMILES and sequence; {members}. Trained by `ferrome drug train` {}.\n",
        config.label.name,
        config.label.unit,
        env!("CARGO_PKG_VERSION")
    ));
    line("## Data\n".into());
    for (path, digest) in &data.files {
        let name = path.file_name().unwrap_or(path.as_os_str()).display();
        line(format!("- `{name}` (xxh3-128 {digest})"));
    }
    line(format!(
        "\n{} drugs, {} proteins, {} pairs; {} rows were left out. Split by {}.",
        data.drugs.len(),
        data.proteins.len(),
        data.pairs.len(),
        data.left_out.len(),
        split(config)
    ));
    let [train, validation, test] = outcome.pairs;
    let both = if config.refit { ", those that chose the epoch among them" } else { "" };
    line(format!("{train} pairs were trained on{both}, {validation} chose the epoch, {test} are tested on.\n"));
    line("## How good it is\n".into());
    line("| pairs | model | MSE | CI | AUROC | AUPRC |\n|---|---|---|---|---|---|".into());
    line(row("validation", "ensemble", &outcome.validation));
    if outcome.pairs[2] > 0 {
        line(row("test", "ensemble", &outcome.test));
        for (i, quality) in outcome.single.iter().enumerate() {
            let looks = looks_at(written.architecture(i));
            line(row("test", &format!("member {i} alone ({looks}), epoch {}", outcome.epochs[i]), quality));
        }
        if let Some((epoch, quality)) = chosen_on_test(outcome) {
            line(row("test", &format!("member 0, epoch {epoch}, **chosen on the test pairs**"), &quality));
            line(
                "\nThe last line is how much of the literature chooses; it flatters, and nothing was chosen by it."
                    .into(),
            );
        }
    }
    if config.fast.is_some() {
        line(format!("\n`{FAST}/` has a second model, for libraries of millions, with a card of its own."));
    }
    line("\n`ferrome drug evaluate` gives these with intervals, beside simpler models.\n".into());
    line("## Where it applies\n".into());
    line("To molecules and proteins like those it was trained on: `ferrome drug score` tells the similarity of the nearest \
          training molecule, and a calibrated standard deviation and interval with every score. Its licence is that of its \
          data."
        .into());
    text
}

/// The encoders of a model, in words.
fn looks_at(model: &PairConfig) -> String {
    let parts = [
        ("graph", model.graph.is_some()),
        ("fingerprints", model.fingerprints.is_some()),
        ("protein rows", model.protein_rows.is_some()),
        ("sequence", model.convolution.is_some()),
    ];
    parts.into_iter().filter_map(|(name, there)| there.then_some(name)).collect::<Vec<_>>().join(", ")
}

fn row(pairs: &str, model: &str, quality: &Quality) -> String {
    let cell = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| format!("{value:.4}"));
    let cells = [quality.mse, quality.ci, quality.auroc, quality.auprc].map(cell).join(" | ");
    format!("| {pairs} | {model} | {cells} |")
}

/// The best epoch of the first member by its test pairs, where they were watched.
pub(super) fn chosen_on_test(outcome: &Outcome) -> Option<(u64, Quality)> {
    let first = outcome.measured.iter().filter(|m| m.member == 0 && !m.refit);
    let key = |quality: &Quality| quality.mse.or(quality.auroc.map(|auroc| -auroc));
    let watched = first.filter_map(|m| Some((key(&m.test)?, m.epoch, m.test)));
    watched.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, epoch, quality)| (epoch, quality))
}
