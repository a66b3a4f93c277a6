use ferrome_core::nn::Sequences;
use tch::{Device, Kind, Tensor};

use super::{Buckets, PackedGraphs};
use crate::Result;

/// Packed graphs as tensors on one device: `g` graphs, `n` nodes, `e` edges.
#[derive(Debug)]
pub struct GraphBatch {
    /// `[n, f]` (i64).
    pub node_features: Tensor,
    /// `[e, f]` (i64).
    pub edge_features: Tensor,
    /// `[e]` (i64): where each edge begins.
    pub source: Tensor,
    /// `[e]` (i64): where it ends.
    pub target: Tensor,
    /// `[n]` (i64): the graph of each node.
    pub graph: Tensor,
    /// `[g, 1]` (f32): the nodes of each graph.
    pub sizes: Tensor,
    /// `[n, 1]` (f32): the edges that end at each node.
    pub degree: Tensor,
    /// `[n, k]` (f32), where given.
    pub random_walks: Option<Tensor>,
    /// `[n, p, 2]` (f32): Laplacian eigenvalue and vector element, where given.
    pub laplacian: Option<Tensor>,
    /// Where the graphs lie, as sequences of nodes.
    pub sequences: Sequences,
    /// The graphs by size.
    pub buckets: Buckets,
}

impl GraphBatch {
    /// Moves packed graphs to a device. They are taken as they are: see [`PackedGraphs::check`].
    ///
    /// # Errors
    ///
    /// Fails when the device has no room, and when there are positions for another number of nodes.
    pub fn new(graphs: &PackedGraphs, device: Device) -> Result<Self> {
        let (n, e) = (graphs.nodes() as i64, graphs.edges.len() as i64);
        let sizes: Vec<i64> = graphs.sizes().map(i64::from).collect();
        let graph: Vec<i64> = (0..).zip(&sizes).flat_map(|(graph, &size)| (0..size).map(move |_| graph)).collect();
        let ends = |end: usize| graphs.edges.iter().map(|edge| i64::from(edge[end])).collect::<Vec<_>>();
        let (source, target) = (ends(0), ends(1));
        let mut degree = vec![0.0_f32; n as usize];
        for &node in &target {
            if let Some(count) = degree.get_mut(node as usize) {
                *count += 1.0;
            }
        }
        let counts: Vec<f32> = sizes.iter().map(|&size| size as f32).collect();
        Ok(Self {
            node_features: columns(&graphs.node_features, n, device)?,
            edge_features: columns(&graphs.edge_features, e, device)?,
            source: Tensor::f_from_slice(&source)?.f_to_device(device)?,
            target: Tensor::f_from_slice(&target)?.f_to_device(device)?,
            graph: Tensor::f_from_slice(&graph)?.f_to_device(device)?,
            sizes: Tensor::f_from_slice(&counts)?.f_unsqueeze(1)?.f_to_device(device)?,
            degree: Tensor::f_from_slice(&degree)?.f_unsqueeze(1)?.f_to_device(device)?,
            random_walks: positions(&graphs.random_walks, &[n, -1], device)?,
            laplacian: positions(&graphs.laplacian, &[n, -1, 2], device)?,
            sequences: Sequences::new(&sizes, device)?,
            buckets: Buckets::new(&sizes, device)?,
        })
    }

    /// The number of graphs.
    #[must_use]
    pub fn graphs(&self) -> i64 {
        self.sizes.size().first().copied().unwrap_or(0)
    }

    /// Sums rows of edges into the nodes where they end: `[e, d] -> [n, d]`.
    ///
    /// # Errors
    ///
    /// Fails when there is another number of rows than edges.
    pub fn into_targets(&self, rows: &Tensor) -> Result<Tensor> {
        let n = self.graph.size1()?;
        Ok(Tensor::f_zeros([n, rows.size2()?.1], (rows.f_kind()?, rows.device()))?.f_index_add(
            0,
            &self.target,
            rows,
        )?)
    }

    /// Sums rows of nodes into their graphs: `[n, d] -> [g, d]`.
    ///
    /// # Errors
    ///
    /// Fails when there is another number of rows than nodes.
    pub fn into_graphs(&self, rows: &Tensor) -> Result<Tensor> {
        let d = rows.size2()?.1;
        Ok(Tensor::f_zeros([self.graphs(), d], (rows.f_kind()?, rows.device()))?.f_index_add(0, &self.graph, rows)?)
    }
}

fn columns(values: &[u8], rows: i64, device: Device) -> Result<Tensor> {
    let width = if rows == 0 { 0 } else { values.len() as i64 / rows };
    Ok(Tensor::f_from_slice(values)?.f_view([rows, width])?.f_to_kind(Kind::Int64)?.f_to_device(device)?)
}

fn positions(values: &[f32], shape: &[i64], device: Device) -> Result<Option<Tensor>> {
    if values.is_empty() {
        return Ok(None);
    }
    Ok(Some(Tensor::f_from_slice(values)?.f_view(shape)?.f_to_device(device)?))
}
