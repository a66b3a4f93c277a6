//! Batch normalisation before the first block, from running statistics.

use ferrome_core::nn::Loader;
use tch::{Kind, Tensor};

use super::{Batch, Config};
use crate::{Error, Result};

const EPS: f64 = 6.1e-5;
/// What a step of a training weighs in the running statistics, as torch has it.
const MOMENTUM: f64 = 0.1;

/// What the checkpoint has: nothing (the published models), one for all cells (`bn`), or one per batch (`dsbn`, Chang et al. 2019,
/// arXiv:1906.03950).
#[derive(Debug)]
pub(super) enum InputNorm {
    Nothing,
    All(BatchNorm),
    PerBatch(Vec<BatchNorm>),
}

/// `(x - mean) / sqrt(variance + eps) * weight + bias` of each column.
#[derive(Debug)]
pub(super) struct BatchNorm {
    running_mean: Tensor,
    running_var: Tensor,
    affine: Option<[Tensor; 2]>,
}

impl InputNorm {
    pub(super) fn load(weights: &Loader, config: &Config) -> Result<Self> {
        if weights.has("dsbn.bns.0.running_mean") {
            let domains = weights.pp("dsbn.bns");
            let norms = (0..config.num_batch_labels).map(|i| BatchNorm::load(&domains.pp(i), config.embsize));
            return Ok(Self::PerBatch(norms.collect::<Result<_>>()?));
        }
        match weights.has("bn.running_mean") {
            true => Ok(Self::All(BatchNorm::load(&weights.pp("bn"), config.embsize)?)),
            false => Ok(Self::Nothing),
        }
    }

    pub(super) fn share(&self) -> Self {
        match self {
            Self::Nothing => Self::Nothing,
            Self::All(norm) => Self::All(norm.share()),
            Self::PerBatch(norms) => Self::PerBatch(norms.iter().map(BatchNorm::share).collect()),
        }
    }

    pub(super) fn parameters(&self) -> Vec<(String, &Tensor)> {
        let parts = self.norms().into_iter().filter_map(|(name, norm)| Some((name, norm.affine.as_ref()?)));
        parts
            .flat_map(|(name, [weight, bias])| [(format!("{name}.weight"), weight), (format!("{name}.bias"), bias)])
            .collect()
    }

    /// The running statistics, which training changes without gradients.
    pub(super) fn buffers(&self) -> Vec<(String, &Tensor)> {
        let norms = self.norms().into_iter();
        norms
            .flat_map(|(name, norm)| {
                let [mean, var] = [format!("{name}.running_mean"), format!("{name}.running_var")];
                [(mean, &norm.running_mean), (var, &norm.running_var)]
            })
            .collect()
    }

    fn norms(&self) -> Vec<(String, &BatchNorm)> {
        match self {
            Self::Nothing => Vec::new(),
            Self::All(norm) => vec![("bn".into(), norm)],
            Self::PerBatch(norms) => (0..).zip(norms).map(|(i, norm)| (format!("dsbn.bns.{i}"), norm)).collect(),
        }
    }

    /// `[t, d] -> [t, d]`. Upstream takes the batch of the first cell for all; here each cell has its own.
    pub(super) fn forward(&self, x: &Tensor, batch: &Batch) -> Result<Tensor> {
        self.each(x, batch, BatchNorm::forward)
    }

    /// The same for a step of a training: by the statistics of these cells, which move the running ones.
    pub(super) fn forward_learning(&self, x: &Tensor, batch: &Batch) -> Result<Tensor> {
        self.each(x, batch, BatchNorm::forward_learning)
    }

    fn each(&self, x: &Tensor, batch: &Batch, norm: impl Fn(&BatchNorm, &Tensor) -> Result<Tensor>) -> Result<Tensor> {
        match self {
            Self::Nothing => Ok(x.shallow_clone()),
            Self::All(all) => norm(all, x),
            Self::PerBatch(norms) => {
                let labels = batch.labels().ok_or(Error::NoBatchLabels)?.f_index_select(0, batch.rows())?; // [n] -> [t]
                let mut normed = x.f_empty_like()?;
                for (i, of_batch) in (0_i64..).zip(norms) {
                    let places = labels.f_eq(i)?.f_nonzero()?.f_squeeze_dim(1)?;
                    if places.numel() > 0 {
                        let part = norm(of_batch, &x.f_index_select(0, &places)?)?;
                        normed = normed.f_index_copy(0, &places, &part)?;
                    }
                }
                Ok(normed)
            }
        }
    }
}

impl BatchNorm {
    fn load(weights: &Loader, d: i64) -> Result<Self> {
        let vector = |name: &str| weights.tensor_of_kind(name, &[d], Kind::Float);
        let affine = weights.has("weight").then(|| Ok::<_, Error>([vector("weight")?, vector("bias")?]));
        Ok(Self {
            running_mean: vector("running_mean")?,
            running_var: vector("running_var")?,
            affine: affine.transpose()?,
        })
    }

    fn share(&self) -> Self {
        Self {
            running_mean: self.running_mean.shallow_clone(),
            running_var: self.running_var.shallow_clone(),
            affine: self.affine.as_ref().map(|pair| pair.each_ref().map(Tensor::shallow_clone)),
        }
    }

    // In f32, whatever the model is in.
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let spread = self.running_var.f_add_scalar(EPS)?.f_sqrt()?;
        let normed = x.f_to_kind(Kind::Float)?.f_sub(&self.running_mean)?.f_div(&spread)?;
        let normed = match &self.affine {
            Some([weight, bias]) => normed.f_mul(weight)?.f_add(bias)?,
            None => normed,
        };
        Ok(normed.f_to_kind(x.f_kind()?)?)
    }

    // In f32, whatever the model is in.
    fn forward_learning(&self, x: &Tensor) -> Result<Tensor> {
        let [weight, bias] = [0, 1].map(|i| self.affine.as_ref().and_then(|pair| pair.get(i)));
        let (mean, var) = (Some(&self.running_mean), Some(&self.running_var));
        let normed = x.f_to_kind(Kind::Float)?.f_batch_norm(weight, bias, mean, var, true, MOMENTUM, EPS, false)?;
        Ok(normed.f_to_kind(x.f_kind()?)?)
    }
}
