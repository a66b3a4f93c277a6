//! The flags that decide what is learnt and how; what is not given is as in the configuration.

use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow};
use clap::ValueEnum;
use ferrome_cell::task::train::{ClassWeights, Lora, Matrix, Objective, TrainConfig};

#[derive(clap::Args, Debug)]
pub(super) struct Settings {
    /// JSON with settings; flags take the place of its keys
    #[arg(long, value_name = "CONFIG")]
    config: Option<PathBuf>,
    /// mlm (hidden genes; of an scGPT hidden values), or classify (cells by --label, genes by --genes)
    #[arg(long, value_name = "WHAT", help_heading = "What is learnt")]
    objective: Option<What>,
    /// Classify cells: the column with their class
    #[arg(long, value_name = "COLUMN", help_heading = "What is learnt", conflicts_with = "genes")]
    label: Option<String>,
    /// Classify genes: a table with the columns `gene` and `class`
    #[arg(long, value_name = "TABLE", help_heading = "What is learnt")]
    genes: Option<PathBuf>,
    /// Hold out whole groups, such as donors, by this column
    #[arg(long, value_name = "COLUMN", help_heading = "What is learnt")]
    group: Option<String>,
    /// Count every class the same, however rare
    #[arg(long, help_heading = "What is learnt")]
    balanced: bool,
    /// Leave the embeddings and so many blocks as they are
    #[arg(long, value_name = "N", help_heading = "How")]
    freeze: Option<usize>,
    /// Train low-rank adapters of this rank, and the head, instead of the blocks
    #[arg(long, value_name = "RANK", help_heading = "How")]
    lora: Option<i64>,
    /// LoRA: the scale times the rank [default: twice the rank]
    #[arg(long, value_name = "ALPHA", help_heading = "How")]
    lora_alpha: Option<f64>,
    /// LoRA: of query, key, value, attention-output, intermediate, output, with commas [default: query,value]
    #[arg(long, value_name = "MATRIX", value_delimiter = ',', help_heading = "How")]
    lora_targets: Vec<Matrix>,
    /// Most passes over the cells
    #[arg(long, value_name = "N", help_heading = "How")]
    epochs: Option<u64>,
    /// Stop when so many measurements have not bettered the best; 0 for never
    #[arg(long, value_name = "N", help_heading = "How")]
    patience: Option<u64>,
    /// Highest learning rate
    #[arg(long, value_name = "RATE", help_heading = "How")]
    lr: Option<f64>,
    /// Most tokens of a cell, from the highest rank
    #[arg(long, value_name = "N", help_heading = "How")]
    max_length: Option<usize>,
    /// Seed of everything random
    #[arg(long, value_name = "N", help_heading = "How")]
    seed: Option<u64>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum What {
    Mlm,
    Classify,
}

impl Settings {
    pub(super) fn config(&self) -> Result<TrainConfig> {
        let mut config = match &self.config {
            Some(path) => TrainConfig::parse(&fs_err::read_to_string(path)?, path)?,
            None => TrainConfig::parse("{}", Path::new(""))?,
        };
        if let Some(what) = self.objective {
            config.objective = match what {
                What::Mlm => Objective::Mlm,
                What::Classify => Objective::Classify,
            };
        }
        config.label = self.label.clone().or(config.label);
        config.genes = self.genes.clone().or(config.genes);
        config.split.group = self.group.clone().or(config.split.group);
        if self.balanced {
            config.class_weights = ClassWeights::Balanced;
        }
        config.freeze = self.freeze.unwrap_or(config.freeze);
        config.lora = self.lora(config.lora);
        config.epochs = self.epochs.unwrap_or(config.epochs);
        config.patience = self.patience.unwrap_or(config.patience);
        config.learning_rate = self.lr.unwrap_or(config.learning_rate);
        config.max_length = self.max_length.or(config.max_length);
        config.seed = self.seed.unwrap_or(config.seed);
        config.check().map_err(|reason| anyhow!(reason))?;
        Ok(config)
    }

    fn lora(&self, given: Option<Lora>) -> Option<Lora> {
        let asked = self.lora.is_some() || self.lora_alpha.is_some() || !self.lora_targets.is_empty();
        if !asked {
            return given;
        }
        let mut lora = given.unwrap_or_default();
        lora.rank = self.lora.unwrap_or(lora.rank);
        lora.alpha = self.lora_alpha.or(lora.alpha);
        if !self.lora_targets.is_empty() {
            lora.targets.clone_from(&self.lora_targets);
        }
        Some(lora)
    }
}
