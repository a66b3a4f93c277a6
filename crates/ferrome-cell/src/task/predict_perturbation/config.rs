use ferrome_core::train::{AdamWOptions, Schedule};
use serde::{Deserialize, Serialize};

use crate::model::scgpt;
use crate::{Error, Result};

/// How to train: the keys of `--config`; all have defaults. The shape counts only where no foundation is given.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrainConfig {
    /// Width of the model.
    pub embsize: i64,
    /// Attention heads.
    pub nheads: i64,
    /// Blocks.
    pub nlayers: usize,
    /// Genes of the panel: those that are perturbed, then the most variable.
    pub genes: usize,
    /// Genes of a cell that one step takes, those that are perturbed always among them.
    pub genes_per_step: usize,
    /// Cells of a step.
    pub batch_cells: usize,
    /// Steps of the optimiser.
    pub steps: u64,
    /// Highest learning rate.
    pub learning_rate: f64,
    /// Steps until it is reached.
    pub warmup_steps: u64,
    /// Decay of matrices, times the learning rate.
    pub weight_decay: f64,
    /// Longest gradient.
    pub clip: f64,
    /// Share of the perturbed conditions that are held out, where they are not named.
    pub test_share: f64,
    /// Control cells that a prediction is the mean of.
    pub control_cells: usize,
    /// Steps between checkpoints.
    pub checkpoint_every: u64,
    /// Seed of everything random.
    pub seed: u64,
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            embsize: 64,
            nheads: 4,
            nlayers: 2,
            genes: 1000,
            genes_per_step: 400,
            batch_cells: 16,
            steps: 2000,
            learning_rate: 1e-3,
            warmup_steps: 50,
            weight_decay: 0.01,
            clip: 1.0,
            test_share: 0.25,
            control_cells: 100,
            checkpoint_every: 200,
            seed: 1,
        }
    }
}

impl TrainConfig {
    /// Reads the JSON of `--config`; `source` names it.
    ///
    /// # Errors
    ///
    /// Names a key that is unknown, of another type, or out of range.
    ///
    /// ```
    /// use ferrome_cell::task::predict_perturbation::TrainConfig;
    /// assert_eq!(TrainConfig::parse(r#"{"steps": 10}"#, "c.json")?.steps, 10);
    /// let refused = TrainConfig::parse(r#"{"test_share": 2}"#, "c.json").unwrap_err();
    /// assert_eq!(refused.to_string(), "c.json: test_share is 2, expected more than 0 and less than 1");
    /// # Ok::<(), ferrome_cell::Error>(())
    /// ```
    pub fn parse(json: &str, source: &str) -> Result<Self> {
        let config: Self = serde_json::from_str(json).map_err(|e| Error::file(source, e.to_string()))?;
        config.check().map_err(|reason| Error::file(source, reason))?;
        Ok(config)
    }

    /// The shape of a model of so many tokens that begins at random.
    #[must_use]
    pub fn model(&self, tokens: i64) -> scgpt::Config {
        scgpt::Config::new(tokens, self.nlayers, self.embsize, self.nheads)
    }

    pub(super) fn schedule(&self) -> Schedule {
        Schedule { peak: self.learning_rate, warmup: self.warmup_steps, steps: self.steps, floor: 0.05 }
    }

    pub(super) fn optimiser(&self) -> AdamWOptions {
        AdamWOptions { beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: self.weight_decay, clip: self.clip }
    }

    fn check(&self) -> Result<(), String> {
        if !(self.test_share > 0.0 && self.test_share < 1.0) {
            return Err(format!("test_share is {}, expected more than 0 and less than 1", self.test_share));
        }
        if self.embsize < 1 || self.nheads < 1 || self.embsize % self.nheads != 0 || self.nlayers < 1 {
            return Err(format!("embsize {} does not divide into {} heads", self.embsize, self.nheads));
        }
        let counts = [
            ("genes", self.genes),
            ("genes_per_step", self.genes_per_step),
            ("batch_cells", self.batch_cells),
            ("control_cells", self.control_cells),
        ];
        if let Some((name, _)) = counts.into_iter().find(|&(_, count)| count < 2) {
            return Err(format!("expected {name} of 2 or more"));
        }
        let steps = [("steps", self.steps), ("checkpoint_every", self.checkpoint_every)];
        match steps.into_iter().find(|&(_, count)| count < 1) {
            Some((name, _)) => Err(format!("expected {name} of 1 or more")),
            None => Ok(()),
        }
    }
}
