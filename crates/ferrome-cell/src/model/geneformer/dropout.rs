use tch::Tensor;

use super::Config;
use crate::Result;
use crate::model::dropout::dropped;

/// Shares that are dropped in training; the rest is scaled up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Dropout {
    hidden: f64,
    pub(super) attention: f64,
}

impl Dropout {
    /// Outside training.
    pub(super) const NONE: Self = Self { hidden: 0.0, attention: 0.0 };

    /// As the configuration says.
    pub(super) fn of(config: &Config) -> Self {
        Self { hidden: config.hidden_dropout_prob, attention: config.attention_probs_dropout_prob }
    }

    /// Drops from the output of a dense layer, or of the embeddings.
    pub(super) fn hidden(self, x: Tensor) -> Result<Tensor> {
        dropped(x, self.hidden)
    }
}
