use tch::{Kind, Tensor};

use super::BLOCK;
use crate::Result;

/// The `k` nearest others of each row of `x` (`[n, d]`) by Euclidean distance, nearest first; of equally near ones which comes first is
/// not said.
///
/// # Errors
///
/// Fails when the device has no room.
pub fn nearest_by_distance(x: &Tensor, k: usize) -> Result<Vec<Vec<u32>>> {
    let (n, _) = x.size2()?;
    let x = x.f_to_kind(Kind::Double)?;
    let x = x.f_sub(&x.f_mean_dim(0, true, Kind::Double)?)?;
    let taken = (k as i64 + 1).min(n);
    let mut all = Vec::with_capacity(usize::try_from(n).unwrap_or(0));
    for chunk in x.f_split(BLOCK, 0)? {
        let (_, places) = Tensor::f_cdist(&chunk, &x, 2.0, None)?.f_topk(taken, 1, false, true)?; // [rows, taken]
        let places = Vec::<i64>::try_from(places.f_reshape([-1])?)?;
        for places in places.chunks(usize::try_from(taken).unwrap_or(1).max(1)) {
            let row = all.len() as i64;
            all.push(places.iter().filter(|&&place| place != row).take(k).map(|&place| place as u32).collect());
        }
    }
    Ok(all)
}
