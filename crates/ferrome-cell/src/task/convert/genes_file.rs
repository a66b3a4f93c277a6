//! Writing `genes.parquet` whole, once, and only into a folder that is a dataset or empty.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ferrome_core::Error as Core;
use fs_err::File;

use crate::Result;
use crate::cells::Genes;
use crate::dataset::{self, CELLS, Description, GENES, genes};

/// The name of `genes.parquet` while it is written.
const UNFINISHED: &str = ".genes.parquet.tmp";

/// `genes.parquet` of a dataset, in memory.
#[derive(Clone)]
pub(super) struct GenesFile {
    folder: PathBuf,
    bytes: Arc<[u8]>,
    digest: String,
}

impl GenesFile {
    pub(super) fn new(folder: &Path, genes: &Genes, description: &Description) -> Result<Self> {
        let bytes = genes::to_parquet(genes, description).map_err(Core::Worker)?;
        let digest = dataset::sha256(&bytes);
        Ok(Self { folder: folder.to_owned(), bytes: bytes.into(), digest })
    }

    /// The SHA-256 of its bytes.
    pub(super) fn digest(&self) -> &str {
        &self.digest
    }

    /// Writes it under a temporary name, syncs it and renames it; nothing where it is there already.
    pub(super) fn publish(&self) -> Result<()> {
        let path = self.folder.join(GENES);
        if path.is_file() && fs_err::read(&path)? == *self.bytes {
            return Ok(());
        }
        let unfinished = self.folder.join(UNFINISHED);
        let mut file = File::create(&unfinished)?;
        file.write_all(&self.bytes)?;
        file.sync_all()?;
        fs_err::rename(&unfinished, &path)?;
        Ok(())
    }
}

/// Refuses a path that is no folder, or a folder that holds anything but a dataset.
pub(super) fn refuse_foreign(folder: &Path) -> Result<()> {
    if folder.exists() && !folder.is_dir() {
        return Err(Core::OutputExists { path: folder.to_owned() }.into());
    }
    if !folder.is_dir() {
        return Ok(());
    }
    let mut names = Vec::new();
    for entry in fs_err::read_dir(folder)? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort_unstable();
    match names.into_iter().find(|name| name != CELLS && name != GENES && !name.starts_with('.')) {
        Some(file) => Err(Core::OutputForeign { path: folder.to_owned(), file }.into()),
        None => Ok(()),
    }
}
