use ferrome_core::nn::{self, LayerNorm, Linear, Loader, Sequences};
use tch::Tensor;

use super::embeddings::{EPS, linear_parameters, norm_parameters};
use super::{Batch, Config, named};
use crate::Result;
use crate::model::dropout::dropped;

/// One block.
#[derive(Debug)]
pub(super) struct Layer {
    in_proj: Linear,
    out_proj: Linear,
    norm1: LayerNorm,
    linear1: Linear,
    linear2: Linear,
    norm2: LayerNorm,
    heads: i64,
}

/// All blocks of `transformer_encoder`.
pub(super) fn load_all(weights: &Loader, config: &Config) -> Result<Vec<Layer>> {
    (0..config.nlayers).map(|i| Layer::load(&weights.pp(format!("layers.{i}")), config)).collect()
}

/// What training changes in them.
pub(super) fn parameters(layers: &[Layer]) -> Vec<(String, &Tensor)> {
    let each = layers.iter().enumerate();
    each.flat_map(|(i, layer)| named(&format!("transformer_encoder.layers.{i}"), layer.parameters())).collect()
}

/// Other blocks: `change` gets the name and the tensor of each matrix and bias, and gives what stands in its place.
pub(super) fn with(layers: &[Layer], change: &mut dyn FnMut(&str, &Tensor) -> Result<Tensor>) -> Result<Vec<Layer>> {
    let each = layers.iter().enumerate();
    let changed = each.map(|(i, layer)| {
        layer.with(&mut |name, tensor| change(&format!("transformer_encoder.layers.{i}.{name}"), tensor))
    });
    changed.collect()
}

/// Runs the blocks up to `until`, dropping this share in training, and telling `visit` what each gave: `[t, d] -> [t, d]`.
pub(super) fn run(
    layers: &[Layer],
    mut x: Tensor,
    (batch, dropout): (&Batch, f64),
    until: usize,
    mut visit: impl FnMut(usize, &Tensor) -> Result<()>,
) -> Result<Tensor> {
    for (i, layer) in (1..=until).zip(layers) {
        x = layer.forward(&x, &batch.sequences, dropout)?;
        visit(i, &x)?;
    }
    Ok(x)
}

impl Layer {
    fn load(weights: &Loader, config: &Config) -> Result<Self> {
        let (d, f) = (config.embsize, config.d_hid);
        let attention = weights.pp("self_attn");
        let in_proj = Linear {
            weight: attention.tensor("in_proj_weight", &[3 * d, d])?,
            bias: Some(attention.tensor("in_proj_bias", &[3 * d])?),
        };
        Ok(Self {
            in_proj,
            out_proj: Linear::load(&attention.pp("out_proj"), d, d)?,
            norm1: LayerNorm::load(&weights.pp("norm1"), d, EPS)?,
            linear1: Linear::load(&weights.pp("linear1"), d, f)?,
            linear2: Linear::load(&weights.pp("linear2"), f, d)?,
            norm2: LayerNorm::load(&weights.pp("norm2"), d, EPS)?,
            heads: config.nheads,
        })
    }

    pub(super) fn share(&self) -> Self {
        Self {
            in_proj: self.in_proj.share(),
            out_proj: self.out_proj.share(),
            norm1: self.norm1.share(),
            linear1: self.linear1.share(),
            linear2: self.linear2.share(),
            norm2: self.norm2.share(),
            heads: self.heads,
        }
    }

    fn parameters(&self) -> Vec<(String, &Tensor)> {
        let in_proj = linear_parameters(&self.in_proj).into_iter();
        let mut all: Vec<_> = in_proj.map(|(part, tensor)| (format!("self_attn.in_proj_{part}"), tensor)).collect();
        all.extend(named("self_attn.out_proj", linear_parameters(&self.out_proj)));
        all.extend(named("norm1", norm_parameters(&self.norm1)));
        all.extend(named("linear1", linear_parameters(&self.linear1)));
        all.extend(named("linear2", linear_parameters(&self.linear2)));
        all.extend(named("norm2", norm_parameters(&self.norm2)));
        all
    }

    // The same layer with other matrices and biases, under the names of `parameters`.
    fn with(&self, change: &mut dyn FnMut(&str, &Tensor) -> Result<Tensor>) -> Result<Self> {
        let mut linear = |name: &str, linear: &Linear| -> Result<Linear> {
            Ok(Linear {
                weight: change(&format!("{name}weight"), &linear.weight)?,
                bias: linear.bias.as_ref().map(|bias| change(&format!("{name}bias"), bias)).transpose()?,
            })
        };
        Ok(Self {
            in_proj: linear("self_attn.in_proj_", &self.in_proj)?,
            out_proj: linear("self_attn.out_proj.", &self.out_proj)?,
            linear1: linear("linear1.", &self.linear1)?,
            linear2: linear("linear2.", &self.linear2)?,
            ..self.share()
        })
    }

    /// `[t, d] -> [t, d]`.
    fn forward(&self, x: &Tensor, sequences: &Sequences, dropout: f64) -> Result<Tensor> {
        let mut attended = dropped(self.attend(x, sequences, dropout)?, dropout)?;
        let x = self.norm1.forward(&attended.f_add_(x)?)?;
        let hidden = dropped(self.linear1.forward_relu(&x)?, dropout)?; // [t, d] -> [t, f]
        let mut output = dropped(self.linear2.forward(&hidden)?, dropout)?;
        Ok(self.norm2.forward(&output.f_add_(&x)?)?)
    }

    fn attend(&self, x: &Tensor, sequences: &Sequences, dropout: f64) -> Result<Tensor> {
        let qkv = self.in_proj.forward(x)?; // [t, d] -> [t, 3 d]
        Ok(self.out_proj.forward(&nn::self_attention_with_dropout(&qkv, self.heads, sequences, dropout)?)?)
    }

    /// Queries and keys: `[t, d] -> [t, h, k]` each.
    pub(super) fn query_key(&self, x: &Tensor) -> Result<(Tensor, Tensor)> {
        let (t, d) = x.size2()?;
        let qkv = self.in_proj.forward(x)?.f_view([t, 3, self.heads, d / self.heads])?; // [t, 3 d] -> [t, 3, h, k]
        Ok((qkv.f_select(1, 0)?, qkv.f_select(1, 1)?))
    }
}
