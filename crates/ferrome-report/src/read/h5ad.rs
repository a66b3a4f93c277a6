use std::cell::RefCell;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, FixedSizeListArray, Float32Array, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{DataType, Field, Schema};
use ferrome_cell::read::obsm::Obsm;

use super::{About, BATCH, Batches, Source};
use crate::Result;

/// An AnnData file: the columns of `obs`, and the matrices of `obsm` as columns of vectors.
pub(super) struct H5ad {
    obsm: RefCell<Obsm>,
    columns: usize,
    about: About,
}

impl H5ad {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let obsm = Obsm::open(path)?;
        let item = Arc::new(Field::new_list_field(DataType::Float32, true));
        let vectors = obsm.matrices().iter().map(|(name, width)| {
            let width = i32::try_from(*width).unwrap_or(i32::MAX);
            Arc::new(Field::new(name, DataType::FixedSizeList(item.clone(), width), true))
        });
        let fields: Vec<_> = obsm.schema().fields().iter().cloned().chain(vectors).collect();
        let (columns, rows) = (obsm.schema().fields().len(), obsm.cells());
        let about = About { kind: "h5ad", schema: Arc::new(Schema::new(fields)), rows, metadata: Vec::new() };
        Ok(Self { obsm: RefCell::new(obsm), columns, about })
    }

    fn batch(&self, rows: std::ops::Range<u64>, columns: &[usize]) -> Result<RecordBatch> {
        let length = usize::try_from(rows.end - rows.start).unwrap_or(0);
        let obs = self.obsm.borrow_mut().rows(rows.clone())?;
        let obsm = self.obsm.borrow();
        let mut arrays: Vec<ArrayRef> = Vec::new();
        for &place in columns {
            let matrix = place.checked_sub(self.columns).and_then(|place| obsm.matrices().get(place));
            arrays.push(match matrix {
                None => obs.column(place).clone(),
                Some((name, width)) => {
                    let item = Arc::new(Field::new_list_field(DataType::Float32, true));
                    let values = Arc::new(Float32Array::from(obsm.vectors(name, rows.clone())?));
                    let width = i32::try_from(*width).unwrap_or(i32::MAX);
                    let vectors = FixedSizeListArray::try_new_with_length(item, width, values, None, length);
                    Arc::new(vectors.map_err(ferrome_core::Error::from)?)
                }
            });
        }
        let schema = self.about.schema.project(columns).map_err(ferrome_core::Error::from)?;
        let options = RecordBatchOptions::new().with_row_count(Some(length));
        Ok(RecordBatch::try_new_with_options(Arc::new(schema), arrays, &options).map_err(ferrome_core::Error::from)?)
    }
}

impl Source for H5ad {
    fn about(&self) -> &About {
        &self.about
    }

    fn batches(&self, columns: &[usize]) -> Result<Batches<'_>> {
        let columns = columns.to_vec();
        Ok(Box::new((0..self.about.rows).step_by(BATCH).map(move |first| {
            let last = (first + BATCH as u64).min(self.about.rows);
            self.batch(first..last, &columns)
        })))
    }
}
