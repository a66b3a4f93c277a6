//! From the encodings of a drug `x` and a protein `y` to mean, log-variance and logit.
//!
//! ```text
//! bilinear  sum_r (U x)_r (V y)_r + u x + v y + b, for each of the three
//! mlp       output(mlp(relu(drug x + protein y)))
//! ```
//!
//! What looks at one side only is computed once per drug and once per protein; only the rest is computed per pair.

use ferrome_core::nn::Linear;
use tch::{Kind, Tensor};

use super::{
    HeadConfig, Weights,
    cross::Half,
    mlp::{Mlp, active},
};
use crate::{Error, Result};

/// Outputs of a pair.
pub(super) const OUTPUTS: i64 = 3;
/// The logarithm of the variance stays within this distance of 0.
const WIDEST: f64 = 10.0;

/// What the model says of pairs, `[m]` each (f32).
#[derive(Debug)]
pub struct Predicted {
    /// Expected affinity.
    pub mean: Tensor,
    /// Logarithm of its variance.
    pub log_variance: Tensor,
    /// Logit of the interaction.
    pub logit: Tensor,
}

#[derive(Debug)]
pub(super) enum Head {
    Bilinear { drug: Linear, protein: Linear, drug_bias: Linear, protein_bias: Linear, rank: i64 },
    Mlp { drug: Linear, protein: Linear, rest: Mlp, output: Linear, dropout: f64 },
}

impl Head {
    pub(super) fn load(weights: &Weights, drug: i64, protein: i64, config: &HeadConfig) -> Result<Self> {
        Ok(match config {
            HeadConfig::Bilinear { rank } => Self::Bilinear {
                drug: weights.linear_without_bias("drug", drug, OUTPUTS * rank)?,
                protein: weights.linear_without_bias("protein", protein, OUTPUTS * rank)?,
                drug_bias: weights.linear_without_bias("drug_bias", drug, OUTPUTS)?,
                protein_bias: weights.linear("protein_bias", protein, OUTPUTS)?,
                rank: *rank,
            },
            HeadConfig::Mlp { hidden, dropout } => {
                let none = || Error::Model("head: `hidden` is empty".into());
                let (&first, rest) = hidden.split_first().ok_or_else(none)?;
                Self::Mlp {
                    drug: weights.linear_without_bias("drug", drug, first)?,
                    protein: weights.linear("protein", protein, first)?,
                    rest: Mlp::load(&weights.pp("rest"), first, rest, *dropout)?,
                    output: weights.linear("output", *hidden.last().unwrap_or(&first), OUTPUTS)?,
                    dropout: *dropout,
                }
            }
        })
    }

    /// `drugs` `[g, dx]`, `proteins` `[p, dy]`; `pairs` says which of them belong together, `[m]` (i64) each.
    pub(super) fn forward(
        &self,
        drugs: &Tensor,
        proteins: &Tensor,
        (of_drug, of_protein): (&Tensor, &Tensor),
        train: bool,
    ) -> Result<Predicted> {
        let (drugs, proteins) = (self.half_of_drugs(drugs)?, self.half_of_proteins(proteins)?);
        self.rows(&drugs.gather(of_drug)?, &proteins.gather(of_protein)?, train)
    }

    /// What each side is alone, `[m, width]` each, the drug and the protein of a pair in the same row.
    pub(super) fn rows(&self, drugs: &Half, proteins: &Half, train: bool) -> Result<Predicted> {
        match self {
            Self::Bilinear { rank, .. } => {
                let products = drugs.joined.f_mul(&proteins.joined)?.f_view([-1, OUTPUTS, *rank])?;
                let summed = products
                    .f_sum_dim_intlist([2_i64].as_slice(), false, Kind::Float)?
                    .f_mul_scalar((*rank as f64).powf(-0.5))?;
                match (&drugs.bias, &proteins.bias) {
                    (Some(drug), Some(protein)) => Predicted::new(&summed.f_add(&drug.f_add(protein)?)?),
                    _ => Predicted::new(&summed),
                }
            }
            Self::Mlp { rest, output, dropout, .. } => {
                let both = drugs.joined.f_add(&proteins.joined)?;
                Predicted::new(&output.forward(&rest.forward(&active(&both, *dropout, train)?, train)?)?)
            }
        }
    }
}

impl Predicted {
    /// `[m, 3]`.
    pub(super) fn new(outputs: &Tensor) -> Result<Self> {
        Ok(Self {
            mean: outputs.f_select(1, 0)?,
            log_variance: outputs.f_select(1, 1)?.f_clamp(-WIDEST, WIDEST)?,
            logit: outputs.f_select(1, 2)?,
        })
    }
}
