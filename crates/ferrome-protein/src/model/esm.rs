//! ESM-2, ESM-1b and ESM-1v: pre-LayerNorm transformer encoders over amino-acid tokens.
//!
//! Papers: ESM-2, Lin et al. 2023 (doi:10.1126/science.ade2574); ESM-1b, Rives et al. 2021 (doi:10.1073/pnas.2016239118);
//! ESM-1v, Meier et al. 2021. Upstream: facebookresearch/esm, and `models/esm` of huggingface/transformers, whose names
//! the tensors have here.
//!
//! ```text
//! x = embedding(token) * 0.88 / (1 - share of <mask>) (+ position) (LayerNorm)
//! x = x + output(attention(LayerNorm(x)))        each block
//! x = x + output(gelu(intermediate(LayerNorm(x))))
//! ```
//!
//! Batches are packed: all sequences of a batch lie one after another in one `[t, d]`, and nothing is padded.

mod embeddings;
mod lm_head;

use embeddings::Embeddings;
use ferrome_core::nn::{self, LayerNorm, Linear, Loader, Rotary, Sequences};
use lm_head::LmHead;
use tch::{Device, Kind, Tensor};

use super::{Config, PositionKind};
use crate::{Error, Result};

pub use embeddings::Batch;

/// The encoder with its language-model head.
#[derive(Debug)]
pub struct Esm {
    config: Config,
    embeddings: Embeddings,
    rotary: Option<Rotary>,
    layers: Vec<EsmLayer>,
    emb_layer_norm_after: LayerNorm,
    lm_head: Option<LmHead>,
    device: Device,
}

