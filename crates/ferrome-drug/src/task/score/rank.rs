use std::path::{Path, PathBuf};
use std::sync::Mutex;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Schema, SchemaRef};
use ferrome_core::engine::{self, BoxError, Conversion, Converted, RejectedRow, Rejection, Stream, Summary};
use ferrome_core::fingerprint::Fingerprint;
use ferrome_core::table::Output;

use super::merge::merge;
use super::shape::{KIND, ROW, TARGET};
use crate::{Error, Result};

/// The folder of sorted parts beside an output.
pub(super) fn stage(output: &Output, name: &str) -> PathBuf {
    let text = output.path().to_string_lossy();
    PathBuf::from(format!("{}.{name}/", text.trim_end_matches('/')))
}

/// Runs `first` into a folder of sorted parts beside the output, and merges them into it.
pub(super) fn sorted<C, B>(
    first: Stream<'_, C>,
    blocks: B,
    most: Option<usize>,
    written: SchemaRef,
) -> Result<(Summary, Option<Summary>)>
where
    C: Conversion,
    B: Iterator<Item = Result<C::Block, BoxError>> + Send,
{
    let folder = stage(&first.output, "sorting");
    let (options, description, output) = (first.options.clone(), first.description.clone(), first.output.clone());
    let parts = Output::parse(folder.clone())?;
    let first = Stream { output: parts, ..first };
    let done = Mutex::new(None);
    let rows = Lazy::new(|| {
        let summary = engine::stream(first, blocks).map_err(BoxError::from)?;
        if let Ok(mut done) = done.lock() {
            *done = Some(summary);
        }
        Ok(merge(&folder, most)?.map(|rows| rows.map_err(BoxError::from)))
    });
    let conversion = Pass { written };
    let job = Stream { conversion: &conversion, options, description, output, totals: None };
    let last = engine::stream(job, rows)?;
    remove(&folder)?;
    Ok((last, done.into_inner().ok().flatten()))
}

/// Removes a folder of parts that has done its duty.
pub(super) fn remove(folder: &Path) -> Result<()> {
    if folder.is_dir() {
        fs_err::remove_dir_all(folder)?;
    }
    Ok(())
}

/// An iterator that is made when its first item is asked for.
pub(super) struct Lazy<F, I> {
    make: Option<F>,
    made: Option<I>,
}

impl<F, I> Lazy<F, I> {
    pub(super) fn new(make: F) -> Self {
        Self { make: Some(make), made: None }
    }
}

impl<T, F, I> Iterator for Lazy<F, I>
where
    F: FnOnce() -> Result<I, BoxError>,
    I: Iterator<Item = Result<T, BoxError>>,
{
    type Item = Result<T, BoxError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(make) = self.make.take() {
            match make() {
                Ok(made) => self.made = Some(made),
                Err(error) => return Some(Err(error)),
            }
        }
        self.made.as_mut()?.next()
    }
}

/// Writes rows as they are, but for the columns that they were merged by.
struct Pass {
    /// The columns but `error`.
    written: SchemaRef,
}

impl Conversion for Pass {
    type Block = RecordBatch;

    fn schema(&self) -> SchemaRef {
        self.written.clone()
    }

    fn rows(&self, block: &RecordBatch) -> usize {
        block.num_rows()
    }

    // The parts that rows come from were checked when they were made.
    fn digest(&self, block: &RecordBatch) -> u128 {
        let mut digest = Fingerprint::new();
        for name in [TARGET, ROW] {
            let column = block.column_by_name(name).map(|column| column.to_data());
            for buffer in column.iter().flat_map(|data| data.buffers()) {
                digest.push(buffer.as_slice());
            }
        }
        digest.finish()
    }

    fn convert(&self, block: RecordBatch) -> Result<Converted, BoxError> {
        let columns = self.written.fields().iter().map(|field| column(&block, field.name()).cloned());
        let schema = Schema::new(self.written.fields().clone());
        let table = RecordBatch::try_new(schema.into(), columns.collect::<Result<_>>()?)?;
        let text = |name: &str| -> Result<Vec<Option<String>>> {
            let found = column(&block, name)?.as_string_opt::<i32>().ok_or_else(|| lost(name))?;
            Ok((0..found.len()).map(|row| found.is_valid(row).then(|| found.value(row).to_owned())).collect())
        };
        let (ids, kinds, reasons) = (text("drug_id")?, text(KIND)?, text("error")?);
        let rows = ids.into_iter().zip(kinds).zip(reasons).enumerate();
        let rejected = rows.filter_map(|(row, ((id, kind), reason))| {
            let rejection = Rejection { kind: kind.unwrap_or_default(), reason: reason? };
            Some(RejectedRow { row, name: id.unwrap_or_default(), rejection })
        });
        let rejected = rejected.collect();
        Ok(Converted { table, tokens: 0, rejected })
    }
}

pub(super) fn column<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a arrow::array::ArrayRef> {
    batch.column_by_name(name).ok_or_else(|| lost(name))
}

pub(super) fn lost(name: &str) -> Error {
    Error::Model(format!("a sorted part has lost its column `{name}`"))
}
