//! The matrices that AnnData files keep beside the counts, such as `obsm/X_pca`, with the columns of `obs`.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use super::hdf5::{Little, Node, Source, Stored, Tile, with_number};
use super::obs::Frame;
use crate::Result;

/// The name of the column of cell ids.
pub const CELL_ID: &str = "cell_id";

/// The matrices of `obsm` and the columns of `obs` of an h5ad file.
#[derive(Debug)]
pub struct Obsm {
    source: Source,
    obs: Frame,
    schema: SchemaRef,
    matrices: Vec<(String, usize)>,
}

impl Obsm {
    /// Opens an h5ad file.
    ///
    /// # Errors
    ///
    /// The file is no AnnData, or is damaged.
    pub fn open(path: &Path) -> Result<Self> {
        let source = Source::open(path)?;
        if !super::h5ad::is_h5ad(&source) {
            return Err(source.wrong("", "is no AnnData file: obs and var are absent"));
        }
        let obs = Frame::open(&source, "obs")?;
        let cells = obs.len();
        let width = |name: &String| {
            let Some(Node::Dataset(dataset)) = source.node(&format!("obsm/{name}")) else { return None };
            match *dataset.shape() {
                [rows, width] if rows as u64 == cells => Some((name.clone(), width)),
                _ => None,
            }
        };
        let matrices = source.names("obsm").iter().filter_map(width).collect();
        let mut fields = vec![Arc::new(Field::new(CELL_ID, DataType::Utf8, false))];
        fields.extend(obs.schema().fields().iter().filter(|field| field.name() != CELL_ID).cloned());
        Ok(Self { schema: Arc::new(Schema::new(fields)), source, obs, matrices })
    }

    /// The number of cells.
    #[must_use]
    pub fn cells(&self) -> u64 {
        self.obs.len()
    }

    /// `cell_id` and the columns of `obs`.
    #[must_use]
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The dense matrices of `obsm` and their widths.
    #[must_use]
    pub fn matrices(&self) -> &[(String, usize)] {
        &self.matrices
    }

    /// Some cells: their ids and the columns of `obs`.
    ///
    /// # Errors
    ///
    /// The file is damaged.
    pub fn rows(&mut self, range: Range<u64>) -> Result<RecordBatch> {
        let mut columns: Vec<ArrayRef> = vec![Arc::new(self.obs.ids(range.clone())?)];
        let rows = self.obs.rows(range)?;
        let schema = rows.schema();
        let named = schema.fields().iter().zip(rows.columns());
        columns.extend(named.filter(|(field, _)| field.name() != CELL_ID).map(|(_, column)| column.clone()));
        Ok(RecordBatch::try_new(self.schema.clone(), columns)?)
    }

    /// Some rows of the matrix `name`, one after another.
    ///
    /// # Errors
    ///
    /// There is no such matrix, it holds no numbers, or the file is damaged.
    pub fn vectors(&self, name: &str, range: Range<u64>) -> Result<Vec<f32>> {
        let stored = Stored::open(&self.source, &format!("obsm/{name}"))?;
        let &[rows, width] = stored.shape() else { return Err(stored.wrong("expected a matrix")) };
        if range.end > rows || range.start > range.end {
            return Err(stored.wrong(format!("has {rows} rows, but rows {range:?} are needed")));
        }
        let number = stored.number()?;
        let mut values = vec![0.0; usize::try_from((range.end - range.start) * width).unwrap_or(0)];
        let (tall, wide) = match stored.chunk() {
            Some(&[tall, wide]) => (tall.max(1), wide.max(1)),
            _ => (rows.max(1), width.max(1)),
        };
        for rows in pieces(range.clone(), tall) {
            for columns in pieces(0..width, wide) {
                let tile = stored.tile(rows.clone(), columns.clone())?;
                let first = ((rows.start - range.start) * width + columns.start) as usize;
                let wide = (columns.end - columns.start) as usize;
                with_number!(number, T => place::<T>(&tile, (first, width as usize, wide), &mut values));
            }
        }
        Ok(values)
    }
}

/// Ranges that end where a tile ends.
fn pieces(range: Range<u64>, size: u64) -> impl Iterator<Item = Range<u64>> + Clone {
    let first = range.start / size;
    let last = range.end.div_ceil(size);
    (first..last).map(move |tile| (tile * size).max(range.start)..((tile + 1) * size).min(range.end))
}

/// Copies a tile of `wide` columns to `first` and the lines after it, which are `width` apart.
fn place<T: Little>(tile: &Tile, (first, width, wide): (usize, usize, usize), values: &mut [f32]) {
    let lines = values.get_mut(first..).unwrap_or_default().chunks_mut(width.max(1));
    let held = tile.bytes.chunks_exact(T::WIDTH).skip(tile.start);
    let held: Vec<f32> = held.map(|bytes| T::read(bytes).double() as f32).collect();
    for (line, held) in lines.zip(held.chunks(tile.stride.max(1))) {
        for (value, held) in line.iter_mut().take(wide).zip(held) {
            *value = *held;
        }
    }
}

#[cfg(test)]
mod tests {
    use hdf5_metno::File;
    use ndarray::Array2;

    use super::*;

    fn file(path: &Path, chunk: Option<(usize, usize)>) -> Array2<f64> {
        let matrix = Array2::from_shape_fn((7, 5), |(row, column)| (row * 10 + column) as f64 + 0.5);
        let file = File::create(path).unwrap();
        let obs = file.create_group("obs").unwrap();
        let names: Vec<hdf5_metno::types::VarLenUnicode> =
            (0..7).map(|cell| format!("cell{cell}").parse().unwrap()).collect();
        obs.new_dataset_builder().with_data(&names).create("_index").unwrap();
        obs.new_dataset_builder().with_data(&[1.0_f32, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]).create("depth").unwrap();
        file.create_group("var").unwrap();
        let obsm = file.create_group("obsm").unwrap();
        let builder = obsm.new_dataset::<f64>().shape((7, 5));
        let dataset = match chunk {
            Some(chunk) => builder.chunk(chunk).deflate(3).create("X_pca").unwrap(),
            None => builder.create("X_pca").unwrap(),
        };
        dataset.write(&matrix).unwrap();
        obsm.new_dataset_builder().with_data(&[1_i64, 2]).create("X_short").unwrap();
        matrix
    }

    #[test]
    fn matrices_with_and_without_chunks() {
        let folder = tempfile::tempdir().unwrap();
        for (name, chunk) in [("a.h5ad", None), ("b.h5ad", Some((3, 2))), ("c.h5ad", Some((7, 5)))] {
            let path = folder.path().join(name);
            let matrix = file(&path, chunk);
            let mut obsm = Obsm::open(&path).unwrap();
            assert_eq!((obsm.cells(), obsm.matrices()), (7, [("X_pca".to_owned(), 5)].as_slice()));
            for range in [0..7, 2..6, 4..4] {
                let expected: Vec<f32> =
                    range.clone().flat_map(|row| matrix.row(row as usize).to_vec()).map(|value| value as f32).collect();
                assert_eq!(obsm.vectors("X_pca", range).unwrap(), expected, "{name}");
            }
            let rows = obsm.rows(5..7).unwrap();
            let names: Vec<_> = rows.schema().fields().iter().map(|field| field.name().clone()).collect();
            assert_eq!((names, rows.num_rows()), (vec!["cell_id".to_owned(), "depth".to_owned()], 2));
            assert!(obsm.vectors("X_none", 0..1).unwrap_err().to_string().contains("there is no such array"));
        }
    }
}
