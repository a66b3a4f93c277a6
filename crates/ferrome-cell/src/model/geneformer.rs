//! Geneformer: a post-LayerNorm BERT with ReLU over the genes of a cell, ordered by rank.
//!
//! Paper: Theodoris et al. 2023 (doi:10.1038/s41586-023-06139-9). Upstream: ctheodoris/Geneformer on the Hugging Face hub, and
//! `models/bert` of huggingface/transformers, whose names the tensors have here.
//!
//! ```text
//! x = LayerNorm(word[token] + position[rank] + type[0])
//! x = LayerNorm(x + output(attention(x)))          each block
//! x = LayerNorm(x + output(relu(intermediate(x))))
//! ```
//!
//! Batches are packed: all cells of a batch lie one after another in one `[t, d]`, and nothing is padded.

mod config;
mod dropout;
mod layer;
mod open;

use dropout::Dropout;
use ferrome_core::nn::{Embedding, LayerNorm, Linear, Loader, Sequences};
use layer::Layer;
use tch::{Device, Kind, Tensor};

use crate::{Error, Result};

pub use config::Config;
pub use open::{OpenGeneformer, Specials};

/// A packed batch of cells: their tokens one after another.
#[derive(Debug)]
pub struct Batch {
    tokens: Tensor,
    /// Where the cells lie.
    pub sequences: Sequences,
}

impl Batch {
    /// Packs `cells`, each a list of tokens, on `device`.
    ///
    /// # Errors
    ///
    /// Fails when the device has no room.
    pub fn new(cells: &[&[i32]], device: Device) -> Result<Self> {
        let lengths: Vec<i64> = cells.iter().map(|tokens| i64::try_from(tokens.len()).unwrap_or(i64::MAX)).collect();
        let tokens: Vec<i32> = cells.iter().flat_map(|tokens| tokens.iter().copied()).collect();
        Ok(Self {
            tokens: Tensor::f_from_slice(&tokens)?.f_to_device(device)?.f_to_kind(Kind::Int64)?,
            sequences: Sequences::new(&lengths, device)?,
        })
    }

    /// The tokens of all cells: `[t]` (i64).
    pub fn tokens(&self) -> &Tensor {
        &self.tokens
    }
}

/// The encoder with its masked-gene head.
#[derive(Debug)]
pub struct Geneformer {
    config: Config,
    embeddings: Embeddings,
    layers: Vec<Layer>,
    head: Option<Head>,
    device: Device,
}

