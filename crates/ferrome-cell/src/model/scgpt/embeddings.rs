//! What a cell meets first: genes, values and labels become vectors.

use ferrome_core::nn::{Embedding, LayerNorm, Linear, Loader};
use tch::{Kind, Tensor};

use super::{Config, ValueStyle, named};
use crate::Result;
use crate::model::dropout::dropped;

/// Epsilon of every LayerNorm.
pub(super) const EPS: f64 = 1e-5;

/// Larger values are taken for this.
const MAX_VALUE: f64 = 512.0;

/// A table with a LayerNorm behind it: genes, bins, and batches.
#[derive(Debug)]
pub(super) struct LabelEncoder {
    embedding: Embedding,
    enc_norm: LayerNorm,
}

impl LabelEncoder {
    pub(super) fn load(weights: &Loader, rows: i64, d: i64) -> Result<Self> {
        Ok(Self {
            embedding: Embedding::load(&weights.pp("embedding"), rows, d)?,
            enc_norm: LayerNorm::load(&weights.pp("enc_norm"), d, EPS)?,
        })
    }

    pub(super) fn share(&self) -> Self {
        Self { embedding: self.embedding.share(), enc_norm: self.enc_norm.share() }
    }

    pub(super) fn parameters(&self) -> Vec<(String, &Tensor)> {
        let mut all = vec![("embedding.weight".to_owned(), &self.embedding.weight)];
        all.extend(named("enc_norm", norm_parameters(&self.enc_norm)));
        all
    }

    pub(super) fn kind(&self) -> Result<Kind> {
        Ok(self.embedding.weight.f_kind()?)
    }

    /// `[t] (i64) -> [t, d]`.
    pub(super) fn forward(&self, tokens: &Tensor) -> Result<Tensor> {
        Ok(self.enc_norm.forward(&self.embedding.forward(tokens)?)?)
    }
}

/// How expression joins the genes.
#[derive(Debug)]
pub(super) enum ValueEncoder {
    Continuous { linear1: Linear, linear2: Linear, norm: LayerNorm },
    Category(LabelEncoder),
    Scaling,
}

impl ValueEncoder {
    pub(super) fn load(weights: &Loader, config: &Config) -> Result<Self> {
        let d = config.embsize;
        Ok(match config.input_emb_style {
            ValueStyle::Continuous => Self::Continuous {
                linear1: Linear::load(&weights.pp("linear1"), 1, d)?,
                linear2: Linear::load(&weights.pp("linear2"), d, d)?,
                norm: LayerNorm::load(&weights.pp("norm"), d, EPS)?,
            },
            ValueStyle::Category => Self::Category(LabelEncoder::load(weights, config.n_input_bins, d)?),
            ValueStyle::Scaling => Self::Scaling,
        })
    }

    pub(super) fn share(&self) -> Self {
        match self {
            Self::Continuous { linear1, linear2, norm } => {
                Self::Continuous { linear1: linear1.share(), linear2: linear2.share(), norm: norm.share() }
            }
            Self::Category(table) => Self::Category(table.share()),
            Self::Scaling => Self::Scaling,
        }
    }

    pub(super) fn parameters(&self) -> Vec<(String, &Tensor)> {
        match self {
            Self::Continuous { linear1, linear2, norm } => {
                let linears = named("linear1", linear_parameters(linear1)).into_iter();
                let linears = linears.chain(named("linear2", linear_parameters(linear2)));
                linears.chain(named("norm", norm_parameters(norm))).collect()
            }
            Self::Category(table) => table.parameters(),
            Self::Scaling => Vec::new(),
        }
    }

    /// Genes `[t, d]` with their values `[t]` (f32), of whose vectors this share is dropped: `[t, d]`.
    pub(super) fn join(&self, genes: &Tensor, values: &Tensor, dropout: f64) -> Result<Tensor> {
        let kind = genes.f_kind()?;
        Ok(match self {
            Self::Continuous { linear1, linear2, norm } => {
                // The first product is of one number each and stays in f32.
                let hidden = linear1.forward_relu(&values.f_unsqueeze(1)?.f_clamp_max(MAX_VALUE)?)?; // [t, 1] -> [t, d]
                let values = norm.forward(&linear2.forward(&hidden.f_to_kind(kind)?)?)?;
                genes.f_add(&dropped(values, dropout)?)?
            }
            Self::Category(table) => genes.f_add(&table.forward(&values.f_to_kind(Kind::Int64)?)?)?,
            Self::Scaling => genes.f_mul(&values.f_unsqueeze(1)?.f_to_kind(kind)?)?,
        })
    }
}

/// `weight` and `bias` of a linear layer.
pub(super) fn linear_parameters(linear: &Linear) -> Vec<(String, &Tensor)> {
    let bias = linear.bias.as_ref().map(|bias| ("bias".to_owned(), bias));
    [("weight".to_owned(), &linear.weight)].into_iter().chain(bias).collect()
}

/// `weight` and `bias` of a LayerNorm.
pub(super) fn norm_parameters(norm: &LayerNorm) -> Vec<(String, &Tensor)> {
    vec![("weight".to_owned(), &norm.weight), ("bias".to_owned(), &norm.bias)]
}
