//! From columns of a matrix to the genes that become tokens, with columns of the same gene summed.

use crate::cells::{Cells, Values};
use crate::genes::Matching;

/// Where the columns of a matrix go: one slot for each gene of the vocabulary that the matrix has.
///
/// Genes of one column come first, in the order of the columns; behind them the genes of several columns, in the order of
/// the first of these. That is the order of the columns in Geneformer's collapsed matrices, and decides ties.
#[derive(Clone, Debug)]
pub struct Slots {
    /// The slot of each column; [`NONE`] where the vocabulary lacks the gene.
    slots: Vec<u32>,
    /// The gene of each slot, as index into the vocabulary's genes.
    genes: Vec<u32>,
    /// The first slot of a gene with several columns.
    first_summed: usize,
}

/// No gene of the vocabulary.
const NONE: u32 = u32::MAX;

/// The genes of one cell: their slots, ascending, and their values.
#[derive(Clone, Debug, Default)]
pub struct Row {
    /// Ascending.
    pub slots: Vec<u32>,
    /// The value of each slot; columns of the same gene are summed in float64.
    pub values: Vec<f64>,
    sums: Vec<f64>,
}

impl Slots {
    /// The slots of a matched matrix.
    #[must_use]
    pub fn new(matching: &Matching) -> Self {
        let most = matching.targets.iter().flatten().max().map_or(0, |&gene| gene as usize + 1);
        let mut uses = vec![0_u32; most];
        for &gene in matching.targets.iter().flatten() {
            uses[gene as usize] += 1;
        }
        let mut slot_of = vec![NONE; most];
        let mut genes = Vec::new();
        let mut first_summed = 0;
        for summed in [false, true] {
            first_summed = if summed { genes.len() } else { 0 };
            for &gene in matching.targets.iter().flatten() {
                if (uses[gene as usize] > 1) == summed && slot_of[gene as usize] == NONE {
                    slot_of[gene as usize] = genes.len() as u32;
                    genes.push(gene);
                }
            }
        }
        let slots = matching.targets.iter().map(|target| target.map_or(NONE, |gene| slot_of[gene as usize])).collect();
        Self { slots, genes, first_summed }
    }

    /// The gene of each slot, as index into [`crate::vocabulary::Vocabulary::genes`].
    #[must_use]
    pub fn genes(&self) -> &[u32] {
        &self.genes
    }

    /// Whether a cell has any gene of the vocabulary.
    #[must_use]
    pub fn any(&self, cells: &Cells, row: usize) -> bool {
        let columns = cells.genes.get(span(cells, row)).unwrap_or_default();
        columns.iter().any(|&column| self.slots.get(column as usize).is_some_and(|&slot| slot != NONE))
    }

    /// Fills `out` with the genes of a cell that are in the vocabulary.
    pub fn gather(&self, cells: &Cells, row: usize, out: &mut Row) {
        let span = span(cells, row);
        let columns = cells.genes.get(span.clone()).unwrap_or_default();
        match &cells.values {
            Values::Counts(values) => self.fill(columns, values.get(span).unwrap_or_default(), out),
            Values::Floats(values) => self.fill(columns, values.get(span).unwrap_or_default(), out),
        }
    }

    fn fill<V: Copy + Into<f64>>(&self, columns: &[u32], values: &[V], out: &mut Row) {
        self.take_known(columns, values, out);
        let several = |slot: u32| slot as usize >= self.first_summed;
        if self.first_summed < self.genes.len() && out.slots.iter().any(|&slot| several(slot)) {
            self.sum_several(out);
        }
    }

    /// Which columns are known cannot be foreseen: each entry is written, and the next one over it if it is not.
    fn take_known<V: Copy + Into<f64>>(&self, columns: &[u32], values: &[V], out: &mut Row) {
        let Row { slots, values: taken, .. } = out;
        slots.resize(columns.len(), 0);
        taken.resize(columns.len(), 0.0);
        let mut known = 0;
        for (&column, &value) in columns.iter().zip(values) {
            let slot = self.slots.get(column as usize).copied().unwrap_or(NONE);
            slots[known] = slot;
            taken[known] = value.into();
            known += usize::from(slot != NONE);
        }
        slots.truncate(known);
        taken.truncate(known);
    }

    /// Sums the genes of several columns and puts them behind the others.
    fn sum_several(&self, out: &mut Row) {
        let Row { slots, values, sums } = out;
        sums.resize(self.genes.len() - self.first_summed, 0.0);
        let mut kept = 0;
        for entry in 0..slots.len() {
            match (slots[entry] as usize).checked_sub(self.first_summed) {
                Some(index) => sums[index] += values[entry],
                None => {
                    (slots[kept], values[kept]) = (slots[entry], values[entry]);
                    kept += 1;
                }
            }
        }
        slots.truncate(kept);
        values.truncate(kept);
        for (index, sum) in sums.iter_mut().enumerate().filter(|(_, sum)| **sum != 0.0) {
            slots.push((self.first_summed + index) as u32);
            values.push(std::mem::take(sum));
        }
    }
}

fn span(cells: &Cells, row: usize) -> std::ops::Range<usize> {
    match cells.starts.get(row..row + 2) {
        Some(&[start, end]) => start..end,
        _ => 0..0,
    }
}
