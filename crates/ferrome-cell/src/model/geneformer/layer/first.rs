//! A block for the first token of each sequence alone, which is what the last block is needed for where only `<cls>` is looked
//! at: keys and values of all tokens, everything else of the first ones.

use ferrome_core::nn::{Linear, Sequences};
use tch::Tensor;

use super::{Dropout, Layer};
use crate::Result;

impl Layer {
    /// `[t, d] -> [n, d]`: the rows of [`Layer::forward`] where sequences begin.
    pub(in super::super) fn forward_first(&self, x: &Tensor, sequences: &Sequences) -> Result<Tensor> {
        let (_, d) = x.size2()?;
        let starts: Vec<i64> = sequences.spans().map(|(start, _)| start).collect();
        let first = x.f_index_select(0, &Tensor::f_from_slice(&starts)?.f_to_device(x.device())?)?; // [n, d]
        let query = self.part(0, d)?.forward(&first)?; // [n, d] -> [n, d]
        let key_value = self.part(d, 2 * d)?.forward(x)?; // [t, d] -> [t, 2 d]
        let mixed = self.mix_first(&query, &key_value, sequences)?;
        self.rest(self.attention_output.forward(&mixed)?, &first, Dropout::NONE)
    }

    // Some rows of the weights of queries, keys and values.
    fn part(&self, from: i64, rows: i64) -> Result<Linear> {
        let Linear { weight, bias } = &self.query_key_value;
        let bias = bias.as_ref().map(|bias| bias.f_narrow(0, from, rows)).transpose()?;
        Ok(Linear { weight: weight.f_narrow(0, from, rows)?, bias })
    }

    // `[n, d]` and `[t, 2 d] -> [n, d]`.
    fn mix_first(&self, query: &Tensor, key_value: &Tensor, sequences: &Sequences) -> Result<Tensor> {
        let (n, d) = query.size2()?;
        let (h, k) = (self.heads, d / self.heads);
        let queries = query.f_view([n, h, 1, k])?;
        let pairs = key_value.f_view([-1, 2, h, k])?; // [t, 2 d] -> [t, 2, h, k]
        let mixed = (0..n).zip(sequences.spans()).map(|(i, (start, length))| -> Result<Tensor> {
            let pairs = pairs.f_narrow(0, start, length)?.f_permute([1, 2, 0, 3])?; // -> [2, h, length, k]
            let (key, value) = (pairs.f_select(0, 0)?, pairs.f_select(0, 1)?);
            let query = queries.f_select(0, i)?; // [h, 1, k]
            let scores = query.f_matmul(&key.f_transpose(1, 2)?)?.f_mul_scalar((k as f64).sqrt().recip())?;
            let weights = scores.f_softmax(-1, tch::Kind::Float)?.f_to_kind(value.f_kind()?)?; // [h, 1, length]
            Ok(weights.f_matmul(&value)?.f_reshape([1, d])?) // [h, 1, k] -> [1, d]
        });
        Ok(Tensor::f_cat(&mixed.collect::<Result<Vec<_>>>()?, 0)?)
    }
}
