//! An encoder of either family, for tasks that both can do.

mod place;

use ferrome_core::nn::Sequences;
use tch::{Device, Kind, Tensor};

use super::scgpt::{self, CellTokens, ScGpt};
use super::{Batch, Geneformer, OpenModel, Shape};
use crate::Result;

pub use place::Place;

/// A model of any family on its device.
#[derive(Debug)]
pub enum Encoder {
    /// Genes by rank.
    Geneformer(Box<Geneformer>),
    /// Genes with their expression.
    ScGpt(Box<ScGpt>),
}

/// What an encoder says of some cells.
#[derive(Debug)]
pub struct Represented {
    /// `[t, d]`: each token's vector, cell after cell.
    pub x: Tensor,
    cells: Cells,
}

#[derive(Debug)]
enum Cells {
    Geneformer(Batch),
    ScGpt(scgpt::Batch),
}

impl Encoder {
    /// Loads a checkpoint in `kind` on `device`.
    ///
    /// # Errors
    ///
    /// Lists what is missing, of another shape or left over; fails when the device has no room.
    pub fn load(model: &OpenModel, kind: Kind, device: Device) -> Result<Self> {
        Ok(match model {
            OpenModel::Geneformer(model) => Self::Geneformer(Box::new(model.load(kind, device)?)),
            OpenModel::ScGpt(model) => Self::ScGpt(Box::new(model.load(kind, device)?)),
        })
    }

    /// A second handle on the same weights, for another thread.
    #[must_use]
    pub fn share(&self) -> Self {
        match self {
            Self::Geneformer(model) => Self::Geneformer(Box::new(model.share())),
            Self::ScGpt(model) => Self::ScGpt(Box::new(model.share())),
        }
    }

    /// Its sizes.
    #[must_use]
    pub fn shape(&self) -> Shape {
        match self {
            Self::Geneformer(model) => Shape::Geneformer(model.config().clone()),
            Self::ScGpt(model) => Shape::ScGpt(model.config().clone()),
        }
    }

    /// Where it lies.
    #[must_use]
    pub fn device(&self) -> Device {
        match self {
            Self::Geneformer(model) => model.device(),
            Self::ScGpt(model) => model.device(),
        }
    }

    /// The representations of layer `layer` (0 is the embedding); no layer after it is computed. Geneformer does not look at values.
    ///
    /// # Errors
    ///
    /// As [`Geneformer::forward`] and [`ScGpt::forward`].
    pub fn represent(&self, cells: &[CellTokens], layer: usize) -> Result<Represented> {
        let cells = self.pack(cells)?;
        let x = match (self, &cells) {
            (Self::Geneformer(model), Cells::Geneformer(batch)) => model.forward(batch, layer, |_, _| Ok(()))?,
            (Self::ScGpt(model), Cells::ScGpt(batch)) => model.forward(batch, layer, |_, _| Ok(()))?,
            _ => return Err(other_family()),
        };
        Ok(Represented { x, cells })
    }

    /// As [`Encoder::represent`], with the number of each cell's batch for an scGPT that normalises batches apart.
    ///
    /// # Errors
    ///
    /// As [`Encoder::represent`].
    pub fn represent_in_batches(&self, cells: &[CellTokens], batches: &[i64], layer: usize) -> Result<Represented> {
        let Self::ScGpt(model) = self else { return self.represent(cells, layer) };
        let batch = scgpt::Batch::new(cells, model.device())?.with_labels(batches)?;
        Ok(Represented { x: model.forward(&batch, layer, |_, _| Ok(()))?, cells: Cells::ScGpt(batch) })
    }

    /// The representations of layer `layer` of the first token of each cell, `[n, d]`: in a Geneformer nothing else of that layer is
    /// computed but keys and values.
    ///
    /// # Errors
    ///
    /// As [`Encoder::represent`].
    pub fn represent_first(&self, cells: &[CellTokens], layer: usize) -> Result<Tensor> {
        match self {
            Self::Geneformer(model) => model.forward_first(&genes(cells, model.device())?, layer),
            Self::ScGpt(_) => self.represent(cells, layer)?.first(),
        }
    }

    /// The last representations, computed in `kind` whatever the weights are kept in; with dropout, drawn from libtorch's generator, in
    /// `training`.
    ///
    /// # Errors
    ///
    /// As [`Encoder::represent`].
    pub fn represent_in(&self, kind: Kind, cells: &[CellTokens], training: bool) -> Result<Represented> {
        let (cells, last) = (self.pack(cells)?, self.shape().blocks());
        let x = match (self, &cells, training) {
            (Self::Geneformer(model), Cells::Geneformer(batch), true) => model.forward_training(kind, batch)?,
            (Self::Geneformer(model), Cells::Geneformer(batch), false) => {
                model.forward_in(kind, batch, last, |_, _| Ok(()))?
            }
            (Self::ScGpt(model), Cells::ScGpt(batch), true) => model.forward_training(kind, batch)?,
            (Self::ScGpt(model), Cells::ScGpt(batch), false) => model.forward_in(kind, batch, last, |_, _| Ok(()))?,
            _ => return Err(other_family()),
        };
        Ok(Represented { x, cells })
    }

