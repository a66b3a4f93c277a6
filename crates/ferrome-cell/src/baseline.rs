//! What simple classifiers reach on rows of numbers, such as embeddings that were not trained for the classes.

mod logistic;
mod neighbours;

use tch::{Kind, Tensor};

use crate::Result;

pub use logistic::Logistic;
pub use neighbours::Neighbours;

/// Mean and standard deviation of the columns of training rows.
#[derive(Debug)]
pub struct Standard {
    mean: Tensor,
    deviation: Tensor,
}

impl Standard {
    /// Measures the columns of `rows`, `[n, d]`.
    ///
    /// # Errors
    ///
    /// There is no memory.
    pub fn of(rows: &Tensor) -> Result<Self> {
        let mean = rows.f_mean_dim(0, true, Kind::Float)?; // [1, d]
        let deviation = rows.f_sub(&mean)?.f_square()?.f_mean_dim(0, true, Kind::Float)?.f_sqrt()?;
        // A column that does not vary stays 0.
        let deviation = deviation.f_where_self(&deviation.f_gt(1e-8)?, &deviation.f_ones_like()?)?;
        Ok(Self { mean, deviation })
    }

    /// Rows with the mean 0 and the standard deviation 1, as far as they are like the measured ones.
    ///
    /// # Errors
    ///
    /// `rows` has another width.
    pub fn apply(&self, rows: &Tensor) -> Result<Tensor> {
        Ok(rows.f_sub(&self.mean)?.f_div(&self.deviation)?)
    }
}

/// Class of the largest value of each row.
pub(crate) fn largest(rows: &Tensor) -> Result<Vec<usize>> {
    let places = rows.f_argmax(1, false)?.f_to_device(tch::Device::Cpu)?;
    let mut values = vec![0_i64; places.numel()];
    places.f_copy_data(&mut values, places.numel())?;
    Ok(values.into_iter().map(|place| usize::try_from(place).unwrap_or(0)).collect())
}
