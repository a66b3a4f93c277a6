use rayon::prelude::*;

use super::matrix::Flat;
use crate::Result;
use crate::read::hdf5::{Number, Numbers};
use crate::read::rows::{Bands, MOST_ROWS, Rows};
use crate::read::values::RawRows;

/// Elements of a dense matrix that one thread looks at.
const STRIP: usize = 1 << 20;
/// Strips of a band.
const STRIPS: usize = 16;

/// The rows of a CSR matrix.
pub(super) struct Sparse {
    /// `[c + 1]`
    starts: Vec<u64>,
    genes: Flat,
    values: Flat,
    next: usize,
}

impl Sparse {
    /// The rows of these arrays; the error says what is wrong with `indptr`.
    pub(super) fn new(starts: &Flat, genes: Flat, values: Flat) -> Result<Self, String> {
        let starts = starts.numbers(0, starts.len()).offsets();
        let starts = starts.ok_or("indptr: holds a negative number or a fraction")?;
        if starts.first() != Some(&0) {
            return Err("indptr: does not begin with 0".to_owned());
        }
        if !starts.is_sorted() {
            return Err("indptr: does not ascend".to_owned());
        }
        let entries = values.len() as u64;
        if starts.last().is_some_and(|last| *last > entries) {
            return Err(format!("indptr: points beyond the {entries} entries"));
        }
        Ok(Self { starts, genes, values, next: 0 })
    }
}

impl Rows for Sparse {
    fn next_rows(&mut self, nonzeros: usize) -> Result<Option<RawRows>> {
        let starts = self.starts.get(self.next..).unwrap_or_default();
        let Some(&first) = starts.first() else { return Ok(None) };
        let limit = first.saturating_add(nonzeros as u64);
        let fit = starts.partition_point(|start| *start <= limit).saturating_sub(1);
        let rows = fit.clamp(1, MOST_ROWS).min(starts.len() - 1);
        if rows == 0 {
            return Ok(None);
        }
        let taken = &starts[..=rows];
        let end = taken.last().map_or(first, |end| *end) as usize;
        self.next += rows;
        Ok(Some(RawRows {
            starts: taken.iter().map(|start| (start - first) as usize).collect(),
            genes: self.genes.numbers(first as usize, end),
            values: self.values.numbers(first as usize, end),
        }))
    }
}

/// The rows of a dense matrix, in bands.
pub(super) struct Dense {
    values: Flat,
    genes: usize,
    next: usize,
}

impl Dense {
    /// The rows of so many elements each.
    pub(super) fn new(values: Flat, genes: usize) -> Self {
        Self { values, genes, next: 0 }
    }

    /// What is not zero in some rows.
    fn strip(&self, first: usize, last: usize) -> RawRows {
        let (number, genes) = (self.values.number(), self.genes.max(1));
        self.values.with_bytes(first * genes, last * genes, |bytes| match number.width() {
            1 => sparse::<1>(bytes, genes, number),
            2 => sparse::<2>(bytes, genes, number),
            4 => sparse::<4>(bytes, genes, number),
            _ => sparse::<8>(bytes, genes, number),
        })
    }
}

impl Bands for Dense {
    fn next_band(&mut self) -> Result<Option<RawRows>> {
        let cells = self.values.len() / self.genes.max(1);
        if self.next >= cells {
            return Ok(None);
        }
        let step = (STRIP / self.genes.max(1)).max(1);
        let end = (self.next + STRIPS * step).min(cells);
        let strips: Vec<usize> = (self.next..end).step_by(step).collect();
        let strips: Vec<RawRows> =
            strips.into_par_iter().map(|first| self.strip(first, (first + step).min(end))).collect();
        self.next = end;
        let mut strips = strips.into_iter();
        let mut band = strips.next();
        if let Some(band) = &mut band {
            strips.for_each(|strip| band.append(&strip));
        }
        Ok(band)
    }
}

fn sparse<const W: usize>(bytes: &[u8], genes: usize, number: Number) -> RawRows {
    let (elements, _) = bytes.as_chunks::<W>();
    let mut rows = RawRows { starts: vec![0], genes: Numbers::none(Number::U32), values: Numbers::none(number) };
    for row in elements.chunks_exact(genes) {
        for (gene, value) in (0_u32..).zip(row) {
            if *value != [0; W] {
                rows.genes.bytes.extend_from_slice(&gene.to_le_bytes());
                rows.values.bytes.extend_from_slice(value);
            }
        }
        rows.starts.push(rows.values.bytes.len() / W);
    }
    rows
}