impl Geneformer {
    /// Takes the tensors of `BertForMaskedLM` (names as in transformers), all of them or none: a tensor that is missing, of
    /// another shape or left over is an error that lists them all. Poolers and classifiers may be left over.
    ///
    /// # Errors
    ///
    /// As said; and when the device has no room.
    pub fn load(weights: Loader, config: Config, device: Device) -> Result<Self> {
        let bert = weights.pp("bert");
        let encoder = bert.pp("encoder");
        let layers = (0..config.num_hidden_layers).map(|i| Layer::load(&encoder.pp(format!("layer.{i}")), &config));
        let model = Self {
            embeddings: Embeddings::load(&bert.pp("embeddings"), &config)?,
            layers: layers.collect::<Result<_>>()?,
            head: Head::load(&weights.pp("cls.predictions"), &config)?,
            config,
            device,
        };
        for known in ["bert.embeddings.position_ids", "bert.pooler.dense.*", "cls.seq_relationship.*", "classifier.*"] {
            weights.allow_left_over(known);
        }
        drop((bert, encoder));
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
            embeddings: self.embeddings.share(),
            layers: self.layers.iter().map(Layer::share).collect(),
            head: self.head.as_ref().map(Head::share),
            device: self.device,
        }
    }

    /// Every tensor that training changes, under its name in a checkpoint, queries, keys and values of a block as one
    /// `attention.self.query_key_value`. The tied decoder is not listed twice.
    #[must_use]
    pub fn parameters(&self) -> Vec<(String, &Tensor)> {
        let mut all = self.embeddings.parameters();
        for (i, layer) in self.layers.iter().enumerate() {
            let named = layer.parameters().into_iter();
            all.extend(named.map(|(name, tensor)| (format!("bert.encoder.layer.{i}.{name}"), tensor)));
        }
        if let Some(head) = &self.head {
            all.extend(head.parameters());
        }
        all
    }

    /// Representations as transformers numbers its `hidden_states`: `visit(0, x)` gets the embeddings, `visit(l, x)` the output of
    /// block `l`; each `[t, d]`. Nothing after layer `until` is computed; its representation is given back.
    ///
    /// # Errors
    ///
    /// Fails when the device has no room, when a token or a rank is outside its table, and when `visit` does.
    pub fn forward(
        &self,
        batch: &Batch,
        until: usize,
        visit: impl FnMut(usize, &Tensor) -> Result<()>,
    ) -> Result<Tensor> {
        self.forward_in(self.embeddings.word.weight.f_kind()?, batch, until, visit)
    }

    /// As [`Geneformer::forward`], computed in `kind` whatever the weights are kept in: training has f32 weights and bf16
    /// products.
    ///
    /// # Errors
    ///
    /// As [`Geneformer::forward`].
    pub fn forward_in(
        &self,
        kind: Kind,
        batch: &Batch,
        until: usize,
        visit: impl FnMut(usize, &Tensor) -> Result<()>,
    ) -> Result<Tensor> {
        self.run((kind, Dropout::NONE), batch, until, visit)
    }

    /// The last representation for a step of a training: computed in `kind`, with the dropout of the configuration, which is
    /// drawn from libtorch's generator.
    ///
    /// # Errors
    ///
    /// As [`Geneformer::forward`].
    pub fn forward_training(&self, kind: Kind, batch: &Batch) -> Result<Tensor> {
        self.run((kind, Dropout::of(&self.config)), batch, self.layers.len(), |_, _| Ok(()))
    }

    fn run(
        &self,
        (kind, dropout): (Kind, Dropout),
        batch: &Batch,
        until: usize,
        mut visit: impl FnMut(usize, &Tensor) -> Result<()>,
    ) -> Result<Tensor> {
        let mut x = dropout.hidden(self.embeddings.forward(batch)?)?.f_to_kind(kind)?;
        visit(0, &x)?;
        for (i, layer) in (1..=until).zip(&self.layers) {
            x = layer.forward(&x, &batch.sequences, dropout)?;
            visit(i, &x)?;
        }
        Ok(x)
    }

    /// The output of layer `until` for the first token of each cell: `[n, d]`. In that layer nothing is computed for other tokens but
    /// their keys and values.
    ///
    /// # Errors
    ///
    /// As [`Geneformer::forward`].
    pub fn forward_first(&self, batch: &Batch, until: usize) -> Result<Tensor> {
        let Some((last, before)) = self.layers.get(..until).and_then(<[_]>::split_last) else {
            let starts: Vec<i64> = batch.sequences.spans().map(|(start, _)| start).collect();
            let starts = Tensor::f_from_slice(&starts)?.f_to_device(self.device)?;
            return Ok(self.embeddings.forward(batch)?.f_index_select(0, &starts)?);
        };
        let mut x = self.embeddings.forward(batch)?;
        for layer in before {
            x = layer.forward(&x, &batch.sequences, Dropout::NONE)?;
        }
        last.forward_first(&x, &batch.sequences)
    }

    /// What a gene is to the model before it has seen a cell or a rank: `LayerNorm(word + type)`, `[t] -> [t, d]`.
    ///
    /// # Errors
    ///
    /// Fails when a token is outside the table.
    pub fn gene_embeddings(&self, tokens: &Tensor) -> Result<Tensor> {
        let Embeddings { word, token_type, layer_norm, .. } = &self.embeddings;
        Ok(layer_norm.forward(&word.forward(tokens)?.f_add(&token_type.weight.f_narrow(0, 0, 1)?)?)?)
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

    /// A second handle with other matrices in the blocks: `change` gets the name (as in [`Geneformer::parameters`]) and the
    /// tensor of each matrix and bias, and gives what stands in its place. Everything else is shared.
    ///
    /// # Errors
    ///
    /// When `change` fails.
    pub fn with(&self, change: &mut dyn FnMut(&str, &Tensor) -> Result<Tensor>) -> Result<Self> {
        let layers = self.layers.iter().enumerate().map(|(i, layer)| {
            layer.with(&mut |name, tensor| change(&format!("bert.encoder.layer.{i}.{name}"), tensor))
        });
        let layers = layers.collect::<Result<_>>()?;
        Ok(Self { layers, ..self.share() })
    }

    /// Logits over the genes from the last representation: `[t, d] -> [t, vocabulary]`.
    ///
    /// # Errors
    ///
    /// [`Error::NoMaskedGeneHead`] when the checkpoint has none.
    pub fn logits(&self, x: &Tensor) -> Result<Tensor> {
        let head = self.head.as_ref().ok_or(Error::NoMaskedGeneHead)?;
        head.forward(x, &self.embeddings.word.weight)
    }
}

