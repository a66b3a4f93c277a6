//! Binning of one cell's values as scGPT does it: bins hold about equally many of the cell's non-zero genes.
//!
//! ```text
//! edges = quantiles of the non-zero values at n_bins - 1 points from 0 to 1, evenly spaced, linear interpolation
//! high  = number of edges <= x        low = number of edges < x
//! bin   = ceil(u * (low - high) + high)
//! ```
//!
//! Where a value lies between two edges, `low = high` and its bin is fixed. Where it equals several edges (in counts most
//! values are 1), every bin in `low + 1 ..= high` is as good as another, and `u` decides:
//!
//! - [`Draw::Middle`]: `u = 1/2`, the middle bin of those, the lower one of two middle bins. Equal values get equal bins.
//! - [`Draw::Uniform`]: `u` uniform in `[0, 1)`, drawn anew for every value, as the reference does: each bin is as likely.
//!
//! Zeros are not binned and keep the value 0; bins count from 1.
//!
//! Source: Cui et al. 2024, `scgpt/preprocess.py` of bowang-lab/scGPT. Edges are computed as NumPy 2 computes them for
//! float32 data: differences in float32, the rest in float64.

mod edges;
mod intervals;

pub(crate) use intervals::Intervals;

/// How a value that could get any of several bins gets one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Draw {
    /// The middle one; equal values get equal bins.
    Middle,
    /// Any of them, each as likely, for every value anew.
    Uniform,
}

/// The number of bins, the one for zero included, and the rule for values that equal several edges.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Binning {
    /// `n_bins` of the reference: zero and `bins - 1` bins for everything else. At least 2.
    pub bins: u16,
    /// The rule for values that equal several edges.
    pub draw: Draw,
}

impl Default for Binning {
    /// The published models' 51 bins, without chance.
    fn default() -> Self {
        Self { bins: 51, draw: Draw::Middle }
    }
}

/// The bins that a value may get: `low + 1 ..= high`, or `high` alone where both are equal.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Choice {
    /// The number of edges below the value.
    pub(crate) low: u16,
    /// The number of edges at or below it.
    pub(crate) high: u16,
}

impl Choice {
    /// The bin for `u`, at least 0 and below 1.
    pub(crate) fn bin(self, u: f64) -> f32 {
        let (low, high) = (f64::from(self.low), f64::from(self.high));
        let exact = u * (low - high) + high;
        // The ceiling; a call of the library function would cost more than all the rest.
        let whole = exact as i32;
        (whole + i32::from(f64::from(whole) < exact)) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn middle_of_an_odd_and_an_even_number_of_bins() {
        assert_eq!(Choice { low: 0, high: 35 }.bin(0.5), 18.0);
        assert_eq!(Choice { low: 0, high: 36 }.bin(0.5), 18.0);
        assert_eq!(Choice { low: 7, high: 7 }.bin(0.5), 7.0);
    }

    #[test]
    fn ends_of_the_draw_are_the_ends_of_the_bins() {
        let choice = Choice { low: 3, high: 9 };
        assert_eq!(choice.bin(0.0), 9.0);
        assert_eq!(choice.bin(1.0 - f64::EPSILON), 4.0);
    }
}
