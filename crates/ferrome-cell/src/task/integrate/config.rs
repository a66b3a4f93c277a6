use std::fmt;

use ferrome_core::train::AdamWOptions;
use serde::{Deserialize, Serialize};

use crate::hvg::Flavor;
use crate::model::scgpt::Objectives;
use crate::{Error, Result};

/// How to integrate: the keys of `--config`; all have defaults, those of scGPT's integration tutorial.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct IntegrateConfig {
    /// Genes of the panel: the most variable ones over the batches.
    pub genes: usize,
    /// How they are found; `seurat_v3` where the values are counts, else `cell_ranger`.
    pub flavor: Option<VariableGenes>,
    /// Bins of expression, the one for zero included.
    pub bins: u16,
    /// Share of a cell's genes that are hidden from the model.
    pub mask_share: f64,
    /// Whether expression is also learnt from the cell's vector (MVC, called GEPC in the tutorial).
    pub mvc: bool,
    /// Whether it is learnt apart if a gene is expressed at all.
    pub zero_probability: bool,
    /// Cosine of two cells that is as far from sure as can be (ECS); 0 leaves it out.
    pub ecs_threshold: f64,
    /// What that counts.
    pub ecs_weight: f64,
    /// What the discriminator of batches counts (DAB); 0 leaves it out.
    pub dab_weight: f64,
    /// Whether each batch has a normalisation of its own (DSBN).
    pub dsbn: bool,
    /// Passes over the cells.
    pub epochs: u64,
    /// Cells of a step.
    pub batch_cells: usize,
    /// Whether all cells of a step are of one batch.
    pub one_batch_per_step: bool,
    /// Learning rate of the first epoch.
    pub learning_rate: f64,
    /// What it is multiplied with after each.
    pub decay: f64,
    /// Longest gradient.
    pub clip: f64,
    /// Share of the cells that only choose the weights.
    pub validation_share: f64,
    /// Steps between checkpoints.
    pub checkpoint_every: u64,
    /// Seed of everything random.
    pub seed: u64,
}

/// [`Flavor`], as JSON has it.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum VariableGenes {
    /// On counts.
    SeuratV3,
    /// On logarithms.
    CellRanger,
}

impl From<VariableGenes> for Flavor {
    fn from(flavor: VariableGenes) -> Self {
        match flavor {
            VariableGenes::SeuratV3 => Self::SeuratV3,
            VariableGenes::CellRanger => Self::CellRanger,
        }
    }
}

impl Default for IntegrateConfig {
    fn default() -> Self {
        Self {
            genes: 1200,
            flavor: None,
            bins: 51,
            mask_share: 0.4,
            mvc: true,
            zero_probability: true,
            ecs_threshold: 0.8,
            ecs_weight: 10.0,
            dab_weight: 1.0,
            dsbn: true,
            epochs: 15,
            batch_cells: 64,
            one_batch_per_step: true,
            learning_rate: 1e-4,
            decay: 0.9,
            clip: 1.0,
            validation_share: 0.1,
            checkpoint_every: 100,
            seed: 1,
        }
    }
}

impl IntegrateConfig {
    /// Reads the JSON of `--config`; `source` names it.
    ///
    /// # Errors
    ///
    /// Names a key that is unknown, of another type, or out of range.
    ///
    /// ```
    /// use ferrome_cell::task::integrate::IntegrateConfig;
    /// assert_eq!(IntegrateConfig::parse(r#"{"epochs": 3}"#, "c.json")?.epochs, 3);
    /// let refused = IntegrateConfig::parse(r#"{"mask_share": 1}"#, "c.json").unwrap_err();
    /// assert_eq!(refused.to_string(), "c.json: mask_share is 1, expected more than 0 and less than 1");
    /// # Ok::<(), ferrome_cell::Error>(())
    /// ```
    pub fn parse(json: &str, source: &str) -> Result<Self> {
        let config: Self = serde_json::from_str(json).map_err(|e| Error::file(source, e.to_string()))?;
        config.check().map_err(|reason| Error::file(source, reason))?;
        Ok(config)
    }

    /// Whether the settings can be.
    ///
    /// # Errors
    ///
    /// Says which cannot, and what was expected.
    pub fn check(&self) -> Result<(), String> {
        let shares = [("mask_share", self.mask_share), ("validation_share", self.validation_share)];
        if let Some((name, share)) = shares.into_iter().find(|&(_, share)| !(share > 0.0 && share < 1.0)) {
            return Err(format!("{name} is {share}, expected more than 0 and less than 1"));
        }
        let positive = [("learning_rate", self.learning_rate), ("decay", self.decay), ("clip", self.clip)];
        if let Some((name, value)) = positive.into_iter().find(|&(_, value)| !(value > 0.0 && value.is_finite())) {
            return Err(format!("{name} is {value}, expected more than 0"));
        }
        let weights =
            [("ecs_threshold", self.ecs_threshold), ("ecs_weight", self.ecs_weight), ("dab_weight", self.dab_weight)];
        if let Some((name, value)) = weights.into_iter().find(|&(_, value)| !(value >= 0.0 && value.is_finite())) {
            return Err(format!("{name} is {value}, expected 0 or more"));
        }
        let least = |value: u64, least: u64| move |name: &'static str| (value < least).then(|| at_least(name, least));
        least(self.genes as u64, 2)("genes")
            .or_else(|| least(u64::from(self.bins), 2)("bins"))
            .or_else(|| least(self.batch_cells as u64, 2)("batch_cells"))
            .or_else(|| least(self.epochs, 1)("epochs"))
            .or_else(|| least(self.checkpoint_every, 1)("checkpoint_every"))
            .map_or(Ok(()), Err)
    }

    /// What is learnt.
    #[must_use]
    pub fn objectives(&self) -> Objectives {
        Objectives {
            mvc: self.mvc,
            zero_probability: self.zero_probability,
            dab: self.dab_weight > 0.0,
            dsbn: self.dsbn,
        }
    }

    pub(super) fn ecs(&self) -> bool {
        self.ecs_threshold > 0.0 && self.ecs_weight > 0.0
    }

    /// The learning rate of an epoch, from 0.
    pub(super) fn rate(&self, epoch: u64) -> f64 {
        self.learning_rate * self.decay.powi(i32::try_from(epoch).unwrap_or(i32::MAX))
    }

    /// Adam without decay of weights, as the tutorial has it.
    pub(super) fn optimiser(&self) -> AdamWOptions {
        AdamWOptions { beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0.0, clip: self.clip }
    }
}

impl fmt::Display for VariableGenes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Flavor::from(*self).fmt(f)
    }
}

fn at_least(name: &str, least: u64) -> String {
    format!("expected {name} of {least} or more")
}
