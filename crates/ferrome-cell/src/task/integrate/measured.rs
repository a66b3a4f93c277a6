//! The learning curve.

use std::fmt::Write;
use std::path::Path;

use ferrome_core::journal::write_whole;
use ferrome_core::train::{Line, draw_curve};
use serde::{Deserialize, Serialize};

use crate::Result;

/// An epoch.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Measured {
    /// Epochs done.
    pub epoch: u64,
    /// Steps done.
    pub step: u64,
    /// Learning rate of the epoch.
    pub learning_rate: f64,
    /// Means over its steps of the parts of the loss, weighted.
    pub parts: Vec<(String, f64)>,
    /// Mean squared error of hidden genes of cells that only choose the weights.
    pub validation: f64,
}

impl Measured {
    /// The whole loss.
    #[must_use]
    pub fn loss(&self) -> f64 {
        self.parts.iter().map(|(_, value)| value).sum()
    }
}

/// Writes `metrics.csv` and `loss.svg`.
pub(super) fn write(measured: &[Measured], folder: &Path) -> Result<()> {
    write_whole(&folder.join("metrics.csv"), csv(measured))?;
    let line = |name: &str, value: &dyn Fn(&Measured) -> f64| Line {
        name: name.to_owned(),
        points: measured.iter().map(|one| (one.epoch, value(one))).collect(),
    };
    let hidden = |one: &Measured| one.parts.first().map_or(f64::NAN, |(_, value)| *value);
    let lines = [line("training, hidden genes", &hidden), line("validation, hidden genes", &|one| one.validation)];
    Ok(draw_curve(&lines, ("epoch", "mean squared error, bins"), &folder.join("loss.svg"))?)
}

fn csv(measured: &[Measured]) -> String {
    let names: Vec<&str> =
        measured.first().map_or_else(Vec::new, |one| one.parts.iter().map(|(name, _)| name.as_str()).collect());
    let mut text = format!("epoch,step,learning_rate,loss,{},validation_gep\n", names.join(","));
    for one in measured {
        let parts: Vec<String> = one.parts.iter().map(|(_, value)| format!("{value:.5}")).collect();
        let (rate, loss) = (one.learning_rate, one.loss());
        // Writing into a String does not fail.
        let _ =
            writeln!(text, "{},{},{rate:.3e},{loss:.5},{},{:.5}", one.epoch, one.step, parts.join(","), one.validation);
    }
    text
}
