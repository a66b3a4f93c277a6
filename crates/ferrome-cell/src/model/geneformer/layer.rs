mod first;

use ferrome_core::nn::{self, LayerNorm, Linear, Loader, Sequences};
use tch::Tensor;

use super::{Config, Dropout};
use crate::Result;

/// One block.
#[derive(Debug)]
pub(super) struct Layer {
    query_key_value: Linear,
    attention_output: Linear,
    pub(super) attention_layer_norm: LayerNorm,
    pub(super) intermediate: Linear,
    output: Linear,
    layer_norm: LayerNorm,
    heads: i64,
}

impl Layer {
    pub(super) fn load(weights: &Loader, config: &Config) -> Result<Self> {
        let (d, f, eps) = (config.hidden_size, config.intermediate_size, config.layer_norm_eps);
        let attention = weights.pp("attention");
        let this = attention.pp("self");
        let query_key_value = Linear {
            weight: this.stacked(&["query.weight", "key.weight", "value.weight"], &[d, d])?, // [3 d, d]
            bias: Some(this.stacked(&["query.bias", "key.bias", "value.bias"], &[d])?),
        };
        Ok(Self {
            query_key_value,
            attention_output: Linear::load(&attention.pp("output.dense"), d, d)?,
            attention_layer_norm: LayerNorm::load(&attention.pp("output.LayerNorm"), d, eps)?,
            intermediate: Linear::load(&weights.pp("intermediate.dense"), d, f)?,
            output: Linear::load(&weights.pp("output.dense"), f, d)?,
            layer_norm: LayerNorm::load(&weights.pp("output.LayerNorm"), d, eps)?,
            heads: config.num_attention_heads,
        })
    }

    pub(super) fn share(&self) -> Self {
        Self {
            query_key_value: self.query_key_value.share(),
            attention_output: self.attention_output.share(),
            attention_layer_norm: self.attention_layer_norm.share(),
            intermediate: self.intermediate.share(),
            output: self.output.share(),
            layer_norm: self.layer_norm.share(),
            heads: self.heads,
        }
    }

    // Names as here: queries, keys and values are one tensor; a writer of checkpoints splits it.
    pub(super) fn parameters(&self) -> Vec<(String, &Tensor)> {
        let norms =
            [("attention.output.LayerNorm", &self.attention_layer_norm), ("output.LayerNorm", &self.layer_norm)];
        let linears = [
            ("attention.self.query_key_value", &self.query_key_value),
            ("attention.output.dense", &self.attention_output),
            ("intermediate.dense", &self.intermediate),
            ("output.dense", &self.output),
        ];
        let norms =
            norms.into_iter().flat_map(|(name, norm)| [(name, "weight", &norm.weight), (name, "bias", &norm.bias)]);
        let linears = linears.into_iter().flat_map(|(name, linear)| {
            [Some((name, "weight", &linear.weight)), linear.bias.as_ref().map(|bias| (name, "bias", bias))]
        });
        norms.chain(linears.flatten()).map(|(name, part, tensor)| (format!("{name}.{part}"), tensor)).collect()
    }

    /// The same layer with other tensors, under the names of [`Layer::parameters`].
    pub(super) fn with(&self, change: &mut dyn FnMut(&str, &Tensor) -> Result<Tensor>) -> Result<Self> {
        let mut linear = |name: &str, linear: &Linear| -> Result<Linear> {
            Ok(Linear {
                weight: change(&format!("{name}.weight"), &linear.weight)?,
                bias: linear.bias.as_ref().map(|bias| change(&format!("{name}.bias"), bias)).transpose()?,
            })
        };
        Ok(Self {
            query_key_value: linear("attention.self.query_key_value", &self.query_key_value)?,
            attention_output: linear("attention.output.dense", &self.attention_output)?,
            intermediate: linear("intermediate.dense", &self.intermediate)?,
            output: linear("output.dense", &self.output)?,
            attention_layer_norm: self.attention_layer_norm.share(),
            layer_norm: self.layer_norm.share(),
            heads: self.heads,
        })
    }

    /// `[t, d] -> [t, d]`.
    pub(super) fn forward(&self, x: &Tensor, sequences: &Sequences, dropout: Dropout) -> Result<Tensor> {
        self.rest(self.attend(x, sequences, dropout)?, x, dropout)
    }

    // What follows the attention.
    fn rest(&self, attended: Tensor, x: &Tensor, dropout: Dropout) -> Result<Tensor> {
        let mut attended = dropout.hidden(attended)?;
        let x = self.attention_layer_norm.forward(&attended.f_add_(x)?)?;
        let hidden = self.intermediate.forward_relu(&x)?; // [t, d] -> [t, f]
        let mut output = dropout.hidden(self.output.forward(&hidden)?)?;
        Ok(self.layer_norm.forward(&output.f_add_(&x)?)?)
    }

    pub(super) fn attend(&self, x: &Tensor, sequences: &Sequences, dropout: Dropout) -> Result<Tensor> {
        let qkv = self.query_key_value.forward(x)?; // [t, d] -> [t, 3 d]
        let attended = nn::self_attention_with_dropout(&qkv, self.heads, sequences, dropout.attention)?;
        Ok(self.attention_output.forward(&attended)?)
    }

    /// Queries and keys: `[t, d] -> [t, h, k]` each.
    pub(super) fn query_key(&self, x: &Tensor) -> Result<(Tensor, Tensor)> {
        let (t, d) = x.size2()?;
        let qkv = self.query_key_value.forward(x)?.f_view([t, 3, self.heads, d / self.heads])?; // [t, 3 d] -> [t, 3, h, k]
        Ok((qkv.f_select(1, 0)?, qkv.f_select(1, 1)?))
    }
}
