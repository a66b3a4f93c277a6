//! Gene networks: which genes a model holds for alike, and which it looks at together.
//!
//! Two kinds, after scGPT's tutorials:
//!
//! | from | an edge is | its weight |
//! |---|---|---|
//! | embeddings | a gene among the nearest of another, by what each is to the model before it has seen a cell | cosine |
//! | attention | a gene that another's query finds, more in cells of a condition than in those of the control | change of rank |
//!
//! Modules are the communities that the Leiden algorithm finds in the edges.

mod attention;
mod model;
mod panel;
mod rank;
mod table;

use tch::Tensor;

use crate::Result;
use crate::community::{self, Graph, leiden};
use crate::neighbours::{edges, nearest};

pub use attention::{Attention, Contrast};
pub use model::NetworkModel;
pub use panel::{Panel, Survey, survey};

/// A network of genes, numbered as in its panel.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Network {
    /// The condition that it is of; none for embeddings, or where cells have none.
    pub condition: Option<String>,
    /// Its edges, the heaviest first.
    pub edges: Vec<Edge>,
    /// The module of each gene of the panel, largest first; none for genes without an edge.
    pub modules: Vec<Option<u32>>,
}

/// An edge from a gene to another; direction means something for attention only, where `source` asks and `target` answers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Edge {
    /// The gene whose query it is.
    pub source: u32,
    /// The gene whose key it is.
    pub target: u32,
    /// What edges are ordered by: the cosine, the mean rank, or the mean rank less that of the control.
    pub weight: f64,
    /// What attention says of it.
    pub attention: Option<Ranks>,
}

/// Mean ranks of a pair in the attention of cells, from 0 (last) to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ranks {
    /// In the cells of the condition.
    pub condition: f64,
    /// In those of the control, where there is one.
    pub control: Option<f64>,
    /// Cells of the condition that have both genes.
    pub cells: u32,
}

/// The network of what genes are to a model: `embeddings` is `[g, d]`, one row per gene of the panel.
///
/// # Errors
///
/// Fails when the device has no room.
pub fn of_embeddings(embeddings: &Tensor, neighbours: usize, options: &community::Options) -> Result<Network> {
    let genes = usize::try_from(embeddings.size2()?.0).unwrap_or(0);
    let found = edges(&nearest(embeddings, neighbours)?);
    let edges = found.iter().map(|&(source, target, weight)| Edge { source, target, weight, attention: None });
    Ok(Network::new(None, edges.collect(), genes, options))
}

impl Network {
    /// Orders edges by weight and finds the modules among so many genes.
    fn new(condition: Option<String>, mut edges: Vec<Edge>, genes: usize, options: &community::Options) -> Self {
        edges.sort_by(|a, b| b.weight.total_cmp(&a.weight).then((a.source, a.target).cmp(&(b.source, b.target))));
        let graph = Graph::new(genes, edges.iter().map(|edge| (edge.source, edge.target, edge.weight)));
        let communities = leiden(&graph, options);
        let alone = |gene: usize| graph.edges(gene).next().is_none();
        let modules = communities.iter().enumerate().map(|(gene, &module)| (!alone(gene)).then_some(module)).collect();
        Self { condition, edges, modules }
    }

    /// Number of modules.
    #[must_use]
    pub fn count(&self) -> usize {
        self.modules.iter().flatten().max().map_or(0, |&most| most as usize + 1)
    }
}

pub use table::write;

#[cfg(test)]
mod tests;
