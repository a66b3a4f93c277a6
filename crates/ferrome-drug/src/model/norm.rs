use ferrome_core::nn::LayerNorm;
use tch::Tensor;

use super::{NormKind, Weights, weights::Draw};
use crate::Result;

/// What normalises activations: `[n, d] -> [n, d]`.
#[derive(Debug)]
pub(super) enum Norm {
    Batch(BatchNorm),
    Layer(LayerNorm),
}

impl Norm {
    pub(super) fn load(weights: &Weights, name: &str, width: i64, kind: NormKind) -> Result<Self> {
        Ok(match kind {
            NormKind::Batch => Self::Batch(BatchNorm::load(&weights.pp(name), width)?),
            NormKind::Layer => Self::Layer(weights.layer_norm(name, width)?),
        })
    }

    pub(super) fn forward(&self, x: &Tensor, train: bool) -> Result<Tensor> {
        match self {
            Self::Batch(norm) => norm.forward(x, train),
            Self::Layer(norm) => Ok(norm.forward(x)?),
        }
    }
}

/// `(x - mean) / sqrt(variance + 1e-5) * weight + bias` over the rows of a batch, which also move the running statistics
/// by a tenth; those stand in for them outside training.
#[derive(Debug)]
pub(super) struct BatchNorm {
    weight: Tensor,
    bias: Tensor,
    running_mean: Tensor,
    running_var: Tensor,
}

impl BatchNorm {
    pub(super) fn load(weights: &Weights, width: i64) -> Result<Self> {
        Ok(Self {
            weight: weights.tensor("weight", &[width], Draw::Constant(1.0))?,
            bias: weights.tensor("bias", &[width], Draw::Constant(0.0))?,
            running_mean: weights.buffer("running_mean", &[width], 0.0)?,
            running_var: weights.buffer("running_var", &[width], 1.0)?,
        })
    }

    pub(super) fn forward(&self, x: &Tensor, train: bool) -> Result<Tensor> {
        let Self { weight, bias, running_mean, running_var } = self;
        // A batch of one row has no variance.
        let train = train && x.size().first().is_some_and(|&rows| rows > 1);
        Ok(x.f_batch_norm(Some(weight), Some(bias), Some(running_mean), Some(running_var), train, 0.1, 1e-5, false)?)
    }
}
