use rayon::prelude::*;
use tch::{Device, Kind, Tensor};

use super::{Data, TrainConfig};
use crate::{
    Error, Result,
    checkpoint::RowKind,
    inputs::{Drug, Embeddings, Inputs, Reference, Rows, drug_batch, protein_batch},
    model::{DrugBatch, PairConfig, PairModel, ProteinBatch},
};

/// Drugs that are encoded together outside training, and pairs that are scored together.
const TOGETHER: (usize, usize) = (256, 16_384);

/// What models look at in all proteins of the data.
#[derive(Debug, Default)]
pub(super) struct ProteinRows {
    /// One row for each protein; empty where the model looks at sequences alone.
    pub(super) rows: Vec<Vec<f32>>,
    /// The proteins that all are compared with.
    pub(super) references: Vec<Reference>,
    /// Numbers of a row.
    pub(super) width: usize,
}

/// What the model looks at in every drug.
pub(super) fn drugs(data: &Data, inputs: &Inputs) -> Result<Vec<Drug>> {
    let one = |drug: &super::TrainedDrug| {
        Drug::new(&drug.molecule, inputs).map_err(|refusal| Error::Model(format!("drug `{}`: {refusal}", drug.id)))
    };
    data.drugs.par_iter().map(one).collect()
}

impl ProteinRows {
    /// Compares all proteins with those that are `known`.
    pub(super) fn new(config: &TrainConfig, data: &Data, known: &[usize]) -> Result<Self> {
        if !config.looks_at("protein_rows") {
            return Ok(Self::default());
        }
        let path = config.data.embeddings.as_deref();
        let has_table = config.protein_rows.iter().any(|kind| matches!(kind, RowKind::Table { .. }));
        let table = path.filter(|_| has_table).map(Embeddings::read).transpose()?;
        let reference = |&which: &usize| {
            let protein = &data.proteins[which];
            let embedding = table.as_ref().and_then(|table| table.get(&protein.id)).map(<[f32]>::to_vec);
            Reference { id: protein.id.clone(), sequence: protein.sequence.clone(), embedding }
        };
        let mut rows = Rows::new(&config.protein_rows, known.iter().map(reference).collect());
        if let Some(table) = table {
            rows = rows.with_table(table)?;
        }
        let row = |protein: &super::Protein| {
            rows.row(&protein.id, &protein.sequence)
                .map_err(|why| Error::Model(format!("protein `{}`: {why}", protein.id)))
        };
        let all = data.proteins.par_iter().map(row).collect::<Result<_>>()?;
        Ok(Self { rows: all, width: rows.width(), references: rows.references().to_vec() })
    }

    /// The batch of some proteins.
    pub(super) fn batch(
        &self,
        data: &Data,
        which: &[usize],
        config: &PairConfig,
        device: Device,
    ) -> Result<ProteinBatch> {
        let rows: Vec<&[f32]> = which.iter().filter_map(|&i| self.rows.get(i)).map(Vec::as_slice).collect();
        let sequences: Vec<&[u8]> = which.iter().map(|&i| data.proteins[i].sequence.as_slice()).collect();
        protein_batch(&rows, &sequences, &[config], device)
    }
}

/// What a model says of pairs, in the label's units.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Predictions {
    /// Expected affinity.
    pub(super) mean: Vec<f64>,
    /// Predicted variance.
    pub(super) variance: Vec<f64>,
    /// Logit of the interaction.
    pub(super) logit: Vec<f64>,
}

/// All drugs and proteins of the data as batches, for predictions.
#[derive(Debug)]
pub(super) struct Whole {
    drugs: Vec<DrugBatch>,
    proteins: Vec<ProteinBatch>,
}

impl Whole {
    pub(super) fn new(
        data: &Data,
        drugs: &[Drug],
        rows: &ProteinRows,
        config: &PairConfig,
        device: Device,
    ) -> Result<Self> {
        let drugs: Vec<&Drug> = drugs.iter().collect();
        let proteins: Vec<usize> = (0..data.proteins.len()).collect();
        Ok(Self {
            drugs: drugs.chunks(TOGETHER.0).map(|some| drug_batch(some, &[config], device)).collect::<Result<_>>()?,
            proteins: proteins
                .chunks(TOGETHER.0)
                .map(|some| rows.batch(data, some, config, device))
                .collect::<Result<_>>()?,
        })
    }

    /// Predicts the pairs `which`; `center` and `scale` are those of the label.
    pub(super) fn predict(
        &self,
        model: &PairModel,
        data: &Data,
        which: &[usize],
        (center, scale): (f64, f64),
    ) -> Result<Predictions> {
        let _guard = tch::no_grad_guard();
        let drugs = self.drugs.iter().map(|batch| model.drugs(batch, false)).collect::<Result<Vec<_>>>()?;
        let proteins = self.proteins.iter().map(|batch| model.proteins(batch, false)).collect::<Result<Vec<_>>>()?;
        let (drugs, proteins) = (Tensor::f_cat(&drugs, 0)?, Tensor::f_cat(&proteins, 0)?);
        let mut found = Predictions::default();
        for some in which.chunks(TOGETHER.1) {
            let column = |of: fn(&super::Pair) -> usize| -> Result<Tensor> {
                let places: Vec<i64> = some.iter().map(|&i| of(&data.pairs[i]) as i64).collect();
                Ok(Tensor::f_from_slice(&places)?.f_to_device(drugs.device())?)
            };
            let (of_drug, of_protein) = (column(|pair| pair.drug)?, column(|pair| pair.protein)?);
            let said = model.pairs(&drugs, &proteins, (&of_drug, &of_protein), false)?;
            found.mean.extend(numbers(&said.mean)?.into_iter().map(|mean| mean * scale + center));
            found.variance.extend(numbers(&said.log_variance)?.into_iter().map(|log| log.exp() * scale * scale));
            found.logit.extend(numbers(&said.logit)?);
        }
        Ok(found)
    }
}

fn numbers(tensor: &Tensor) -> Result<Vec<f64>> {
    let flat = tensor.f_to_device(Device::Cpu)?.f_to_kind(Kind::Double)?.f_contiguous()?;
    Ok(Vec::<f64>::try_from(flat)?)
}
