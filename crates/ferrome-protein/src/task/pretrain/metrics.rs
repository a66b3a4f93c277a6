use std::fmt::Write;

use serde::{Deserialize, Serialize};

/// One line of `metrics.csv`; losses are mean cross-entropies of hidden residues, in nats.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub struct Measured {
    /// Steps done.
    pub step: u64,
    /// Epochs begun.
    pub epoch: u64,
    /// Tokens seen.
    pub tokens: u64,
    /// Learning rate of the last step.
    pub learning_rate: f64,
    /// Mean over the steps since the line before.
    pub train_loss: f64,
    /// On the held-out sequences.
    pub held_out_loss: f64,
    /// Seconds of training, those of earlier runs included.
    pub seconds: f64,
}

/// `metrics.csv`.
pub(super) fn csv(lines: &[Measured]) -> String {
    let mut text = String::from(
        "step,epoch,tokens,learning_rate,train_loss,train_perplexity,held_out_loss,held_out_perplexity,seconds\n",
    );
    for m in lines {
        let (train, held_out) = (m.train_loss.exp(), m.held_out_loss.exp());
        // Writing into a String does not fail.
        let _ = writeln!(
            text,
            "{},{},{},{:.3e},{:.5},{train:.4},{:.5},{held_out:.4},{:.1}",
            m.step, m.epoch, m.tokens, m.learning_rate, m.train_loss, m.held_out_loss, m.seconds
        );
    }
    text
}
