//! Files of Cell Ranger 2 with a matrix for each genome: the genes of all genomes side by side.

use arrow::array::{Array, StringArray};
use arrow::compute::{concat, concat_batches};

use super::{check, format, obs, storage, var};
use crate::Result;
use crate::cells::{Genes, ValueKind};
use crate::read::choose::Candidate;
use crate::read::hdf5::Source;
use crate::read::matrix::Matrix;
use crate::read::obs::Frame;
use crate::read::rows::{Beside, Cut, Rows};
use crate::read::storage::Storage;
use crate::read::{CellReader, Header, ReadOptions};

/// Opens several matrices of the same barcodes as one.
pub(super) fn open(source: &Source, names: &[String], options: &ReadOptions) -> Result<Box<dyn CellReader>> {
    let mut parts = Vec::new();
    let mut ids: Option<StringArray> = None;
    for name in names {
        let (storage, genes, mut obs) = (storage(source, name)?, var(source, name)?, obs(source, name)?);
        check(source, name, &storage, &genes, &obs)?;
        let own = obs.ids(0..obs.len())?;
        if ids.as_ref().is_some_and(|ids| *ids != own) || storage.number()?.is_float() {
            let names = names.join(", ");
            let what = format!("the genomes {names} have cells of their own; choose one with --layer");
            return Err(source.wrong("", what));
        }
        ids = Some(own);
        parts.push((storage, genes, obs));
    }
    let genes = joined(parts.iter().map(|(_, genes, _)| genes))?;
    let entries = parts.iter().filter_map(|(storage, ..)| storage.nonzeros()).sum();
    let (matrices, mut frames): (Vec<_>, Vec<Frame>) =
        parts.into_iter().map(|(storage, _, obs)| (storage, obs)).unzip();
    let obs = frames.swap_remove(0);
    let header = Header {
        genes,
        cells: Some(obs.len()),
        nonzeros: Some(entries),
        obs: obs.schema().clone(),
        layer: names.join("+"),
        kind: ValueKind::Counts,
        format: format(source, &names[0]),
    };
    let rows = beside(matrices, obs.len(), entries, options)?;
    Ok(Box::new(Matrix::new(source.path().to_owned(), header, rows, obs)))
}

fn beside(matrices: Vec<Storage>, cells: u64, entries: u64, options: &ReadOptions) -> Result<Box<dyn Rows>> {
    let mut parts = Vec::new();
    let mut first = 0;
    for matrix in matrices {
        let end = first + matrix.genes as u32;
        parts.push((first..end, matrix.into_rows(options)?));
        first = end;
    }
    Ok(Box::new(Cut::new(Beside::new(parts, cells, entries, options.scratch.clone()))))
}

/// All genes one after another.
fn joined<'a>(parts: impl Iterator<Item = &'a Genes> + Clone) -> Result<Genes> {
    let texts = |texts: Vec<&dyn Array>| -> Result<StringArray> {
        Ok(arrow::array::AsArray::as_string::<i32>(&concat(&texts)?).clone())
    };
    let ids = texts(parts.clone().map(|genes| &genes.ids as &dyn Array).collect())?;
    let names: Option<Vec<_>> =
        parts.clone().map(|genes| genes.names.as_ref().map(|names| names as &dyn Array)).collect();
    let batches: Vec<_> = parts.map(|genes| &genes.columns).collect();
    let schema =
        batches.first().map(|batch| batch.schema()).unwrap_or_else(|| arrow::datatypes::Schema::empty().into());
    Ok(Genes { ids, names: names.map(texts).transpose()?, columns: concat_batches(&schema, batches)? })
}
