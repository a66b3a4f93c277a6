use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// How a model knows where a residue stands.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PositionKind {
    /// Learned, one row per position: ESM-1b and ESM-1v.
    Absolute,
    /// Rotary: ESM-2. No limit of length.
    Rotary,
}

/// The published `config.json` of ESM-2, ESM-1b and ESM-1v, key for key; keys that do not change the result are left out.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Config {
    /// Rows of the token table.
    pub vocab_size: i64,
    /// Width of the residual stream, `d`.
    pub hidden_size: i64,
    /// Number of blocks.
    pub num_hidden_layers: usize,
    /// Number of attention heads, `h`.
    pub num_attention_heads: i64,
    /// Width of the feed-forward layer, `4 d`.
    pub intermediate_size: i64,
    /// Rows of the position table, where there is one.
    pub max_position_embeddings: i64,
    /// Epsilon of every LayerNorm, as the shortest decimal that names it.
    #[serde(default = "eps")]
    pub layer_norm_eps: Decimal,
    /// Rotary or learned positions.
    #[serde(default = "absolute")]
    pub position_embedding_type: PositionKind,
    /// A LayerNorm before the first block: ESM-1b.
    #[serde(default, deserialize_with = "null_is_false")]
    pub emb_layer_norm_before: bool,
    /// Rescaling of the embedding by what is masked; always on in the published models.
    #[serde(default)]
    pub token_dropout: bool,
    /// Token of `<mask>`.
    #[serde(default = "mask")]
    pub mask_token_id: i64,
    /// Token of `<pad>`.
    #[serde(default = "pad")]
    pub pad_token_id: i64,
}

/// A number of a configuration, compared as written.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Decimal(pub f64);

impl Eq for Decimal {}

fn eps() -> Decimal {
    Decimal(1e-12) // the default of transformers' EsmConfig; every published file states 1e-5
}

fn absolute() -> PositionKind {
    PositionKind::Absolute
}

fn mask() -> i64 {
    32
}

fn pad() -> i64 {
    1
}

fn null_is_false<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(Option::<bool>::deserialize(deserializer)?.unwrap_or(false))
}

impl Config {
    /// An ESM-2 of the given shape.
    #[must_use]
    pub fn esm2(num_hidden_layers: usize, hidden_size: i64, num_attention_heads: i64) -> Self {
        Self {
            vocab_size: 33,
            hidden_size,
            num_hidden_layers,
            num_attention_heads,
            intermediate_size: 4 * hidden_size,
            max_position_embeddings: 1026,
            layer_norm_eps: Decimal(1e-5),
            position_embedding_type: PositionKind::Rotary,
            emb_layer_norm_before: false,
            token_dropout: true,
            mask_token_id: 32,
            pad_token_id: 1,
        }
    }

    /// Reads a `config.json`; `source` names it in messages.
    ///
    /// # Errors
    ///
    /// Names another architecture, a missing key, or a shape that cannot be.
    pub fn parse(json: &str, source: &str) -> Result<Self> {
        let wrong = |reason: String| Error::Config { source_name: source.to_owned(), reason };
        let value: serde_json::Value = serde_json::from_str(json).map_err(|e| wrong(format!("not JSON: {e}")))?;
        let text = |key: &str| value.get(key).and_then(serde_json::Value::as_str).unwrap_or("").to_owned();
        if text("model_type") != "esm" {
            return Err(wrong(format!(
                "expected model_type `esm` (ESM-2, ESM-1b, ESM-1v), found `{}`",
                text("model_type")
            )));
        }
        if value.get("is_folding_model").and_then(serde_json::Value::as_bool) == Some(true) {
            return Err(wrong("is an ESMFold checkpoint; expected a language model (ESM-2, ESM-1b, ESM-1v)".into()));
        }
        let config: Self = serde_json::from_value(value).map_err(|e| wrong(e.to_string()))?;
        config.check().map_err(wrong)?;
        Ok(config)
    }

    /// Width of one head, `k`.
    #[must_use]
    pub fn head_width(&self) -> i64 {
        self.hidden_size / self.num_attention_heads.max(1)
    }

    /// Most residues that one sequence may have; `None` where there is no limit.
    #[must_use]
    pub fn most_residues(&self) -> Option<usize> {
        // The table has rows for <cls>, the residues and <eos>, after the row of <pad> and those before it.
        let rows = self.max_position_embeddings - self.pad_token_id - 1;
        match self.position_embedding_type {
            PositionKind::Rotary => None,
            PositionKind::Absolute => usize::try_from(rows - 2).ok(),
        }
    }

    fn check(&self) -> Result<(), String> {
        if self.vocab_size != 33 {
            return Err(format!("expected vocab_size 33, found {}", self.vocab_size));
        }
        for (name, token) in [("mask_token_id", self.mask_token_id), ("pad_token_id", self.pad_token_id)] {
            if !(0..self.vocab_size).contains(&token) {
                return Err(format!("expected {name} below vocab_size {}, found {token}", self.vocab_size));
            }
        }
        if self.num_hidden_layers < 1 || self.intermediate_size < 1 {
            return Err("expected num_hidden_layers and intermediate_size of 1 or more".into());
        }
        let (d, h) = (self.hidden_size, self.num_attention_heads);
        if d < 1 || h < 1 || d % h != 0 || (d / h) % 2 != 0 {
            return Err(format!("hidden_size {d} does not divide into {h} heads of even width"));
        }
        if self.position_embedding_type == PositionKind::Absolute && self.most_residues().is_none_or(|most| most < 1) {
            return Err(format!(
                "max_position_embeddings {} leaves no room for a residue",
                self.max_position_embeddings
            ));
        }
        Ok(())
    }
}
