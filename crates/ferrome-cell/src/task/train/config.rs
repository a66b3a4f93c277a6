mod choices;
mod shape;

use std::path::{Path, PathBuf};

use ferrome_core::train::{AdamWOptions, Schedule};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::SplitConfig;
use crate::model::{Family, Shape};
use crate::tokenize::Style;
use crate::{Error, Result};

pub use choices::{ClassWeights, Lora, Matrix, Objective, Store};

/// How to train: the JSON of `--config`. Everything has a default; what is given on the command line takes its place.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrainConfig {
    /// What is learnt.
    pub objective: Objective,
    /// Shape of a model with random weights: keys of a `config.json`. `vocab_size` follows from the vocabulary.
    pub model: Option<Map<String, Value>>,
    /// To classify cells: the column with their class.
    pub label: Option<String>,
    /// To classify genes: a table with the columns `gene` and `class`.
    pub genes: Option<PathBuf>,
    /// Which cells are trained on, choose the epoch, and are only ever tested on.
    pub split: SplitConfig,
    /// The embeddings and so many blocks, from the first, stay as they are.
    pub freeze: usize,
    /// Train these small matrices and the head instead of the blocks.
    pub lora: Option<Lora>,
    /// What a class counts in the loss.
    pub class_weights: ClassWeights,
    /// Most tokens of a cell, from the highest rank; as many as the model has positions without it.
    pub max_length: Option<usize>,
    /// Most tokens of a step.
    pub batch_tokens: usize,
    /// Most cells of a step.
    pub batch_cells: usize,
    /// Most passes over the cells.
    pub epochs: u64,
    /// Steps between measurements; 0 measures after each epoch.
    pub evaluate_every: u64,
    /// Steps between checkpoints; 0 writes one every 20 seconds.
    pub checkpoint_every: u64,
    /// Stop when so many measurements have not bettered the best; 0 for never.
    pub patience: u64,
    /// Highest learning rate.
    pub learning_rate: f64,
    /// Share of all steps until it is reached.
    pub warmup_share: f64,
    /// Last learning rate, as a share of the highest.
    pub final_share: f64,
    /// Decay of matrices, times the learning rate.
    pub weight_decay: f64,
    /// Longest gradient.
    pub clip: f64,
    /// AdamW's first constant.
    pub beta1: f64,
    /// AdamW's second constant.
    pub beta2: f64,
    /// Share of genes that are hidden; 0.15 without it, of an scGPT, whose values are hidden, 0.4.
    pub mask_share: Option<f64>,
    /// How the final weights are stored.
    pub store: Store,
    /// Seed of everything random.
    pub seed: u64,
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            objective: Objective::Classify,
            model: None,
            label: None,
            genes: None,
            split: SplitConfig::default(),
            freeze: 0,
            lora: None,
            class_weights: ClassWeights::None,
            max_length: None,
            batch_tokens: 16_384,
            batch_cells: 16,
            epochs: 20,
            evaluate_every: 0,
            checkpoint_every: 0,
            patience: 5,
            learning_rate: 5e-5,
            warmup_share: 0.05,
            final_share: 0.05,
            weight_decay: 0.01,
            clip: 1.0,
            beta1: 0.9,
            beta2: 0.999,
            mask_share: None,
            store: Store::F32,
            seed: 1,
        }
    }
}

/// Parts of an epoch that the learning rate tells apart.
pub(super) const TICKS: u64 = 1000;

impl TrainConfig {
    /// Reads the JSON of the file at `path`; its own paths are taken from the folder of that file.
    ///
    /// # Errors
    ///
    /// Names a key that is unknown, of another type or out of range.
    ///
    /// ```
    /// use ferrome_cell::task::train::TrainConfig;
    /// let json = r#"{"objective": "mlm", "model": {"hidden_size": 64}, "epochs": 3}"#;
    /// assert_eq!(TrainConfig::parse(json, "c.json".as_ref())?.epochs, 3);
    /// let refused = TrainConfig::parse(r#"{"epoch": 3}"#, "c.json".as_ref()).unwrap_err().to_string();
    /// assert!(refused.starts_with("c.json: unknown field `epoch`, expected one of `objective`, "), "{refused}");
    /// # Ok::<(), ferrome_cell::Error>(())
    /// ```
    pub fn parse(json: &str, path: &Path) -> Result<Self> {
        let wrong = |reason: String| Error::file(path, reason);
        let mut config: Self = serde_json::from_str(json).map_err(|e| wrong(e.to_string()))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        config.genes = config.genes.map(|genes| folder.join(genes));
        config.check().map_err(wrong)?;
        Ok(config)
    }

