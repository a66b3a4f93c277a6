//! `--shard`: the part of a job that one process of many computes.

use std::path::Path;

use anyhow::{Result, bail};
use clap::Args;
use ferrome_core::{
    shard::{Portion, RowList, Shard},
    table::{Format, Output},
};

#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Sharding {
    /// Compute shard I of N alone (1/N to N/N), a range of the rows, into a part of the folder OUT; `ferrome gather` joins
    /// the parts
    #[arg(long, value_name = "I/N", help_heading = "Cluster")]
    shard: Option<Shard>,
    /// Do not compute these rows of IN, counted from 1, such as 7,20-31: they keep their place, with nulls and the reason
    #[arg(long, value_name = "ROWS", requires = "shard", help_heading = "Cluster")]
    quarantine: Option<RowList>,
}

impl Sharding {
    /// Whether one shard alone is computed.
    pub(crate) fn is_given(&self) -> bool {
        self.shard.is_some()
    }

    /// Where the shard goes, if there is one: a part in the folder of `-o`.
    pub(crate) fn output<'p>(
        &self,
        folder: &Path,
        inputs: impl IntoIterator<Item = &'p Path>,
    ) -> Result<Option<Output>> {
        let Some(shard) = self.shard else { return Ok(None) };
        let is_folder = Output::parse(folder).is_ok_and(|output| output.format() == Format::Dataset);
        if !is_folder || (folder.exists() && !folder.is_dir()) {
            bail!(
                "{}: --shard writes parts into a folder: choose a name without suffix, or with `/` at its end, for -o; \
                 `ferrome gather` makes one file of them",
                folder.display()
            );
        }
        let stream = |path: &&Path| *path == Path::new("-") || (path.exists() && !path.is_file() && !path.is_dir());
        if let Some(path) = inputs.into_iter().find(stream) {
            bail!("{}: every shard reads the input from its start, so that --shard needs a file", path.display());
        }
        Ok(Some(shard.output(folder)?))
    }

    /// The rows of the shard, if there is one; `count` counts those of the whole input.
    pub(crate) fn portion(&self, folder: &Path, count: impl FnOnce() -> Result<u64>) -> Result<Option<Portion>> {
        let Some(shard) = self.shard else { return Ok(None) };
        Ok(Some(Portion::new(shard, folder, count()?, self.quarantine.clone().unwrap_or_default())?))
    }
}
