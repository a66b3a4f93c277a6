use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Error, Result};

/// The published `config.json` of Geneformer (a `BertConfig`), key for key; keys that do not change the result are left out.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Config {
    /// Rows of the token table: genes and special tokens.
    pub vocab_size: i64,
    /// Width of the residual stream, `d`.
    pub hidden_size: i64,
    /// Number of blocks.
    pub num_hidden_layers: usize,
    /// Number of attention heads, `h`.
    pub num_attention_heads: i64,
    /// Width of the feed-forward layer.
    pub intermediate_size: i64,
    /// Most tokens of a cell: 2,048 in V1, 4,096 in V2.
    pub max_position_embeddings: i64,
    /// Rows of the table of token types, of which only the first is used.
    #[serde(default = "two")]
    pub type_vocab_size: i64,
    /// Epsilon of every LayerNorm.
    #[serde(default = "eps")]
    pub layer_norm_eps: f64,
    /// Token of `<pad>`.
    #[serde(default)]
    pub pad_token_id: i64,
    /// Share of activations dropped in training.
    #[serde(default = "dropout")]
    pub hidden_dropout_prob: f64,
    /// Share of attention weights dropped in training.
    #[serde(default = "dropout")]
    pub attention_probs_dropout_prob: f64,
}

// The defaults of transformers' BertConfig.
fn two() -> i64 {
    2
}

fn eps() -> f64 {
    1e-12
}

fn dropout() -> f64 {
    0.1
}

impl Config {
    /// A Geneformer of the given shape, with feed-forward layers of twice the width as in V1.
    #[must_use]
    pub fn new(vocab_size: i64, num_hidden_layers: usize, hidden_size: i64, num_attention_heads: i64) -> Self {
        Self {
            vocab_size,
            hidden_size,
            num_hidden_layers,
            num_attention_heads,
            intermediate_size: 2 * hidden_size,
            max_position_embeddings: 2048,
            type_vocab_size: two(),
            layer_norm_eps: eps(),
            pad_token_id: 0,
            hidden_dropout_prob: 0.02,
            attention_probs_dropout_prob: 0.02,
        }
    }

    /// Reads a `config.json`; `source` names it in messages.
    ///
    /// # Errors
    ///
    /// Names another architecture, a missing key, or a shape that cannot be.
    pub fn parse(json: &str, source: &str) -> Result<Self> {
        let wrong = |reason: String| Error::file(source, reason);
        let value: Value = serde_json::from_str(json).map_err(|e| wrong(format!("not JSON: {e}")))?;
        let text = |key: &str, default: &str| value.get(key).and_then(Value::as_str).unwrap_or(default).to_owned();
        let expected = [
            ("model_type", text("model_type", ""), "bert"),
            ("hidden_act", text("hidden_act", "gelu"), "relu"),
            ("position_embedding_type", text("position_embedding_type", "absolute"), "absolute"),
        ];
        if let Some((key, found, needed)) = expected.into_iter().find(|(_, found, needed)| found != needed) {
            return Err(wrong(format!("expected {key} `{needed}` (Geneformer), found `{found}`")));
        }
        let config: Self = serde_json::from_value(value).map_err(|e| wrong(e.to_string()))?;
        config.check().map_err(wrong)?;
        Ok(config)
    }

    fn check(&self) -> Result<(), String> {
        let sizes = [
            ("vocab_size", self.vocab_size),
            ("intermediate_size", self.intermediate_size),
            ("max_position_embeddings", self.max_position_embeddings),
            ("type_vocab_size", self.type_vocab_size),
            ("num_hidden_layers", i64::try_from(self.num_hidden_layers).unwrap_or(i64::MAX)),
        ];
        if let Some((name, size)) = sizes.into_iter().find(|&(_, size)| size < 1) {
            return Err(format!("expected {name} of 1 or more, found {size}"));
        }
        let (d, h) = (self.hidden_size, self.num_attention_heads);
        if d < 1 || h < 1 || d % h != 0 {
            return Err(format!("hidden_size {d} does not divide into {h} heads"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(json: &str) -> String {
        Config::parse(json, "m/config.json").unwrap_err().to_string()
    }

    #[test]
    fn published_keys() {
        let json = r#"{"architectures": ["BertForMaskedLM"], "attention_probs_dropout_prob": 0.02, "gradient_checkpointing":
            false, "hidden_act": "relu", "hidden_dropout_prob": 0.02, "hidden_size": 256, "initializer_range": 0.02,
            "intermediate_size": 512, "layer_norm_eps": 1e-12, "max_position_embeddings": 2048, "model_type": "bert",
            "num_attention_heads": 4, "num_hidden_layers": 6, "pad_token_id": 0, "position_embedding_type": "absolute",
            "type_vocab_size": 2, "use_cache": true, "vocab_size": 25426}"#;
        assert_eq!(Config::parse(json, "config.json").unwrap(), Config::new(25_426, 6, 256, 4));
    }

    #[test]
    fn other_architectures() {
        assert_eq!(refused("[]"), "m/config.json: expected model_type `bert` (Geneformer), found ``");
        assert_eq!(
            refused(r#"{"model_type": "esm"}"#),
            "m/config.json: expected model_type `bert` (Geneformer), found `esm`"
        );
        assert_eq!(
            refused(r#"{"model_type": "bert", "hidden_act": "gelu"}"#),
            "m/config.json: expected hidden_act `relu` (Geneformer), found `gelu`"
        );
        assert_eq!(
            refused(
                r#"{"model_type": "bert", "hidden_act": "relu", "vocab_size": 9, "hidden_size": 10, "num_hidden_layers": 1,
                    "num_attention_heads": 4, "intermediate_size": 4, "max_position_embeddings": 8}"#
            ),
            "m/config.json: hidden_size 10 does not divide into 4 heads"
        );
    }
}
