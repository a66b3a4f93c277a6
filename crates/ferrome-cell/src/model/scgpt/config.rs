use ferrome_core::weights::Checkpoint;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Error, Result};

/// How a gene's expression becomes a vector.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ValueStyle {
    /// Two linear layers: the published models.
    #[default]
    Continuous,
    /// One row of a table per bin.
    Category,
    /// The gene's own vector, times the value.
    Scaling,
}

/// What the vector of a cell is.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CellStyle {
    /// The representation of `<cls>`, the first token: the published models.
    #[default]
    Cls,
    /// The mean over all tokens. Upstream's also counts padding; here there is none.
    AvgPool,
    /// The sum over all tokens, each times its value, brought to length 1.
    WPool,
}

/// The published `args.json`, key for key, and the sizes that only the checkpoint tells; keys that do not change the result are
/// left out.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Config {
    /// Width of the residual stream, `d`.
    #[serde(alias = "layer_size", alias = "d_model")]
    pub embsize: i64,
    /// Number of attention heads, `h`.
    #[serde(alias = "nhead")]
    pub nheads: i64,
    /// Width of the feed-forward layer; `embsize` where it is not given.
    #[serde(default)]
    pub d_hid: i64,
    /// Number of blocks.
    pub nlayers: usize,
    /// Share that is dropped in training.
    #[serde(default = "dropout")]
    pub dropout: f64,
    /// Layers of the classifier.
    #[serde(default = "three", alias = "nlayers_cls")]
    pub n_layers_cls: usize,
    /// Bins of expression, that of 0 among them.
    #[serde(default = "bins")]
    pub n_bins: i64,
    /// Most genes of a cell, `<cls>` included, that the model was trained with; it has no limit of its own.
    #[serde(default = "length")]
    pub max_seq_len: usize,
    /// How expression becomes a vector.
    #[serde(default)]
    pub input_emb_style: ValueStyle,
    /// What the vector of a cell is.
    #[serde(default)]
    pub cell_emb_style: CellStyle,
    /// Rows of the table of genes.
    #[serde(default)]
    pub ntoken: i64,
    /// Rows of the table of bins, where there is one.
    #[serde(default)]
    pub n_input_bins: i64,
    /// Number of batches that the model tells apart; 0 where it does not.
    #[serde(default)]
    pub num_batch_labels: i64,
    /// Whether the decoders see the cell's batch beside the gene.
    #[serde(default)]
    pub use_batch_labels: bool,
    /// Number of cell types of the classifier; 0 where there is none.
    #[serde(default)]
    pub n_cls: i64,
}

fn dropout() -> f64 {
    0.2
}

fn three() -> usize {
    3
}

fn bins() -> i64 {
    51
}

fn length() -> usize {
    1200
}

impl Config {
    /// Other names of its keys.
    pub(super) const ALIASES: [&str; 4] = ["layer_size", "d_model", "nhead", "nlayers_cls"];

    /// An scGPT of the given shape, with feed-forward layers of its width as the published models have them.
    #[must_use]
    pub fn new(ntoken: i64, nlayers: usize, embsize: i64, nheads: i64) -> Self {
        Self {
            embsize,
            nheads,
            d_hid: embsize,
            nlayers,
            dropout: dropout(),
            n_layers_cls: three(),
            n_bins: bins(),
            max_seq_len: length(),
            input_emb_style: ValueStyle::Continuous,
            cell_emb_style: CellStyle::Cls,
            ntoken,
            n_input_bins: 0,
            num_batch_labels: 0,
            use_batch_labels: false,
            n_cls: 0,
        }
    }

    /// Reads an `args.json`; `source` names it in messages. Sizes that only a checkpoint tells are 0.
    ///
    /// # Errors
    ///
    /// Names a missing key, a style that is unknown, or a shape that cannot be.
    pub fn parse(json: &str, source: &str) -> Result<Self> {
        let wrong = |reason: String| Error::file(source, reason);
        let value: Value = serde_json::from_str(json).map_err(|e| wrong(format!("not JSON: {e}")))?;
        let is = |key: &str, text: &str| value.get(key).and_then(Value::as_str) == Some(text);
        let yes = |key: &str| value.get(key).and_then(Value::as_bool) == Some(true);
        if yes("pre_norm") || is("norm_scheme", "pre") {
            return Err(wrong(
                "expected LayerNorms behind the blocks, found `pre_norm`, which no published scGPT has".into(),
            ));
        }
        if is("fast_transformer_backend", "linear") {
            return Err(wrong("expected softmax attention, found fast_transformer_backend `linear`".into()));
        }
        let mut config: Self = serde_json::from_value(value).map_err(|e| wrong(e.to_string()))?;
        if config.d_hid == 0 {
            config.d_hid = config.embsize;
        }
        config.check().map_err(wrong)?;
        Ok(config)
    }

