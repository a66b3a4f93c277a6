use std::path::Path;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float32Type};
use hashbrown::HashMap;

use crate::read::whole;
use crate::{Error, Result};

/// The cells of a table of embeddings that have a vector.
#[derive(Debug, Default)]
pub(super) struct Points {
    pub(super) ids: Vec<String>,
    /// Row after row.
    pub(super) values: Vec<f32>,
    pub(super) width: usize,
    /// The value that colours each; empty without one.
    pub(super) colours: Vec<String>,
    /// Cells without a vector.
    pub(super) without: usize,
}

impl Points {
    pub(super) fn read(path: &Path, colour: Option<&str>, labels: Option<&Path>) -> Result<Self> {
        let mut points = Self::default();
        let known = match (labels, colour) {
            (Some(labels), Some(colour)) => Some(column(labels, colour)?),
            _ => None,
        };
        for batch in whole::parquet(path)? {
            let ids = text(&batch, "cell_id", path)?;
            let embedding = batch.column_by_name("embedding").and_then(|column| column.as_fixed_size_list_opt());
            let embedding = embedding.ok_or_else(|| {
                let reason =
                    "has no column `embedding` with one vector per cell: `ferrome cell embed -o x.parquet` writes it";
                Error::file(path, reason)
            })?;
            let beside = match colour.filter(|_| known.is_none()) {
                Some(colour) => Some(text(&batch, colour, path)?),
                None => None,
            };
            for (row, id) in ids.into_iter().enumerate() {
                if embedding.is_null(row) {
                    points.without += 1;
                    continue;
                }
                let vector = embedding.value(row);
                points.values.extend(vector.as_primitive::<Float32Type>().values());
                points.width = vector.len();
                let colour = beside.as_ref().and_then(|column| column.get(row)).cloned();
                let colour = colour.or_else(|| known.as_ref()?.get(&id).cloned()).unwrap_or_default();
                points.colours.push(colour);
                points.ids.push(id);
            }
        }
        Ok(points)
    }

    pub(super) fn csv(&self, places: &[[f64; 2]], colour: Option<&str>) -> Result<String> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let failed = |e: csv::Error| Error::Plot(e.to_string());
        writer.write_record(["cell_id", "x", "y"].into_iter().chain(colour)).map_err(failed)?;
        for ((id, place), value) in self.ids.iter().zip(places).zip(&self.colours) {
            let numbers = place.map(|value| format!("{value:.5}"));
            let row = [id, &numbers[0], &numbers[1]].into_iter().chain(colour.map(|_| value));
            writer.write_record(row).map_err(failed)?;
        }
        let bytes = writer.into_inner().map_err(|e| Error::Plot(e.to_string()))?;
        String::from_utf8(bytes).map_err(|e| Error::Plot(e.to_string()))
    }
}

/// A column of a table by `cell_id`.
fn column(path: &Path, name: &str) -> Result<HashMap<String, String>> {
    let is_parquet = path.extension().is_some_and(|suffix| suffix == "parquet");
    if is_parquet {
        let mut all = HashMap::new();
        for batch in whole::parquet(path)? {
            all.extend(text(&batch, "cell_id", path)?.into_iter().zip(text(&batch, name, path)?));
        }
        return Ok(all);
    }
    let wrong = |reason: String| Error::file(path, reason);
    let tabs = path.extension().is_some_and(|suffix| suffix == "tsv");
    let content = fs_err::read_to_string(path)?;
    let delimiter = if tabs { b'\t' } else { b',' };
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).from_reader(content.as_bytes());
    let header = reader.headers().map_err(|e| wrong(e.to_string()))?.clone();
    let place = |name: &str| {
        let found = header.iter().position(|found| found == name);
        found.ok_or_else(|| {
            wrong(format!("has no column `{name}`; found {}", header.iter().collect::<Vec<_>>().join(", ")))
        })
    };
    let (id, value) = (place("cell_id")?, place(name)?);
    let mut all = HashMap::new();
    for record in reader.records() {
        let record = record.map_err(|e| wrong(e.to_string()))?;
        let at = |place: usize| record.get(place).unwrap_or_default().to_owned();
        all.insert(at(id), at(value));
    }
    Ok(all)
}

/// A column as text; what is null is empty.
fn text(batch: &RecordBatch, name: &str, path: &Path) -> Result<Vec<String>> {
    let schema = batch.schema();
    let column = batch.column_by_name(name).ok_or_else(|| {
        let found: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        Error::file(path, format!("has no column `{name}`; found {}", found.join(", ")))
    })?;
    let column = cast(column, &DataType::Utf8)?;
    Ok(column.as_string::<i32>().iter().map(|value| value.unwrap_or_default().to_owned()).collect())
}
