use arrow::array::{Array, ArrayRef};
use arrow::datatypes::DataType;
use ferrome_core::fingerprint::Fingerprint;

use super::add_array;
use super::rows::{Dense, Sparse};
use crate::Result;
use crate::read::choose::Candidate;
use crate::read::hdf5::{Number, Numbers};
use crate::read::rows::{Cut, Rows};
use crate::read::storage::SAMPLE;

/// Numbers of a program, which are read where they are.
#[derive(Clone, Debug)]
pub(super) struct Flat {
    array: ArrayRef,
    number: Number,
}

impl Flat {
    fn new(array: ArrayRef, what: &str) -> Result<Self, String> {
        let number = match array.data_type() {
            DataType::Int8 => Number::I8,
            DataType::Int16 => Number::I16,
            DataType::Int32 => Number::I32,
            DataType::Int64 => Number::I64,
            DataType::UInt8 => Number::U8,
            DataType::UInt16 => Number::U16,
            DataType::UInt32 => Number::U32,
            DataType::UInt64 => Number::U64,
            DataType::Float32 => Number::F32,
            DataType::Float64 => Number::F64,
            other => {
                return Err(format!(
                    "{what}: expected int8 to int64, uint8 to uint64, float32 or float64, found {other}"
                ));
            }
        };
        if array.null_count() > 0 {
            return Err(format!("{what}: expected numbers, found {} nulls", array.null_count()));
        }
        Ok(Self { array, number })
    }

    pub(super) fn len(&self) -> usize {
        self.array.len()
    }

    pub(super) fn number(&self) -> Number {
        self.number
    }

    /// The bytes of some of them; as many as there are where there are fewer.
    pub(super) fn numbers(&self, first: usize, last: usize) -> Numbers {
        let mut numbers = Numbers::none(self.number);
        numbers.bytes = self.bytes(first, last).to_vec();
        numbers
    }

    /// As [`Self::numbers`], without a copy; `visit` sees them.
    pub(super) fn with_bytes<T>(&self, first: usize, last: usize, visit: impl FnOnce(&[u8]) -> T) -> T {
        let (width, data) = (self.number.width(), self.array.to_data());
        let (first, last) = (data.offset() + first, data.offset() + last.min(self.len()));
        let bytes = data.buffers().first().and_then(|buffer| buffer.as_slice().get(first * width..last * width));
        visit(bytes.unwrap_or_default())
    }

    fn bytes(&self, first: usize, last: usize) -> Vec<u8> {
        self.with_bytes(first, last, <[u8]>::to_vec)
    }
}

/// A matrix of cells by genes in the arrays of a program.
#[derive(Clone, Debug)]
pub struct Matrix {
    genes: usize,
    layout: Layout,
}

#[derive(Clone, Debug)]
enum Layout {
    Sparse { starts: Flat, genes: Flat, values: Flat },
    Dense(Flat),
}

impl Matrix {
    /// A CSR matrix with so many columns: `indptr`, `indices` and `data`.
    ///
    /// # Errors
    ///
    /// An array is not of numbers, or they do not fit together.
    pub fn sparse(starts: ArrayRef, genes: ArrayRef, values: ArrayRef, columns: usize) -> Result<Self, String> {
        let (starts, values) = (Flat::new(starts, "indptr")?, Flat::new(values, "data")?);
        let genes = Flat::new(genes, "indices")?;
        if genes.len() != values.len() {
            return Err(format!("indices: has shape [{}], but data has [{}]", genes.len(), values.len()));
        }
        Ok(Self { genes: columns, layout: Layout::Sparse { starts, genes, values } })
    }

    /// A dense matrix with so many columns, row by row.
    ///
    /// # Errors
    ///
    /// The array is not of numbers, or no whole number of rows.
    pub fn dense(values: ArrayRef, columns: usize) -> Result<Self, String> {
        let values = Flat::new(values, "values")?;
        if columns > 0 && !values.len().is_multiple_of(columns) {
            return Err(format!("has {} numbers, expected rows of {columns}", values.len()));
        }
        Ok(Self { genes: columns, layout: Layout::Dense(values) })
    }

    /// Its cells and genes.
    pub(super) fn shape(&self) -> Result<(u64, u64), String> {
        let cells = match &self.layout {
            Layout::Sparse { starts, .. } => {
                starts.len().checked_sub(1).ok_or("indptr: has shape [0], expected at least [1]")?
            }
            Layout::Dense(values) => values.len() / self.genes.max(1),
        };
        if self.genes >= u32::MAX as usize {
            return Err(format!("has {cells} cells and {} genes, which is beyond what is read", self.genes));
        }
        Ok((cells as u64, self.genes as u64))
    }

    pub(super) fn nonzeros(&self) -> Option<u64> {
        match &self.layout {
            Layout::Sparse { values, .. } => Some(values.len() as u64),
            Layout::Dense(_) => None,
        }
    }

    pub(super) fn format(&self) -> &'static str {
        match &self.layout {
            Layout::Sparse { .. } => "AnnData (CSR)",
            Layout::Dense(_) => "AnnData (dense)",
        }
    }

    pub(super) fn into_rows(self) -> Result<Box<dyn Rows>, String> {
        Ok(match self.layout {
            Layout::Sparse { starts, genes, values } => Box::new(Sparse::new(&starts, genes, values)?),
            Layout::Dense(values) => Box::new(Cut::new(Dense::new(values, self.genes))),
        })
    }

    pub(super) fn add_to(&self, hash: &mut Fingerprint) {
        match &self.layout {
            Layout::Sparse { starts, genes, values } => {
                for part in [starts, genes, values] {
                    add_array(&part.array, hash);
                }
            }
            Layout::Dense(values) => add_array(&values.array, hash),
        }
    }
}

impl Candidate for Matrix {
    fn number(&self) -> Result<Number> {
        Ok(match &self.layout {
            Layout::Sparse { values, .. } | Layout::Dense(values) => values.number(),
        })
    }

    fn sample(&mut self) -> Result<Numbers> {
        let sample = SAMPLE as usize;
        Ok(match &self.layout {
            Layout::Sparse { values, .. } => values.numbers(0, sample),
            Layout::Dense(values) => {
                let cells = (4 * sample / self.genes.max(1)).max(1);
                values.numbers(0, cells * self.genes)
            }
        })
    }
}
