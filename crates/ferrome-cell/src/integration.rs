//! How well cells of several batches are brought together, and kinds of cells kept apart: the measures of scIB.
//!
//! | measure | definition |
//! |---|---|
//! | `cell_type_asw` | mean silhouette width of the types, `(s + 1) / 2` |
//! | `nmi`, `ari` | agreement of types with Leiden clusters, at the resolution of 0.1, 0.2, … 2.0 whose NMI is highest |
//! | `graph_connectivity` | of each type the share of its cells in the largest connected piece of the neighbour graph; the mean over types |
//! | `batch_asw` | within each type that several batches have, the mean of `1 - abs(s)` of the batches; the mean over types |
//! | `batch_entropy` | of the batches among the [`AROUND`] nearest of each cell, over the logarithm of the number of batches; the mean over cells |
//! | `avg_bio` | mean of `nmi`, `ari` and `cell_type_asw` |
//! | `avg_batch` | mean of `graph_connectivity` and `batch_asw` |
//! | `overall` | `0.6 avg_bio + 0.4 avg_batch` |
//!
//! Distances are Euclidean. The graph of clusters and connectivity joins each cell with its [`NEIGHBOURS`] nearest; an edge that both
//! ends name counts twice.
//!
//! Sources: Luecken et al. 2022 (doi:10.1038/s41592-021-01336-8) and their package `scib`; Haghverdi et al. 2018
//! (doi:10.1038/nbt.4091) for the entropy, over its maximum as cz-benchmarks has it; the averages are those of the scGPT paper.

mod agreement;
mod clusters;
mod mixing;
mod silhouette;

use serde::Serialize;
use tch::Tensor;

pub use agreement::{adjusted_rand_index, normalized_mutual_information};
pub use clusters::{Clusters, best_clusters};
pub use mixing::{batch_entropy, graph_connectivity};
pub use silhouette::{batch_silhouette, silhouettes};

use crate::Result;
use crate::neighbours::nearest_by_distance;

/// Other cells that a cell is joined to in the graph of clusters and connectivity; `scanpy.pp.neighbors` has 15 with the cell itself.
pub const NEIGHBOURS: usize = 15;
/// Neighbours among which the entropy of batches is taken.
pub const AROUND: usize = 50;

/// The measures of one embedding; higher is better in all. What needs types is missing without them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Scores {
    /// Agreement of types and clusters: normalised mutual information.
    pub nmi: Option<f64>,
    /// The same: adjusted Rand index.
    pub ari: Option<f64>,
    /// Silhouette width of the types, from 0 to 1.
    pub cell_type_asw: Option<f64>,
    /// Share of a type in one piece of the graph.
    pub graph_connectivity: Option<f64>,
    /// One less the silhouette width of the batches, within types where there are any.
    pub batch_asw: Option<f64>,
    /// Entropy of the batches around a cell, from 0 to 1.
    pub batch_entropy: Option<f64>,
    /// Mean of the first three.
    pub avg_bio: Option<f64>,
    /// Mean of connectivity and batch silhouette.
    pub avg_batch: Option<f64>,
    /// Both, weighted 0.6 and 0.4.
    pub overall: Option<f64>,
    /// The resolution of the clusters.
    pub resolution: Option<f64>,
    /// Number of clusters.
    pub clusters: Option<usize>,
}

/// Scores `rows` (`[n, d]`) by each cell's batch and, where it has one, its type. Without any type the batches' silhouette is taken
/// over all cells together, and there are no clusters.
///
/// # Errors
///
/// There is no memory.
pub fn score(rows: &Tensor, batches: &[usize], types: &[Option<usize>]) -> Result<(Scores, Option<Clusters>)> {
    let _guard = tch::no_grad_guard();
    let mut scores = Scores { batch_entropy: batch_entropy(rows, batches, AROUND)?, ..Scores::default() };
    let labelled: Vec<usize> = (0..types.len()).filter(|&cell| types[cell].is_some()).collect();
    let known: Vec<usize> = types.iter().flatten().copied().collect();
    if known.is_empty() {
        scores.batch_asw = batch_silhouette(rows, batches, &vec![0; batches.len()])?;
        return Ok((scores, None));
    }
    let of_labelled = silhouette::rows_of(rows, &labelled)?;
    let batches: Vec<usize> = labelled.iter().map(|&cell| batches[cell]).collect();
    scores.batch_asw = batch_silhouette(&of_labelled, &batches, &known)?;
    let widths = silhouettes(&of_labelled, &known)?;
    scores.cell_type_asw = widths.map(|widths| f64::midpoint(mean(&widths), 1.0));
    let near = nearest_by_distance(rows, NEIGHBOURS)?;
    scores.graph_connectivity = graph_connectivity(&near, types);
    let best = best_clusters(&near, types);
    if let Some(best) = &best {
        (scores.nmi, scores.ari) = (Some(best.nmi), Some(best.ari));
        (scores.resolution, scores.clusters) = (Some(best.resolution), Some(best.count()));
    }
    scores.average();
    Ok((scores, best))
}

impl Scores {
    /// Fills in what is an average of others.
    fn average(&mut self) {
        let all = |parts: &[Option<f64>]| parts.iter().copied().collect::<Option<Vec<f64>>>().map(|parts| mean(&parts));
        self.avg_bio = all(&[self.nmi, self.ari, self.cell_type_asw]);
        self.avg_batch = all(&[self.graph_connectivity, self.batch_asw]);
        self.overall = self.avg_bio.zip(self.avg_batch).map(|(bio, batch)| 0.6 * bio + 0.4 * batch);
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

/// Numbers from 0 in the order of `values`, and how many there are.
fn compact(values: &[usize]) -> (Vec<usize>, usize) {
    let mut all = values.to_vec();
    all.sort_unstable();
    all.dedup();
    (values.iter().map(|value| all.binary_search(value).unwrap_or(0)).collect(), all.len())
}

#[cfg(test)]
mod tests;