/// The tables that a cell meets first.
#[derive(Debug)]
struct Embeddings {
    word: Embedding,
    position: Embedding,
    token_type: Embedding,
    layer_norm: LayerNorm,
}

impl Embeddings {
    fn load(weights: &Loader, config: &Config) -> Result<Self> {
        let d = config.hidden_size;
        Ok(Self {
            word: Embedding::load(&weights.pp("word_embeddings"), config.vocab_size, d)?,
            position: Embedding::load(&weights.pp("position_embeddings"), config.max_position_embeddings, d)?,
            token_type: Embedding::load(&weights.pp("token_type_embeddings"), config.type_vocab_size, d)?,
            layer_norm: LayerNorm::load(&weights.pp("LayerNorm"), d, config.layer_norm_eps)?,
        })
    }

    fn share(&self) -> Self {
        Self {
            word: self.word.share(),
            position: self.position.share(),
            token_type: self.token_type.share(),
            layer_norm: self.layer_norm.share(),
        }
    }

    fn parameters(&self) -> Vec<(String, &Tensor)> {
        let all = [
            ("word_embeddings.weight", &self.word.weight),
            ("position_embeddings.weight", &self.position.weight),
            ("token_type_embeddings.weight", &self.token_type.weight),
            ("LayerNorm.weight", &self.layer_norm.weight),
            ("LayerNorm.bias", &self.layer_norm.bias),
        ];
        all.into_iter().map(|(name, tensor)| (format!("bert.embeddings.{name}"), tensor)).collect()
    }

    fn forward(&self, batch: &Batch) -> Result<Tensor> {
        let words = self.word.forward(&batch.tokens)?; // [t] -> [t, d]
        let positions = self.position.forward(batch.sequences.positions())?; // [t] -> [t, d]
        let kind = self.token_type.weight.f_narrow(0, 0, 1)?; // [1, d]: every gene is of type 0
        Ok(self.layer_norm.forward(&words.f_add(&kind)?.f_add(&positions)?)?)
    }
}

/// The masked-gene head: vectors to logits over the genes, by the tied embedding.
#[derive(Debug)]
struct Head {
    dense: Linear,
    layer_norm: LayerNorm,
    bias: Tensor,
}

impl Head {
    // `BertModel` and the classifiers have no such head.
    fn load(weights: &Loader, config: &Config) -> Result<Option<Self>> {
        if !weights.has("transform.dense.weight") {
            return Ok(None);
        }
        for tied in ["decoder.weight", "decoder.bias"] {
            weights.allow_left_over(tied);
        }
        let (d, transform) = (config.hidden_size, weights.pp("transform"));
        Ok(Some(Self {
            dense: Linear::load(&transform.pp("dense"), d, d)?,
            layer_norm: LayerNorm::load(&transform.pp("LayerNorm"), d, config.layer_norm_eps)?,
            bias: weights.tensor("bias", &[config.vocab_size])?,
        }))
    }

    fn share(&self) -> Self {
        Self { dense: self.dense.share(), layer_norm: self.layer_norm.share(), bias: self.bias.shallow_clone() }
    }

    fn parameters(&self) -> Vec<(String, &Tensor)> {
        let named = |name: &str| format!("cls.predictions.{name}");
        let bias = self.dense.bias.as_ref().map(|bias| (named("transform.dense.bias"), bias));
        let rest = [
            (named("transform.dense.weight"), &self.dense.weight),
            (named("transform.LayerNorm.weight"), &self.layer_norm.weight),
            (named("transform.LayerNorm.bias"), &self.layer_norm.bias),
            (named("bias"), &self.bias),
        ];
        rest.into_iter().chain(bias).collect()
    }

    fn forward(&self, x: &Tensor, embedding: &Tensor) -> Result<Tensor> {
        let x = self.layer_norm.forward(&self.dense.forward_relu(x)?)?; // [t, d] -> [t, d]
        let kind = x.f_kind()?;
        Ok(x.f_linear(&embedding.f_to_kind(kind)?, Some(&self.bias.f_to_kind(kind)?))?) // [t, d] -> [t, vocabulary]
    }
}

#[cfg(test)]
#[path = "geneformer/parity.rs"]
mod parity;
