//! What is read off the last representation: expression, and cell types.

use ferrome_core::nn::{LayerNorm, Linear, Loader};
use tch::{Device, Kind, Tensor};

use super::embeddings::{EPS, linear_parameters, norm_parameters};
use super::{Config, named};
use crate::Result;

/// The expression that a decoder expects.
#[derive(Debug)]
pub struct Expression {
    /// `[t]`: of each gene.
    pub values: Tensor,
    /// `[t]`: the probability that it is expressed at all (upstream's `zero_probs`, which multiply the value), where the checkpoint
    /// models that explicitly.
    pub expressed: Option<Tensor>,
}

/// Three linear layers with LeakyReLU between: a vector to one number.
#[derive(Debug)]
pub(super) struct Perceptron {
    layers: [Linear; 3],
}

impl Perceptron {
    pub(super) fn load(weights: &Loader, inputs: i64, d: i64) -> Result<Self> {
        let layers = [
            Linear::load(&weights.pp(0), inputs, d)?,
            Linear::load(&weights.pp(2), d, d)?,
            Linear::load(&weights.pp(4), d, 1)?,
        ];
        Ok(Self { layers })
    }

    pub(super) fn share(&self) -> Self {
        Self { layers: self.layers.each_ref().map(Linear::share) }
    }

    pub(super) fn parameters(&self) -> Vec<(String, &Tensor)> {
        let each = [0, 2, 4].into_iter().zip(&self.layers);
        each.flat_map(|(place, linear)| named(&place.to_string(), linear_parameters(linear))).collect()
    }

    /// `[t, inputs] -> [t]`.
    pub(super) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let [first, second, last] = &self.layers;
        let x = first.forward(x)?.f_leaky_relu()?;
        let x = second.forward(&x)?.f_leaky_relu()?;
        Ok(last.forward(&x)?.f_squeeze_dim(1)?)
    }
}

/// From each gene's own representation.
#[derive(Debug)]
pub(super) struct ExprDecoder {
    fc: Perceptron,
    zero_logit: Option<Perceptron>,
}

impl ExprDecoder {
    pub(super) fn load(weights: &Loader, config: &Config) -> Result<Option<Self>> {
        weights.has("fc.0.weight").then(|| Self::load_all(weights, config)).transpose()
    }

    /// As [`ExprDecoder::load`], where it has to be there.
    pub(super) fn load_all(weights: &Loader, config: &Config) -> Result<Self> {
        let d = config.embsize;
        // Decoders see the cell's batch beside the gene where the model has a table of batches.
        let inputs = if config.use_batch_labels { 2 * d } else { d };
        let zero_logit =
            weights.has("zero_logit.0.weight").then(|| Perceptron::load(&weights.pp("zero_logit"), inputs, d));
        Ok(Self { fc: Perceptron::load(&weights.pp("fc"), inputs, d)?, zero_logit: zero_logit.transpose()? })
    }

    pub(super) fn share(&self) -> Self {
        Self { fc: self.fc.share(), zero_logit: self.zero_logit.as_ref().map(Perceptron::share) }
    }

    pub(super) fn parameters(&self) -> Vec<(String, &Tensor)> {
        let mut all = named("fc", self.fc.parameters());
        all.extend(named("zero_logit", self.zero_logit.as_ref().map(Perceptron::parameters).unwrap_or_default()));
        all
    }

    /// `[t, inputs] -> [t]`.
    pub(super) fn forward(&self, x: &Tensor) -> Result<Expression> {
        let expressed = self.zero_logit.as_ref().map(|zero| Ok::<_, crate::Error>(zero.forward(x)?.f_sigmoid()?));
        Ok(Expression { values: self.fc.forward(x)?, expressed: expressed.transpose()? })
    }
}

/// Classes from a vector: cell types from the cell's.
#[derive(Debug)]
pub struct ClsDecoder {
    hidden: Vec<(Linear, LayerNorm)>,
    out_layer: Linear,
}

impl ClsDecoder {
    pub(in crate::model) fn load(weights: &Loader, config: &Config) -> Result<Option<Self>> {
        if !weights.has("out_layer.weight") {
            return Ok(None);
        }
        let d = config.embsize;
        // Linear, activation and LayerNorm take three places of the list each.
        let hidden = (0..config.n_layers_cls - 1).map(|i| {
            let linear = Linear::load(&weights.pp(format!("_decoder.{}", 3 * i)), d, d)?;
            Ok((linear, LayerNorm::load(&weights.pp(format!("_decoder.{}", 3 * i + 2)), d, EPS)?))
        });
        Ok(Some(Self {
            hidden: hidden.collect::<Result<_>>()?,
            out_layer: Linear::load(&weights.pp("out_layer"), d, config.n_cls)?,
        }))
    }

    /// One with random weights as torch initialises them, from libtorch's generator; biases are 0.
    ///
    /// # Errors
    ///
    /// There is no memory.
    pub fn random(config: &Config, classes: i64, device: Device) -> Result<Self> {
        let d = config.embsize;
        let options = (Kind::Float, Device::Cpu);
        let linear = |rows: i64| -> Result<Linear> {
            let most = (d as f64).sqrt().recip();
            let weight = Tensor::f_rand([rows, d], options)?.f_mul_scalar(2.0 * most)?.f_sub_scalar(most)?;
            let bias = Tensor::f_zeros([rows], (Kind::Float, device))?;
            Ok(Linear { weight: weight.f_to_device(device)?, bias: Some(bias) })
        };
        let norm = || -> Result<LayerNorm> {
            let all = |tensor: Tensor| tensor.f_to_device(device);
            Ok(LayerNorm::new(all(Tensor::f_ones([d], options)?)?, all(Tensor::f_zeros([d], options)?)?, EPS))
        };
        let hidden = (1..config.n_layers_cls).map(|_| Ok((linear(d)?, norm()?)));
        Ok(Self { hidden: hidden.collect::<Result<_>>()?, out_layer: linear(classes)? })
    }

    /// A second handle on the same weights.
    #[must_use]
    pub fn share(&self) -> Self {
        let hidden = self.hidden.iter().map(|(linear, norm)| (linear.share(), norm.share()));
        Self { hidden: hidden.collect(), out_layer: self.out_layer.share() }
    }

    /// Every tensor, under its name in `cls_decoder`.
    #[must_use]
    pub fn parameters(&self) -> Vec<(String, &Tensor)> {
        let hidden = self.hidden.iter().enumerate().flat_map(|(i, (linear, norm))| {
            let linear = named(&format!("_decoder.{}", 3 * i), linear_parameters(linear));
            linear.into_iter().chain(named(&format!("_decoder.{}", 3 * i + 2), norm_parameters(norm)))
        });
        hidden.chain(named("out_layer", linear_parameters(&self.out_layer))).collect()
    }

    /// `[n, d] -> [n, classes]`.
    ///
    /// # Errors
    ///
    /// `cells` has another width.
    pub fn forward(&self, cells: &Tensor) -> Result<Tensor> {
        let mut x = cells.shallow_clone();
        for (linear, norm) in &self.hidden {
            x = norm.forward(&linear.forward_relu(&x)?)?;
        }
        Ok(self.out_layer.forward(&x)?)
    }
}
