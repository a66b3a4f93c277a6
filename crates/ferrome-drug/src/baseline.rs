//! What simple methods reach, beside which every model is shown: the mean of the training values, and kernel ridge
//! regression over similarities of molecules and of sequences. The third baseline, a two-tower perceptron over fingerprints
//! and similarity rows, is a pair model without graphs.

mod kernel_ridge;
mod matrix;
mod similarity;
mod smith_waterman;

#[cfg(feature = "torch")]
pub(crate) use similarity::KmerIndex;
#[cfg(feature = "torch")]
pub(crate) use smith_waterman::row as alignment_scores;

pub use kernel_ridge::{Choice, Fit, Grid, KernelRidge, Observations, exponential};
pub use matrix::Matrix;
pub use similarity::{kmer_similarities, tanimoto, tanimoto_matrix};
pub use smith_waterman::{similarity_matrix, smith_waterman};

/// The mean: the prediction for every pair that knows nothing of either side. `None` without values.
#[must_use]
pub fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}
