//! Every drug with every protein: one matrix product for each output of a bilinear head; for a perceptron, its linear halves
//! once each.

use tch::{Kind, Tensor};

use super::head::{Head, OUTPUTS, Predicted};
use super::mlp::active;
use crate::Result;

/// Pairs that a perceptron looks at together.
const TOGETHER: i64 = 16_384;

/// What a head makes of one side alone, once for all that it is joined with.
#[derive(Debug)]
pub struct Half {
    /// `[n, width]`.
    pub(super) joined: Tensor,
    /// `[n, 3]`, of a bilinear head.
    pub(super) bias: Option<Tensor>,
}

impl Half {
    /// A second handle on the same numbers.
    #[must_use]
    pub fn share(&self) -> Self {
        Self { joined: self.joined.shallow_clone(), bias: self.bias.as_ref().map(Tensor::shallow_clone) }
    }

    /// Some rows, in the order of `places`.
    ///
    /// # Errors
    ///
    /// A place is outside; the device has no room.
    pub fn select(&self, places: &[i64]) -> Result<Self> {
        self.gather(&Tensor::f_from_slice(places)?.f_to_device(self.joined.device())?)
    }

    /// As [`Half::select`], with places `[m]` (i64) on its device.
    pub(super) fn gather(&self, places: &Tensor) -> Result<Self> {
        let bias = self.bias.as_ref().map(|bias| bias.f_index_select(0, places)).transpose()?;
        Ok(Self { joined: self.joined.f_index_select(0, places)?, bias })
    }

    /// Several, one after another.
    ///
    /// # Errors
    ///
    /// They belong to different models; the device has no room.
    pub fn concatenated(parts: &[&Self]) -> Result<Self> {
        let joined: Vec<&Tensor> = parts.iter().map(|part| &part.joined).collect();
        let bias: Vec<&Tensor> = parts.iter().filter_map(|part| part.bias.as_ref()).collect();
        let bias = if bias.is_empty() { None } else { Some(Tensor::f_cat(&bias, 0)?) };
        Ok(Self { joined: Tensor::f_cat(&joined, 0)?, bias })
    }

    /// How many drugs or proteins there are.
    #[must_use]
    pub fn len(&self) -> i64 {
        self.joined.size().first().copied().unwrap_or(0)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Head {
    /// `[g, dx] -> [g, width]`.
    pub(super) fn half_of_drugs(&self, drugs: &Tensor) -> Result<Half> {
        Ok(match self {
            Self::Bilinear { drug, drug_bias, .. } => {
                Half { joined: drug.forward(drugs)?, bias: Some(drug_bias.forward(drugs)?) }
            }
            Self::Mlp { drug, .. } => Half { joined: drug.forward(drugs)?, bias: None },
        })
    }

    /// `[p, dy] -> [p, width]`.
    pub(super) fn half_of_proteins(&self, proteins: &Tensor) -> Result<Half> {
        Ok(match self {
            Self::Bilinear { protein, protein_bias, .. } => {
                Half { joined: protein.forward(proteins)?, bias: Some(protein_bias.forward(proteins)?) }
            }
            Self::Mlp { protein, .. } => Half { joined: protein.forward(proteins)?, bias: None },
        })
    }

    /// `[g * p]` each, the proteins of the first drug first.
    pub(super) fn cross(&self, drugs: &Half, proteins: &Half) -> Result<Predicted> {
        match self {
            Self::Bilinear { rank, .. } => products(drugs, proteins, *rank),
            Self::Mlp { rest, output, dropout, .. } => {
                let (g, p) = (drugs.len(), proteins.len());
                let step = (TOGETHER / p.max(1)).max(1);
                let mut outputs = Vec::new();
                for first in (0..g).step_by(step as usize) {
                    let some = drugs.joined.f_narrow(0, first, step.min(g - first))?;
                    let both = some.f_unsqueeze(1)?.f_add(&proteins.joined.f_unsqueeze(0)?)?; // [some, p, width]
                    let both = both.f_flatten(0, 1)?; // [some, p, width] -> [some * p, width]
                    outputs.push(output.forward(&rest.forward(&active(&both, *dropout, false)?, false)?)?);
                }
                Predicted::new(&if outputs.is_empty() {
                    Tensor::f_zeros([0, OUTPUTS], (Kind::Float, drugs.joined.device()))?
                } else {
                    Tensor::f_cat(&outputs, 0)?
                })
            }
        }
    }
}

fn products(drugs: &Half, proteins: &Half, rank: i64) -> Result<Predicted> {
    let (g, p) = (drugs.len(), proteins.len());
    let by_output = |half: &Half, n: i64| half.joined.f_view([n, OUTPUTS, rank])?.f_transpose(0, 1); // [n, 3, r] -> [3, n, r]
    let products = by_output(drugs, g)?.f_bmm(&by_output(proteins, p)?.f_transpose(1, 2)?)?; // [3, g, p]
    let mut outputs = products.f_mul_scalar((rank as f64).powf(-0.5))?;
    if let (Some(drug), Some(protein)) = (&drugs.bias, &proteins.bias) {
        outputs = outputs.f_add(&drug.f_transpose(0, 1)?.f_unsqueeze(2)?)?; // [g, 3] -> [3, g, 1]
        outputs = outputs.f_add(&protein.f_transpose(0, 1)?.f_unsqueeze(1)?)?; // [p, 3] -> [3, 1, p]
    }
    Predicted::new(&outputs.f_reshape([OUTPUTS, g * p])?.f_transpose(0, 1)?)
}

#[cfg(test)]
mod tests {
    use tch::Device;

    use super::*;
    use crate::model::{HeadConfig, Weights};

    #[test]
    fn every_pair_scores_as_it_does_alone() {
        let _guard = tch::no_grad_guard();
        for config in [HeadConfig::Bilinear { rank: 5 }, HeadConfig::Mlp { hidden: vec![20, 10], dropout: 0.5 }] {
            let head = Head::load(&Weights::random(3, Device::Cpu), 7, 6, &config).unwrap();
            let options = (Kind::Float, Device::Cpu);
            let (x, y) = (Tensor::randn([4, 7], options), Tensor::randn([3, 6], options));
            let (drugs, proteins) = (head.half_of_drugs(&x).unwrap(), head.half_of_proteins(&y).unwrap());
            let crossed = head.cross(&drugs, &proteins).unwrap();
            let of_drug = Tensor::from_slice(&[0_i64, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]);
            let of_protein = Tensor::from_slice(&[0_i64, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2]);
            let alone = head.forward(&x, &y, (&of_drug, &of_protein), false).unwrap();
            let pairs = [(&crossed.mean, &alone.mean), (&crossed.log_variance, &alone.log_variance)];
            for (a, b) in pairs.into_iter().chain([(&crossed.logit, &alone.logit)]) {
                assert_eq!(a.size(), [12]);
                assert!((a - b).abs().max().double_value(&[]) < 1e-5, "{config:?}");
            }
        }
    }
}
