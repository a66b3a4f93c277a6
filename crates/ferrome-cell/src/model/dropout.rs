use tch::Tensor;

use crate::Result;

/// `x` with this share of its numbers dropped and the rest scaled up; drawn from libtorch's generator.
pub(super) fn dropped(x: Tensor, share: f64) -> Result<Tensor> {
    if share == 0.0 { Ok(x) } else { Ok(x.f_dropout(share, true)?) }
}
