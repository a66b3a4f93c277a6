use tch::{Device, Tensor};

use super::Drug;
use crate::graph::{GraphBatch, PackedGraphs};
use crate::model::{DrugBatch, Fingerprints, PairConfig, ProteinBatch, Residues};
use crate::{Error, Result};

/// Drugs as these models look at them, with what only one of them needs.
///
/// # Errors
///
/// A drug was made without what the model looks at; the device has no room.
pub fn drug_batch(drugs: &[&Drug], models: &[&PairConfig], device: Device) -> Result<DrugBatch> {
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
        graphs: models.iter().any(|model| model.graph.is_some()).then(graphs).transpose()?,
        fingerprints: models.iter().any(|model| model.fingerprints.is_some()).then(fingerprints).transpose()?,
    })
}

/// Proteins as these models look at them: `rows` of [`super::Rows::row`], and sequences.
///
/// # Errors
///
/// Rows of another width than the model's; the device has no room.
pub fn protein_batch(
    rows: &[&[f32]],
    sequences: &[&[u8]],
    models: &[&PairConfig],
    device: Device,
) -> Result<ProteinBatch> {
    let table = |width: i64| -> Result<Tensor> {
        if let Some(row) = rows.iter().find(|row| row.len() as i64 != width) {
            return Err(Error::Model(format!("a protein has a row of {} numbers, expected {width}", row.len())));
        }
        Ok(Tensor::f_from_slice(&rows.concat())?.f_view([rows.len() as i64, width])?.f_to_device(device)?)
    };
    let residues = || Residues::new(sequences.iter().copied(), device);
    let width = models.iter().find_map(|model| model.protein_rows.as_ref()).map(|rows| rows.width);
    Ok(ProteinBatch {
        rows: width.map(table).transpose()?,
        residues: models.iter().any(|model| model.convolution.is_some()).then(residues).transpose()?,
    })
}
