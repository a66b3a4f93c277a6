//! The perturbation generator: from the expression of a control cell and the genes that are perturbed to the expression after.
//!
//! Upstream: `TransformerGenerator` of `scgpt/model/generation_model.py`.
//!
//! ```text
//! x = encoder(gene) + value_encoder(value) + pert_encoder(flag)
//! x = blocks(x)
//! after = coeff_decoder(x) * value + bias_decoder(x)
//! ```

use ferrome_core::nn::{Embedding, Loader};
use tch::{Device, Kind, Tensor};

use super::decoders::{ExprDecoder, Expression};
use super::embeddings::{LabelEncoder, ValueEncoder};
use super::input_norm::InputNorm;
use super::layer::{self, Layer};
use super::{Batch, Config, named};
use crate::{Error, Result};

/// Not perturbed, perturbed, padding.
pub(super) const FLAGS: i64 = 3;

/// What a checkpoint may hold beside it.
const LEFT_OVER: [&str; 5] = ["cls_decoder.*", "mvc_decoder.*", "sim.*", "creterion_cce.*", "*.num_batches_tracked"];

/// The generator.
#[derive(Debug)]
pub struct Generator {
    config: Config,
    encoder: LabelEncoder,
    value_encoder: ValueEncoder,
    pert_encoder: Embedding,
    input_norm: InputNorm,
    layers: Vec<Layer>,
    decoder: AffineExprDecoder,
    device: Device,
}

impl Generator {
    /// Takes the tensors of `TransformerGenerator`, all of them or none: a tensor that is missing, of another shape or left over
    /// is an error that lists them all.
    ///
    /// # Errors
    ///
    /// As said; and when the device has no room.
    pub fn load(weights: Loader, config: Config, device: Device) -> Result<Self> {
        let d = config.embsize;
        let model = Self {
            encoder: LabelEncoder::load(&weights.pp("encoder"), config.ntoken, d)?,
            value_encoder: ValueEncoder::load(&weights.pp("value_encoder"), &config)?,
            pert_encoder: Embedding::load(&weights.pp("pert_encoder"), FLAGS, d)?,
            input_norm: InputNorm::load(&weights, &config)?,
            layers: layer::load_all(&weights.pp("transformer_encoder"), &config)?,
            decoder: AffineExprDecoder::load(&weights.pp("decoder"), &config)?,
            config,
            device,
        };
        for known in LEFT_OVER {
            weights.allow_left_over(known);
        }
        weights.finish()?;
        Ok(model)
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Where the model lies.
    #[must_use]
    pub fn device(&self) -> Device {
        self.device
    }

    /// Every tensor that training changes, under its name in a checkpoint.
    #[must_use]
    pub fn parameters(&self) -> Vec<(String, &Tensor)> {
        let mut all = named("encoder", self.encoder.parameters());
        all.extend(named("value_encoder", self.value_encoder.parameters()));
        all.push(("pert_encoder.weight".into(), &self.pert_encoder.weight));
        all.extend(self.input_norm.parameters());
        all.extend(layer::parameters(&self.layers));
        all.extend(named("decoder.coeff_decoder", self.decoder.coeff_decoder.parameters()));
        all.extend(named("decoder.bias_decoder", self.decoder.bias_decoder.parameters()));
        all
    }

    /// The expression after the perturbation, gene by gene, for the cells of a batch with flags: `[t]`. `visit` is told what goes
    /// into the first block and what each block gives.
    ///
    /// # Errors
    ///
    /// [`Error::NoFlags`]; fails when the device has no room, when a token is outside the table, and when `visit` does.
    pub fn forward(&self, batch: &Batch, visit: impl FnMut(usize, &Tensor) -> Result<()>) -> Result<Expression> {
        self.forward_in(self.encoder.kind()?, batch, visit)
    }

    /// As [`Generator::forward`], computed in `kind` whatever the weights are kept in.
    ///
    /// # Errors
    ///
    /// As [`Generator::forward`].
    pub fn forward_in(
        &self,
        kind: Kind,
        batch: &Batch,
        mut visit: impl FnMut(usize, &Tensor) -> Result<()>,
    ) -> Result<Expression> {
        let genes = self.encoder.forward(batch.tokens())?; // [t] -> [t, d]
        let x = self.value_encoder.join(&genes, batch.values(), 0.0)?;
        let x = x.f_add(&self.pert_encoder.forward(batch.flags().ok_or(Error::NoFlags)?)?)?;
        let x = self.input_norm.forward(&x, batch)?.f_to_kind(kind)?;
        visit(0, &x)?;
        let x = layer::run(&self.layers, x, (batch, 0.0), self.layers.len(), visit)?;
        self.decoder.forward(&x, batch.values())
    }
}

/// `coefficient * value + bias`, both read off the gene's representation.
#[derive(Debug)]
struct AffineExprDecoder {
    coeff_decoder: ExprDecoder,
    bias_decoder: ExprDecoder,
}

impl AffineExprDecoder {
    fn load(weights: &Loader, config: &Config) -> Result<Self> {
        Ok(Self {
            coeff_decoder: ExprDecoder::load_all(&weights.pp("coeff_decoder"), config)?,
            bias_decoder: ExprDecoder::load_all(&weights.pp("bias_decoder"), config)?,
        })
    }

    // In f32 from the decoders on: the value is a measurement.
    fn forward(&self, x: &Tensor, values: &Tensor) -> Result<Expression> {
        let [coeff, bias] = [self.coeff_decoder.forward(x)?, self.bias_decoder.forward(x)?];
        let values = coeff.values.f_to_kind(Kind::Float)?.f_mul(values)?.f_add(&bias.values.f_to_kind(Kind::Float)?)?;
        Ok(Expression { values, expressed: coeff.expressed })
    }
}
