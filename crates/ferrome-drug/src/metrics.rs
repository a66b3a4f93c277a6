//! How well scores agree with measurements, as the field defines it, in O(n log n).
//!
//! Every measure is `None` where it is not defined: no values, no spread, one class only, slices of different lengths,
//! or a number that is not finite.
//!
//! ```
//! use ferrome_drug::metrics;
//! let (truth, score) = ([5.0, 6.5, 7.0, 8.1], [5.2, 6.0, 7.4, 7.4]);
//! assert_eq!(metrics::concordance(&truth, &score), Some(5.5 / 6.0));
//! assert_eq!(metrics::auroc(&[false, true, false, true], &score), Some(0.625));
//! ```

mod bootstrap;
mod calibration;
mod concordance;
mod ranking;
mod regression;

pub use bootstrap::{Interval, bootstrap};
pub use calibration::{coverage, expected_calibration_error, normal_quantile, regression_calibration_error};
pub use concordance::concordance;
pub use ranking::{auprc, auroc, bedroc, enrichment};
pub use regression::{mse, pearson, rm2, spearman};

/// Ranks from 1, ties sharing their mean.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut ranks = vec![0.0; values.len()];
    let mut done = 0;
    for group in ties(&ascending(values), values) {
        let mean = done as f64 + (group.len() + 1) as f64 / 2.0;
        done += group.len();
        group.iter().for_each(|&i| ranks[i] = mean);
    }
    ranks
}

/// Places of the values from the smallest to the largest.
fn ascending(values: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    order
}

/// Runs of equal values in an order.
fn ties<'a>(order: &'a [usize], values: &'a [f64]) -> impl Iterator<Item = &'a [usize]> {
    order.chunk_by(|&a, &b| values[a] == values[b])
}

fn usable(one: &[f64], other: &[f64]) -> bool {
    !one.is_empty() && one.len() == other.len() && one.iter().chain(other).all(|x| x.is_finite())
}

#[cfg(test)]
mod goldens;
