use rayon::prelude::*;

/// A dense matrix, row by row.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix {
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub columns: usize,
    /// `[rows, columns]`.
    pub values: Vec<f64>,
}

impl Matrix {
    /// A matrix of zeros.
    #[must_use]
    pub fn zeros(rows: usize, columns: usize) -> Self {
        Self { rows, columns, values: vec![0.0; rows * columns] }
    }

    /// A symmetric matrix from the entries at and right of the diagonal of each row, computed in parallel.
    pub fn symmetric(n: usize, row: impl Fn(usize) -> Vec<f64> + Sync + Send) -> Self {
        let rows: Vec<Vec<f64>> = (0..n).into_par_iter().map(row).collect();
        let mut matrix = Self::zeros(n, n);
        for (i, row) in rows.iter().enumerate() {
            for (j, &value) in (i..n).zip(row) {
                matrix.values[i * n + j] = value;
                matrix.values[j * n + i] = value;
            }
        }
        matrix
    }

    /// The entry in a row and a column; 0 outside.
    #[must_use]
    pub fn at(&self, row: usize, column: usize) -> f64 {
        if column < self.columns { self.values.get(row * self.columns + column).copied().unwrap_or(0.0) } else { 0.0 }
    }

    /// Every entry changed.
    #[must_use]
    pub fn map(&self, change: impl Fn(f64) -> f64) -> Self {
        Self { values: self.values.iter().map(|&value| change(value)).collect(), ..*self }
    }
}
