//! Cells are counted here, block by block.

use super::mitochondria::Mitochondria;
use super::plane::Plane;
use super::sketch::{Kind, Sketch};
use super::tokens::TokenLengths;
use super::totals::GeneTotals;
use crate::cells::{Cells, ValueKind, Values};
use crate::tokenize::slots::Row;

/// Rejected cells that are listed.
const LISTED: usize = 20;

/// Everything that is counted; its memory depends on the number of genes, not of cells.
#[derive(Clone, Debug)]
pub(super) struct Tally {
    pub(super) cells: u64,
    pub(super) entries: u64,
    pub(super) rounded: u64,
    pub(super) rejected: u64,
    /// The first of them: cell and reason.
    pub(super) listed: Vec<(String, String)>,
    /// Cells without any entry.
    pub(super) empty: u64,
    /// Cells whose counts sum to more than zero.
    pub(super) with_counts: u64,
    pub(super) counts: Sketch,
    pub(super) genes: Sketch,
    pub(super) mitochondrial: Sketch,
    pub(super) known: Sketch,
    pub(super) tokens: Sketch,
    pub(super) truncated: u64,
    /// Cells with entries, but without any gene of the vocabulary.
    pub(super) unknown: u64,
    pub(super) plane: Plane,
    pub(super) totals: GeneTotals,
    scratch: Row,
}

impl Tally {
    pub(super) fn new(genes: usize, kind: ValueKind) -> Self {
        let whole = || Sketch::new(Kind::Whole);
        Self {
            cells: 0,
            entries: 0,
            rounded: 0,
            rejected: 0,
            listed: Vec::new(),
            empty: 0,
            with_counts: 0,
            counts: Sketch::new(if kind == ValueKind::Counts { Kind::Whole } else { Kind::Any }),
            genes: whole(),
            mitochondrial: Sketch::new(Kind::Any),
            known: whole(),
            tokens: whole(),
            truncated: 0,
            unknown: 0,
            plane: Plane::default(),
            totals: GeneTotals::new(genes),
            scratch: Row::default(),
        }
    }

    /// Counts a sound block.
    pub(super) fn add(&mut self, cells: &Cells, mito: Option<&Mitochondria>, tokens: Option<&TokenLengths>) {
        self.rounded += cells.rounded;
        let mut rejected = cells.rejected.iter().peekable();
        for (row, span) in cells.starts.windows(2).map(|pair| pair[0]..pair[1]).enumerate() {
            self.cells += 1;
            if let Some((_, reason)) = rejected.next_if(|(rejected, _)| *rejected == row) {
                self.reject(cells.ids.value(row), reason);
                continue;
            }
            self.entries += span.len() as u64;
            self.empty += u64::from(span.is_empty());
            let genes = &cells.genes[span.clone()];
            match &cells.values {
                Values::Counts(values) => self.cell(genes, &values[span], mito),
                Values::Floats(values) => self.cell(genes, &values[span], mito),
            }
            if let Some(tokens) = tokens {
                self.length(tokens, cells, row, genes.is_empty());
            }
        }
    }

    fn reject(&mut self, id: &str, reason: &str) {
        self.rejected += 1;
        if self.listed.len() < LISTED {
            self.listed.push((id.to_owned(), reason.to_owned()));
        }
    }

    fn cell<V: Copy + Into<f64>>(&mut self, genes: &[u32], values: &[V], mito: Option<&Mitochondria>) {
        let total: f64 = values.iter().map(|&value| value.into()).sum();
        let mut mitochondrial = 0.0;
        for (&gene, &value) in genes.iter().zip(values) {
            self.totals.add(gene, value.into(), total);
            if mito.is_some_and(|mito| mito.flags[gene as usize]) {
                mitochondrial += value.into();
            }
        }
        self.counts.add(total);
        self.genes.add(genes.len() as f64);
        if total > 0.0 {
            self.with_counts += 1;
            let share = mitochondrial / total;
            if mito.is_some() {
                self.mitochondrial.add(share);
            }
            self.plane.add(total, genes.len() as f64, share);
        }
    }

    fn length(&mut self, tokens: &TokenLengths, cells: &Cells, row: usize, empty: bool) {
        let length = tokens.of(cells, row, &mut self.scratch);
        self.known.add(length.genes as f64);
        self.tokens.add(length.tokens as f64);
        self.truncated += u64::from(length.truncated);
        self.unknown += u64::from(length.genes == 0 && !empty);
    }
}
