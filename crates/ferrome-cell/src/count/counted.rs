//! The counts of a file: cells in the order of their barcodes, genes in that of their ids.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use rayon::prelude::*;

use super::dedup::Entry;
use super::gather::Gathered;
use super::summary::Summary;
use crate::Result;
use crate::cells::{Cells, Genes, ValueKind, Values};
use crate::read::{CellReader, Header};

/// Molecules of cells by genes, as counted from a file.
///
/// Cells are in the order of the bytes of their barcodes, genes in that of their ids; only those with a molecule are
/// there. As a [`CellReader`] it gives the `obs` columns `n_genes` and `n_reads` (reads of its molecules), both `Int64`.
#[derive(Debug)]
pub struct Counted {
    header: Header,
    barcodes: Vec<String>,
    /// `[c + 1]`: where the entries of each cell begin.
    starts: Vec<usize>,
    /// By cell, then by gene.
    entries: Vec<Entry>,
    totals: Vec<u64>,
    summary: Summary,
    next: usize,
}

impl Counted {
    /// Orders what was found, and leaves out cells with fewer than `min_umis`.
    pub(super) fn new(gathered: Gathered, mut entries: Vec<Entry>, min_umis: u64) -> Self {
        let Gathered { tally, cells, genes, gene_names, .. } = gathered;
        let mut totals = vec![0; cells.len()];
        entries.iter().for_each(|entry| totals[entry.cell as usize] += u64::from(entry.count));
        let mut summary = Summary::new(tally, &totals, min_umis);
        entries.retain(|entry| totals[entry.cell as usize] >= min_umis);

        let kept_cells = present(cells.ranks(), entries.iter().map(|entry| entry.cell));
        let kept_genes = present(genes.ranks(), entries.iter().map(|entry| entry.gene));
        entries.par_iter_mut().for_each(|entry| {
            entry.cell = kept_cells.place[entry.cell as usize];
            entry.gene = kept_genes.place[entry.gene as usize];
        });
        entries.par_sort_unstable_by_key(|entry| (entry.cell, entry.gene));
        let barcodes = kept_cells.order.iter().map(|&cell| lossy(cells.text(cell))).collect();
        let ids: StringArray = kept_genes.order.iter().map(|&gene| Some(lossy(genes.text(gene)))).collect();
        let mut described = Genes::from_ids(ids);
        if gene_names.iter().any(|name| !name.is_empty()) {
            let names = kept_genes.order.iter().map(|&gene| gene_names.get(gene as usize));
            described.names = Some(names.collect());
        }
        summary.genes = described.len();
        totals.retain(|total| *total > 0);
        let starts = starts(&entries, kept_cells.order.len());
        let header = header(described, kept_cells.order.len(), entries.len());
        Self { header, barcodes, starts, entries, totals, summary, next: 0 }
    }

    /// What became of the reads, and what was counted.
    #[must_use]
    pub fn summary(&self) -> &Summary {
        &self.summary
    }

    /// Adds to what is to be said of the file.
    pub(super) fn warn(&mut self, warnings: Vec<String>) {
        self.summary.warnings.extend(warnings);
    }

    /// UMIs of every cell that has any, those with too few included, in no order.
    #[must_use]
    pub fn totals(&self) -> &[u64] {
        &self.totals
    }

    /// The barcodes of the cells, in order.
    #[must_use]
    pub fn barcodes(&self) -> &[String] {
        &self.barcodes
    }

    /// The genes, in order.
    #[must_use]
    pub fn genes(&self) -> &Genes {
        &self.header.genes
    }

    /// Gene and count of each entry of a cell, genes ascending; none beyond the last cell.
    pub fn cell(&self, cell: usize) -> impl Iterator<Item = (usize, u32)> {
        self.row(cell).iter().map(|entry| (entry.gene as usize, entry.count))
    }

    fn row(&self, cell: usize) -> &[Entry] {
        match (self.starts.get(cell), self.starts.get(cell + 1)) {
            (Some(&start), Some(&end)) => &self.entries[start..end],
            _ => &[],
        }
    }

    fn block(&self, first: usize, end: usize) -> Result<Cells> {
        let rows = first..end;
        let column = |value: fn(&[Entry]) -> i64| -> ArrayRef {
            Arc::new(rows.clone().map(|cell| value(self.row(cell))).collect::<Int64Array>())
        };
        let columns =
            vec![column(|row| row.len() as i64), column(|row| row.iter().map(|entry| i64::from(entry.reads)).sum())];
        let begin = self.starts[first];
        let entries = &self.entries[begin..self.starts[end]];
        Ok(Cells {
            first: first as u64,
            ids: self.barcodes[rows.clone()].iter().map(Some).collect(),
            obs: RecordBatch::try_new(self.header.obs.clone(), columns)?,
            starts: self.starts[first..=end].iter().map(|start| start - begin).collect(),
            genes: entries.iter().map(|entry| entry.gene).collect(),
            values: Values::Counts(
                entries.iter().map(|entry| i32::try_from(entry.count).unwrap_or(i32::MAX)).collect(),
            ),
            rejected: Vec::new(),
            rounded: 0,
        })
    }
}

impl CellReader for Counted {
    fn header(&self) -> &Header {
        &self.header
    }

    fn next_cells(&mut self, nonzeros: usize) -> Result<Option<Cells>> {
        let first = self.next;
        if first >= self.barcodes.len() {
            return Ok(None);
        }
        let enough = self.starts[first] + nonzeros;
        let whole = self.starts[first + 1..].partition_point(|&end| end <= enough);
        self.next = first + whole.max(1);
        self.block(first, self.next).map(Some)
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn header(genes: Genes, cells: usize, nonzeros: usize) -> Header {
    Header {
        genes,
        cells: Some(cells as u64),
        nonzeros: Some(nonzeros as u64),
        obs: obs(),
        layer: "UMIs".to_owned(),
        kind: ValueKind::Counts,
        format: "BAM",
    }
}

fn obs() -> SchemaRef {
    let field = |name| Field::new(name, DataType::Int64, false);
    Arc::new(Schema::new(vec![field("n_genes"), field("n_reads")]))
}

/// The numbers that occur, in their order.
struct Kept {
    /// Old numbers.
    order: Vec<u32>,
    /// For each old number its place in `order`.
    place: Vec<u32>,
}

fn present(ranks: Vec<u32>, used: impl Iterator<Item = u32>) -> Kept {
    let mut occurs = vec![false; ranks.len()];
    used.for_each(|number| occurs[number as usize] = true);
    let mut order: Vec<u32> = (0..ranks.len() as u32).filter(|&number| occurs[number as usize]).collect();
    order.sort_unstable_by_key(|&number| ranks[number as usize]);
    let mut place = vec![0; ranks.len()];
    for (new, &old) in order.iter().enumerate() {
        place[old as usize] = new as u32;
    }
    Kept { order, place }
}

fn starts(entries: &[Entry], cells: usize) -> Vec<usize> {
    let mut starts = vec![0; cells + 1];
    entries.iter().for_each(|entry| starts[entry.cell as usize + 1] += 1);
    for cell in 0..cells {
        starts[cell + 1] += starts[cell];
    }
    starts
}
