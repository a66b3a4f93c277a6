//! Rows of numbers in fewer columns.

mod umap;

use tch::{Kind, Tensor};

use crate::Result;

pub use umap::{UmapOptions, umap};

/// Rows that are looked at in one piece.
const MANY: i64 = 20_000;

/// Principal components, measured on some rows and applied to these or others.
#[derive(Debug)]
pub struct Pca {
    /// `[1, d]`.
    mean: Tensor,
    /// `[d, k]`.
    components: Tensor,
    /// Share of the variance that each component holds.
    pub shares: Vec<f64>,
}

impl Pca {
    /// The first `k` components of `[n, d]` by a singular value decomposition, or fewer where there are fewer rows or columns; of
    /// more than 20,000 rows by their covariance, which needs no second copy of them. The sign of each is such that its largest
    /// entry is positive.
    ///
    /// # Errors
    ///
    /// There is no memory; the rows hold what is no number.
    pub fn fit(rows: &Tensor, k: usize) -> Result<Self> {
        let _guard = tch::no_grad_guard();
        let (n, d) = rows.size2()?;
        let mean = rows.f_mean_dim(0, true, Kind::Double)?;
        let (variances, right) = if n > MANY { by_covariance(rows, &mean)? } else { by_values(rows, &mean)? };
        let k = i64::try_from(k).unwrap_or(i64::MAX).min(n).min(d);
        let right = right.f_narrow(0, 0, k)?;
        let largest = right.f_abs()?.f_argmax(1, true)?;
        let right = right.f_mul(&right.f_gather(1, &largest, false)?.f_sign()?)?;
        let shares = variances.f_narrow(0, 0, k)?.f_div(&variances.f_sum(Kind::Double)?.f_clamp_min(1e-300)?)?;
        let mut found = vec![0.0; shares.numel()];
        shares.f_contiguous()?.f_copy_data(&mut found, shares.numel())?;
        Ok(Self { mean, components: right.f_tr()?, shares: found })
    }

    /// `[n, d] -> [n, k]` (f32).
    ///
    /// # Errors
    ///
    /// `rows` has another width.
    pub fn apply(&self, rows: &Tensor) -> Result<Tensor> {
        let _guard = tch::no_grad_guard();
        let reduced = |piece: &Tensor| -> Result<Tensor> {
            let centred = piece.f_to_kind(Kind::Double)?.f_sub(&self.mean)?;
            Ok(centred.f_matmul(&self.components)?.f_to_kind(Kind::Float)?)
        };
        let pieces = rows.f_split(MANY, 0)?.iter().map(reduced).collect::<Result<Vec<_>>>()?;
        Ok(Tensor::f_cat(&pieces, 0)?)
    }
}

/// The sums of squares along all directions, largest first, and the directions: `[min]`, `[min, d]`.
fn by_values(rows: &Tensor, mean: &Tensor) -> Result<(Tensor, Tensor)> {
    let (_, values, right) = rows.f_to_kind(Kind::Double)?.f_sub(mean)?.f_svd(true, true)?; // right: [d, min]
    Ok((values.f_square()?, right.f_tr()?))
}

/// As [`by_values`], in pieces.
fn by_covariance(rows: &Tensor, mean: &Tensor) -> Result<(Tensor, Tensor)> {
    let d = rows.size2()?.1;
    let mut sum = Tensor::f_zeros([d, d], (Kind::Double, rows.device()))?;
    for piece in rows.f_split(MANY, 0)? {
        let centred = piece.f_to_kind(Kind::Double)?.f_sub(mean)?;
        sum = sum.f_add(&centred.f_tr()?.f_matmul(&centred)?)?;
    }
    let (values, directions) = sum.f_linalg_eigh("L")?; // ascending; [d], [d, d] by columns
    Ok((values.f_flip([0])?.f_clamp_min(0.0)?, directions.f_tr()?.f_flip([0])?))
}

#[cfg(test)]
mod tests {
    use tch::Device;

    use super::*;

    #[test]
    fn covariance_gives_what_values_give() {
        tch::manual_seed(4);
        let scale = Tensor::from_slice(&[5.0_f32, 3.0, 1.0, 0.5]);
        let rows = Tensor::randn([MANY + 7, 4], (Kind::Float, Device::Cpu)) * scale + 2.0;
        let mean = rows.mean_dim(0, true, Kind::Double);
        let ((one, a), (other, b)) = (by_values(&rows, &mean).unwrap(), by_covariance(&rows, &mean).unwrap());
        assert!((&one / &other - 1.0).abs().max().double_value(&[]) < 1e-9);
        assert!((a.abs() - b.abs()).abs().max().double_value(&[]) < 1e-9);
        assert_eq!(Pca::fit(&rows, 2).unwrap().apply(&rows).unwrap().size(), [MANY + 7, 2]);
    }

    #[test]
    fn direction_of_the_largest_variance_is_first() {
        tch::manual_seed(1);
        let along = Tensor::randn([200, 1], (Kind::Float, Device::Cpu)) * 5.0;
        let across = Tensor::randn([200, 1], (Kind::Float, Device::Cpu)) * 0.1;
        let rows = Tensor::cat(&[&along + &across + 7.0, &along - &across], 1);
        let pca = Pca::fit(&rows, 5).unwrap();
        assert_eq!(pca.shares.len(), 2);
        assert!(pca.shares[0] > 0.99);
        let reduced = pca.apply(&rows).unwrap();
        assert_eq!(reduced.size(), [200, 2]);
        let spread = reduced.std_dim(Some([0_i64].as_slice()), true, false);
        assert!((spread.double_value(&[0]) - 5.0 * 2.0_f64.sqrt()).abs() < 0.8);
        assert!(reduced.mean_dim(0, false, Kind::Float).abs().max().double_value(&[]) < 1e-4);
    }
}
