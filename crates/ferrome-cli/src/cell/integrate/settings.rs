//! The settings of a training: those of `--config`, and the flags that stand above them.

use std::path::PathBuf;

use anyhow::{Result, bail};
use ferrome_cell::task::integrate::IntegrateConfig;

#[derive(clap::Args, Clone, Debug)]
pub(super) struct Settings {
    /// JSON: genes, flavor, bins, mask_share, mvc, zero_probability, ecs_threshold, ecs_weight, dab_weight, dsbn, epochs, batch_cells,
    /// one_batch_per_step, learning_rate, decay, clip, validation_share, checkpoint_every, seed
    #[arg(long, value_name = "CONFIG", help_heading = "Training")]
    config: Option<PathBuf>,
    /// Passes over the cells [default: 15]
    #[arg(long, value_name = "N", help_heading = "Training")]
    epochs: Option<u64>,
    /// Variable genes that the model sees [default: 1200]
    #[arg(long, visible_alias = "hvg", value_name = "N", help_heading = "Training")]
    variable_genes: Option<usize>,
    /// Cells of a step [default: 64]
    #[arg(long, value_name = "N", help_heading = "Training")]
    batch_cells: Option<usize>,
    /// Learning rate of the first epoch [default: 1e-4]
    #[arg(long, value_name = "RATE", help_heading = "Training")]
    lr: Option<f64>,
    /// What the discriminator of batches counts; 0 leaves it out [default: 1]
    #[arg(long, value_name = "WEIGHT", help_heading = "Training")]
    dab_weight: Option<f64>,
    /// Seed of everything random [default: 1]
    #[arg(long, value_name = "N", help_heading = "Training")]
    seed: Option<u64>,
}

impl Settings {
    pub(super) fn config(&self) -> Result<IntegrateConfig> {
        let mut config = match &self.config {
            Some(path) => IntegrateConfig::parse(&fs_err::read_to_string(path)?, &path.display().to_string())?,
            None => IntegrateConfig::default(),
        };
        config.epochs = self.epochs.unwrap_or(config.epochs);
        config.genes = self.variable_genes.unwrap_or(config.genes);
        config.batch_cells = self.batch_cells.unwrap_or(config.batch_cells);
        config.learning_rate = self.lr.unwrap_or(config.learning_rate);
        config.dab_weight = self.dab_weight.unwrap_or(config.dab_weight);
        config.seed = self.seed.unwrap_or(config.seed);
        match config.check() {
            Ok(()) => Ok(config),
            Err(reason) => bail!("{reason}"),
        }
    }
}
