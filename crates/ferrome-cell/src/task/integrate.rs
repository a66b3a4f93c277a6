//! `ferrome cell integrate`: batches of cells brought together by an scGPT that is fine-tuned on them.
//!
//! ```text
//! loss = mse(decoder) + bernoulli(decoder)            of hidden genes, from their own representation      GEP
//!      + mse(mvc) + bernoulli(mvc)                    of hidden genes, from the cell's vector             GEPC, MVC
//!      + 10 mean(1 - (relu(cosine) - 0.8)^2)          of all pairs of cells of a step                     ECS
//!      + cross entropy of the batch, reversed         from the cell's vector                              DAB
//! ```
//!
//! with a batch normalisation for each batch before the first block (DSBN), and the batch told to the decoders.
//!
//! Source: Cui et al. 2024 (doi:10.1038/s41592-024-02201-0) and the integration tutorial of bowang-lab/scGPT. Here `<cls>` is never
//! hidden, each cell has the normalisation of its own batch, and the seed of a step is its number, so that a run that was stopped
//! goes on to the same bits.

mod cells;
mod config;
mod embed;
mod fit;
mod folder;
mod loss;
mod measured;
mod order;
mod page;
mod pictures;
mod report;
mod rival;
mod state;
mod tables;
mod ways;

pub use cells::{Columns, Corpus, Open};
pub use config::{IntegrateConfig, VariableGenes};
pub use fit::{Outcome, Progress, Start, train};
pub use measured::Measured;
pub use report::{Finish, Method, finish};
pub use rival::Rival;

#[cfg(test)]
mod tests;
