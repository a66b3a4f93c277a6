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
        CellScale { divisor: if divisor > 0.0 { divisor } else { 1.0 }, log1p: self.log1p }
    }
}

/// The normalisation of one cell.
#[derive(Clone, Copy, Debug)]
pub struct CellScale {
    divisor: f32,
    log1p: bool,
}

impl CellScale {
    /// The value of a count; rises with it, and is 0 for 0.
    #[must_use]
    pub fn value(self, count: f32) -> f32 {
        let scaled = count / self.divisor;
        if self.log1p { scaled.ln_1p() } else { scaled }
    }
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
    fn nothing_is_done_where_nothing_is_asked() {
        assert_eq!(Normalization::NONE.of_cell(30.0).value(3.0), 3.0);
    }

    #[test]
    fn cell_without_molecules_divides_by_one() {
        assert_eq!(Normalization::LOG_10_000.of_cell(0.0).value(0.0), 0.0);
    }
}
