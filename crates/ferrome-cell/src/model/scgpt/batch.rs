use ferrome_core::nn::Sequences;
use tch::{Device, Kind, Tensor};

use crate::Result;

/// The genes of a cell as the model takes them, `<cls>` first.
#[derive(Clone, Copy, Debug)]
pub struct CellTokens<'a> {
    /// `[l]`: genes.
    pub tokens: &'a [i32],
    /// `[l]`: their expression, binned or not, as the model was trained.
    pub values: &'a [f32],
}

/// A packed batch of `n` cells: their genes one after another.
#[derive(Debug)]
pub struct Batch {
    tokens: Tensor,
    values: Tensor,
    rows: Tensor,
    labels: Option<Tensor>,
    flags: Option<Tensor>,
    /// Where the cells lie.
    pub sequences: Sequences,
}

impl Batch {
    /// Packs `cells` on `device`.
    ///
    /// # Errors
    ///
    /// Fails when the device has no room.
    pub fn new(cells: &[CellTokens], device: Device) -> Result<Self> {
        let lengths: Vec<i64> = cells.iter().map(|cell| cell.tokens.len().min(cell.values.len()) as i64).collect();
        let tokens: Vec<i32> =
            cells.iter().flat_map(|cell| cell.tokens.iter().zip(cell.values).map(|(&t, _)| t)).collect();
        let values: Vec<f32> =
            cells.iter().flat_map(|cell| cell.tokens.iter().zip(cell.values).map(|(_, &v)| v)).collect();
        let rows: Vec<i64> = (0..).zip(&lengths).flat_map(|(row, &length)| (0..length).map(move |_| row)).collect();
        Ok(Self {
            tokens: Tensor::f_from_slice(&tokens)?.f_to_device(device)?.f_to_kind(Kind::Int64)?,
            values: Tensor::f_from_slice(&values)?.f_to_device(device)?,
            rows: Tensor::f_from_slice(&rows)?.f_to_device(device)?,
            labels: None,
            flags: None,
            sequences: Sequences::new(&lengths, device)?,
        })
    }

    /// The same cells with the number of the batch (of the laboratory) that each comes from.
    ///
    /// # Errors
    ///
    /// Fails when the device has no room.
    pub fn with_labels(self, labels: &[i64]) -> Result<Self> {
        let labels = Tensor::f_from_slice(labels)?.f_to_device(self.tokens.device())?;
        Ok(Self { labels: Some(labels), ..self })
    }

    /// The same cells with a flag for each gene, in their order: 1 where it is perturbed, 0 elsewhere.
    ///
    /// # Errors
    ///
    /// Fails when the device has no room.
    pub fn with_flags(self, flags: &[i64]) -> Result<Self> {
        let flags = Tensor::f_from_slice(flags)?.f_to_device(self.tokens.device())?;
        Ok(Self { flags: Some(flags), ..self })
    }

    /// `[t]` (i64): the genes of all cells.
    pub fn tokens(&self) -> &Tensor {
        &self.tokens
    }

    /// `[t]` (f32): their values.
    pub fn values(&self) -> &Tensor {
        &self.values
    }

    /// `[t]` (i64): the cell that each belongs to.
    pub fn rows(&self) -> &Tensor {
        &self.rows
    }

    /// `[n]` (i64): the batch that each cell comes from, where it was given.
    #[must_use]
    pub fn labels(&self) -> Option<&Tensor> {
        self.labels.as_ref()
    }

    /// `[t]` (i64): which genes are perturbed, where it was given.
    #[must_use]
    pub fn flags(&self) -> Option<&Tensor> {
        self.flags.as_ref()
    }

    /// Number of cells.
    #[must_use]
    pub fn cells(&self) -> i64 {
        self.sequences.spans().len() as i64
    }
}
