//! The k-subtree structure extractor of SAT (Chen, O'Bray and Borgwardt, ICML 2022):
//! `output(norm([x, gnn_1(x), gnn_2(gnn_1(x)), …]))`.

use ferrome_core::nn::Linear;
use tch::Tensor;

use super::{Weights, message::Gine, norm::BatchNorm};
use crate::{Result, graph::GraphBatch};

#[derive(Debug)]
pub(super) struct StructureExtractor {
    gnn: Vec<Gine>,
    norm: BatchNorm,
    output: Linear,
}

impl StructureExtractor {
    pub(super) fn load(weights: &Weights, d: i64, k: usize) -> Result<Self> {
        let wide = (k as i64 + 1) * d;
        Ok(Self {
            gnn: (0..k).map(|i| Gine::load(&weights.pp(format!("gnn.{i}")), d)).collect::<Result<_>>()?,
            norm: BatchNorm::load(&weights.pp("norm"), wide)?,
            output: weights.linear("output", wide, d)?,
        })
    }

    /// `[n, d], [e, d] -> [n, d]`.
    pub(super) fn forward(&self, nodes: &Tensor, edges: &Tensor, batch: &GraphBatch, train: bool) -> Result<Tensor> {
        let mut levels = vec![nodes.shallow_clone()];
        for gnn in &self.gnn {
            let last = levels.last().unwrap_or(nodes);
            levels.push(gnn.forward(last, edges, batch)?.f_relu()?);
        }
        let wide = Tensor::f_cat(&levels, 1)?; // (k + 1) of [n, d] -> [n, (k + 1) d]
        Ok(self.output.forward(&self.norm.forward(&wide, train)?)?)
    }
}
