//! What the first layer gets: embedded features, with random-walk (RWSE) and Laplacian (LapPE) encodings beside them.
//!
//! ```text
//! nodes = [sum of embeddings, walks(norm(RWSE)), sum over pairs of relu(second(relu(first(value, element))))]
//! edges = sum of embeddings
//! ```

use ferrome_core::nn::{Embedding, Linear};
use tch::{Kind, Tensor};

use super::{GraphConfig, Weights, message::State, norm::BatchNorm};
use crate::{Error, Result, graph::GraphBatch};

#[derive(Debug)]
pub(super) struct Encoder {
    nodes: Features,
    /// None where no layer looks at edges.
    edges: Option<Features>,
    walks: Option<Walks>,
    laplacian: Option<Laplacian>,
}

impl Encoder {
    pub(super) fn load(weights: &Weights, config: &GraphConfig, with_edges: bool) -> Result<Self> {
        let (d, position) = (config.hidden_size, config.position_size);
        let positions = i64::from(config.random_walk_steps > 0) + i64::from(config.laplacian);
        let rest = d - positions * position;
        if rest < 1 || (positions > 0 && position < 1) {
            return Err(Error::Model(format!(
                "position_size {position} leaves {rest} of hidden_size {d} for the features"
            )));
        }
        let walks = || Walks::load(&weights.pp("random_walks"), config.random_walk_steps, position);
        let laplacian = || Laplacian::load(&weights.pp("laplacian"), position);
        Ok(Self {
            nodes: Features::load(weights, "nodes", &config.node_sizes, rest)?,
            edges: with_edges.then(|| Features::load(weights, "edges", &config.edge_sizes, d)).transpose()?,
            walks: (config.random_walk_steps > 0).then(walks).transpose()?,
            laplacian: config.laplacian.then(laplacian).transpose()?,
        })
    }

    pub(super) fn forward(&self, batch: &GraphBatch, train: bool) -> Result<State> {
        let missing = |what: &str| Error::Model(format!("the graphs have no {what} positions, which this model needs"));
        let mut parts = vec![self.nodes.forward(&batch.node_features)?];
        if let Some(walks) = &self.walks {
            let positions = batch.random_walks.as_ref().ok_or_else(|| missing("random-walk"))?;
            parts.push(walks.forward(positions, train)?);
        }
        if let Some(laplacian) = &self.laplacian {
            parts.push(laplacian.forward(
                batch.laplacian.as_ref().ok_or_else(|| missing("Laplacian"))?,
                batch,
                train,
            )?);
        }
        let nodes = Tensor::f_cat(&parts, 1)?;
        let edges = match &self.edges {
            Some(features) => features.forward(&batch.edge_features)?,
            None => Tensor::f_zeros([0, nodes.size2()?.1], (Kind::Float, nodes.device()))?,
        };
        Ok(State { nodes, edges })
    }
}

/// The sum of one row for each categorical feature, all in one table.
#[derive(Debug)]
struct Features {
    table: Embedding,
    /// `[f]`: where the rows of each feature begin.
    starts: Tensor,
}

impl Features {
    fn load(weights: &Weights, name: &str, sizes: &[i64], width: i64) -> Result<Self> {
        let starts: Vec<i64> = sizes.iter().scan(0, |end, size| Some(std::mem::replace(end, *end + size))).collect();
        let table = weights.embedding(name, sizes.iter().sum(), width, sizes.len())?;
        Ok(Self { starts: Tensor::f_from_slice(&starts)?.f_to_device(table.weight.device())?, table })
    }

    /// `[n, f] (i64) -> [n, d]`.
    fn forward(&self, features: &Tensor) -> Result<Tensor> {
        let (n, _) = features.size2()?;
        let f = self.starts.size1()?;
        let rows = features.f_view([n, if n == 0 { f } else { -1 }])?.f_add(&self.starts)?;
        let looked_up = Tensor::f_embedding(&self.table.weight, &rows, -1, false, false)?; // [n, f, d]
        Ok(looked_up.f_sum_dim_intlist([1_i64].as_slice(), false, Kind::Float)?)
    }
}

#[derive(Debug)]
struct Walks {
    norm: BatchNorm,
    linear: Linear,
}

impl Walks {
    fn load(weights: &Weights, steps: i64, position: i64) -> Result<Self> {
        Ok(Self {
            norm: BatchNorm::load(&weights.pp("norm"), steps)?,
            linear: weights.linear("linear", steps, position)?,
        })
    }

    /// `[n, steps] -> [n, position]`.
    fn forward(&self, positions: &Tensor, train: bool) -> Result<Tensor> {
        let (given, wanted) = (positions.size2()?.1, self.linear.weight.size2()?.1);
        if given != wanted {
            return Err(Error::Model(format!("the graphs have {given} steps of random walks, expected {wanted}")));
        }
        Ok(self.linear.forward(&self.norm.forward(positions, train)?)?)
    }
}

#[derive(Debug)]
struct Laplacian {
    first: Linear,
    second: Linear,
}

impl Laplacian {
    fn load(weights: &Weights, position: i64) -> Result<Self> {
        Ok(Self {
            first: weights.linear("first", 2, 2 * position)?,
            second: weights.linear("second", 2 * position, position)?,
        })
    }

    /// `[n, pairs, 2] -> [n, position]`. A vector's sign means nothing: training flips it at random in each graph. Pairs
    /// that a graph of few nodes does not have do not count.
    fn forward(&self, positions: &Tensor, batch: &GraphBatch, train: bool) -> Result<Tensor> {
        let (n, pairs, _) = positions.size3()?;
        let device = positions.device();
        let flipped = if train {
            let coins = Tensor::f_randint_low(0, 2, [batch.graphs(), pairs], (Kind::Float, device))?;
            let signs = coins.f_mul_scalar(2)?.f_sub_scalar(1)?.f_index_select(0, &batch.graph)?; // [n, pairs]
            let (values, elements) = (positions.f_select(2, 0)?, positions.f_select(2, 1)?);
            Tensor::f_stack(&[values, elements.f_mul(&signs)?], 2)?
        } else {
            positions.shallow_clone()
        };
        let hidden = self.second.forward(&self.first.forward(&flipped.f_view([n * pairs, 2])?)?.f_relu()?)?.f_relu()?;
        let nodes = batch.sizes.f_index_select(0, &batch.graph)?; // [n, 1]
        let there = Tensor::f_arange(pairs, (Kind::Float, device))?.f_unsqueeze(0)?.f_lt_tensor(&nodes)?; // [n, pairs]
        let hidden = hidden.f_view([n, pairs, -1])?.f_mul(&there.f_unsqueeze(2)?.f_to_kind(Kind::Float)?)?;
        Ok(hidden.f_sum_dim_intlist([1_i64].as_slice(), false, Kind::Float)?)
    }
}
