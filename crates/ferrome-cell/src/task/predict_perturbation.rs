//! `ferrome cell predict-perturbation`: what the expression of cells is after genes are perturbed, by scGPT's generator.
//!
//! Data are as GEARS has them: a column says of each cell `ctrl`, `GENE+ctrl` or `GENE1+GENE2`. The generator learns to turn a control
//! cell, with the perturbed genes flagged, into a cell of the condition (mean squared error over the genes of the panel). Upstream
//! samples genes of each cell and so loses most perturbed genes; here they are always among those taken.
//!
//! Simple predictions are strong on such data (Ahlmann-Eltze et al. 2025, doi:10.1038/s41592-025-02772-6), so that the report has
//! them beside the generator: no change, the mean change of the training conditions, and the sum of the single changes.

mod config;
mod evaluate;
mod fit;
mod folder;
mod metrics;
mod predict;
mod screen;
mod split;

pub use config::TrainConfig;
pub use evaluate::{METHODS, Scores, evaluate, mean_of, write_report};
pub use fit::{Progress, Start, train};
pub use folder::{Prepared, save, write_predictions};
pub use metrics::Quality;
pub use predict::predict;
pub use screen::{Condition, Screen, Wanted, gene_names};
pub use split::Split;

#[cfg(test)]
mod tests;
