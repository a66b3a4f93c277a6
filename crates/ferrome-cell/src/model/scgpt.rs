//! scGPT: a post-LayerNorm transformer with ReLU over the genes of a cell, each with its expression.
//!
//! Paper: Cui et al. 2024 (doi:10.1038/s41592-024-02201-0). Upstream: `scgpt/model/model.py` of bowang-lab/scGPT, whose names the
//! tensors have here, with attention as `torch.nn.MultiheadAttention` calls it.
//!
//! ```text
//! x = encoder(gene) + value_encoder(value)              or gene * value
//! x = (x - mean) / sqrt(variance + 6.1e-5)              where the checkpoint has bn, or dsbn by batch
//! x = norm1(x + out_proj(attention(x)))                 each block
//! x = norm2(x + linear2(relu(linear1(x))))
//! ```
//!
//! Batches are packed: all cells of a batch lie one after another in one `[t, d]`, and nothing is padded. There are no positions:
//! the order of genes means nothing, but for `<cls>`, which comes first.

mod batch;
mod config;
mod decoders;
mod discriminator;
mod embeddings;
mod generator;
mod input_norm;
mod integration;
mod integrator;
mod layer;
mod mvc;
mod names;
mod open;
mod pool;
mod random;

use ferrome_core::nn::Loader;
use tch::{Device, Kind, Tensor};

use crate::{Error, Result};
use decoders::ExprDecoder;
use embeddings::{LabelEncoder, ValueEncoder};
use input_norm::InputNorm;
use layer::Layer;
use mvc::MvcDecoder;

pub use batch::{Batch, CellTokens};
pub use config::{CellStyle, Config, ValueStyle};
pub use decoders::{ClsDecoder, Expression};
pub use discriminator::Discriminator;
pub use generator::Generator;
pub use integration::Integration;
pub use integrator::{Integrator, Objectives};
pub use open::{OpenModel, holds, open, save_vocabulary};
pub use random::{random_generator, random_model};

/// The encoder with whatever decoders the checkpoint has.
#[derive(Debug)]
pub struct ScGpt {
    config: Config,
    encoder: LabelEncoder,
    value_encoder: ValueEncoder,
    batch_encoder: Option<LabelEncoder>,
    input_norm: InputNorm,
    layers: Vec<Layer>,
    decoder: Option<ExprDecoder>,
    mvc_decoder: Option<MvcDecoder>,
    cls_decoder: Option<ClsDecoder>,
    device: Device,
}

/// What a checkpoint may hold that the model does not use: what pre-training generates with, and what only losses need.
const LEFT_OVER: [&str; 5] =
    ["flag_encoder.weight", "grad_reverse_discriminator.*", "sim.*", "creterion_cce.*", "*.num_batches_tracked"];

