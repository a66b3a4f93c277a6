use std::{fmt::Write, path::Path};

use ferrome_core::{
    journal::write_whole,
    train::{Line, draw_curve},
};
use serde::{Deserialize, Serialize};

use super::{Data, features::Predictions};
use crate::{Result, checkpoint::Objective, metrics};

/// How good predictions are; what the objective has no use for is `None`.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Quality {
    /// Mean squared error, in the label's units squared.
    pub mse: Option<f64>,
    /// Concordance index.
    pub ci: Option<f64>,
    /// Area under the ROC curve.
    pub auroc: Option<f64>,
    /// Area under the precision-recall curve.
    pub auprc: Option<f64>,
}

/// One line of `metrics.csv`.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub struct Measured {
    /// Which member of the ensemble, from 0.
    pub member: usize,
    /// Whether this is the second training, on training and validation pairs.
    pub refit: bool,
    /// Epochs done.
    pub epoch: u64,
    /// Learning rate of the last step.
    pub learning_rate: f64,
    /// Mean loss of the epoch's steps, standardised.
    pub train_loss: f64,
    /// On the validation pairs; none in the second training.
    pub validation: Quality,
    /// On the test pairs, where they are watched; it chooses nothing.
    pub test: Quality,
    /// Seconds of training, those of earlier runs included.
    pub seconds: f64,
}

impl Quality {
    pub(super) fn of(found: &Predictions, data: &Data, which: &[usize], objective: Objective) -> Self {
        let values: Vec<f64> = which.iter().filter_map(|&i| data.pairs[i].value).collect();
        let labels: Vec<bool> = which.iter().filter_map(|&i| data.pairs[i].positive).collect();
        let score = if objective.has_probability() { &found.logit } else { &found.mean };
        let affinity = |measure: fn(&[f64], &[f64]) -> Option<f64>| {
            if objective.has_affinity() { measure(&values, &found.mean) } else { None }
        };
        Self {
            mse: affinity(metrics::mse),
            ci: affinity(metrics::concordance),
            auroc: metrics::auroc(&labels, score),
            auprc: metrics::auprc(&labels, score),
        }
    }

    /// What chooses the epoch, the lower the better: the squared error, or the negative area under the ROC curve.
    pub(super) fn chooser(&self, objective: Objective) -> f64 {
        let chosen = if objective.has_affinity() { self.mse } else { self.auroc.map(|auroc| -auroc) };
        chosen.unwrap_or(f64::INFINITY)
    }
}

/// Writes `metrics.csv` and `loss.svg`.
pub(super) fn write(lines: &[Measured], objective: Objective, folder: &Path) -> Result<()> {
    write_whole(&folder.join("metrics.csv"), csv(lines))?;
    let (name, value): (&str, fn(&Quality) -> Option<f64>) =
        if objective.has_affinity() { ("mean squared error", |q| q.mse) } else { ("AUROC", |q| q.auroc) };
    let members = lines.iter().map(|line| line.member).max().map_or(0, |last| last + 1);
    let mut curves = Vec::new();
    for member in 0..members {
        let of = |part: fn(&Measured) -> &Quality| {
            let lines = lines.iter().filter(|line| line.member == member && !line.refit);
            lines.filter_map(|line| Some((line.epoch, value(part(line))?))).collect::<Vec<_>>()
        };
        let which = if members > 1 { format!(", member {member}") } else { String::new() };
        for (what, points) in [("test", of(|m| &m.test)), ("validation", of(|m| &m.validation))] {
            if !points.is_empty() {
                curves.push(Line { name: format!("{what}{which}"), points });
            }
        }
    }
    Ok(draw_curve(&curves, ("epoch", name), &folder.join("loss.svg"))?)
}

fn csv(lines: &[Measured]) -> String {
    let mut text = String::from(
        "member,phase,epoch,learning_rate,train_loss,validation_mse,validation_ci,validation_auroc,validation_auprc,\
         test_mse,test_ci,test_auroc,test_auprc,seconds\n",
    );
    for line in lines {
        let phase = if line.refit { "refit" } else { "choose" };
        let cells = [line.validation, line.test].map(|q| [q.mse, q.ci, q.auroc, q.auprc]);
        let cell = |value: Option<f64>| value.map_or_else(String::new, |value| format!("{value:.5}"));
        let cells: Vec<String> = cells.into_iter().flatten().map(cell).collect();
        // Writing into a String does not fail.
        let _ = writeln!(
            text,
            "{},{phase},{},{:.3e},{:.5},{},{:.1}",
            line.member,
            line.epoch,
            line.learning_rate,
            line.train_loss,
            cells.join(","),
            line.seconds
        );
    }
    text
}
