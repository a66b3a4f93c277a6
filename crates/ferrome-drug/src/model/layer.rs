//! The layers of a plan. `norm(x + dropout(f(x)))` after every part:
//!
//! ```text
//! attention  x = norm1(x + dropout(scale * attention(x)));  x = norm2(x + feed_forward(x))
//! parallel   x = messages(x) + norm1(x + dropout(attention(x)));  x = norm2(x + feed_forward(x))
//! ```
//!
//! `scale` is 1/sqrt(degree) in SAT, 1/sqrt(1 + degree) in GraphiT, and 1 otherwise and in parallel layers.

use ferrome_core::nn::Linear;
use tch::Tensor;

use super::{
    AttentionConfig, GraphConfig, Step, Weights,
    attention::Attention,
    message::{Message, State},
    mlp::{active, drop_out},
    norm::Norm,
};
use crate::{Result, graph::GraphBatch};

#[derive(Debug)]
pub(super) enum Layer {
    Message(Message),
    Attention(Encoder),
    Parallel { message: Message, encoder: Encoder },
}

impl Layer {
    /// `last`: no later layer looks at the edges.
    pub(super) fn load(weights: &Weights, config: &GraphConfig, step: Step, last: bool) -> Result<Self> {
        let message = |parallel| Message::load(&weights.pp("message"), config, parallel, last);
        Ok(match step {
            Step::Message => Self::Message(message(false)?),
            Step::Attention => Self::Attention(Encoder::load(weights, config, true)?),
            Step::Parallel => {
                Self::Parallel { message: message(true)?, encoder: Encoder::load(weights, config, false)? }
            }
        })
    }

    pub(super) fn forward(&self, state: State, batch: &GraphBatch, kernels: &[Tensor], train: bool) -> Result<State> {
        match self {
            Self::Message(message) => message.forward(&state, batch, train),
            Self::Attention(encoder) => {
                let attended = encoder.attend(&state, batch, kernels, train)?;
                Ok(State { nodes: encoder.feed_forward(&attended, train)?, edges: state.edges })
            }
            Self::Parallel { message, encoder } => {
                let attended = encoder.attend(&state, batch, kernels, train)?;
                let State { nodes, edges } = message.forward(&state, batch, train)?;
                Ok(State { nodes: encoder.feed_forward(&nodes.f_add(&attended)?, train)?, edges })
            }
        }
    }
}

/// Attention and feed-forward, both with residual and norm.
#[derive(Debug)]
pub(super) struct Encoder {
    attention: Attention,
    norm1: Norm,
    first: Linear,
    second: Linear,
    norm2: Norm,
    scale: Scale,
    dropout: f64,
}

#[derive(Clone, Copy, Debug)]
enum Scale {
    One,
    /// 1 / sqrt(this + degree).
    Degree(f64),
}

impl Encoder {
    fn load(weights: &Weights, config: &GraphConfig, alone: bool) -> Result<Self> {
        let d = config.hidden_size;
        let scale = match config.attention {
            AttentionConfig::Sat { .. } if alone => Scale::Degree(0.0),
            AttentionConfig::GraphiT { .. } if alone => Scale::Degree(1.0),
            _ => Scale::One,
        };
        Ok(Self {
            attention: Attention::load(&weights.pp("attention"), config)?,
            norm1: Norm::load(weights, "norm1", d, config.norm)?,
            first: weights.linear("first", d, 2 * d)?,
            second: weights.linear("second", 2 * d, d)?,
            norm2: Norm::load(weights, "norm2", d, config.norm)?,
            scale,
            dropout: config.dropout,
        })
    }

    fn attend(&self, state: &State, batch: &GraphBatch, kernels: &[Tensor], train: bool) -> Result<Tensor> {
        let mixed = self.attention.forward(state, batch, kernels, train)?;
        let mixed = match self.scale {
            Scale::One => mixed,
            // A lone atom has no degree; its attention is to itself.
            Scale::Degree(more) => mixed.f_mul(&batch.degree.f_add_scalar(more)?.f_clamp_min(1)?.f_rsqrt()?)?,
        };
        self.norm1.forward(&state.nodes.f_add(&drop_out(mixed, self.dropout, train)?)?, train)
    }

    fn feed_forward(&self, x: &Tensor, train: bool) -> Result<Tensor> {
        let hidden = active(&self.first.forward(x)?, self.dropout, train)?; // [n, d] -> [n, 2 d]
        let change = drop_out(self.second.forward(&hidden)?, self.dropout, train)?;
        self.norm2.forward(&x.f_add(&change)?, train)
    }
}
