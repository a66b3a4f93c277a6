//! The vectors as tables, and the scores.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, FixedSizeListArray, Float32Array, RecordBatch, StringArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Field};
use ferrome_core::journal::{RunDescription, write_whole};
use ferrome_core::table::write_table;
use tch::Tensor;

use super::{Corpus, Method};
use crate::integration::Scores;
use crate::{Error, Result};

/// Writes `cell_id`, `batch`, `type` where it is known, `embedding` and `error`: one row per cell of the input, in its order.
pub(super) fn vectors(corpus: &Corpus, rows: &Tensor, path: &Path) -> Result<()> {
    let (_, d) = rows.size2()?;
    let rows = rows.f_contiguous()?;
    let mut used = vec![0.0_f32; rows.numel()];
    rows.f_copy_data(&mut used, rows.numel())?;
    let width = usize::try_from(d).unwrap_or(0);
    let mut values = Vec::with_capacity(corpus.ids.len() * width);
    for place in &corpus.places {
        match place {
            Ok(cell) => values.extend_from_slice(used.get(cell * width..(cell + 1) * width).unwrap_or_default()),
            Err(_) => values.resize(values.len() + width, 0.0),
        }
    }
    let there = NullBuffer::from_iter(corpus.places.iter().map(Result::is_ok));
    let item = Arc::new(Field::new_list_field(DataType::Float32, true));
    let size = i32::try_from(d).unwrap_or(i32::MAX);
    let embedding = FixedSizeListArray::try_new(item, size, Arc::new(Float32Array::from(values)), Some(there))?;
    let of = |name: &dyn Fn(usize) -> Option<String>| -> ArrayRef {
        let names = corpus.places.iter().map(|place| place.as_ref().ok().and_then(|&cell| name(cell)));
        Arc::new(names.collect::<StringArray>())
    };
    let ids: ArrayRef = Arc::new(corpus.ids.iter().map(Some).collect::<StringArray>());
    let mut columns = vec![("cell_id", ids), ("batch", of(&|cell| corpus.batches.get(corpus.batch[cell]).cloned()))];
    if !corpus.types.is_empty() {
        columns.push(("type", of(&|cell| corpus.types.get(corpus.kind[cell]?).cloned())));
    }
    columns.push(("embedding", Arc::new(embedding)));
    let errors = corpus.places.iter().map(|place| place.as_ref().err());
    columns.push(("error", Arc::new(errors.collect::<StringArray>())));
    let table = RecordBatch::try_from_iter_with_nullable(
        columns.into_iter().map(|(name, column)| (name, column, name != "cell_id")),
    )?;
    Ok(write_table(&table, path, &RunDescription::new())?)
}

/// The measures by name, as tables and pages have them.
pub(super) fn measures(scores: &Scores) -> [(&'static str, Option<f64>); 9] {
    [
        ("overall", scores.overall),
        ("avg_bio", scores.avg_bio),
        ("avg_batch", scores.avg_batch),
        ("nmi", scores.nmi),
        ("ari", scores.ari),
        ("cell_type_asw", scores.cell_type_asw),
        ("graph_connectivity", scores.graph_connectivity),
        ("batch_asw", scores.batch_asw),
        ("batch_entropy", scores.batch_entropy),
    ]
}

/// Writes `clusters.csv`: `cell_id`, `batch`, `type` and the cluster of each method, one row per scored cell.
pub(super) fn clusters((corpus, cells): (&Corpus, &[usize]), found: &[(&str, Vec<u32>)], path: &Path) -> Result<()> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let failed = |e: csv::Error| Error::file(path, e.to_string());
    writer
        .write_record(["cell_id", "batch", "type"].into_iter().chain(found.iter().map(|(name, _)| *name)))
        .map_err(failed)?;
    let ids: Vec<&String> =
        corpus.ids.iter().zip(&corpus.places).filter(|(_, place)| place.is_ok()).map(|(id, _)| id).collect();
    for (row, &cell) in cells.iter().enumerate() {
        let name =
            |names: &[String], number: Option<usize>| number.and_then(|i| names.get(i)).cloned().unwrap_or_default();
        let mut record = vec![ids.get(cell).map_or_else(String::new, |id| (*id).clone())];
        record.extend([name(&corpus.batches, Some(corpus.batch[cell])), name(&corpus.types, corpus.kind[cell])]);
        record.extend(found.iter().map(|(_, of)| of.get(row).map_or_else(String::new, u32::to_string)));
        writer.write_record(&record).map_err(failed)?;
    }
    Ok(write_whole(path, writer.into_inner().map_err(|e| Error::file(path, e.to_string()))?)?)
}

/// Writes `integration.csv`: one row per method.
pub(super) fn scores(methods: &[Method], path: &Path) -> Result<()> {
    let names = measures(&Scores::default()).map(|(name, _)| name);
    let mut text = format!("method,dimensions,{},resolution,clusters\n", names.join(","));
    let number = |value: Option<f64>| value.map_or_else(String::new, |value| format!("{value:.9}"));
    for method in methods {
        let values = measures(&method.scores).map(|(_, value)| number(value)).join(",");
        let resolution = method.scores.resolution.map_or_else(String::new, |value| format!("{value:.1}"));
        let clusters = method.scores.clusters.map_or_else(String::new, |count| count.to_string());
        let name = method.name.replace('"', "\"\"");
        text.push_str(&format!("\"{name}\",{},{values},{resolution},{clusters}\n", method.dimensions));
    }
    Ok(write_whole(path, text)?)
}
