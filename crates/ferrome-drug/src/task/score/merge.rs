//! Sorted parts to one sorted table, in bounded memory.

mod head;

use std::collections::BinaryHeap;
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use arrow::compute::interleave_record_batch;
use arrow::datatypes::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;

use crate::{Error, Result};

use head::{Head, Key};

/// Files that are merged at a time.
const TOGETHER: usize = 256;
/// Rows that are read of a file at a time.
const READ: usize = 512;
/// Rows that are given at a time.
pub(super) const GIVEN: usize = 8192;

/// Merges the parts in `folder` and gives their rows in order, at most `most` of each target.
pub(super) fn merge(folder: &Path, most: Option<usize>) -> Result<Merge> {
    let mut files: Vec<PathBuf> = fs_err::read_dir(folder)?
        .map(|entry| entry.map(|entry| entry.path()))
        .filter(|path| path.as_ref().map_or(true, |path| is_part(path)))
        .collect::<Result<_, _>>()?;
    files.sort();
    let mut round = 0;
    while files.len() > TOGETHER {
        let groups = files.chunks(TOGETHER).enumerate();
        files = groups
            .map(|(i, group)| join(group, most, &folder.join(format!("_merge-{round}-{i:05}.parquet"))))
            .collect::<Result<_>>()?;
        round += 1;
    }
    Merge::open(&files, most)
}

fn is_part(path: &Path) -> bool {
    path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with("part-"))
}

fn join(files: &[PathBuf], most: Option<usize>, path: &Path) -> Result<PathBuf> {
    let wrong = |error: &dyn std::error::Error| Error::file(path, format!("cannot be written: {error}"));
    let merge = Merge::open(files, most)?;
    let schema = merge.schema.clone();
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let file = fs_err::File::create(path)?.into_parts().0;
    let mut writer = ArrowWriter::try_new(file, schema, Some(properties)).map_err(|error| wrong(&error))?;
    for batch in merge {
        writer.write(&batch?).map_err(|error| wrong(&error))?;
    }
    writer.close().map_err(|error| wrong(&error))?;
    Ok(path.to_owned())
}

/// The rows of several sorted files in order.
pub(super) struct Merge {
    schema: SchemaRef,
    heads: BinaryHeap<Head>,
    most: Option<usize>,
    blocks: u64,
    /// The target of the last row, and how many rows of it were given.
    given: (String, usize),
    failed: bool,
}

impl Merge {
    fn open(files: &[PathBuf], most: Option<usize>) -> Result<Self> {
        let mut merge = Self {
            schema: SchemaRef::new(arrow::datatypes::Schema::empty()),
            heads: BinaryHeap::new(),
            most,
            blocks: 0,
            given: (String::new(), 0),
            failed: false,
        };
        for path in files {
            let file = fs_err::File::open(path)?.into_parts().0;
            let wrong = |error: &dyn std::error::Error| Error::file(path, format!("cannot be read: {error}"));
            let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|error| wrong(&error))?;
            let schema = builder.schema().clone();
            let reader = builder.with_batch_size(READ).build().map_err(|error| wrong(&error))?;
            // Metadata differs from part to part.
            merge.schema = SchemaRef::new(arrow::datatypes::Schema::new(schema.fields().clone()));
            let batch = RecordBatch::new_empty(schema);
            let key = Key { target: String::new(), score: None, row: 0 };
            let head = Head { reader, path: path.clone(), batch, at: 0, listed: None, key };
            merge.heads.extend(head.advanced()?);
        }
        Ok(merge)
    }

    fn block(&mut self) -> Result<Option<RecordBatch>> {
        let mut batches: Vec<RecordBatch> = Vec::new();
        let mut rows = Vec::new();
        self.blocks += 1;
        while rows.len() < GIVEN {
            let Some(mut head) = self.heads.pop() else { break };
            if self.given.0 != head.key.target {
                self.given = (head.key.target.clone(), 0);
            }
            self.given.1 += 1;
            if self.most.is_none_or(|most| self.given.1 <= most) {
                let place = match head.listed {
                    Some((block, place)) if block == self.blocks => place,
                    _ => {
                        batches.push(head.batch.clone());
                        batches.len() - 1
                    }
                };
                head.listed = Some((self.blocks, place));
                rows.push((place, head.at));
            }
            head.at += 1;
            self.heads.extend(head.advanced()?);
        }
        if rows.is_empty() {
            return Ok(None);
        }
        let batches: Vec<&RecordBatch> = batches.iter().collect();
        Ok(Some(interleave_record_batch(&batches, &rows)?))
    }
}

impl Iterator for Merge {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let block = self.block().transpose();
        self.failed = matches!(block, Some(Err(_)));
        block
    }
}
