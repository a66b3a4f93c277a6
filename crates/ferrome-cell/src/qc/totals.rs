//! What each gene adds up to over all cells.

use serde::Serialize;

use crate::cells::Genes;

/// Sums over all cells, one for each gene.
#[derive(Clone, Debug)]
pub struct GeneTotals {
    counts: Vec<f64>,
    cells: Vec<u64>,
    shares: Vec<f64>,
}

/// A gene among the most expressed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TopGene {
    /// Its id in the file.
    pub id: String,
    /// Its name, where the file has one.
    pub name: Option<String>,
    /// Counts over all cells.
    pub counts: f64,
    /// The share of all counts, 0 to 1.
    pub share: f64,
    /// The mean over all cells of its share of the cell's counts, 0 to 1.
    pub mean_share: f64,
    /// Cells that have it.
    pub cells: u64,
}

impl GeneTotals {
    /// No cells yet.
    #[must_use]
    pub fn new(genes: usize) -> Self {
        Self { counts: vec![0.0; genes], cells: vec![0; genes], shares: vec![0.0; genes] }
    }

    /// Adds an entry of a cell whose counts sum to `total`.
    pub fn add(&mut self, gene: u32, value: f64, total: f64) {
        let gene = gene as usize;
        self.counts[gene] += value;
        self.cells[gene] += 1;
        if total > 0.0 {
            self.shares[gene] += value / total;
        }
    }

    /// Genes that at least `cells` cells have.
    #[must_use]
    pub fn seen(&self, cells: u64) -> usize {
        self.cells.iter().filter(|&&seen| seen >= cells).count()
    }

    /// The `count` genes with the largest mean share of a cell's counts; ties in the order of the columns.
    #[must_use]
    pub fn top(&self, genes: &Genes, count: usize, with_counts: u64) -> Vec<TopGene> {
        let all: f64 = self.counts.iter().sum();
        let mut order: Vec<usize> = (0..self.counts.len()).filter(|&gene| self.cells[gene] > 0).collect();
        order.sort_by(|&a, &b| self.shares[b].total_cmp(&self.shares[a]));
        let gene = |gene: usize| TopGene {
            id: genes.ids.value(gene).to_owned(),
            name: genes.names.as_ref().map(|names| names.value(gene).to_owned()),
            counts: self.counts[gene],
            share: if all > 0.0 { self.counts[gene] / all } else { 0.0 },
            mean_share: self.shares[gene] / with_counts.max(1) as f64,
            cells: self.cells[gene],
        };
        order.into_iter().take(count).map(gene).collect()
    }
}
