//! The pair model: every drug and every protein of a batch is encoded once, and pairs gather what belongs to them.

use tch::Tensor;

use super::{
    Fingerprints, GraphTransformer, Half, PairConfig, Parts, Predicted, Residues, Weights,
    fingerprint::FingerprintEncoder, head::Head, protein::Convolution, rows::RowEncoder,
};
use crate::{Error, Result, graph::GraphBatch};

/// The drugs of a batch, `g` of them.
#[derive(Debug, Default)]
pub struct DrugBatch {
    /// As graphs, where the model looks at them.
    pub graphs: Option<GraphBatch>,
    /// As fingerprints, where the model looks at them.
    pub fingerprints: Option<Fingerprints>,
}

/// The proteins of a batch, `p` of them.
#[derive(Debug, Default)]
pub struct ProteinBatch {
    /// `[p, width]` (f32): embeddings or similarities, where the model looks at them.
    pub rows: Option<Tensor>,
    /// As sequences, where the model looks at them.
    pub residues: Option<Residues>,
}

/// Scores pairs of drug and protein.
#[derive(Debug)]
pub struct PairModel {
    config: PairConfig,
    graph: Option<GraphTransformer>,
    fingerprints: Option<FingerprintEncoder>,
    protein_rows: Option<RowEncoder>,
    convolution: Option<Convolution>,
    head: Head,
    parts: Parts,
}

impl PairModel {
    /// Takes the tensors of this configuration, all of them and no other.
    ///
    /// # Errors
    ///
    /// The configuration contradicts itself; tensors are missing, of another shape, or left over (all are listed).
    pub fn load(weights: Weights, config: &PairConfig) -> Result<Self> {
        let (drug, protein) = config.widths()?;
        let graph = config.graph.as_ref().map(|c| GraphTransformer::load(&weights.pp("graph"), c)).transpose()?;
        let fingerprints = config.fingerprints.as_ref();
        let fingerprints =
            fingerprints.map(|c| FingerprintEncoder::load(&weights.pp("fingerprints"), c)).transpose()?;
        let rows = config.protein_rows.as_ref();
        let protein_rows = rows.map(|c| RowEncoder::load(&weights.pp("protein_rows"), c)).transpose()?;
        let convolution = config.convolution.as_ref();
        let convolution = convolution.map(|c| Convolution::load(&weights.pp("convolution"), c)).transpose()?;
        let head = Head::load(&weights.pp("head"), drug, protein, &config.head)?;
        let parts = weights.finish()?;
        Ok(Self { config: config.clone(), graph, fingerprints, protein_rows, convolution, head, parts })
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &PairConfig {
        &self.config
    }

    /// The tensors by name, for an optimiser or a checkpoint.
    #[must_use]
    pub fn parts(&self) -> &Parts {
        &self.parts
    }

    /// `[g, width of the drug encoders together]`.
    ///
    /// # Errors
    ///
    /// The batch lacks what an encoder needs; the device has no room.
    pub fn drugs(&self, batch: &DrugBatch, train: bool) -> Result<Tensor> {
        let mut sides = Vec::new();
        if let Some(encoder) = &self.graph {
            sides.push(encoder.forward(needed(&batch.graphs, "graphs")?, train)?);
        }
        if let Some(encoder) = &self.fingerprints {
            sides.push(encoder.forward(needed(&batch.fingerprints, "fingerprints")?, train)?);
        }
        Ok(Tensor::f_cat(&sides, 1)?)
    }

    /// `[p, width of the protein encoders together]`.
    ///
    /// # Errors
    ///
    /// As [`PairModel::drugs`].
    pub fn proteins(&self, batch: &ProteinBatch, train: bool) -> Result<Tensor> {
        let mut sides = Vec::new();
        if let Some(encoder) = &self.protein_rows {
            sides.push(encoder.forward(needed(&batch.rows, "rows of the proteins")?, train)?);
        }
        if let Some(encoder) = &self.convolution {
            sides.push(encoder.forward(needed(&batch.residues, "sequences")?, train)?);
        }
        Ok(Tensor::f_cat(&sides, 1)?)
    }

    /// Scores pairs of encodings: `drugs` `[g, dx]`, `proteins` `[p, dy]`, and which of them belong together, `[m]` (i64)
    /// each.
    ///
    /// # Errors
    ///
    /// A pair points outside the encodings; the device has no room.
    pub fn pairs(
        &self,
        drugs: &Tensor,
        proteins: &Tensor,
        pairs: (&Tensor, &Tensor),
        train: bool,
    ) -> Result<Predicted> {
        self.head.forward(drugs, proteins, pairs, train)
    }

    /// What the head makes of encoded drugs alone, for [`PairModel::cross`].
    ///
    /// # Errors
    ///
    /// The encodings have another width; the device has no room.
    pub fn half_of_drugs(&self, drugs: &Tensor) -> Result<Half> {
        self.head.half_of_drugs(drugs)
    }

    /// What the head makes of encoded proteins alone.
    ///
    /// # Errors
    ///
    /// As [`PairModel::half_of_drugs`].
    pub fn half_of_proteins(&self, proteins: &Tensor) -> Result<Half> {
        self.head.half_of_proteins(proteins)
    }

    /// Scores pairs, the drug and the protein of each in the same row of both halves. For prediction only.
    ///
    /// # Errors
    ///
    /// The halves have different numbers of rows, or are of another model; the device has no room.
    pub fn rows(&self, drugs: &Half, proteins: &Half) -> Result<Predicted> {
        self.head.rows(drugs, proteins, false)
    }

    /// Scores every drug with every protein: `[g * p]`, all proteins of the first drug first. For prediction only.
    ///
    /// # Errors
    ///
    /// The halves are of another model; the device has no room.
    pub fn cross(&self, drugs: &Half, proteins: &Half) -> Result<Predicted> {
        self.head.cross(drugs, proteins)
    }
}

impl PairConfig {
    /// Widths of the encodings of a drug and of a protein.
    fn widths(&self) -> Result<(i64, i64)> {
        let last = |hidden: &[i64]| hidden.last().copied().unwrap_or(0);
        let graph = self.graph.as_ref().map_or(0, |graph| graph.hidden_size);
        let drug = graph + self.fingerprints.as_ref().map_or(0, |c| last(&c.hidden));
        let rows =
            self.protein_rows.as_ref().map_or(0, |c| if c.hidden.is_empty() { c.width } else { last(&c.hidden) });
        let protein = rows + self.convolution.as_ref().map_or(0, |c| last(&c.channels));
        match (drug > 0, protein > 0) {
            (true, true) => Ok((drug, protein)),
            (false, _) => Err(Error::Model("no encoder of drugs: expected `graph` or `fingerprints`".into())),
            (_, false) => Err(Error::Model("no encoder of proteins: expected `protein_rows` or `convolution`".into())),
        }
    }
}

fn needed<'a, T>(part: &'a Option<T>, what: &str) -> Result<&'a T> {
    part.as_ref().ok_or_else(|| Error::Model(format!("the batch has no {what}, which this model needs")))
}