impl Esm {
    /// Takes the tensors of `EsmForMaskedLM` (names as in transformers), all of them or none: a tensor that is missing,
    /// of another shape or left over is an error that lists them all.
    ///
    /// # Errors
    ///
    /// As said; and when the device has no room.
    pub fn load(weights: Loader, config: Config, device: Device) -> Result<Self> {
        let esm = weights.pp("esm");
        let encoder = esm.pp("encoder");
        let d = config.hidden_size;
        let layers = (0..config.num_hidden_layers).map(|i| EsmLayer::load(&encoder.pp(format!("layer.{i}")), &config));
        let model = Self {
            embeddings: Embeddings::load(&esm.pp("embeddings"), &config)?,
            rotary: load_rotary(&esm, &config)?,
            layers: layers.collect::<Result<_>>()?,
            emb_layer_norm_after: LayerNorm::load(&encoder.pp("emb_layer_norm_after"), d, config.layer_norm_eps.0)?,
            lm_head: LmHead::load(&weights, &config)?,
            config,
            device,
        };
        for known in ["esm.embeddings.position_ids", "esm.contact_head.regression.*", "esm.pooler.dense.*"] {
            weights.allow_left_over(known);
        }
        drop((esm, encoder));
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
            rotary: self.rotary.as_ref().map(|r| Rotary { inv_freq: r.inv_freq.shallow_clone() }),
            layers: self.layers.iter().map(EsmLayer::share).collect(),
            emb_layer_norm_after: self.emb_layer_norm_after.share(),
            lm_head: self.lm_head.as_ref().map(LmHead::share),
            device: self.device,
        }
    }

    /// Zeroes the embedding of `<mask>`, and with it the tied column of the logits.
    ///
    /// # Errors
    ///
    /// Fails when the table has no such row.
    pub(super) fn clear_mask_row(&self) -> Result<()> {
        let mut row = self.embeddings.word_embeddings.weight.f_select(0, self.config.mask_token_id)?;
        let _ = row.f_zero_()?;
        Ok(())
    }

    /// Every tensor that training changes, under its name in a checkpoint. The tied decoder is not listed twice.
    #[must_use]
    pub fn parameters(&self) -> Vec<(String, &Tensor)> {
        let mut all =
            vec![("esm.embeddings.word_embeddings.weight".to_owned(), &self.embeddings.word_embeddings.weight)];
        for (i, layer) in self.layers.iter().enumerate() {
            all.extend(
                layer.parameters().into_iter().map(|(name, tensor)| (format!("esm.encoder.layer.{i}.{name}"), tensor)),
            );
        }
        all.push(("esm.encoder.emb_layer_norm_after.weight".into(), &self.emb_layer_norm_after.weight));
        all.push(("esm.encoder.emb_layer_norm_after.bias".into(), &self.emb_layer_norm_after.bias));
        if let Some(head) = &self.lm_head {
            all.extend(head.parameters().into_iter().map(|(name, tensor)| (format!("lm_head.{name}"), tensor)));
        }
        all
    }

    /// Frequencies of the rotary embedding, `[k / 2]` (f32), where the model has one.
    #[must_use]
    pub fn inv_freq(&self) -> Option<&Tensor> {
        self.rotary.as_ref().map(|rotary| &rotary.inv_freq)
    }

    /// Representations as fair-esm numbers them: `visit(0, x)` gets the scaled embedding, `visit(l, x)` the output of
    /// block `l`, the last one after the final LayerNorm; each `[t, d]`. Nothing after layer `until` is computed; its
    /// representation is given back. `x` may change after `visit` returns.
    ///
    /// # Errors
    ///
    /// Fails when the device has no room, and when `visit` does.
    pub fn forward(
        &self,
        batch: &Batch,
        until: usize,
        visit: impl FnMut(usize, &Tensor) -> Result<()>,
    ) -> Result<Tensor> {
        self.forward_in(self.embeddings.word_embeddings.weight.f_kind()?, batch, until, visit)
    }

    /// As [`Esm::forward`], computed in `kind` whatever the weights are kept in: training has f32 weights and bf16 products.
    ///
    /// # Errors
    ///
    /// As [`Esm::forward`].
    pub fn forward_in(
        &self,
        kind: Kind,
        batch: &Batch,
        until: usize,
        mut visit: impl FnMut(usize, &Tensor) -> Result<()>,
    ) -> Result<Tensor> {
        let rotary = self.rotary.as_ref().map(|rotary| rotary.tables(batch.sequences.positions())).transpose()?;
        let rotary = rotary.as_ref().map(|(cos, sin)| (cos, sin));
        let mut x = self.embeddings.forward(batch)?.f_to_kind(kind)?;
        visit(0, &x)?;
        for (i, layer) in (1..=until).zip(&self.layers) {
            x = layer.forward(x, &batch.sequences, rotary)?;
            if i == self.layers.len() {
                x = self.emb_layer_norm_after.forward(&x)?;
            }
            visit(i, &x)?;
        }
        Ok(x)
    }

    /// Logits over the 33 tokens from the last representation: `[t, d] -> [t, 33]`.
    ///
    /// # Errors
    ///
    /// [`Error::NoLanguageModelHead`] when the checkpoint has none.
    pub fn logits(&self, x: &Tensor) -> Result<Tensor> {
        let head = self.lm_head.as_ref().ok_or(Error::NoLanguageModelHead)?;
        head.forward(x, &self.embeddings.word_embeddings.weight)
    }
}

fn load_rotary(esm: &Loader, config: &Config) -> Result<Option<Rotary>> {
    if config.position_embedding_type == PositionKind::Absolute {
        return Ok(None);
    }
    let half = config.head_width() / 2;
    let in_layer = |i: &dyn std::fmt::Display| format!("encoder.layer.{i}.attention.self.rotary_embeddings.inv_freq");
    // transformers 5 writes one for all layers, with a star in its name; earlier versions one per layer.
    let shared = ["rotary_embeddings.inv_freq".to_owned(), in_layer(&"*")];
    let names: Vec<String> = shared.into_iter().chain((0..config.num_hidden_layers).map(|i| in_layer(&i))).collect();
    let mut found: Option<Tensor> = None;
    for name in names.iter().filter(|name| esm.has(name)) {
        let inv_freq = esm.tensor_of_kind(name, &[half], Kind::Float)?;
        match &found {
            Some(first) if !first.f_equal(&inv_freq)? => return Err(Error::RotaryDiffers),
            Some(_) => {}
            None => found = Some(inv_freq),
        }
    }
    let inv_freq = match found {
        Some(inv_freq) => inv_freq,
        None => esm.on_device(&default_inv_freq(config.head_width())?)?,
    };
    Ok(Some(Rotary { inv_freq }))
}

