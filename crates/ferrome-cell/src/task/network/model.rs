//! What a network asks of a model of any family.

use tch::{Device, Kind, Tensor};

use crate::model::scgpt::{self, CellTokens, ScGpt};
use crate::model::{Batch, Geneformer, OpenModel};
use crate::read::tokens::TokenCell;
use crate::{Error, Result};

/// A loaded model.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "a run has one")]
pub enum NetworkModel {
    /// Genes by rank.
    Geneformer(Geneformer),
    /// Genes with their expression.
    ScGpt(ScGpt),
}

/// Queries and keys of all tokens of a batch, `[t, h, k]`, and where each cell lies.
pub(super) struct QueryKey {
    pub(super) query: Tensor,
    pub(super) key: Tensor,
    pub(super) spans: Vec<(i64, i64)>,
}

impl NetworkModel {
    /// Loads a model in f32.
    ///
    /// # Errors
    ///
    /// Lists what is missing, of another shape or left over; fails when the device has no room.
    pub fn load(opened: &OpenModel, device: Device) -> Result<Self> {
        Ok(match opened {
            OpenModel::Geneformer(model) => Self::Geneformer(model.load(Kind::Float, device)?),
            OpenModel::ScGpt(model) => Self::ScGpt(model.load(Kind::Float, device)?),
        })
    }

    /// Number of blocks.
    #[must_use]
    pub fn blocks(&self) -> usize {
        match self {
            Self::Geneformer(model) => model.config().num_hidden_layers,
            Self::ScGpt(model) => model.config().nlayers,
        }
    }

    /// What genes are to the model before it has seen a cell: `[g, d]`.
    ///
    /// # Errors
    ///
    /// Fails when a token is outside the model's table.
    pub fn gene_embeddings(&self, tokens: &[i32]) -> Result<Tensor> {
        let _guard = tch::no_grad_guard();
        let tokens = Tensor::f_from_slice(tokens)?.f_to_kind(Kind::Int64)?.f_to_device(self.device())?;
        match self {
            Self::Geneformer(model) => model.gene_embeddings(&tokens),
            Self::ScGpt(model) => model.gene_embeddings(&tokens),
        }
    }

    /// Why the model cannot take a cell, if it cannot.
    pub(super) fn refuses(&self, cell: &TokenCell) -> Option<String> {
        let tokens = match &cell.tokens {
            Err(reason) => return Some(reason.clone()),
            Ok(tokens) if tokens.is_empty() => return Some("no tokens".into()),
            Ok(tokens) => tokens,
        };
        let (rows, most) = match self {
            Self::Geneformer(model) => {
                let config = model.config();
                (config.vocab_size, usize::try_from(config.max_position_embeddings).unwrap_or(usize::MAX))
            }
            Self::ScGpt(model) => (model.config().ntoken, usize::MAX),
        };
        if let Some(token) = tokens.iter().find(|&&token| token < 0 || i64::from(token) >= rows) {
            return Some(format!("token {token} is none of the model's {rows}"));
        }
        (tokens.len() > most).then(|| format!("{} tokens, and the model takes {most}", tokens.len()))
    }

    /// Queries and keys of block `layer` (counted from 1) for the tokens of `cells`.
    pub(super) fn query_key(&self, cells: &[TokenCell], layer: usize) -> Result<QueryKey> {
        let _guard = tch::no_grad_guard();
        let tokens = |cell: &TokenCell| cell.tokens.as_ref().map_or_else(|_| Vec::new(), Clone::clone);
        let tokens: Vec<Vec<i32>> = cells.iter().map(tokens).collect();
        let before = layer.saturating_sub(1);
        let (query, key, spans) = match self {
            Self::Geneformer(model) => {
                let tokens: Vec<&[i32]> = tokens.iter().map(Vec::as_slice).collect();
                let batch = Batch::new(&tokens, model.device())?;
                let x = model.forward(&batch, before, |_, _| Ok(()))?;
                let (query, key) = model.query_key(layer, &x)?;
                (query, key, batch.sequences.spans().collect())
            }
            Self::ScGpt(model) => {
                let values: Option<Vec<&[f32]>> = cells.iter().map(|cell| cell.values.as_deref()).collect();
                let values = values.ok_or(Error::NoValues)?;
                let cells = tokens.iter().zip(values).map(|(tokens, values)| CellTokens { tokens, values });
                let batch = scgpt::Batch::new(&cells.collect::<Vec<_>>(), model.device())?;
                let x = model.forward(&batch, before, |_, _| Ok(()))?;
                let (query, key) = model.query_key(layer, &x)?;
                (query, key, batch.sequences.spans().collect())
            }
        };
        Ok(QueryKey { query, key, spans })
    }

    fn device(&self) -> Device {
        match self {
            Self::Geneformer(model) => model.device(),
            Self::ScGpt(model) => model.device(),
        }
    }
}
