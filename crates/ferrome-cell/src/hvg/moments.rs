//! Sums of values and of their squares, gene by gene, and the means and variances that follow.

/// The first two moments of `g` genes over the cells of one batch.
#[derive(Clone, Debug, PartialEq)]
pub struct Moments {
    cells: u64,
    sums: Vec<f64>,
    squares: Vec<f64>,
}

impl Moments {
    /// No cell yet, of `genes` genes.
    #[must_use]
    pub fn new(genes: usize) -> Self {
        Self { cells: 0, sums: vec![0.0; genes], squares: vec![0.0; genes] }
    }

    /// Adds a cell, with its genes that are not zero. Sums of counts are exact up to 2^53.
    pub fn add(&mut self, entries: impl Iterator<Item = (usize, f64)>) {
        self.cells += 1;
        for (gene, value) in entries {
            if let (Some(sum), Some(square)) = (self.sums.get_mut(gene), self.squares.get_mut(gene)) {
                *sum += value;
                *square += value * value;
            }
        }
    }

    /// The moments of some genes only, in the order of `genes`.
    #[must_use]
    pub fn only(&self, genes: &[usize]) -> Self {
        let pick = |values: &[f64]| genes.iter().map(|&gene| values.get(gene).copied().unwrap_or(0.0)).collect();
        Self { cells: self.cells, sums: pick(&self.sums), squares: pick(&self.squares) }
    }

    /// The number of cells.
    #[must_use]
    pub fn cells(&self) -> u64 {
        self.cells
    }

    /// `[g]`: the sum of each gene.
    #[must_use]
    pub fn sums(&self) -> &[f64] {
        &self.sums
    }

    /// `[g]`: the mean of each gene over all cells, zeros included.
    #[must_use]
    pub fn means(&self) -> Vec<f64> {
        self.sums.iter().map(|sum| sum / self.cells as f64).collect()
    }

    /// `[g]`: the variance of each gene, with `cells - 1` degrees of freedom; NaN for a single cell.
    #[must_use]
    pub fn variances(&self) -> Vec<f64> {
        let n = self.cells as f64;
        let variance = |(&sum, &square): (&f64, &f64)| ((n * square - sum * sum) / (n * (n - 1.0))).max(0.0);
        let variances = self.sums.iter().zip(&self.squares).map(variance);
        if self.cells < 2 { vec![f64::NAN; self.sums.len()] } else { variances.collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mean_and_variance_with_zeros() {
        let mut moments = Moments::new(2);
        moments.add([(0, 3.0), (1, 5.0)].into_iter());
        moments.add([(1, 5.0)].into_iter());
        moments.add([(1, 5.0)].into_iter());
        assert_eq!(moments.means(), [1.0, 5.0]);
        assert_eq!(moments.variances(), [3.0, 0.0]);
    }

    #[test]
    fn variance_of_one_cell_is_not_a_number() {
        let mut moments = Moments::new(1);
        moments.add([(0, 3.0)].into_iter());
        assert!(moments.variances()[0].is_nan());
    }
}
