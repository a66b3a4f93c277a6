use tch::Tensor;

use crate::{Result, nn::Loader};

/// A table of one row per token.
#[derive(Debug)]
pub struct Embedding {
    /// `[rows, d]`.
    pub weight: Tensor,
}

impl Embedding {
    /// Takes `weight`, `[rows, width]`.
    pub fn load(weights: &Loader, rows: i64, width: i64) -> Result<Self> {
        Ok(Self { weight: weights.tensor("weight", &[rows, width])? })
    }

    /// A second handle on the same weights.
    #[must_use]
    pub fn share(&self) -> Self {
        Self { weight: self.weight.shallow_clone() }
    }

    /// `[t] (i64) -> [t, d]`.
    ///
    /// # Errors
    ///
    /// Fails when a token is outside the table.
    pub fn forward(&self, tokens: &Tensor) -> Result<Tensor> {
        Ok(self.weight.f_index_select(0, tokens)?)
    }
}
