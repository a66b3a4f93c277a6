//! Normalisation of a cell's counts: to a common total, then the logarithm of one more.
//!
//! ```text
//! x = count / (total / target)        value = ln(1 + x)
//! ```
//!
//! In float32, in the order in which `scanpy.pp.normalize_total` and `scanpy.pp.log1p` compute it.

/// What is done to the counts of a cell before they are binned.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Normalization {
    /// The total that every cell gets; `None` leaves the counts.
    pub target: Option<f32>,
    /// Whether the logarithm of one more is taken.
    pub log1p: bool,
}

impl Normalization {
    /// Ten thousand molecules a cell, logarithm of one more.
    pub const LOG_10_000: Self = Self { target: Some(10_000.0), log1p: true };
    /// Counts as they are.
    pub const NONE: Self = Self { target: None, log1p: false };

    /// What is done to the values of one cell, whose counts sum to `total`.
    #[must_use]
    pub fn of_cell(self, total: f64) -> CellScale {
        let divisor = self.target.map_or(1.0, |target| total as f32 / target);
        let divisor = if divisor > 0.0 { divisor } else { 1.0 };
        let small = std::array::from_fn(|count| value(count as f32, divisor, self.log1p));
        CellScale { divisor, log1p: self.log1p, small }
    }
}

/// Most counts are below this.
const SMALL: usize = 32;

/// The normalisation of one cell.
#[derive(Clone, Copy, Debug)]
pub struct CellScale {
    divisor: f32,
    log1p: bool,
    /// The values of small counts.
    small: [f32; SMALL],
}

impl CellScale {
    /// The value of a count; rises with it, and is 0 for 0.
    #[must_use]
    pub fn value(&self, count: f32) -> f32 {
        let whole = count as usize;
        match self.small.get(whole) {
            Some(&known) if whole as f32 == count => known,
            _ => value(count, self.divisor, self.log1p),
        }
    }
}

fn value(count: f32, divisor: f32, log1p: bool) -> f32 {
    let scaled = count / divisor;
    if log1p { scaled.ln_1p() } else { scaled }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenth_of_the_molecules_is_a_thousand() {
        let cell = Normalization { target: Some(10_000.0), log1p: false }.of_cell(30.0);
        assert_eq!(cell.value(3.0), 1000.0);
        assert_eq!(Normalization::LOG_10_000.of_cell(30.0).value(3.0), 1001.0_f32.ln());
    }

    #[test]
    fn counts_of_all_sizes_and_fractions_have_the_same_formula() {
        let cell = Normalization::LOG_10_000.of_cell(3000.0);
        for count in [0.5, 1.0, 31.0, 31.5, 32.0, 1e6] {
            assert_eq!(cell.value(count), (count / 0.3).ln_1p());
        }
    }

    #[test]
    fn nothing_is_done_where_nothing_is_asked() {
        assert_eq!(Normalization::NONE.of_cell(30.0).value(3.0), 3.0);
    }

    #[test]
    fn cell_without_molecules_divides_by_one() {
        assert_eq!(Normalization::LOG_10_000.of_cell(0.0).value(0.0), 0.0);
    }
}
