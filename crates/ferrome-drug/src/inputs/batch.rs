use tch::{Device, Tensor};

use super::Drug;
use crate::graph::{GraphBatch, PackedGraphs};
use crate::model::{DrugBatch, Fingerprints, PairConfig, ProteinBatch, Residues};
use crate::{Error, Result};

/// Drugs as the model of `config` looks at them.
///
/// # Errors
///
/// A drug was made without what the model looks at; the device has no room.
pub fn drug_batch(drugs: &[&Drug], config: &PairConfig, device: Device) -> Result<DrugBatch> {
    let graphs = || -> Result<GraphBatch> {
        let graphs: Option<Vec<_>> = drugs
            .iter()
            .map(|drug| drug.graph.as_ref().map(|(graph, walks, laplacian)| (graph, walks, laplacian)))
            .collect();
        let graphs = graphs.ok_or_else(|| Error::Model("a molecule was prepared without its graph".into()))?;
        GraphBatch::new(&PackedGraphs::new(graphs), device)
    };
    let fingerprints = || Fingerprints::new(drugs.iter().map(|drug| drug.fingerprint.as_slice()), device);
    Ok(DrugBatch {
        graphs: config.graph.is_some().then(graphs).transpose()?,
        fingerprints: config.fingerprints.is_some().then(fingerprints).transpose()?,
    })
}

/// Proteins as the model of `config` looks at them: `rows` of [`super::Rows::row`], and sequences.
///
/// # Errors
///
/// Rows of another width than the model's; the device has no room.
pub fn protein_batch(
    rows: &[&[f32]],
    sequences: &[&[u8]],
    config: &PairConfig,
    device: Device,
) -> Result<ProteinBatch> {
    let table = |width: i64| -> Result<Tensor> {
        if let Some(row) = rows.iter().find(|row| row.len() as i64 != width) {
            return Err(Error::Model(format!("a protein has a row of {} numbers, expected {width}", row.len())));
        }
        Ok(Tensor::f_from_slice(&rows.concat())?.f_view([rows.len() as i64, width])?.f_to_device(device)?)
    };
    let residues = || Residues::new(sequences.iter().copied(), device);
    Ok(ProteinBatch {
        rows: config.protein_rows.as_ref().map(|rows| table(rows.width)).transpose()?,
        residues: config.convolution.is_some().then(residues).transpose()?,
    })
}
