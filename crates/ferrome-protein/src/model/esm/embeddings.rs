//! What a batch of sequences is, and the first step of the model: tokens to vectors.

use ferrome_core::nn::{Embedding, LayerNorm, Loader, Sequences};
use tch::{Device, Tensor};

use super::{Config, PositionKind};
use crate::Result;

/// Share of tokens that training hides, times the share of these that become `<mask>`: the rescaling undoes it.
const MASKED_IN_TRAINING: f64 = 0.15 * 0.8;

/// A packed batch of token sequences, each with its `<cls>` and `<eos>`.
#[derive(Debug)]
pub struct Batch {
    tokens: Tensor,
    scale: Tensor,
    /// Where the sequences lie.
    pub sequences: Sequences,
}

impl Batch {
    /// Packs `sequences` for a model of this configuration on `device`.
    ///
    /// # Errors
    ///
    /// Fails when the device has no room.
    pub fn new(sequences: &[&[u8]], config: &Config, device: Device) -> Result<Self> {
        let lengths: Vec<i64> =
            sequences.iter().map(|tokens| i64::try_from(tokens.len()).unwrap_or(i64::MAX)).collect();
        let tokens: Vec<i64> = sequences.iter().flat_map(|tokens| tokens.iter().copied().map(i64::from)).collect();
        let scale: Vec<f32> = sequences.iter().flat_map(|tokens| scales(tokens, config)).collect();
        Ok(Self {
            tokens: Tensor::f_from_slice(&tokens)?.f_to_device(device)?,
            scale: Tensor::f_from_slice(&scale)?.f_unsqueeze(1)?.f_to_device(device)?,
            sequences: Sequences::new(&lengths, device)?,
        })
    }
}

// What each token's embedding is multiplied with: 0 for <mask>, and for the others what makes up for the masked ones.
fn scales<'a>(tokens: &'a [u8], config: &Config) -> impl Iterator<Item = f32> + 'a {
    let (mask, dropout) = (config.mask_token_id, config.token_dropout);
    let is_mask = move |token: u8| i64::from(token) == mask;
    let masked = tokens.iter().filter(|&&token| is_mask(token)).count() as f64 / tokens.len().max(1) as f64;
    let kept = if dropout { ((1.0 - MASKED_IN_TRAINING) / (1.0 - masked)) as f32 } else { 1.0 };
    tokens.iter().map(move |&token| if dropout && is_mask(token) { 0.0 } else { kept })
}

/// The tables that a sequence meets first.
#[derive(Debug)]
pub(super) struct Embeddings {
    pub(super) word_embeddings: Embedding,
    position_embeddings: Option<Embedding>,
    layer_norm: Option<LayerNorm>,
    first_position: i64,
}

impl Embeddings {
    pub(super) fn load(weights: &Loader, config: &Config) -> Result<Self> {
        let d = config.hidden_size;
        let absolute = config.position_embedding_type == PositionKind::Absolute;
        if !absolute {
            weights.allow_left_over("position_embeddings.weight"); // in the published ESM-2 files, and unused
        }
        let positions = || Embedding::load(&weights.pp("position_embeddings"), config.max_position_embeddings, d);
        let layer_norm = || LayerNorm::load(&weights.pp("layer_norm"), d, config.layer_norm_eps.0);
        Ok(Self {
            word_embeddings: Embedding::load(&weights.pp("word_embeddings"), config.vocab_size, d)?,
            position_embeddings: absolute.then(positions).transpose()?,
            layer_norm: config.emb_layer_norm_before.then(layer_norm).transpose()?,
            first_position: config.pad_token_id + 1,
        })
    }

    pub(super) fn share(&self) -> Self {
        let position_embeddings = self.position_embeddings.as_ref().map(Embedding::share);
        Self {
            word_embeddings: self.word_embeddings.share(),
            position_embeddings,
            layer_norm: self.layer_norm.as_ref().map(LayerNorm::share),
            first_position: self.first_position,
        }
    }

    pub(super) fn forward(&self, batch: &Batch) -> Result<Tensor> {
        let x = self.word_embeddings.forward(&batch.tokens)?; // [t] -> [t, d]
        let mut x = x.f_mul(&batch.scale.f_to_kind(x.f_kind()?)?)?;
        if let Some(table) = &self.position_embeddings {
            x = x.f_add(&table.forward(&batch.sequences.positions().f_add_scalar(self.first_position)?)?)?;
        }
        match &self.layer_norm {
            Some(layer_norm) => Ok(layer_norm.forward(&x)?),
            None => Ok(x),
        }
    }
}
