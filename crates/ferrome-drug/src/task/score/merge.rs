//! Sorted parts to one sorted table, in bounded memory.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::path::{Path, PathBuf};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::interleave_record_batch;
use arrow::datatypes::{Float32Type, SchemaRef, UInt64Type};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;

use super::table::{ROW, TARGET, descending};
use crate::{Error, Result};

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

/// A file, and the row of it that comes next.
struct Head {
    reader: ParquetRecordBatchReader,
    path: PathBuf,
    batch: RecordBatch,
    at: usize,
    /// The place of its batch among those of a block, once a row of it was given.
    listed: Option<(u64, usize)>,
    key: Key,
}

struct Key {
    target: String,
    score: Option<f32>,
    row: u64,
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

impl Head {
    /// Itself with the key of its row; none where the file ends.
    fn advanced(mut self) -> Result<Option<Self>> {
        while self.at >= self.batch.num_rows() {
            let Some(batch) = self.reader.next() else { return Ok(None) };
            let path = &self.path;
            self.batch = batch.map_err(|error| Error::file(path, format!("cannot be read: {error}")))?;
            (self.at, self.listed) = (0, None);
        }
        let lost = |name: &str| Error::file(&self.path, format!("no column `{name}` of the expected kind"));
        let column = |name: &str| self.batch.column_by_name(name).ok_or_else(|| lost(name));
        let targets = column(TARGET)?.as_string_opt::<i32>().ok_or_else(|| lost(TARGET))?;
        let scores = column("score")?.as_primitive_opt::<Float32Type>().ok_or_else(|| lost("score"))?;
        let rows = column(ROW)?.as_primitive_opt::<UInt64Type>().ok_or_else(|| lost(ROW))?;
        self.key = Key {
            target: targets.value(self.at).to_owned(),
            score: scores.is_valid(self.at).then(|| scores.value(self.at)),
            row: rows.value(self.at),
        };
        Ok(Some(self))
    }
}

// The heap gives the largest: what comes first.
impl Ord for Head {
    fn cmp(&self, other: &Self) -> Ordering {
        let (a, b) = (&self.key, &other.key);
        let order = a.target.cmp(&b.target).then_with(|| descending(a.score, b.score)).then(a.row.cmp(&b.row));
        order.reverse()
    }
}

impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Head {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Head {}
