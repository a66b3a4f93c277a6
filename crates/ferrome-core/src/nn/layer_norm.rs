use tch::Tensor;

use crate::{Result, nn::Loader};

/// `y = (x - mean) / sqrt(variance + eps) * weight + bias` over the last dimension.
#[derive(Debug)]
pub struct LayerNorm {
    /// `[d]`.
    pub weight: Tensor,
    /// `[d]`.
    pub bias: Tensor,
    eps: f64,
}

impl LayerNorm {
    /// Takes `weight` and `bias`, both `[width]`.
    pub fn load(weights: &Loader, width: i64, eps: f64) -> Result<Self> {
        Ok(Self { weight: weights.tensor("weight", &[width])?, bias: weights.tensor("bias", &[width])?, eps })
    }

    /// A norm from `weight` and `bias`, both `[width]`.
    #[must_use]
    pub fn new(weight: Tensor, bias: Tensor, eps: f64) -> Self {
        Self { weight, bias, eps }
    }

    /// A second handle on the same weights.
    #[must_use]
    pub fn share(&self) -> Self {
        Self { weight: self.weight.shallow_clone(), bias: self.bias.shallow_clone(), eps: self.eps }
    }

    /// `[t, d] -> [t, d]`.
    ///
    /// # Errors
    ///
    /// Fails when `x` has another width than the weight.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let (kind, d) = (x.f_kind()?, self.weight.size1()?);
        let (weight, bias) = (self.weight.f_to_kind(kind)?, self.bias.f_to_kind(kind)?);
        Ok(x.f_layer_norm([d], Some(&weight), Some(&bias), self.eps, true)?)
    }
}