/// `10000^(-2 i / k)`, rounded to f16 as in every published ESM-2: `[k / 2]` (f32).
pub(crate) fn default_inv_freq(head_width: i64) -> Result<Tensor> {
    let exponents =
        Tensor::f_arange_start_step(0, head_width, 2, (Kind::Float, Device::Cpu))?.f_div_scalar(head_width)?;
    let exact = Tensor::f_pow_scalar(10000.0, &exponents)?.f_reciprocal()?;
    Ok(exact.f_to_kind(Kind::Half)?.f_to_kind(Kind::Float)?)
}

/// One block.
#[derive(Debug)]
struct EsmLayer {
    attention_layer_norm: LayerNorm,
    query_key_value: Linear,
    attention_output: Linear,
    layer_norm: LayerNorm,
    intermediate: Linear,
    output: Linear,
    heads: i64,
}

impl EsmLayer {
    fn load(weights: &Loader, config: &Config) -> Result<Self> {
        let (d, f, eps) = (config.hidden_size, config.intermediate_size, config.layer_norm_eps.0);
        let attention = weights.pp("attention");
        let this = attention.pp("self");
        let query_key_value = Linear {
            weight: this.stacked(&["query.weight", "key.weight", "value.weight"], &[d, d])?, // [3 d, d]
            bias: Some(this.stacked(&["query.bias", "key.bias", "value.bias"], &[d])?),
        };
        Ok(Self {
            attention_layer_norm: LayerNorm::load(&attention.pp("LayerNorm"), d, eps)?,
            query_key_value,
            attention_output: Linear::load(&attention.pp("output.dense"), d, d)?,
            layer_norm: LayerNorm::load(&weights.pp("LayerNorm"), d, eps)?,
            intermediate: Linear::load(&weights.pp("intermediate.dense"), d, f)?,
            output: Linear::load(&weights.pp("output.dense"), f, d)?,
            heads: config.num_attention_heads,
        })
    }

    fn share(&self) -> Self {
        Self {
            attention_layer_norm: self.attention_layer_norm.share(),
            query_key_value: self.query_key_value.share(),
            attention_output: self.attention_output.share(),
            layer_norm: self.layer_norm.share(),
            intermediate: self.intermediate.share(),
            output: self.output.share(),
            heads: self.heads,
        }
    }

    // Names as here: queries, keys and values are one tensor; a writer of checkpoints splits it.
    fn parameters(&self) -> Vec<(String, &Tensor)> {
        let norms = [("attention.LayerNorm", &self.attention_layer_norm), ("LayerNorm", &self.layer_norm)];
        let linears = [
            ("attention.self.query_key_value", &self.query_key_value),
            ("attention.output.dense", &self.attention_output),
            ("intermediate.dense", &self.intermediate),
            ("output.dense", &self.output),
        ];
        let norms =
            norms.into_iter().flat_map(|(name, norm)| [(name, "weight", &norm.weight), (name, "bias", &norm.bias)]);
        let linears = linears.into_iter().flat_map(|(name, linear)| {
            [Some((name, "weight", &linear.weight)), linear.bias.as_ref().map(|bias| (name, "bias", bias))]
        });
        norms.chain(linears.flatten()).map(|(name, part, tensor)| (format!("{name}.{part}"), tensor)).collect()
    }

    fn forward(&self, x: Tensor, sequences: &Sequences, rotary: Option<(&Tensor, &Tensor)>) -> Result<Tensor> {
        let x = self.attend(&x, sequences, rotary)?.f_add_(&x)?;
        let hidden = self.intermediate.forward_gelu(&self.layer_norm.forward(&x)?)?; // [t, d] -> [t, 4 d]
        Ok(self.output.forward(&hidden)?.f_add_(&x)?)
    }

    fn attend(&self, x: &Tensor, sequences: &Sequences, rotary: Option<(&Tensor, &Tensor)>) -> Result<Tensor> {
        let qkv = self.query_key_value.forward(&self.attention_layer_norm.forward(x)?)?; // [t, d] -> [t, 3 d]
        Ok(self.attention_output.forward(&nn::self_attention(&qkv, self.heads, sequences, rotary)?)?)
    }
}

#[cfg(test)]
#[path = "parity.rs"]
mod parity;
