use tch::Tensor;

use super::{RowsConfig, Weights, mlp::Mlp};
use crate::Result;

/// A multi-layer perceptron over rows of numbers, which are standardised first where the configuration says so:
/// `mlp((x - center) * factor)`.
#[derive(Debug)]
pub(super) struct RowEncoder {
    /// `[width]` each, found by training from its proteins.
    standard: Option<(Tensor, Tensor)>,
    mlp: Mlp,
}

impl RowEncoder {
    pub(super) fn load(weights: &Weights, config: &RowsConfig) -> Result<Self> {
        let standard = || -> Result<(Tensor, Tensor)> {
            let shape = [config.width];
            Ok((weights.buffer("center", &shape, 0.0)?, weights.buffer("factor", &shape, 1.0)?))
        };
        Ok(Self {
            standard: config.standardized.then(standard).transpose()?,
            mlp: Mlp::load(weights, config.width, &config.hidden, config.dropout)?,
        })
    }

    /// `[p, width] -> [p, last of hidden]`.
    pub(super) fn forward(&self, rows: &Tensor, train: bool) -> Result<Tensor> {
        match &self.standard {
            Some((center, factor)) => self.mlp.forward(&rows.f_sub(center)?.f_mul(factor)?, train),
            None => self.mlp.forward(rows, train),
        }
    }
}
