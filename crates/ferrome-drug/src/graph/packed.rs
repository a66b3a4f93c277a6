use crate::featurize::{MolGraph, Positions};

/// `g` graphs with `n` nodes and `e` directed edges in all; every undirected edge stands in both directions.
///
/// What a column means is the model's to say; the number of columns follows from the lengths.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PackedGraphs {
    /// `[n, f]`, row by row: the value of each categorical feature of a node.
    pub node_features: Vec<u8>,
    /// `[e]`: from and to which of the `n` nodes.
    pub edges: Vec<[u32; 2]>,
    /// `[e, f]`, row by row: the value of each categorical feature of an edge.
    pub edge_features: Vec<u8>,
    /// `[g + 1]`: where the nodes of each graph begin; the first is 0, the last is `n`.
    pub starts: Vec<u32>,
    /// `[n, k]`: random-walk positions; empty where the model wants none.
    pub random_walks: Vec<f32>,
    /// `[n, 2 p]`: pairs of Laplacian eigenvalue and the node's element of its vector; empty where the model wants none.
    pub laplacian: Vec<f32>,
}

impl PackedGraphs {
    /// Packs molecules in their order, each with its random-walk and its Laplacian positions (of width 0 for none).
    #[must_use]
    pub fn new<'a>(molecules: impl IntoIterator<Item = (&'a MolGraph, &'a Positions, &'a Positions)>) -> Self {
        let mut packed = Self { starts: vec![0], ..Self::default() };
        let mut first = 0;
        for (graph, walks, laplacian) in molecules {
            packed.node_features.extend_from_slice(&graph.atom_features);
            packed.edges.extend(graph.edges.iter().map(|edge| edge.map(|node| node + first)));
            packed.edge_features.extend_from_slice(&graph.bond_features);
            packed.random_walks.extend_from_slice(&walks.values);
            packed.laplacian.extend_from_slice(&laplacian.values);
            first += graph.atoms() as u32;
            packed.starts.push(first);
        }
        packed
    }

    /// The number of graphs.
    #[must_use]
    pub fn graphs(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// The number of nodes.
    #[must_use]
    pub fn nodes(&self) -> usize {
        self.starts.last().map_or(0, |&end| end as usize)
    }

    /// The number of nodes of each graph.
    pub fn sizes(&self) -> impl Iterator<Item = u32> {
        self.starts.windows(2).map(|pair| pair[1].saturating_sub(pair[0]))
    }

    /// Checks that the parts belong together: every graph has a node, every edge stays within its graph, every column is
    /// whole, and every feature is less than its entry in `node_sizes` or `edge_sizes`.
    ///
    /// # Errors
    ///
    /// What does not fit.
    ///
    /// ```
    /// use ferrome_drug::graph::PackedGraphs;
    /// let ethane = PackedGraphs {
    ///     node_features: vec![6, 6],
    ///     edges: vec![[0, 1], [1, 0]],
    ///     edge_features: vec![0, 0],
    ///     starts: vec![0, 2],
    ///     ..PackedGraphs::default()
    /// };
    /// assert_eq!(ethane.check(&[119], &[5]), Ok(()));
    /// assert_eq!(ethane.check(&[6], &[5]), Err("node feature 0 is 6, expected less than 6".into()));
    /// ```
    pub fn check(&self, node_sizes: &[i64], edge_sizes: &[i64]) -> Result<(), String> {
        let ordered = self.starts.first() == Some(&0) && self.starts.windows(2).all(|pair| pair[0] < pair[1]);
        if !ordered {
            return Err("graph starts must begin at 0 and rise".into());
        }
        check_columns("node", &self.node_features, self.nodes(), node_sizes)?;
        check_columns("edge", &self.edge_features, self.edges.len(), edge_sizes)?;
        let nodes = self.nodes();
        for (what, values) in [("random-walk", &self.random_walks), ("Laplacian", &self.laplacian)] {
            if values.len() % nodes.max(1) != 0 {
                return Err(format!("{} {what} positions do not divide among {nodes} nodes", values.len()));
            }
        }
        match self
            .edges
            .iter()
            .find(|&&[from, to]| self.graph_of(from).is_none_or(|graph| self.graph_of(to) != Some(graph)))
        {
            Some([from, to]) => Err(format!("edge {from} to {to} leaves its graph")),
            None => Ok(()),
        }
    }

    /// The graph of a node.
    fn graph_of(&self, node: u32) -> Option<usize> {
        let before = self.starts.partition_point(|&start| start <= node);
        (before > 0 && before < self.starts.len()).then(|| before - 1)
    }
}

