//! Attention by libtorch's own operators: differentiable, on every device.

use tch::{Device, Kind, Tensor};

use crate::{
    Result,
    nn::{Rotary, Sequences},
};

/// See [`super::self_attention`].
pub(super) fn run(
    qkv: &Tensor,
    heads: i64,
    sequences: &Sequences,
    rotary: Option<(&Tensor, &Tensor)>,
) -> Result<Tensor> {
    run_with_dropout(qkv, heads, sequences, rotary, 0.0)
}

/// See [`super::self_attention_with_dropout`].
pub(super) fn run_with_dropout(
    qkv: &Tensor,
    heads: i64,
    sequences: &Sequences,
    rotary: Option<(&Tensor, &Tensor)>,
    dropout: f64,
) -> Result<Tensor> {
    let (t, width) = qkv.size2()?;
    let k = width / (3 * heads);
    let parts = qkv.f_view([t, 3, heads, k])?; // [t, 3 * h * k] -> [t, 3, h, k]
    let [query, key, value] = [0, 1, 2].map(|i| parts.f_select(1, i));
    let (mut query, mut key, value) = (query?, key?, value?);
    if let Some((cos, sin)) = rotary {
        query = Rotary::rotate(&query, cos, sin)?;
        key = Rotary::rotate(&key, cos, sin)?;
    }
    let attended = match qkv.device() {
        Device::Cpu => one_by_one(&query, &key, &value, sequences, dropout)?,
        _ => padded(&query, &key, &value, sequences, dropout)?,
    };
    Ok(attended.f_reshape([t, heads * k])?) // [t, h, k] -> [t, h * k]
}

// Cut by one split each, whose backward is one concatenation; narrowing sequence by sequence would fill and add a whole
// batch of zeros for each of them.
fn one_by_one(query: &Tensor, key: &Tensor, value: &Tensor, sequences: &Sequences, dropout: f64) -> Result<Tensor> {
    let lengths: Vec<i64> = sequences.spans().map(|(_, length)| length).collect();
    let cut = |x: &Tensor| x.f_split_with_sizes(&lengths, 0);
    let attended =
        cut(query)?.into_iter().zip(cut(key)?).zip(cut(value)?).map(|((query, key), value)| -> Result<Tensor> {
            let batch_of_one = |x: &Tensor| x.f_transpose(0, 1)?.f_unsqueeze(0); // [length, h, k] -> [1, h, length, k]
            let mixed = attend(&batch_of_one(&query)?, &batch_of_one(&key)?, &batch_of_one(&value)?, None, dropout)?;
            Ok(mixed.f_squeeze_dim(0)?.f_transpose(0, 1)?) // [1, h, length, k] -> [length, h, k]
        });
    Ok(Tensor::f_cat(&attended.collect::<Result<Vec<_>>>()?, 0)?)
}

// One launch over [n, h, longest, k] with the padded keys masked out; sorted batches keep the padding small.
fn padded(query: &Tensor, key: &Tensor, value: &Tensor, sequences: &Sequences, dropout: f64) -> Result<Tensor> {
    let longest = sequences.spans().map(|(_, length)| length).max().unwrap_or(0);
    let mut slots = Vec::with_capacity(usize::try_from(sequences.tokens()).unwrap_or(0));
    for (row, (_, length)) in (0..).zip(sequences.spans()) {
        slots.extend(row * longest..row * longest + length);
    }
    let n = i64::try_from(sequences.spans().len()).unwrap_or(i64::MAX);
    let (_, h, k) = query.size3()?;
    let slots = Tensor::f_from_slice(&slots)?.f_to_device(query.device())?;
    let spread = |x: &Tensor| -> Result<Tensor> {
        let flat = Tensor::f_zeros([n * longest, h, k], (x.f_kind()?, x.device()))?.f_index_copy(0, &slots, x)?;
        Ok(flat.f_view([n, longest, h, k])?.f_transpose(1, 2)?) // [n * T, h, k] -> [n, h, T, k]
    };
    let present = Tensor::f_zeros([n * longest], (Kind::Bool, query.device()))?.f_index_fill(0, &slots, 1)?;
    let mask = present.f_view([n, 1, 1, longest])?;
    let mixed = attend(&spread(query)?, &spread(key)?, &spread(value)?, Some(&mask), dropout)?;
    // [n, h, T, k] -> [n * T, h, k] -> [t, h, k]
    Ok(mixed.f_transpose(1, 2)?.f_reshape([n * longest, h, k])?.f_index_select(0, &slots)?)
}

fn attend(query: &Tensor, key: &Tensor, value: &Tensor, mask: Option<&Tensor>, dropout: f64) -> Result<Tensor> {
    Ok(Tensor::f_scaled_dot_product_attention(query, key, value, mask, dropout, false, None, false)?)
}