    /// Logits over the genes from last representations of a Geneformer: `[t, d] -> [t, vocabulary]`.
    ///
    /// # Errors
    ///
    /// [`crate::Error::NoMaskedGeneHead`].
    pub fn gene_logits(&self, x: &Tensor) -> Result<Tensor> {
        match self {
            Self::Geneformer(model) => model.logits(x),
            Self::ScGpt(_) => Err(crate::Error::NoMaskedGeneHead),
        }
    }

    /// Every tensor that training changes; see [`Geneformer::parameters`] and [`ScGpt::parameters`].
    #[must_use]
    pub fn parameters(&self) -> Vec<(String, &Tensor)> {
        match self {
            Self::Geneformer(model) => model.parameters(),
            Self::ScGpt(model) => model.parameters(),
        }
    }

    /// A second handle with other matrices in the blocks; see [`Geneformer::with`].
    ///
    /// # Errors
    ///
    /// When `change` fails.
    pub fn with(&self, change: &mut dyn FnMut(&str, &Tensor) -> Result<Tensor>) -> Result<Self> {
        Ok(match self {
            Self::Geneformer(model) => Self::Geneformer(Box::new(model.with(change)?)),
            Self::ScGpt(model) => Self::ScGpt(Box::new(model.with(change)?)),
        })
    }

    fn pack(&self, cells: &[CellTokens]) -> Result<Cells> {
        Ok(match self {
            Self::Geneformer(model) => Cells::Geneformer(genes(cells, model.device())?),
            Self::ScGpt(model) => Cells::ScGpt(scgpt::Batch::new(cells, model.device())?),
        })
    }
}

impl Represented {
    /// Where the cells lie.
    #[must_use]
    pub fn sequences(&self) -> &Sequences {
        match &self.cells {
            Cells::Geneformer(batch) => &batch.sequences,
            Cells::ScGpt(batch) => &batch.sequences,
        }
    }

    /// One vector per cell, `[n, d]`: of its first token, or as the `cell_emb_style` of an scGPT says.
    ///
    /// # Errors
    ///
    /// The cells are of another encoder; the device has no room.
    pub fn cells(&self, encoder: &Encoder) -> Result<Tensor> {
        match (encoder, &self.cells) {
            (Encoder::Geneformer(_), Cells::Geneformer(_)) => self.first(),
            (Encoder::ScGpt(model), Cells::ScGpt(batch)) => model.cell_embeddings(&self.x, batch),
            _ => Err(other_family()),
        }
    }

    /// The batch, where the encoder is an scGPT.
    #[must_use]
    pub fn scgpt(&self) -> Option<&scgpt::Batch> {
        match &self.cells {
            Cells::Geneformer(_) => None,
            Cells::ScGpt(batch) => Some(batch),
        }
    }

    /// The vector of the first token of each cell: `[n, d]`.
    ///
    /// # Errors
    ///
    /// The device has no room.
    pub fn first(&self) -> Result<Tensor> {
        let first: Vec<i64> = self.sequences().spans().map(|(start, _)| start).collect();
        Ok(self.x.f_index_select(0, &Tensor::f_from_slice(&first)?.f_to_device(self.x.device())?)?)
    }
}

fn genes(cells: &[CellTokens], device: Device) -> Result<Batch> {
    Batch::new(&cells.iter().map(|cell| cell.tokens).collect::<Vec<_>>(), device)
}

fn other_family() -> crate::Error {
    crate::Error::Train("cells that were packed for another family (a defect of ferrome)".into())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn first_tokens_alone_are_as_among_all() {
        let _guard = tch::no_grad_guard();
        let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/cell");
        let tokens: Vec<i32> = [2, 9, 4, 25, 11, 7, 18, 3].repeat(3);
        let values: Vec<f32> = (0..24).map(|value| value as f32).collect();
        for name in ["geneformer_v1", "geneformer_v2", "scgpt_torch"] {
            let model = crate::model::open(&golden.join(name)).unwrap();
            let encoder = Encoder::load(&model, Kind::Float, Device::Cpu).unwrap();
            let cell = |n: usize| CellTokens { tokens: &tokens[..n], values: &values[..n] };
            let cells = [cell(1), cell(20), cell(7)];
            for layer in 0..=model.blocks() {
                let all = encoder.represent(&cells, layer).unwrap().first().unwrap();
                let alone = encoder.represent_first(&cells, layer).unwrap();
                assert_eq!(alone.size(), [3, model.width()]);
                let worst = (all - alone).abs().max().double_value(&[]);
                assert!(worst <= 1e-6, "{name}, layer {layer}: {worst:e}");
            }
        }
    }
}
