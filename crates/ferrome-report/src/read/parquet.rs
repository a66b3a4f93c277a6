use std::path::{Path, PathBuf};

use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::{About, BATCH, Batches, Source, unreadable};
use crate::{Error, Result};

/// Parquet files with the same columns, one after another.
pub(super) struct Parquet {
    files: Vec<PathBuf>,
    about: About,
}

type Builder = ParquetRecordBatchReaderBuilder<std::fs::File>;

impl Parquet {
    pub(super) fn open(path: &Path) -> Result<Self> {
        Self::of(vec![path.to_owned()])
    }

    /// All Parquet files in a folder, in the order of their names.
    pub(super) fn open_folder(folder: &Path) -> Result<Self> {
        let mut files = Vec::new();
        for entry in fs_err::read_dir(folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|suffix| suffix == "parquet") {
                files.push(path);
            }
        }
        files.sort();
        if files.is_empty() {
            return Err(Error::table(folder, "holds no .parquet files"));
        }
        Self::of(files)
    }

    fn of(files: Vec<PathBuf>) -> Result<Self> {
        let mut found: Option<About> = None;
        for file in &files {
            let builder = builder(file)?;
            let rows = u64::try_from(builder.metadata().file_metadata().num_rows()).unwrap_or(0);
            match &mut found {
                None => {
                    let metadata = builder.metadata().file_metadata().key_value_metadata();
                    let entries = metadata.into_iter().flatten();
                    let metadata =
                        entries.map(|entry| (entry.key.clone(), entry.value.clone().unwrap_or_default())).collect();
                    found = Some(About { kind: "Parquet", schema: builder.schema().clone(), rows, metadata });
                }
                Some(first) if first.schema.fields() == builder.schema().fields() => first.rows += rows,
                Some(_) => {
                    let first = files.first().map(|path| path.display().to_string()).unwrap_or_default();
                    return Err(Error::table(file, format!("has other columns than {first}")));
                }
            }
        }
        let about = found.ok_or_else(|| Error::table(Path::new(""), "no files"))?;
        Ok(Self { files, about })
    }
}

impl Source for Parquet {
    fn about(&self) -> &About {
        &self.about
    }

    fn batches(&self, columns: &[usize]) -> Result<Batches<'_>> {
        let columns = columns.to_vec();
        Ok(Box::new(self.files.iter().flat_map(move |file| {
            let batches = builder(file).and_then(|builder| {
                let mask = ProjectionMask::roots(builder.parquet_schema(), columns.iter().copied());
                let reader = builder.with_batch_size(BATCH).with_projection(mask).build();
                reader.map_err(|error| unreadable(file, error))
            });
            let batches: Batches<'_> = match batches {
                Ok(batches) => Box::new(batches.map(move |batch| batch.map_err(|error| unreadable(file, error)))),
                Err(error) => Box::new(std::iter::once(Err(error))),
            };
            batches
        })))
    }
}

fn builder(file: &Path) -> Result<Builder> {
    let opened = fs_err::File::open(file)?.into_file();
    Builder::try_new(opened).map_err(|error| Error::table(file, format!("is no Parquet file: {error}")))
}
