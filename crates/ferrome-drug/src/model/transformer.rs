//! The graph transformer: one plan over message passing and attention.
//!
//! Papers: GraphGPS, Rampášek et al. 2022 (arXiv:2205.12454); SAT, Chen et al. 2022 (arXiv:2202.03036); GraphiT, Mialon et
//! al. 2021 (arXiv:2106.05667); GraphTrans, Wu et al. 2021 (arXiv:2201.08821).

use tch::Tensor;

use super::{AttentionConfig, GraphConfig, Pooling, Step, Weights, encoder::Encoder, kernel, layer::Layer};
use crate::{Error, Result, graph::GraphBatch};

/// Encodes every node of every graph, and every graph.
#[derive(Debug)]
pub struct GraphTransformer {
    config: GraphConfig,
    encoder: Encoder,
    layers: Vec<Layer>,
}

impl GraphTransformer {
    /// Takes the tensors of this configuration; the caller ends with [`Weights::finish`].
    ///
    /// # Errors
    ///
    /// The configuration contradicts itself; the device has no room.
    pub fn load(weights: &Weights, config: &GraphConfig) -> Result<Self> {
        let (d, h) = (config.hidden_size, config.num_attention_heads);
        if h < 1 || d < 1 || d % h != 0 {
            return Err(Error::Model(format!("num_attention_heads {h} does not divide hidden_size {d}")));
        }
        let steps = config.layers.steps();
        let uses_edges =
            |step: &Step| *step != Step::Attention || matches!(config.attention, AttentionConfig::Sat { .. });
        let last = steps.iter().rposition(uses_edges);
        let layers = steps.iter().enumerate().map(|(i, &step)| {
            Layer::load(&weights.pp(format!("layers.{i}")), config, step, last.is_none_or(|last| i >= last))
        });
        Ok(Self {
            encoder: Encoder::load(weights, config, last.is_some())?,
            layers: layers.collect::<Result<_>>()?,
            config: config.clone(),
        })
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &GraphConfig {
        &self.config
    }

    /// Nodes after the last layer, `[n, d]`; `visit` gets those before the first layer (0) and after each (1, 2, …).
    ///
    /// # Errors
    ///
    /// The batch lacks positions that the model needs; the device has no room; `visit` fails.
    pub fn nodes(
        &self,
        batch: &GraphBatch,
        train: bool,
        mut visit: impl FnMut(usize, &Tensor) -> Result<()>,
    ) -> Result<Tensor> {
        let kernels = match self.config.attention {
            AttentionConfig::GraphiT { kernel } => kernel::kernels(kernel, batch)?,
            _ => Vec::new(),
        };
        let mut state = self.encoder.forward(batch, train)?;
        visit(0, &state.nodes)?;
        for (i, layer) in self.layers.iter().enumerate() {
            state = layer.forward(state, batch, &kernels, train)?;
            visit(i + 1, &state.nodes)?;
        }
        Ok(state.nodes)
    }

    /// One vector per graph: `[g, d]`.
    ///
    /// # Errors
    ///
    /// As [`GraphTransformer::nodes`].
    pub fn forward(&self, batch: &GraphBatch, train: bool) -> Result<Tensor> {
        let sum = batch.into_graphs(&self.nodes(batch, train, |_, _| Ok(()))?)?;
        match self.config.pooling {
            Pooling::Sum => Ok(sum),
            Pooling::Mean => Ok(sum.f_div(&batch.sizes)?),
        }
    }
}