    /// Fills in what only the checkpoint tells.
    pub(super) fn complete(&mut self, checkpoint: &Checkpoint) {
        let rows = |name: &str| {
            let shape = checkpoint.info(name).map(|info| info.shape.as_slice());
            shape.and_then(|shape| shape.first()).map_or(0, |&rows| rows as i64)
        };
        let domains = (0..).take_while(|i| checkpoint.info(&format!("dsbn.bns.{i}.running_mean")).is_some()).count();
        self.ntoken = rows("encoder.embedding.weight");
        self.n_input_bins = rows("value_encoder.embedding.weight");
        self.num_batch_labels = rows("batch_encoder.embedding.weight").max(domains as i64);
        self.use_batch_labels = rows("batch_encoder.embedding.weight") > 0;
        self.n_cls = rows("cls_decoder.out_layer.weight");
    }

    fn check(&self) -> Result<(), String> {
        let (d, h) = (self.embsize, self.nheads);
        if d < 1 || h < 1 || d % h != 0 {
            return Err(format!("embsize {d} does not divide into {h} heads"));
        }
        if self.nlayers < 1 || self.d_hid < 1 || self.n_layers_cls < 1 {
            return Err("expected nlayers, d_hid and n_layers_cls of 1 or more".into());
        }
        if !(0.0..1.0).contains(&self.dropout) {
            return Err(format!("expected a dropout from 0 to less than 1, found {}", self.dropout));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(json: &str) -> String {
        Config::parse(json, "m/args.json").unwrap_err().to_string()
    }

    #[test]
    fn published_keys() {
        let json = r#"{"data_source": "all", "n_hvg": null, "valid_size_or_ratio": 0.003, "input_style": "binned",
            "input_emb_style": "continuous", "n_bins": 51, "max_seq_len": 1200, "training_tasks": "both", "pad_token": "<pad>",
            "pad_value": -2, "mask_value": -1, "mask_ratio": [0.25, 0.5, 0.75], "trunc_by_sample": true, "batch_size": 32,
            "nlayers": 12, "nheads": 8, "embsize": 512, "d_hid": 512, "dropout": 0.2, "n_layers_cls": 3, "no_cls": true,
            "no_cce": true, "MVC": true, "fast_transformer": true, "USE_GENERATIVE_TRAINING": true}"#;
        assert_eq!(Config::parse(json, "args.json").unwrap(), Config::new(0, 12, 512, 8));
    }

    #[test]
    fn keys_of_the_fine_tuning_scripts() {
        let config = Config::parse(r#"{"layer_size": 128, "nhead": 4, "nlayers": 4}"#, "args.json").unwrap();
        assert_eq!(config, Config::new(0, 4, 128, 4));
    }

    #[test]
    fn shapes_and_styles_that_cannot_be() {
        assert_eq!(refused(r#"{"embsize": 8, "nlayers": 1}"#), "m/args.json: missing field `nheads`");
        assert_eq!(
            refused(r#"{"embsize": 10, "nheads": 4, "nlayers": 1}"#),
            "m/args.json: embsize 10 does not divide into 4 heads"
        );
        assert_eq!(
            refused(r#"{"embsize": 8, "nheads": 4, "nlayers": 1, "pre_norm": true}"#),
            "m/args.json: expected LayerNorms behind the blocks, found `pre_norm`, which no published scGPT has"
        );
        assert_eq!(
            refused(r#"{"embsize": 8, "nheads": 4, "nlayers": 1, "input_emb_style": "sum"}"#),
            "m/args.json: unknown variant `sum`, expected one of `continuous`, `category`, `scaling`"
        );
    }
}