    /// Whether the numbers and choices belong together; what is wrong in one line.
    ///
    /// # Errors
    ///
    /// As said.
    pub fn check(&self) -> Result<(), String> {
        self.split.check()?;
        if let Some(share) = self.mask_share.filter(|share| !(*share > 0.0 && *share < 1.0)) {
            return Err(format!("mask_share is {share}, expected more than 0 and less than 1"));
        }
        if self.epochs == 0 || self.batch_tokens == 0 || self.batch_cells == 0 {
            return Err("epochs, batch_tokens and batch_cells must be at least 1".into());
        }
        let positive = [("learning_rate", self.learning_rate), ("clip", self.clip)];
        if let Some((name, value)) = positive.into_iter().find(|(_, value)| !(value.is_finite() && *value > 0.0)) {
            return Err(format!("{name} is {value}, expected more than 0"));
        }
        if self.objective == Objective::Mlm && (self.label.is_some() || self.genes.is_some()) {
            return Err("the objective mlm takes neither labels nor classes of genes".into());
        }
        if let Some(lora) = &self.lora {
            lora.check()?;
            if self.objective == Objective::Mlm {
                return Err("LoRA is for the objective classify; mlm trains all weights".into());
            }
        }
        Ok(())
    }

    /// The share of genes that are hidden from a model of this family.
    pub(super) fn mask_share(&self, family: Family) -> f64 {
        self.mask_share.unwrap_or(if family == Family::ScGpt { 0.4 } else { 0.15 })
    }

    /// The model of random weights, for tokens of this style from a table of so many rows: what is not given is as in Geneformer V1, or
    /// as in the published scGPT.
    ///
    /// # Errors
    ///
    /// [`Error::File`] names the key; `source` stands for the file.
    pub fn shape(&self, style: Style, rows: i64, source: &str) -> Result<Option<Shape>> {
        let Some(given) = &self.model else { return Ok(None) };
        shape::of(given, style, rows, source).map(Some)
    }

    pub(super) fn schedule(&self) -> Schedule {
        let steps = self.epochs * TICKS;
        let warmup = (self.warmup_share * steps as f64) as u64;
        Schedule { peak: self.learning_rate, warmup, steps, floor: self.final_share }
    }

    pub(super) fn optimiser(&self) -> AdamWOptions {
        let (beta1, beta2) = (self.beta1, self.beta2);
        AdamWOptions { beta1, beta2, eps: 1e-8, weight_decay: self.weight_decay, clip: self.clip }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(json: &str) -> String {
        TrainConfig::parse(json, Path::new("dir/c.json")).unwrap_err().to_string()
    }

    #[test]
    fn paths_are_those_beside_the_configuration() {
        let config = TrainConfig::parse(r#"{"genes": "genes.csv"}"#, Path::new("dir/c.json")).unwrap();
        assert_eq!(config.genes.as_deref(), Some(Path::new("dir/genes.csv")));
    }

    #[test]
    fn bad_configurations() {
        assert_eq!(refused(r#"{"epochs": 0}"#), "dir/c.json: epochs, batch_tokens and batch_cells must be at least 1");
        assert_eq!(
            refused(r#"{"mask_share": 1}"#),
            "dir/c.json: mask_share is 1, expected more than 0 and less than 1"
        );
        assert_eq!(refused(r#"{"clip": 0}"#), "dir/c.json: clip is 0, expected more than 0");
        assert_eq!(
            refused(r#"{"objective": "mlm", "label": "type"}"#),
            "dir/c.json: the objective mlm takes neither labels nor classes of genes"
        );
        assert_eq!(refused(r#"{"lora": {"rank": 0}}"#), "dir/c.json: lora: rank is 0, expected 1 or more");
        assert_eq!(
            refused(r#"{"split": {"validation_share": 0.6, "test_share": 0.5}}"#),
            "dir/c.json: split: validation_share 0.6 and test_share 0.5, expected more than 0, at least 0, and less than 1 \
             together"
        );
    }

    #[test]
    fn shape_of_a_new_model() {
        let json =
            r#"{"objective": "mlm", "model": {"hidden_size": 64, "num_hidden_layers": 2, "hidden_dropout_prob": 0}}"#;
        let config = TrainConfig::parse(json, Path::new("c.json")).unwrap();
        let shape = config.shape(Style::GeneformerV2, 100, "c.json").unwrap().unwrap();
        assert_eq!((shape.tokens(), shape.feed_forward(), shape.dropout()), (100, 128, 0.0));
        let json = r#"{"objective": "mlm", "model": {"embsize": 64, "nlayers": 2, "dropout": 0}}"#;
        let config = TrainConfig::parse(json, Path::new("c.json")).unwrap();
        let shape = config.shape(Style::ScGpt, 100, "c.json").unwrap().unwrap();
        assert_eq!((shape.tokens(), shape.blocks(), shape.feed_forward(), shape.dropout()), (100, 2, 64, 0.0));
        let refused = |json: &str, style| {
            TrainConfig::parse(json, Path::new("c.json")).unwrap().shape(style, 9, "c.json").unwrap_err().to_string()
        };
        let json = r#"{"model": {"hidden": 64}}"#;
        assert_eq!(refused(json, Style::GeneformerV1), "c.json: unknown key `hidden` in `model` (Geneformer)");
        let json = r#"{"model": {"hidden_size": 64}}"#;
        assert_eq!(refused(json, Style::ScGpt), "c.json: unknown key `hidden_size` in `model` (scGPT)");
    }
}
