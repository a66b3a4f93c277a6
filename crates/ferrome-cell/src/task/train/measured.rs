use std::fmt::Write;
use std::path::Path;

use ferrome_core::{
    journal::write_whole,
    train::{Line, draw_curve},
};
use serde::{Deserialize, Serialize};

use crate::Result;
use crate::classification::Quality;

/// One line of `metrics.csv`; losses are mean cross-entropies, in nats.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub struct Measured {
    /// Steps done.
    pub step: u64,
    /// Epochs done.
    pub epoch: f64,
    /// Learning rate of the last step.
    pub learning_rate: f64,
    /// Mean over the steps since the line before.
    pub train_loss: f64,
    /// On what chooses the epoch.
    pub validation_loss: f64,
    /// How good the classes are; none for hidden genes.
    pub quality: Option<Quality>,
    /// Seconds of training, those of earlier runs included.
    pub seconds: f64,
}

/// Writes `metrics.csv` and `loss.svg`.
pub(super) fn write(lines: &[Measured], folder: &Path) -> Result<()> {
    write_whole(&folder.join("metrics.csv"), csv(lines))?;
    let line = |name: &str, loss: fn(&Measured) -> f64| Line {
        name: name.to_owned(),
        points: lines.iter().map(|m| (m.step, loss(m))).collect(),
    };
    let both = [line("training", |m| m.train_loss), line("validation", |m| m.validation_loss)];
    Ok(draw_curve(&both, ("step", "mean cross-entropy, nats"), &folder.join("loss.svg"))?)
}

fn csv(lines: &[Measured]) -> String {
    let mut text = String::from(
        "step,epoch,learning_rate,train_loss,validation_loss,validation_accuracy,validation_macro_f1,seconds\n",
    );
    for m in lines {
        let cell = |value: Option<f64>| value.map_or_else(String::new, |value| format!("{value:.5}"));
        // Writing into a String does not fail.
        let _ = writeln!(
            text,
            "{},{:.4},{:.3e},{:.5},{:.5},{},{},{:.1}",
            m.step,
            m.epoch,
            m.learning_rate,
            m.train_loss,
            m.validation_loss,
            cell(m.quality.map(|q| q.accuracy)),
            cell(m.quality.map(|q| q.macro_f1)),
            m.seconds
        );
    }
    text
}
