//! Attention between all nodes of each graph: plain, SAT (keys and queries from the structure around a node) and GraphiT
//! (keys that are the queries, weights times a kernel).
//!
//! ```text
//! plain, SAT  output(softmax(q k^T / sqrt(k)) v)
//! GraphiT     a = exp(s - max s) * kernel with s = q q^T / sqrt(k);  output(a / max(sum a, 1e-6) v)
//! ```

use ferrome_core::nn::{self, Linear};
use tch::{Kind, Tensor};

use super::{AttentionConfig, GraphConfig, Weights, message::State, mlp::drop_out, structure::StructureExtractor};
use crate::{
    Result,
    graph::{Bucket, GraphBatch},
};

#[derive(Debug)]
pub(super) struct Attention {
    kind: Kinds,
    output: Linear,
    heads: i64,
    dropout: f64,
}

#[derive(Debug)]
enum Kinds {
    Plain { query_key_value: Linear },
    Sat { value: Linear, key_query: Linear, structure: Box<StructureExtractor> },
    GraphiT { query_value: Linear },
}

impl Attention {
    pub(super) fn load(weights: &Weights, config: &GraphConfig) -> Result<Self> {
        let d = config.hidden_size;
        let kind = match config.attention {
            AttentionConfig::Plain => Kinds::Plain { query_key_value: weights.linear("query_key_value", d, 3 * d)? },
            AttentionConfig::Sat { k } => Kinds::Sat {
                value: weights.linear_without_bias("value", d, d)?,
                key_query: weights.linear_without_bias("key_query", d, 2 * d)?,
                structure: Box::new(StructureExtractor::load(&weights.pp("structure"), d, k)?),
            },
            AttentionConfig::GraphiT { .. } => {
                Kinds::GraphiT { query_value: weights.linear_without_bias("query_value", d, 2 * d)? }
            }
        };
        let (heads, dropout) = (config.num_attention_heads, config.attention_dropout);
        Ok(Self { kind, output: weights.linear("output", d, d)?, heads, dropout })
    }

    /// `[n, d] -> [n, d]`; `kernels` has one tensor per bucket where the attention needs them.
    pub(super) fn forward(&self, state: &State, batch: &GraphBatch, kernels: &[Tensor], train: bool) -> Result<Tensor> {
        let x = &state.nodes;
        let halves = |linear: &Linear, x: &Tensor| -> Result<(Tensor, Tensor)> {
            let (both, d) = (linear.forward(x)?, x.size2()?.1); // [n, 2 d]
            Ok((both.f_narrow(1, 0, d)?, both.f_narrow(1, d, d)?))
        };
        let mixed = match &self.kind {
            Kinds::Plain { query_key_value } => {
                let (qkv, d) = (query_key_value.forward(x)?, x.size2()?.1); // [n, 3 d]
                if !train && !qkv.requires_grad() {
                    nn::self_attention(&qkv, self.heads, &batch.sequences, None)?
                } else {
                    let part = |i: i64| qkv.f_narrow(1, i * d, d);
                    self.attend([&part(0)?, &part(1)?, &part(2)?], batch, &[], train)?
                }
            }
            Kinds::Sat { value, key_query, structure } => {
                let around = structure.forward(x, &state.edges, batch, train)?;
                let (key, query) = halves(key_query, &around)?;
                self.attend([&query, &key, &value.forward(x)?], batch, &[], train)?
            }
            Kinds::GraphiT { query_value } => {
                let (query, value) = halves(query_value, x)?;
                self.attend([&query, &query, &value], batch, kernels, train)?
            }
        };
        Ok(self.output.forward(&mixed)?)
    }

    /// Queries, keys and values `[n, d]` each -> `[n, d]`, bucket by bucket.
    fn attend(&self, parts: [&Tensor; 3], batch: &GraphBatch, kernels: &[Tensor], train: bool) -> Result<Tensor> {
        let (_, d) = parts[0].size2()?;
        let mut mixed = Vec::with_capacity(batch.buckets.buckets.len());
        for (i, bucket) in batch.buckets.buckets.iter().enumerate() {
            let spread = |x: &Tensor| -> Result<Tensor> {
                let shape = [bucket.graphs, bucket.longest, self.heads, d / self.heads];
                // [n, d] -> [g * T, d] -> [g, h, T, k]
                Ok(x.f_index_select(0, &bucket.nodes)?.f_view(shape)?.f_transpose(1, 2)?)
            };
            let [query, key, value] = [spread(parts[0])?, spread(parts[1])?, spread(parts[2])?];
            let scores =
                query.f_matmul(&key.f_transpose(2, 3)?)?.f_mul_scalar((d as f64 / self.heads as f64).powf(-0.5))?;
            let weights = drop_out(normalise(&scores, bucket, kernels.get(i))?, self.dropout, train)?;
            // [g, h, T, k] -> [g * T, d]
            mixed.push(weights.f_matmul(&value)?.f_transpose(1, 2)?.f_reshape([bucket.graphs * bucket.longest, d])?);
        }
        Ok(Tensor::f_cat(&mixed, 0)?.f_index_select(0, &batch.buckets.places)?) // -> [n, d]
    }
}

/// Weights that sum to 1 over the keys: `[g, h, T, T] -> [g, h, T, T]`.
fn normalise(scores: &Tensor, bucket: &Bucket, kernel: Option<&Tensor>) -> Result<Tensor> {
    let masked = match &bucket.padding {
        Some(padding) => scores.f_masked_fill(padding, f64::NEG_INFINITY)?,
        None => scores.shallow_clone(),
    };
    let Some(kernel) = kernel else { return Ok(masked.f_softmax(-1, Kind::Float)?) };
    let largest = masked.f_amax([-1_i64].as_slice(), true)?.f_detach()?;
    let weights = masked.f_sub(&largest)?.f_exp()?.f_mul(kernel)?;
    Ok(weights.f_div(&weights.f_sum_dim_intlist([-1_i64].as_slice(), true, Kind::Float)?.f_clamp_min(1e-6)?)?)
}
