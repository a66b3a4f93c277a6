//! The last step of the model: vectors to logits over the tokens, by the tied embedding.

use ferrome_core::nn::{LayerNorm, Linear, Loader};
use tch::Tensor;

use super::Config;
use crate::Result;

/// The language-model head.
#[derive(Debug)]
pub(super) struct LmHead {
    dense: Linear,
    layer_norm: LayerNorm,
    bias: Tensor,
}

impl LmHead {
    // `EsmModel` checkpoints have no head.
    pub(super) fn load(weights: &Loader, config: &Config) -> Result<Option<Self>> {
        let head = weights.pp("lm_head");
        if !head.has("dense.weight") {
            return Ok(None);
        }
        for tied in ["decoder.weight", "decoder.bias"] {
            head.allow_left_over(tied);
        }
        let d = config.hidden_size;
        Ok(Some(Self {
            dense: Linear::load(&head.pp("dense"), d, d)?,
            layer_norm: LayerNorm::load(&head.pp("layer_norm"), d, config.layer_norm_eps.0)?,
            bias: head.tensor("bias", &[config.vocab_size])?,
        }))
    }

    pub(super) fn share(&self) -> Self {
        Self { dense: self.dense.share(), layer_norm: self.layer_norm.share(), bias: self.bias.shallow_clone() }
    }

    pub(super) fn parameters(&self) -> Vec<(String, &Tensor)> {
        let bias = self.dense.bias.as_ref().map(|bias| ("dense.bias".to_owned(), bias));
        let rest = [
            ("dense.weight".to_owned(), &self.dense.weight),
            ("layer_norm.weight".into(), &self.layer_norm.weight),
            ("layer_norm.bias".into(), &self.layer_norm.bias),
            ("bias".into(), &self.bias),
        ];
        rest.into_iter().chain(bias).collect()
    }

    pub(super) fn forward(&self, x: &Tensor, embedding: &Tensor) -> Result<Tensor> {
        let x = self.layer_norm.forward(&self.dense.forward_gelu(x)?)?; // [t, d] -> [t, d]
        let kind = x.f_kind()?;
        Ok(x.f_linear(&embedding.f_to_kind(kind)?, Some(&self.bias.f_to_kind(kind)?))?) // [t, d] -> [t, 33]
    }
}
