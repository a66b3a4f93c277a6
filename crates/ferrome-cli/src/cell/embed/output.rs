//! Where the vectors go: a table, or a copy of the h5ad that they were made from.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use ferrome_cell::{model::Family, read::tokens, task::embed::Pool, write::h5ad::add_obsm};
use ferrome_core::{engine::Summary, table::Output};

use super::Args;
use crate::options;

/// The name of the matrix in obsm.
fn obsm(family: Family) -> &'static str {
    match family {
        Family::Geneformer => "X_geneformer",
        Family::ScGpt => "X_scgpt",
    }
}

/// The table that the engine writes, and the h5ad that is made from it.
pub(super) struct Target {
    pub(super) table: Output,
    h5ad: Option<PathBuf>,
}

impl Args {
    pub(super) fn output(&self) -> Result<Target> {
        if let Some(part) = self.sharding.output(&self.output, [self.input.as_path()])? {
            return Ok(Target { table: part, h5ad: None });
        }
        let is_h5ad = |path: &Path| path.extension().is_some_and(|suffix| suffix == "h5ad");
        if !is_h5ad(&self.output) {
            return Ok(Target { table: options::table(&self.output)?, h5ad: None });
        }
        options::need_folder(&self.output)?;
        let output = self.output.display();
        if self.pool == Some(Pool::Gene) {
            bail!("{output}: obsm holds one vector per cell; choose --pool mean or cls, or .parquet for -o");
        }
        if !is_h5ad(&self.input) || tokens::is_tokens(&self.input)? {
            bail!("{output}: is a copy of the input, which must be an h5ad; choose .parquet, .npy or a folder for -o");
        }
        options::refuse_existing(&self.output, self.running.overwrite)?;
        let mut parts = self.output.as_os_str().to_owned();
        parts.push(".parts/");
        Ok(Target { table: Output::parse(PathBuf::from(parts))?, h5ad: Some(self.output.clone()) })
    }
}

impl Target {
    /// Makes the h5ad, where one was asked for, and takes its table away.
    pub(super) fn finish(&self, args: &Args, family: Family, summary: &Summary) -> Result<()> {
        let Some(h5ad) = &self.h5ad else { return Ok(()) };
        let name = obsm(family);
        add_obsm(&args.input, h5ad, (self.table.path(), "embedding"), name, summary.rows)?;
        args.say(&format!("obsm[\"{name}\"] -> {}", h5ad.display()));
        Ok(fs_err::remove_dir_all(self.table.path())?)
    }
}
