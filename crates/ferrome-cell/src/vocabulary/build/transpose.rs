use crate::cells::{Cells, Values};
use crate::tokenize::geneformer::TARGET_SUM;

/// Normalised expression of a block, gene by gene.
pub(super) struct Entries {
    /// `[genes + 1]`: where each gene begins.
    pub(super) starts: Vec<usize>,
    /// In the order of the cells.
    pub(super) values: Vec<f64>,
}

/// Normalises the usable cells of a block and sorts their entries by gene; columns of one gene are summed first.
pub(super) fn transpose(columns: &[Option<u32>], genes: usize, cells: &Cells, totals: &[Option<f64>]) -> Entries {
    let mut entries: Vec<(u32, f64)> = Vec::with_capacity(cells.genes.len());
    for (row, total) in cells.starts.windows(2).zip(totals) {
        let Some(total) = total else { continue };
        let begin = entries.len();
        for entry in row[0]..row[1] {
            let (Some(&column), Some(value)) = (cells.genes.get(entry), value(&cells.values, entry)) else { continue };
            if let Some(Some(gene)) = columns.get(column as usize) {
                entries.push((*gene, value));
            }
        }
        sum_equal(&mut entries, begin);
        for (_, value) in entries.iter_mut().skip(begin) {
            *value = *value / total * TARGET_SUM;
        }
    }
    by_gene(&entries, genes)
}

fn value(values: &Values, entry: usize) -> Option<f64> {
    match values {
        Values::Counts(values) => values.get(entry).map(|&value| value.into()),
        Values::Floats(values) => values.get(entry).map(|&value| value.into()),
    }
}

/// Sums entries of the same gene from `begin` on.
fn sum_equal(entries: &mut Vec<(u32, f64)>, begin: usize) {
    let Some(row) = entries.get_mut(begin..) else { return };
    row.sort_by_key(|&(gene, _)| gene);
    let mut kept = begin;
    for index in begin..entries.len() {
        if kept > begin && entries[kept - 1].0 == entries[index].0 {
            entries[kept - 1].1 += entries[index].1;
        } else {
            entries[kept] = entries[index];
            kept += 1;
        }
    }
    entries.truncate(kept);
}

/// A counting sort, which keeps the order of the cells.
fn by_gene(entries: &[(u32, f64)], genes: usize) -> Entries {
    let mut starts = vec![0_usize; genes + 1];
    for &(gene, _) in entries {
        starts[gene as usize + 1] += 1;
    }
    for gene in 0..genes {
        starts[gene + 1] += starts[gene];
    }
    let mut next = starts.clone();
    let mut values = vec![0.0; entries.len()];
    for &(gene, value) in entries {
        let place = &mut next[gene as usize];
        values[*place] = value;
        *place += 1;
    }
    Entries { starts, values }
}
