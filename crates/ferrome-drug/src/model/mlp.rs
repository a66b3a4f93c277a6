use ferrome_core::nn::Linear;
use tch::Tensor;

use super::Weights;
use crate::Result;

/// Linear layers, each followed by `max(0, x)` and dropout: `[m, inputs] -> [m, last of hidden]`.
#[derive(Debug)]
pub(super) struct Mlp {
    layers: Vec<Linear>,
    dropout: f64,
}

impl Mlp {
    pub(super) fn load(weights: &Weights, inputs: i64, hidden: &[i64], dropout: f64) -> Result<Self> {
        let widths = std::iter::once(&inputs).chain(hidden).zip(hidden);
        let layers = widths.enumerate().map(|(i, (&from, &to))| weights.linear(&i.to_string(), from, to));
        Ok(Self { layers: layers.collect::<Result<_>>()?, dropout })
    }

    pub(super) fn forward(&self, x: &Tensor, train: bool) -> Result<Tensor> {
        self.layers.iter().try_fold(x.shallow_clone(), |x, layer| active(&layer.forward(&x)?, self.dropout, train))
    }
}

/// `max(0, x)`, then dropout in training.
pub(super) fn active(x: &Tensor, dropout: f64, train: bool) -> Result<Tensor> {
    drop_out(x.f_relu()?, dropout, train)
}

/// Dropout in training.
pub(super) fn drop_out(x: Tensor, dropout: f64, train: bool) -> Result<Tensor> {
    if train && dropout > 0.0 { Ok(x.f_dropout(dropout, true)?) } else { Ok(x) }
}
