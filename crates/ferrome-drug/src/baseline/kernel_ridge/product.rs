//! Entries of `K_d V K_p` (the vec trick of KronRLS).

use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use super::{add, dot};
use crate::baseline::Matrix;

/// Columns turned at once: what a line of the cache holds.
const BESIDE: usize = 8;

/// The two kernels, the larger one apart, whose rows are gone through in order so that each is read from memory once.
pub(super) struct Product<'a> {
    large: &'a Matrix,
    small: &'a Matrix,
    /// Whether drugs have the larger kernel.
    drugs_lead: bool,
    /// What a product works in: `V` times the smaller kernel, `[rows, columns]`, and the same turned.
    room: Mutex<(Vec<f64>, Vec<f64>)>,
}

/// Pairs by row of the larger kernel.
pub(super) struct Pairs {
    /// For each row of the larger kernel, the rows of the smaller one and the pairs' places.
    by_row: Vec<Vec<(usize, usize)>>,
    count: usize,
}

impl<'a> Product<'a> {
    pub(super) fn new(drugs: &'a Matrix, proteins: &'a Matrix) -> Self {
        let drugs_lead = drugs.rows >= proteins.rows;
        let (large, small) = if drugs_lead { (drugs, proteins) } else { (proteins, drugs) };
        let room = || vec![0.0; large.rows * small.rows];
        Self { large, small, drugs_lead, room: Mutex::new((room(), room())) }
    }

    pub(super) fn pairs(&self, pairs: &[(usize, usize)]) -> Pairs {
        let mut by_row = vec![Vec::new(); self.large.rows];
        for (place, &(drug, protein)) in pairs.iter().enumerate() {
            let (row, column) = if self.drugs_lead { (drug, protein) } else { (protein, drug) };
            by_row[row].push((column, place));
        }
        Pairs { by_row, count: pairs.len() }
    }

    /// The entries `wanted`, where `V` has the weights at their pairs and zeros elsewhere. Costs a row of the smaller kernel for
    /// each weight and a row of the larger one for each entry.
    pub(super) fn entries(&self, pairs: &Pairs, weights: &[f64], wanted: &Pairs) -> Vec<f64> {
        let (rows, columns) = (self.large.rows, self.small.rows);
        let mut room = self.room.lock().unwrap_or_else(PoisonError::into_inner);
        let (halves, across) = &mut *room;
        halves.fill(0.0);
        halves.par_chunks_mut(columns.max(1)).zip(&pairs.by_row).for_each(|(half, which)| {
            for &(column, place) in which {
                add(half, weights[place], row_of(self.small, column));
            }
        });
        across.par_chunks_mut((BESIDE * rows).max(1)).enumerate().for_each(|(first, values)| {
            let (first, count) = (first * BESIDE, values.len() / rows);
            for row in 0..rows {
                let half = &halves[row * columns + first..][..count];
                half.iter().enumerate().for_each(|(column, value)| values[column * rows + row] = *value);
            }
        });
        let entries: Vec<Vec<f64>> = (0..rows)
            .into_par_iter()
            .map(|row| {
                let similar = row_of(self.large, row);
                wanted.by_row[row].iter().map(|&(column, _)| dot(similar, &across[column * rows..][..rows])).collect()
            })
            .collect();
        let mut found = vec![0.0; wanted.count];
        for (which, entries) in wanted.by_row.iter().zip(entries) {
            which.iter().zip(entries).for_each(|(&(_, place), entry)| found[place] = entry);
        }
        found
    }
}

fn row_of(matrix: &Matrix, row: usize) -> &[f64] {
    &matrix.values[row * matrix.columns..][..matrix.columns]
}
