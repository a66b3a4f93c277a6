use ferrome_core::nn::Sequences;
use tch::{Device, Kind, Tensor};

use super::EmbedItem;
use crate::Result;
use crate::model::scgpt::{self, CellTokens, ScGpt};
use crate::model::{Batch, Geneformer, OpenModel};

/// A model of any family on its device.
#[derive(Debug)]
pub(in crate::task) enum Loaded {
    Geneformer(Box<Geneformer>),
    ScGpt(Box<ScGpt>),
}

impl Loaded {
    pub(in crate::task) fn load(model: &OpenModel, kind: Kind, device: Device) -> Result<Self> {
        match model {
            OpenModel::Geneformer(model) => Ok(Self::Geneformer(Box::new(model.load(kind, device)?))),
            OpenModel::ScGpt(model) => Ok(Self::ScGpt(Box::new(model.load(kind, device)?))),
        }
    }

    /// A second handle on the same weights.
    pub(in crate::task) fn share(&self) -> Self {
        match self {
            Self::Geneformer(model) => Self::Geneformer(Box::new(model.share())),
            Self::ScGpt(model) => Self::ScGpt(Box::new(model.share())),
        }
    }

    /// The representations of layer `layer`, packed: `[t, d]`, and where the cells lie. No layer after it is computed.
    pub(super) fn forward(&self, items: &[&EmbedItem], layer: usize) -> Result<(Tensor, Sequences)> {
        match self {
            Self::Geneformer(model) => {
                let cells: Vec<&[i32]> = items.iter().map(|item| item.tokens.as_slice()).collect();
                let batch = Batch::new(&cells, model.device())?;
                Ok((model.forward(&batch, layer, |_, _| Ok(()))?, batch.sequences))
            }
            Self::ScGpt(model) => {
                let cells: Vec<CellTokens<'_>> =
                    items.iter().map(|item| CellTokens { tokens: &item.tokens, values: &item.values }).collect();
                let batch = scgpt::Batch::new(&cells, model.device())?;
                Ok((model.forward(&batch, layer, |_, _| Ok(()))?, batch.sequences))
            }
        }
    }
}