fn check_columns(what: &str, values: &[u8], rows: usize, sizes: &[i64]) -> Result<(), String> {
    if values.len() != rows * sizes.len() {
        return Err(format!("{} {what} features, expected {rows} rows of {}", values.len(), sizes.len()));
    }
    for row in values.chunks(sizes.len().max(1)) {
        let outside = row.iter().zip(sizes).position(|(&value, &size)| i64::from(value) >= size);
        if let Some(column) = outside {
            return Err(format!("{what} feature {column} is {}, expected less than {}", row[column], sizes[column]));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two_pairs() -> PackedGraphs {
        PackedGraphs {
            node_features: vec![1, 2, 3, 4],
            edges: vec![[0, 1], [1, 0], [2, 3], [3, 2]],
            edge_features: vec![0; 4],
            starts: vec![0, 2, 4],
            random_walks: vec![0.5; 8],
            laplacian: Vec::new(),
        }
    }

    #[test]
    fn molecules_keep_their_bonds_and_positions() {
        use crate::{
            featurize::{ATOM_SIZES, BOND_SIZES},
            molecule::{MolSource, Molecule},
        };
        let graphs: Vec<MolGraph> =
            ["CC", "O", "c1ccccc1"].map(|smiles| MolGraph::new(&Molecule::parse(smiles).unwrap()).unwrap()).into();
        let walks: Vec<Positions> = graphs.iter().map(|graph| Positions::random_walks(graph, 2)).collect();
        let none = Positions::default();
        let packed = PackedGraphs::new(graphs.iter().zip(&walks).map(|(graph, walks)| (graph, walks, &none)));
        assert_eq!(packed.check(&ATOM_SIZES.map(|n| n as i64), &BOND_SIZES.map(|n| n as i64)), Ok(()));
        assert_eq!((packed.graphs(), packed.nodes(), packed.edges.len()), (3, 9, 14));
        assert_eq!(packed.edges[2..4], [[3, 4], [4, 3]]);
        assert_eq!(packed.random_walks[..8], [0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.5]);
    }

    #[test]
    fn defects_are_told() {
        let told = |change: fn(&mut PackedGraphs)| {
            let mut graphs = two_pairs();
            change(&mut graphs);
            graphs.check(&[5], &[1]).unwrap_err()
        };
        assert_eq!(two_pairs().check(&[5], &[1]), Ok(()));
        assert_eq!(told(|g| g.edges[1] = [1, 2]), "edge 1 to 2 leaves its graph");
        assert_eq!(told(|g| g.edges[1] = [4, 4]), "edge 4 to 4 leaves its graph");
        assert_eq!(told(|g| g.starts = vec![0, 2, 2, 4]), "graph starts must begin at 0 and rise");
        assert_eq!(told(|g| g.starts = vec![]), "graph starts must begin at 0 and rise");
        assert_eq!(told(|g| g.node_features.push(0)), "5 node features, expected 4 rows of 1");
        assert_eq!(told(|g| g.edge_features[2] = 1), "edge feature 0 is 1, expected less than 1");
        assert_eq!(told(|g| g.random_walks.push(0.0)), "9 random-walk positions do not divide among 4 nodes");
    }
}
