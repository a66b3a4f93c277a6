use tch::{Kind, Tensor};

use crate::Result;

/// Rotary position embedding (RoFormer, arXiv:2104.09864), half-split as in GPT-NeoX and ESM-2.
///
/// The frequencies come from the checkpoint: ESM-2 was trained with values rounded to f16, and recomputing them in f32
/// moves the angle at position 1,022 by up to 0.16 rad.
#[derive(Debug)]
pub struct Rotary {
    /// f32 on the model's device, `[k / 2]`.
    pub inv_freq: Tensor,
}

impl Rotary {
    /// Cosines and sines of the given positions, f32: `[t] (i64) -> ([t, k / 2], [t, k / 2])`.
    ///
    /// # Errors
    ///
    /// Fails when the positions are not a vector.
    pub fn tables(&self, positions: &Tensor) -> Result<(Tensor, Tensor)> {
        let angles = positions.f_to_kind(Kind::Float)?.f_outer(&self.inv_freq)?; // [t] x [k / 2] -> [t, k / 2]
        Ok((angles.f_cos()?, angles.f_sin()?))
    }

    /// Turns the first and second halves of each head: `x` is `[t, h, k]`, the tables `[t, k / 2]`; computed in f32, as
    /// transformers does, and given back in the kind of `x`.
    ///
    /// # Errors
    ///
    /// Fails when the shapes do not belong together.
    pub fn rotate(x: &Tensor, cos: &Tensor, sin: &Tensor) -> Result<Tensor> {
        let kind = x.f_kind()?;
        let (cos, sin) = (cos.f_unsqueeze(1)?, sin.f_unsqueeze(1)?); // [t, k / 2] -> [t, 1, k / 2]
        let halves = x.f_to_kind(Kind::Float)?.f_chunk(2, -1)?;
        let [a, b] = halves.as_slice() else {
            return Err(crate::Error::Torch(format!("rotary: cannot halve heads of shape {:?}", x.size())));
        };
        let first = (a.f_mul(&cos)?).f_sub(&b.f_mul(&sin)?)?;
        let second = (b.f_mul(&cos)?).f_add(&a.f_mul(&sin)?)?;
        Ok(Tensor::f_cat(&[first, second], -1)?.f_to_kind(kind)?)
    }
}
