/// An undirected graph with weights.
#[derive(Clone, Debug)]
pub struct Graph {
    starts: Vec<usize>,
    neighbours: Vec<u32>,
    weights: Vec<f64>,
    /// Weight of a node's edge to itself.
    own: Vec<f64>,
    degrees: Vec<f64>,
    total: f64,
}

impl Graph {
    /// A graph of so many nodes. An edge is given once, in either direction; if it comes again, its weights are summed. Weights
    /// that are not positive, and nodes that are not there, are left out.
    #[must_use]
    pub fn new(nodes: usize, edges: impl IntoIterator<Item = (u32, u32, f64)>) -> Self {
        let mut own = vec![0.0; nodes];
        let mut both = Vec::new();
        for (a, b, weight) in edges {
            let known = (a as usize) < nodes && (b as usize) < nodes;
            if !known || weight.is_nan() || weight <= 0.0 {
                continue;
            }
            if a == b {
                own[a as usize] += weight;
            } else {
                both.extend([(a, b, weight), (b, a, weight)]);
            }
        }
        both.sort_by_key(|&(a, b, _)| (a, b));
        both.dedup_by(|next, kept| {
            let same = (next.0, next.1) == (kept.0, kept.1);
            if same {
                kept.2 += next.2;
            }
            same
        });
        Self::of_sorted(nodes, &both, own)
    }

    fn of_sorted(nodes: usize, edges: &[(u32, u32, f64)], own: Vec<f64>) -> Self {
        let mut starts = vec![0; nodes + 1];
        edges.iter().for_each(|&(a, _, _)| starts[a as usize + 1] += 1);
        for node in 0..nodes {
            starts[node + 1] += starts[node];
        }
        let mut degrees: Vec<f64> = own.iter().map(|weight| 2.0 * weight).collect();
        edges.iter().for_each(|&(a, _, weight)| degrees[a as usize] += weight);
        let total = degrees.iter().sum();
        let neighbours = edges.iter().map(|&(_, b, _)| b).collect();
        let weights = edges.iter().map(|&(_, _, weight)| weight).collect();
        Self { starts, neighbours, weights, own, degrees, total }
    }

    /// Number of nodes.
    #[must_use]
    pub fn nodes(&self) -> usize {
        self.own.len()
    }

    /// Neighbours of a node, without itself, with the weights.
    pub fn edges(&self, node: usize) -> impl Iterator<Item = (usize, f64)> + '_ {
        let span = self.starts[node]..self.starts[node + 1];
        self.neighbours[span.clone()].iter().map(|&other| other as usize).zip(self.weights[span].iter().copied())
    }

    /// Weight of a node's edge to itself.
    #[must_use]
    pub fn own(&self, node: usize) -> f64 {
        self.own[node]
    }

    /// Weight of all ends of edges at a node; an edge to itself has two.
    #[must_use]
    pub fn degree(&self, node: usize) -> f64 {
        self.degrees[node]
    }

    /// Weight of all ends of edges: `2m`.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.total
    }

    /// The graph whose nodes are groups of nodes, numbered from 0.
    pub(super) fn joined(&self, groups: &[u32], count: usize) -> Self {
        let mut own = vec![0.0; count];
        let mut edges = Vec::with_capacity(self.neighbours.len() / 2);
        for node in 0..self.nodes() {
            let group = groups[node];
            own[group as usize] += self.own[node];
            for (other, weight) in self.edges(node).filter(|&(other, _)| other > node) {
                edges.push((group, groups[other], weight));
            }
        }
        let mut joined = Self::new(count, edges);
        for (node, weight) in own.into_iter().enumerate() {
            joined.own[node] += weight;
            joined.degrees[node] += 2.0 * weight;
            joined.total += 2.0 * weight;
        }
        joined
    }
}
