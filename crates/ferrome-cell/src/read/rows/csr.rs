use super::{Offsets, Rows};
use crate::Result;
use crate::read::hdf5::{Number, Numbers, Stored};
use crate::read::values::RawRows;

/// A matrix stored cell by cell: each chunk is read once, or twice where one block ends and the next begins.
#[derive(Debug)]
pub(in crate::read) struct Csr {
    offsets: Offsets,
    genes: Stored,
    values: Stored,
    numbers: (Number, Number),
    /// Of earlier rows.
    spare: Option<RawRows>,
}

impl Csr {
    /// The matrix of these arrays.
    pub(in crate::read) fn new(offsets: Offsets, genes: Stored, values: Stored) -> Result<Self> {
        let numbers = (genes.number()?, values.number()?);
        Ok(Self { offsets, genes, values, numbers, spare: None })
    }
}

impl Rows for Csr {
    fn next_rows(&mut self, nonzeros: usize) -> Result<Option<RawRows>> {
        let Some(offsets) = self.offsets.take(nonzeros)? else { return Ok(None) };
        let (Some(&first), Some(&last)) = (offsets.first(), offsets.last()) else { return Ok(None) };
        let (mut genes, mut values) = match self.spare.take() {
            Some(RawRows { genes, values, .. }) => (genes, values),
            None => (Numbers::none(self.numbers.0), Numbers::none(self.numbers.1)),
        };
        let read = rayon::join(
            || self.genes.read(first..last, &mut genes.bytes),
            || self.values.read(first..last, &mut values.bytes),
        );
        read.0.and(read.1)?;
        let starts = offsets.iter().map(|offset| (offset - first) as usize).collect();
        Ok(Some(RawRows { starts, genes, values }))
    }

    fn pass_over(&mut self, rows: u64) -> Result<u64> {
        self.offsets.pass_over(rows)
    }

    fn take_back(&mut self, rows: RawRows) {
        self.spare = Some(rows);
    }
}
