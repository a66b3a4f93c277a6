//! The nearest neighbours of vectors: exactly, or of many rows nearly so.

mod distance;
mod lists;

use tch::{Kind, Tensor};

use crate::Result;

pub use distance::nearest_by_distance;

/// Rows up to which [`nearest_of_many`] compares each with all others.
pub const EXACT: i64 = 20_000;
/// Rows that are compared with all others at a time.
const BLOCK: i64 = 1024;
/// The shortest length that a vector is divided by.
const SHORTEST: f64 = 1e-12;

/// A vector, one of its nearest neighbours, and the cosine of the angle between them.
pub type Neighbour = (u32, u32, f64);

/// The `k` nearest others of each row of `x` (`[n, d]`) by cosine, nearest first, row by row. Where two are equally near, which of
/// them comes first is not said.
///
/// # Errors
///
/// Fails when the device has no room.
///
/// ```
/// use ferrome_cell::neighbours::nearest;
/// use tch::Tensor;
///
/// let x = Tensor::from_slice2(&[[1.0_f32, 0.0], [2.0, 0.1], [0.0, 1.0]]);
/// let first: Vec<(u32, u32)> = nearest(&x, 1)?.iter().map(|&(a, b, _)| (a, b)).collect();
/// assert_eq!(first, [(0, 1), (1, 0), (2, 1)]);
/// # Ok::<(), ferrome_cell::Error>(())
/// ```
pub fn nearest(x: &Tensor, k: usize) -> Result<Vec<Neighbour>> {
    let (n, _) = x.size2()?;
    let unit = unit_rows(x)?;
    // Each row is its own nearest neighbour, or one that equals it is.
    let taken = (k as i64 + 1).min(n);
    let mut all = Vec::with_capacity(usize::try_from(n).unwrap_or(0) * k);
    for start in (0..n).step_by(BLOCK as usize) {
        let rows = BLOCK.min(n - start);
        let cosines = unit.f_narrow(0, start, rows)?.f_matmul(&unit.f_transpose(0, 1)?)?; // [rows, n]
        let (values, places) = cosines.f_topk(taken, 1, true, true)?;
        let values = Vec::<f32>::try_from(values.f_reshape([-1])?.f_to_kind(Kind::Float)?)?;
        let places = Vec::<i64>::try_from(places.f_reshape([-1])?)?;
        let width = usize::try_from(taken).unwrap_or(1).max(1);
        for (row, (values, places)) in (start..).zip(values.chunks(width).zip(places.chunks(width))) {
            let others = places.iter().zip(values).filter(|&(&place, _)| place != row).take(k);
            all.extend(others.map(|(&place, &value)| (row as u32, place as u32, f64::from(value))));
        }
    }
    Ok(all)
}

/// As [`nearest`] up to [`EXACT`] rows. Of more, each row is compared with those of some lists of similar rows only, so that
/// a few of the nearest may be missed; a row that finds fewer than `k` others has fewer. The same rows give the same neighbours.
///
/// # Errors
///
/// Fails when the device has no room.
pub fn nearest_of_many(x: &Tensor, k: usize) -> Result<Vec<Neighbour>> {
    if x.size2()?.0 <= EXACT { nearest(x, k) } else { lists::nearest(&unit_rows(x)?, k) }
}

/// Rows of length 1, in f32, as `torch.nn.functional.normalize` gives them; rows of zeros stay: `[n, d] -> [n, d]`.
///
/// # Errors
///
/// Fails when the device has no room.
pub fn unit_rows(x: &Tensor) -> Result<Tensor> {
    let x = x.f_to_kind(Kind::Float)?;
    let lengths = x.f_square()?.f_sum_dim_intlist([1_i64].as_slice(), true, None)?.f_sqrt()?.f_clamp_min(SHORTEST)?;
    Ok(x.f_div(&lengths)?)
}

/// Each pair once, whoever named the other, with the weight of the cosine; what points away is left out.
pub fn edges(neighbours: &[Neighbour]) -> Vec<Neighbour> {
    let ordered = neighbours.iter().filter(|&&(_, _, cosine)| cosine > 0.0);
    let mut edges: Vec<Neighbour> = ordered.map(|&(a, b, cosine)| (a.min(b), a.max(b), cosine)).collect();
    edges.sort_by_key(|&(a, b, _)| (a, b));
    edges.dedup_by_key(|&mut (a, b, _)| (a, b));
    edges
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::Device;

    #[test]
    fn neighbours_are_those_of_all_cosines() {
        let _guard = tch::no_grad_guard();
        tch::manual_seed(3);
        let x = Tensor::randn([1500, 7], (Kind::Float, Device::Cpu));
        let unit = unit_rows(&x).unwrap();
        let cosines = unit.matmul(&unit.tr());
        let found = nearest(&x, 4).unwrap();
        assert_eq!(found.len(), 1500 * 4);
        for row in [0_i64, 1023, 1024, 1499] {
            let mut expected: Vec<(i64, f64)> = (0..1500)
                .filter(|&other| other != row)
                .map(|other| (other, cosines.double_value(&[row, other])))
                .collect();
            expected.sort_by(|a, b| b.1.total_cmp(&a.1));
            let of_row: Vec<i64> =
                found[row as usize * 4..][..4].iter().map(|&(_, other, _)| i64::from(other)).collect();
            assert_eq!(of_row, expected.iter().take(4).map(|&(other, _)| other).collect::<Vec<_>>(), "{row}");
        }
    }

    #[test]
    fn fewer_others_than_asked_for() {
        let x = Tensor::from_slice2(&[[1.0_f32, 0.0], [1.0, 0.0]]);
        assert_eq!(nearest(&x, 5).unwrap().len(), 2);
        assert_eq!(edges(&nearest(&x, 5).unwrap()), [(0, 1, 1.0)]);
    }
}
