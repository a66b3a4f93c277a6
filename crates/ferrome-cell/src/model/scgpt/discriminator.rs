use ferrome_core::nn::{LayerNorm, Linear, Loader};
use tch::Tensor;

use super::embeddings::{EPS, linear_parameters, norm_parameters};
use super::{Config, named};
use crate::Result;

/// Layers of a discriminator, as upstream has them.
const LAYERS: i64 = 3;

/// Tells the batch from a cell's vector, while the vector learns to hide it: `AdversarialDiscriminator` with its gradient reversed
/// (Ganin and Lempitsky 2015, arXiv:1409.7495).
#[derive(Debug)]
pub struct Discriminator {
    hidden: Vec<(Linear, LayerNorm)>,
    out_layer: Linear,
}

impl Discriminator {
    pub(super) fn load(weights: &Loader, config: &Config) -> Result<Self> {
        let d = config.embsize;
        // Linear, activation and LayerNorm take three places of the list each.
        let hidden = (0..LAYERS - 1).map(|i| {
            let linear = Linear::load(&weights.pp(format!("_decoder.{}", 3 * i)), d, d)?;
            Ok((linear, LayerNorm::load(&weights.pp(format!("_decoder.{}", 3 * i + 2)), d, EPS)?))
        });
        Ok(Self {
            hidden: hidden.collect::<Result<_>>()?,
            out_layer: Linear::load(&weights.pp("out_layer"), d, config.num_batch_labels)?,
        })
    }

    /// Every tensor, under its name in a checkpoint.
    #[must_use]
    pub fn parameters(&self) -> Vec<(String, &Tensor)> {
        let hidden = self.hidden.iter().enumerate().flat_map(|(i, (linear, norm))| {
            let linear = named(&format!("_decoder.{}", 3 * i), linear_parameters(linear));
            linear.into_iter().chain(named(&format!("_decoder.{}", 3 * i + 2), norm_parameters(norm)))
        });
        let all = hidden.chain(named("out_layer", linear_parameters(&self.out_layer))).collect();
        named("grad_reverse_discriminator", all)
    }

    /// Logits over the batches: `[n, d] -> [n, batches]`. What flows back into `cells` has its sign changed.
    ///
    /// # Errors
    ///
    /// Fails when `cells` has another width.
    pub fn forward(&self, cells: &Tensor) -> Result<Tensor> {
        // Equal to `cells`, with a slope of -1.
        let mut x = cells.f_detach()?.f_mul_scalar(2.0)?.f_sub(cells)?;
        for (linear, norm) in &self.hidden {
            x = norm.forward(&linear.forward(&x)?.f_leaky_relu()?)?;
        }
        Ok(self.out_layer.forward(&x)?)
    }
}

/// The tensors that a discriminator of so many batches has.
pub(super) fn layers(d: i64, batches: i64) -> impl Iterator<Item = (String, i64, i64)> {
    let hidden = (0..LAYERS - 1).map(move |i| (format!("grad_reverse_discriminator._decoder.{}", 3 * i), d, d));
    hidden.chain([("grad_reverse_discriminator.out_layer".to_owned(), d, batches)])
}
