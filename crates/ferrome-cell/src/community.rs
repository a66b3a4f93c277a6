//! Communities in weighted graphs: the Leiden algorithm.
//!
//! Source: Traag, Waltman and van Eck 2019, <https://doi.org/10.1038/s41598-019-41695-z>, with modularity at a resolution
//! (Reichardt and Bornholdt 2006) as quality:
//!
//! ```text
//! Q = sum over communities C of  inside(C) / 2m - resolution * (degree(C) / 2m)^2
//! ```

mod graph;
mod moves;
mod refine;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

pub use graph::Graph;

/// How communities are sought.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// The higher, the more communities; 1 is modularity.
    pub resolution: f64,
    /// How often the algorithm begins again from its own result; it stops earlier when nothing changes.
    pub iterations: usize,
    /// Where chance begins.
    pub seed: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { resolution: 1.0, iterations: 10, seed: 0 }
    }
}

/// The community of each node, numbered from 0 by size, largest first, and among equals by their first node.
///
/// ```
/// use ferrome_cell::community::{Graph, Options, leiden};
///
/// // Two triangles, held together by one edge.
/// let edges = [(0, 1, 1.0), (1, 2, 1.0), (0, 2, 1.0), (3, 4, 1.0), (4, 5, 1.0), (3, 5, 1.0), (2, 3, 1.0)];
/// assert_eq!(leiden(&Graph::new(6, edges), &Options::default()), [0, 0, 0, 1, 1, 1]);
/// ```
#[must_use]
pub fn leiden(graph: &Graph, options: &Options) -> Vec<u32> {
    let mut random = ChaCha8Rng::seed_from_u64(options.seed);
    let mut communities: Vec<u32> = (0..graph.nodes() as u32).collect();
    for _ in 0..options.iterations.max(1) {
        let better = once(graph, communities.clone(), options.resolution, &mut random);
        let same = numbered(&better) == numbered(&communities);
        communities = better;
        if same {
            break;
        }
    }
    numbered(&communities)
}

/// How much of the weight lies within communities, beyond what chance would put there.
#[must_use]
pub fn modularity(graph: &Graph, communities: &[u32], resolution: f64) -> f64 {
    let count = communities.iter().max().map_or(0, |&most| most as usize + 1);
    let (mut inside, mut degrees) = (0.0, vec![0.0; count]);
    for (node, &community) in communities.iter().enumerate() {
        degrees[community as usize] += graph.degree(node);
        inside += 2.0 * graph.own(node);
        inside += graph.edges(node).filter(|&(other, _)| communities[other] == community).map(|(_, w)| w).sum::<f64>();
    }
    let total = graph.total().max(f64::MIN_POSITIVE);
    inside / total - resolution * degrees.iter().map(|degree| (degree / total).powi(2)).sum::<f64>()
}

/// Moves, refines and joins until every community is one node.
fn once(graph: &Graph, start: Vec<u32>, resolution: f64, random: &mut ChaCha8Rng) -> Vec<u32> {
    let mut level = graph.clone();
    let mut communities = moves::compact(&start);
    // For each node of the graph, the node of the level that it is part of.
    let mut part: Vec<u32> = (0..graph.nodes() as u32).collect();
    loop {
        moves::run(&level, &mut communities, resolution, random);
        communities = moves::compact(&communities);
        let count = communities.iter().max().map_or(0, |&most| most as usize + 1);
        if count == level.nodes() {
            break;
        }
        let refined = moves::compact(&refine::run(&level, &communities, resolution, random));
        let nodes = refined.iter().max().map_or(0, |&most| most as usize + 1);
        if nodes == level.nodes() {
            break;
        }
        let mut above = vec![0; nodes];
        for (&node, &community) in refined.iter().zip(&communities) {
            above[node as usize] = community;
        }
        level = level.joined(&refined, nodes);
        part.iter_mut().for_each(|place| *place = refined[*place as usize]);
        communities = above;
    }
    part.iter().map(|&place| communities[place as usize]).collect()
}

/// Numbers communities by size.
fn numbered(communities: &[u32]) -> Vec<u32> {
    let communities = moves::compact(communities);
    let count = communities.iter().max().map_or(0, |&most| most as usize + 1);
    let mut sizes = vec![0_usize; count];
    communities.iter().for_each(|&community| sizes[community as usize] += 1);
    // `compact` numbers them by their first node, and the sort is stable.
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by_key(|&community| std::cmp::Reverse(sizes[community]));
    let mut number = vec![0; count];
    (0..).zip(order).for_each(|(new, old)| number[old] = new);
    communities.iter().map(|&community| number[community as usize]).collect()
}

#[cfg(test)]
mod tests;
