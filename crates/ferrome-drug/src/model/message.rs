//! Message passing: GINE (Hu et al., ICLR 2020) and GatedGCN (Bresson and Laurent 2017, as in GraphGPS).
//!
//! ```text
//! GINE      x_i = second(relu(first(x_i + sum_j relu(x_j + e_ji))))
//! GatedGCN  s_ji = D x_i + E x_j + C e_ji,  x_i = A x_i + sum_j sigma(s_ji) B x_j / (sum_j sigma(s_ji) + 1e-6)
//!           x = x + dropout(relu(norm(x))),  e = e + dropout(relu(norm(s)))
//! ```

use ferrome_core::nn::Linear;
use tch::Tensor;

use super::{
    GraphConfig, MessageKind, Weights,
    mlp::{active, drop_out},
    norm::Norm,
};
use crate::{Result, graph::GraphBatch};

/// Nodes and edges of a batch on their way through the layers.
#[derive(Debug)]
pub(super) struct State {
    /// `[n, d]`.
    pub(super) nodes: Tensor,
    /// `[e, d]`; `[0, d]` where no layer looks at them.
    pub(super) edges: Tensor,
}

/// One layer of message passing with its residual.
#[derive(Debug)]
pub(super) enum Message {
    Gine { gine: Gine, norm: Norm, dropout: f64 },
    GatedGcn { gated: Box<GatedGcn>, norm: Option<Norm> },
}

impl Message {
    /// `parallel`: as half of a GPS layer, where a norm follows whatever the messages are. `last`: no later layer looks at
    /// the edges.
    pub(super) fn load(weights: &Weights, config: &GraphConfig, parallel: bool, last: bool) -> Result<Self> {
        let norm = || Norm::load(weights, "norm", config.hidden_size, config.norm);
        Ok(match config.message {
            MessageKind::Gine => {
                Self::Gine { gine: Gine::load(weights, config.hidden_size)?, norm: norm()?, dropout: config.dropout }
            }
            MessageKind::GatedGcn => {
                let gated = Box::new(GatedGcn::load(weights, config, last)?);
                Self::GatedGcn { gated, norm: parallel.then(norm).transpose()? }
            }
        })
    }

    pub(super) fn forward(&self, state: &State, batch: &GraphBatch, train: bool) -> Result<State> {
        match self {
            Self::Gine { gine, norm, dropout } => {
                let messages = drop_out(gine.forward(&state.nodes, &state.edges, batch)?, *dropout, train)?;
                let nodes = norm.forward(&state.nodes.f_add(&messages)?, train)?;
                Ok(State { nodes, edges: state.edges.shallow_clone() })
            }
            Self::GatedGcn { gated, norm } => {
                let state = gated.forward(state, batch, train)?;
                let Some(norm) = norm else { return Ok(state) };
                Ok(State { nodes: norm.forward(&state.nodes, train)?, edges: state.edges })
            }
        }
    }
}

/// See the file's head.
#[derive(Debug)]
pub(super) struct Gine {
    first: Linear,
    second: Linear,
}

impl Gine {
    pub(super) fn load(weights: &Weights, d: i64) -> Result<Self> {
        Ok(Self { first: weights.linear("first", d, d)?, second: weights.linear("second", d, d)? })
    }

    /// `[n, d], [e, d] -> [n, d]`.
    pub(super) fn forward(&self, nodes: &Tensor, edges: &Tensor, batch: &GraphBatch) -> Result<Tensor> {
        let messages = nodes.f_index_select(0, &batch.source)?.f_add(edges)?.f_relu()?; // [e, d]
        let gathered = batch.into_targets(&messages)?.f_add(nodes)?; // [e, d] -> [n, d]
        Ok(self.second.forward(&self.first.forward(&gathered)?.f_relu()?)?)
    }
}

/// See the file's head.
#[derive(Debug)]
pub(super) struct GatedGcn {
    a: Linear,
    b: Linear,
    c: Linear,
    d: Linear,
    e: Linear,
    node_norm: Norm,
    edge_norm: Option<Norm>,
    dropout: f64,
}

impl GatedGcn {
    fn load(weights: &Weights, config: &GraphConfig, last: bool) -> Result<Self> {
        let width = config.hidden_size;
        let linear = |name| weights.linear(name, width, width);
        let norm = |name| Norm::load(weights, name, width, config.norm);
        Ok(Self {
            a: linear("a")?,
            b: linear("b")?,
            c: linear("c")?,
            d: linear("d")?,
            e: linear("e")?,
            node_norm: norm("node_norm")?,
            edge_norm: (!last).then(|| norm("edge_norm")).transpose()?,
            dropout: config.dropout,
        })
    }

    fn forward(&self, state: &State, batch: &GraphBatch, train: bool) -> Result<State> {
        let State { nodes, edges } = state;
        let at_target = self.d.forward(nodes)?.f_index_select(0, &batch.target)?; // [n, d] -> [e, d]
        let at_source = self.e.forward(nodes)?.f_index_select(0, &batch.source)?;
        let gates = at_target.f_add(&at_source)?.f_add(&self.c.forward(edges)?)?;
        let open = gates.f_sigmoid()?;
        let sent = self.b.forward(nodes)?.f_index_select(0, &batch.source)?.f_mul(&open)?;
        let mixed = batch.into_targets(&sent)?.f_div(&batch.into_targets(&open)?.f_add_scalar(1e-6)?)?;
        let update = |old: &Tensor, new: &Tensor, norm: &Norm| -> Result<Tensor> {
            Ok(old.f_add(&active(&norm.forward(new, train)?, self.dropout, train)?)?)
        };
        let nodes = update(nodes, &self.a.forward(nodes)?.f_add(&mixed)?, &self.node_norm)?;
        let edges = match &self.edge_norm {
            Some(norm) => update(edges, &gates, norm)?,
            None => edges.shallow_clone(),
        };
        Ok(State { nodes, edges })
    }
}
