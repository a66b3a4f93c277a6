use tch::{Device, Kind, Tensor};

use crate::{
    Result,
    ffi::{self, Epilogue},
    nn::Loader,
};

/// `y = x W^T + b`.
#[derive(Debug)]
pub struct Linear {
    /// `[out, in]`.
    pub weight: Tensor,
    /// `[out]`.
    pub bias: Option<Tensor>,
}

impl Linear {
    /// Takes `weight` (`[outputs, inputs]`) and `bias` (`[outputs]`).
    pub fn load(weights: &Loader, inputs: i64, outputs: i64) -> Result<Self> {
        Ok(Self {
            weight: weights.tensor("weight", &[outputs, inputs])?,
            bias: Some(weights.tensor("bias", &[outputs])?),
        })
    }

    /// A second handle on the same weights.
    #[must_use]
    pub fn share(&self) -> Self {
        Self { weight: self.weight.shallow_clone(), bias: self.bias.as_ref().map(Tensor::shallow_clone) }
    }

    /// `[t, in] -> [t, out]`.
    ///
    /// # Errors
    ///
    /// Fails when `x` has another width than the weight.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        if self.runs_on_onednn(x) {
            return ffi::onednn_linear(x, &self.weight, self.bias.as_ref(), Epilogue::Identity);
        }
        let weight = self.weight.f_to_kind(x.f_kind()?)?;
        let bias = self.bias.as_ref().map(|b| b.f_to_kind(weight.f_kind()?)).transpose()?;
        Ok(x.f_linear(&weight, bias.as_ref())?)
    }

    /// `gelu(x W^T + b)` with the exact (erf) GELU: `[t, in] -> [t, out]`.
    ///
    /// # Errors
    ///
    /// As [`Linear::forward`].
    pub fn forward_gelu(&self, x: &Tensor) -> Result<Tensor> {
        if self.runs_on_onednn(x) {
            return ffi::onednn_linear(x, &self.weight, self.bias.as_ref(), Epilogue::Gelu);
        }
        Ok(self.forward(x)?.f_gelu("none")?)
    }

    /// `max(x W^T + b, 0)`: `[t, in] -> [t, out]`.
    ///
    /// # Errors
    ///
    /// As [`Linear::forward`].
    pub fn forward_relu(&self, x: &Tensor) -> Result<Tensor> {
        if self.runs_on_onednn(x) {
            return ffi::onednn_linear(x, &self.weight, self.bias.as_ref(), Epilogue::Relu);
        }
        Ok(self.forward(x)?.f_relu()?)
    }

    // oneDNN's operator has no backward, so training keeps to libtorch's own.
    fn runs_on_onednn(&self, x: &Tensor) -> bool {
        x.device() == Device::Cpu
            && matches!(x.kind(), Kind::Float | Kind::BFloat16)
            && self.weight.kind() == x.kind()
            && !self.weight.requires_grad()
            && !x.requires_grad()
    }
}
