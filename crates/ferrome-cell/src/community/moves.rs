//! Single nodes move to the neighbouring community that gains most, until none gains.

use std::collections::VecDeque;

use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::Graph;

/// A gain below this is rounding.
const LEAST: f64 = 1e-10;

/// Weights from one node to the communities around it.
pub(super) struct Around {
    weights: Vec<f64>,
    touched: Vec<u32>,
}

impl Around {
    pub(super) fn new(communities: usize) -> Self {
        Self { weights: vec![0.0; communities], touched: Vec::new() }
    }

    /// Looks around `node`, at the neighbours that `counts` accepts.
    pub(super) fn look(&mut self, graph: &Graph, node: usize, communities: &[u32], counts: impl Fn(usize) -> bool) {
        self.touched.drain(..).for_each(|community| self.weights[community as usize] = 0.0);
        for (other, weight) in graph.edges(node).filter(|&(other, _)| counts(other)) {
            let community = communities[other];
            if self.weights[community as usize] == 0.0 {
                self.touched.push(community);
            }
            self.weights[community as usize] += weight;
        }
    }

    pub(super) fn communities(&self) -> &[u32] {
        &self.touched
    }

    pub(super) fn weight(&self, community: u32) -> f64 {
        self.weights[community as usize]
    }
}

/// Moves nodes in random order; a node is looked at again when a neighbour has left for elsewhere.
pub(super) fn run(graph: &Graph, communities: &mut [u32], resolution: f64, random: &mut ChaCha8Rng) {
    let nodes = graph.nodes();
    let (mut degrees, mut sizes) = (vec![0.0; nodes], vec![0_usize; nodes]);
    for (node, &community) in communities.iter().enumerate() {
        degrees[community as usize] += graph.degree(node);
        sizes[community as usize] += 1;
    }
    let mut empty: Vec<u32> = (0..nodes as u32).filter(|&community| sizes[community as usize] == 0).collect();
    let mut order: Vec<usize> = (0..nodes).collect();
    order.shuffle(random);
    let mut queue: VecDeque<usize> = order.into();
    let mut queued = vec![true; nodes];
    let mut around = Around::new(nodes);
    while let Some(node) = queue.pop_front() {
        queued[node] = false;
        let (old, degree) = (communities[node], graph.degree(node));
        around.look(graph, node, communities, |_| true);
        degrees[old as usize] -= degree;
        sizes[old as usize] -= 1;
        let share = resolution * degree / graph.total().max(f64::MIN_POSITIVE);
        let gain = |community: u32| around.weight(community) - share * degrees[community as usize];
        let (mut best, mut most) = (old, gain(old));
        for &community in around.communities() {
            let gained = gain(community);
            if gained > most + LEAST {
                (best, most) = (community, gained);
            }
        }
        // To be alone gains nothing and costs nothing.
        if most < -LEAST
            && let Some(alone) = empty.pop()
        {
            best = alone;
        }
        if sizes[old as usize] == 0 && best != old {
            empty.push(old);
        }
        degrees[best as usize] += degree;
        sizes[best as usize] += 1;
        communities[node] = best;
        if best != old {
            for (other, _) in graph.edges(node).filter(|&(other, _)| communities[other] != best) {
                if !std::mem::replace(&mut queued[other], true) {
                    queue.push_back(other);
                }
            }
        }
    }
}

/// Numbers communities from 0 without gaps, by their first node.
pub(super) fn compact(communities: &[u32]) -> Vec<u32> {
    let count = communities.iter().max().map_or(0, |&most| most as usize + 1);
    let mut numbers = vec![u32::MAX; count];
    let mut next = 0;
    let number = |&community: &u32| {
        let number = &mut numbers[community as usize];
        if *number == u32::MAX {
            *number = next;
            next += 1;
        }
        *number
    };
    communities.iter().map(number).collect()
}
