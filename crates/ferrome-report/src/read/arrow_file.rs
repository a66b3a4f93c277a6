use std::io::BufReader;
use std::path::{Path, PathBuf};

use arrow::ipc::reader::FileReader;

use super::{About, BATCH, Batches, Source, unreadable};
use crate::Result;

/// An Arrow IPC file.
pub(super) struct Arrow {
    path: PathBuf,
    about: About,
}

impl Arrow {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let reader = reader(path, None)?;
        let schema = reader.schema();
        let mut metadata: Vec<_> = schema.metadata().iter().map(|(k, v)| (k.clone(), v.clone())).collect();
        metadata.sort();
        let rows = reader.map(|batch| batch.map(|batch| batch.num_rows() as u64)).sum::<Result<u64, _>>();
        let rows = rows.map_err(|error| unreadable(path, error))?;
        Ok(Self { path: path.to_owned(), about: About { kind: "Arrow IPC", schema, rows, metadata } })
    }
}

impl Source for Arrow {
    fn about(&self) -> &About {
        &self.about
    }

    fn batches(&self, columns: &[usize]) -> Result<Batches<'_>> {
        let reader = reader(&self.path, Some(columns.to_vec()))?;
        Ok(Box::new(reader.flat_map(move |batch| -> Batches<'_> {
            match batch {
                // A batch of a foreign file may hold all of its rows.
                Ok(batch) => Box::new(
                    (0..batch.num_rows())
                        .step_by(BATCH)
                        .map(move |first| Ok(batch.slice(first, BATCH.min(batch.num_rows() - first)))),
                ),
                Err(error) => Box::new(std::iter::once(Err(unreadable(&self.path, error)))),
            }
        })))
    }
}

fn reader(path: &Path, columns: Option<Vec<usize>>) -> Result<FileReader<BufReader<std::fs::File>>> {
    let file = fs_err::File::open(path)?.into_file();
    FileReader::try_new(BufReader::new(file), columns).map_err(|error| unreadable(path, error))
}
