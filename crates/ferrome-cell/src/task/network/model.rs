//! What a network asks of a model of any family.

use tch::{Device, Kind, Tensor};

use crate::model::scgpt::CellTokens;
use crate::model::{Encoder, OpenModel};
use crate::read::tokens::TokenCell;
use crate::{Error, Result};

/// A loaded model.
#[derive(Debug)]
pub struct NetworkModel(Encoder);

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
        Ok(Self(Encoder::load(opened, Kind::Float, device)?))
    }

    /// Number of blocks.
    #[must_use]
    pub fn blocks(&self) -> usize {
        self.0.shape().blocks()
    }

    /// What genes are to the model before it has seen a cell: `[g, d]`.
    ///
    /// # Errors
    ///
    /// Fails when a token is outside the model's table.
    pub fn gene_embeddings(&self, tokens: &[i32]) -> Result<Tensor> {
        let _guard = tch::no_grad_guard();
        let tokens = Tensor::f_from_slice(tokens)?.f_to_kind(Kind::Int64)?.f_to_device(self.0.device())?;
        match &self.0 {
            Encoder::Geneformer(model) => model.gene_embeddings(&tokens),
            Encoder::ScGpt(model) => model.gene_embeddings(&tokens),
        }
    }

    /// Why the model cannot take a cell, if it cannot.
    pub(super) fn refuses(&self, cell: &TokenCell) -> Option<String> {
        let tokens = match &cell.tokens {
            Err(reason) => return Some(reason.clone()),
            Ok(tokens) if tokens.is_empty() => return Some("no tokens".into()),
            Ok(tokens) => tokens,
        };
        let shape = self.0.shape();
        let (rows, most) = (shape.tokens(), shape.positions().unwrap_or(usize::MAX));
        if let Some(token) = tokens.iter().find(|&&token| token < 0 || i64::from(token) >= rows) {
            return Some(format!("token {token} is none of the model's {rows}"));
        }
        (tokens.len() > most).then(|| format!("{} tokens, and the model takes {most}", tokens.len()))
    }

    /// Queries and keys of block `layer` (counted from 1) for the tokens of `cells`.
    pub(super) fn query_key(&self, cells: &[TokenCell], layer: usize) -> Result<QueryKey> {
        let _guard = tch::no_grad_guard();
        let pack = |cell| self.pack(cell);
        let cells = cells.iter().map(pack).collect::<Result<Vec<_>>>()?;
        let found = self.0.represent(&cells, layer.saturating_sub(1))?;
        let (query, key) = match &self.0 {
            Encoder::Geneformer(model) => model.query_key(layer, &found.x)?,
            Encoder::ScGpt(model) => model.query_key(layer, &found.x)?,
        };
        Ok(QueryKey { query, key, spans: found.sequences().spans().collect() })
    }

    // A Geneformer does not look at values, which its tokens do not have.
    fn pack<'a>(&self, cell: &'a TokenCell) -> Result<CellTokens<'a>> {
        let tokens = cell.tokens.as_deref().unwrap_or_default();
        match (&self.0, cell.values.as_deref()) {
            (Encoder::Geneformer(_), _) => Ok(CellTokens { tokens, values: &[] }),
            (Encoder::ScGpt(_), values) => Ok(CellTokens { tokens, values: values.ok_or(Error::NoValues)? }),
        }
    }
}
