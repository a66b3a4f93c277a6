//! Leiden clusters of the neighbour graph, at the resolution that agrees best with known types.

use super::{adjusted_rand_index, normalized_mutual_information};
use crate::community::{Graph, Options, leiden};

/// Resolutions are tried in steps of a tenth, up to so many.
const STEPS: u32 = 20;
/// How often Leiden begins again from its own result, as scanpy and cz-benchmarks let it.
const ITERATIONS: usize = 2;

/// Clusters and how they agree with types.
#[derive(Clone, Debug, PartialEq)]
pub struct Clusters {
    /// The resolution whose NMI is highest; the lowest of several.
    pub resolution: f64,
    /// Normalised mutual information with the types.
    pub nmi: f64,
    /// Adjusted Rand index with the types.
    pub ari: f64,
    /// The cluster of each cell.
    pub of: Vec<u32>,
}

impl Clusters {
    /// Number of clusters.
    #[must_use]
    pub fn count(&self) -> usize {
        self.of.iter().max().map_or(0, |&last| last as usize + 1)
    }
}

/// Clusters at the best resolution; `near` are the neighbours of each cell. `None` without a known type.
#[must_use]
pub fn best_clusters(near: &[Vec<u32>], types: &[Option<usize>]) -> Option<Clusters> {
    let edges = near.iter().zip(0..).flat_map(|(near, cell)| near.iter().map(move |&other| (cell, other, 1.0)));
    let graph = Graph::new(near.len(), edges);
    let known: Vec<usize> = types.iter().flatten().copied().collect();
    if known.is_empty() {
        return None;
    }
    let mut best: Option<Clusters> = None;
    for step in 1..=STEPS {
        let resolution = f64::from(step) / 10.0;
        let of = leiden(&graph, &Options { resolution, iterations: ITERATIONS, seed: 0 });
        let found = of.iter().zip(types).filter(|(_, known)| known.is_some()).map(|(&cluster, _)| cluster as usize);
        let found: Vec<usize> = found.collect();
        let nmi = normalized_mutual_information(&known, &found);
        if best.as_ref().is_none_or(|best| nmi > best.nmi) {
            best = Some(Clusters { resolution, nmi, ari: adjusted_rand_index(&known, &found), of });
        }
    }
    best
}