impl ScGpt {
    /// Takes the tensors of `TransformerModel`, all of them or none: a tensor that is missing, of another shape or left over
    /// is an error that lists them all. Decoders are taken where they are there.
    ///
    /// # Errors
    ///
    /// As said; and when the device has no room.
    pub fn load(weights: Loader, config: Config, device: Device) -> Result<Self> {
        let d = config.embsize;
        let labels = config.num_batch_labels;
        let batch_encoder = (weights.has("batch_encoder.embedding.weight"))
            .then(|| LabelEncoder::load(&weights.pp("batch_encoder"), labels, d));
        let model = Self {
            encoder: LabelEncoder::load(&weights.pp("encoder"), config.ntoken, d)?,
            value_encoder: ValueEncoder::load(&weights.pp("value_encoder"), &config)?,
            batch_encoder: batch_encoder.transpose()?,
            input_norm: InputNorm::load(&weights, &config)?,
            layers: layer::load_all(&weights.pp("transformer_encoder"), &config)?,
            decoder: ExprDecoder::load(&weights.pp("decoder"), &config)?,
            mvc_decoder: MvcDecoder::load(&weights.pp("mvc_decoder"), &config)?,
            cls_decoder: ClsDecoder::load(&weights.pp("cls_decoder"), &config)?,
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

    /// A second handle on the same weights, for another thread.
    #[must_use]
    pub fn share(&self) -> Self {
        Self {
            config: self.config.clone(),
            encoder: self.encoder.share(),
            value_encoder: self.value_encoder.share(),
            batch_encoder: self.batch_encoder.as_ref().map(LabelEncoder::share),
            input_norm: self.input_norm.share(),
            layers: self.layers.iter().map(Layer::share).collect(),
            decoder: self.decoder.as_ref().map(ExprDecoder::share),
            mvc_decoder: self.mvc_decoder.as_ref().map(MvcDecoder::share),
            cls_decoder: self.cls_decoder.as_ref().map(ClsDecoder::share),
            device: self.device,
        }
    }

    /// Every tensor that training changes, under its name in a checkpoint.
    #[must_use]
    pub fn parameters(&self) -> Vec<(String, &Tensor)> {
        let mut all = named("encoder", self.encoder.parameters());
        all.extend(named("value_encoder", self.value_encoder.parameters()));
        let batch_encoder = self.batch_encoder.as_ref().map(LabelEncoder::parameters);
        all.extend(named("batch_encoder", batch_encoder.unwrap_or_default()));
        all.extend(self.input_norm.parameters());
        all.extend(layer::parameters(&self.layers));
        all.extend(named("decoder", self.decoder.as_ref().map(ExprDecoder::parameters).unwrap_or_default()));
        all.extend(named("mvc_decoder", self.mvc_decoder.as_ref().map(MvcDecoder::parameters).unwrap_or_default()));
        all.extend(named("cls_decoder", self.cls_decoder.as_ref().map(ClsDecoder::parameters).unwrap_or_default()));
        all
    }

    /// Statistics that training moves without gradients, under their names in a checkpoint.
    #[must_use]
    pub fn buffers(&self) -> Vec<(String, &Tensor)> {
        self.input_norm.buffers()
    }

    /// Representations: `visit(0, x)` gets what goes into the first block, `visit(l, x)` the output of block `l`; each `[t, d]`.
    /// Nothing after layer `until` is computed; its representation is given back.
    ///
    /// # Errors
    ///
    /// Fails when the device has no room, when a token or a binned value is outside its table, when the model normalises by batch
    /// and the cells have none, and when `visit` does.
    pub fn forward(
        &self,
        batch: &Batch,
        until: usize,
        visit: impl FnMut(usize, &Tensor) -> Result<()>,
    ) -> Result<Tensor> {
        self.forward_in(self.encoder.kind()?, batch, until, visit)
    }

    /// As [`ScGpt::forward`], computed in `kind` whatever the weights are kept in: training has f32 weights and bf16 products.
    ///
    /// # Errors
    ///
    /// As [`ScGpt::forward`].
    pub fn forward_in(
        &self,
        kind: Kind,
        batch: &Batch,
        until: usize,
        visit: impl FnMut(usize, &Tensor) -> Result<()>,
    ) -> Result<Tensor> {
        self.run((kind, 0.0), batch, until, visit)
    }

    /// The last representation for a step of a training: computed in `kind`, with the dropout of the configuration, which is
    /// drawn from libtorch's generator. Batch normalisation goes on with the checkpoint's own statistics.
    ///
    /// # Errors
    ///
    /// As [`ScGpt::forward`].
    pub fn forward_training(&self, kind: Kind, batch: &Batch) -> Result<Tensor> {
        self.run((kind, self.config.dropout), batch, self.layers.len(), |_, _| Ok(()))
    }

    /// As [`ScGpt::forward_training`], but batch normalisation goes by the statistics of these cells, which move the running ones.
    ///
    /// # Errors
    ///
    /// As [`ScGpt::forward`].
    pub fn forward_learning(&self, kind: Kind, batch: &Batch) -> Result<Tensor> {
        let dropout = self.config.dropout;
        let genes = self.encoder.forward(batch.tokens())?; // [t] -> [t, d]
        let x = self.value_encoder.join(&genes, batch.values(), dropout)?;
        let x = self.input_norm.forward_learning(&x, batch)?.f_to_kind(kind)?;
        layer::run(&self.layers, x, (batch, dropout), self.layers.len(), |_, _| Ok(()))
    }

    fn run(
        &self,
        (kind, dropout): (Kind, f64),
        batch: &Batch,
        until: usize,
        mut visit: impl FnMut(usize, &Tensor) -> Result<()>,
    ) -> Result<Tensor> {
        let genes = self.encoder.forward(batch.tokens())?; // [t] -> [t, d]
        let x = self.value_encoder.join(&genes, batch.values(), dropout)?;
        let x = self.input_norm.forward(&x, batch)?.f_to_kind(kind)?;
        visit(0, &x)?;
        layer::run(&self.layers, x, (batch, dropout), until, visit)
    }

    /// A second handle with other matrices in the blocks: `change` gets the name (as in [`ScGpt::parameters`]) and the tensor of each
    /// matrix and bias, and gives what stands in its place. Everything else is shared.
    ///
    /// # Errors
    ///
    /// When `change` fails.
    pub fn with(&self, change: &mut dyn FnMut(&str, &Tensor) -> Result<Tensor>) -> Result<Self> {
        Ok(Self { layers: layer::with(&self.layers, change)?, ..self.share() })
    }

    /// What a gene is to the model before it has seen a cell: the embedding and its LayerNorm, `[t] -> [t, d]`.
    ///
    /// # Errors
    ///
    /// Fails when a token is outside the table.
    pub fn gene_embeddings(&self, tokens: &Tensor) -> Result<Tensor> {
        self.encoder.forward(tokens)
    }

    /// Queries and keys of block `layer` (counted from 1) for what went into it: `[t, d] -> [t, h, k]` each.
    ///
    /// # Errors
    ///
    /// Fails when there is no such block.
    pub fn query_key(&self, layer: usize, x: &Tensor) -> Result<(Tensor, Tensor)> {
        let blocks = self.layers.len();
        let block = layer.checked_sub(1).and_then(|i| self.layers.get(i));
        block.ok_or(Error::NoSuchBlock { layer, blocks })?.query_key(x)
    }

    /// One vector per cell from the last representation, as the configuration's `cell_emb_style` says: `[t, d] -> [n, d]`.
    ///
    /// # Errors
    ///
    /// Fails when `x` is of another batch.
    pub fn cell_embeddings(&self, x: &Tensor, batch: &Batch) -> Result<Tensor> {
        pool::cells(x, batch, self.config.cell_emb_style)
    }

    /// The expression that the model expects of each gene from its own representation: `[t, d] -> [t]`.
    ///
    /// # Errors
    ///
    /// [`Error::NoDecoder`] when the checkpoint has none.
    pub fn expression(&self, x: &Tensor, batch: &Batch) -> Result<Expression> {
        let decoder = self.decoder.as_ref().ok_or(Error::NoDecoder { name: "decoder", task: "expression" })?;
        match self.labels(batch)? {
            Some(labels) => decoder.forward(&Tensor::f_cat(&[x, &labels.f_index_select(0, batch.rows())?], 1)?),
            None => decoder.forward(x),
        }
    }

    /// Whether it can tell expression from the cell's vector.
    #[must_use]
    pub fn has_mvc_decoder(&self) -> bool {
        self.mvc_decoder.is_some()
    }

    /// The same from the cell's vector (`[n, d]`) and the gene alone, without what the gene's own value says: `[t]`.
    ///
    /// # Errors
    ///
    /// [`Error::NoDecoder`] when the checkpoint has none.
    pub fn expression_of_cells(&self, cells: &Tensor, batch: &Batch) -> Result<Expression> {
        let lacks = Error::NoDecoder { name: "mvc_decoder", task: "expression from cell embeddings" };
        let decoder = self.mvc_decoder.as_ref().ok_or(lacks)?;
        let cells = match self.labels(batch)? {
            Some(labels) => Tensor::f_cat(&[cells, &labels.f_to_kind(cells.f_kind()?)?], 1)?,
            None => cells.shallow_clone(),
        };
        let genes = self.encoder.forward(batch.tokens())?.f_to_kind(cells.f_kind()?)?;
        decoder.forward(&cells, &genes, batch)
    }

    /// Logits over cell types from the cells' vectors: `[n, d] -> [n, classes]`.
    ///
    /// # Errors
    ///
    /// [`Error::NoDecoder`] when the checkpoint has none.
    pub fn classes(&self, cells: &Tensor) -> Result<Tensor> {
        let lacks = Error::NoDecoder { name: "cls_decoder", task: "cell types" };
        self.cls_decoder.as_ref().ok_or(lacks)?.forward(cells)
    }

    // The vectors of the cells' batches, where the decoders take them: [n, d].
    fn labels(&self, batch: &Batch) -> Result<Option<Tensor>> {
        let Some(encoder) = &self.batch_encoder else { return Ok(None) };
        Ok(Some(encoder.forward(batch.labels().ok_or(Error::NoBatchLabels)?)?))
    }
}

/// `name.` before each name.
fn named<'t>(name: &str, parameters: Vec<(String, &'t Tensor)>) -> Vec<(String, &'t Tensor)> {
    parameters.into_iter().map(|(part, tensor)| (format!("{name}.{part}"), tensor)).collect()
}

#[cfg(test)]
#[path = "scgpt/parity.rs"]
mod parity;
