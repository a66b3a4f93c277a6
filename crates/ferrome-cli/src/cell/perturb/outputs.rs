//! Where rows, genes and the plot go.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use clap::Args;
use ferrome_cell::task::perturb::{GenesTable, volcano};
use ferrome_core::{
    journal::{RunDescription, write_whole},
    table::{Format, Output},
};
use parquet::file::reader::{FileReader, SerializedFileReader};

use crate::options::need_folder;

/// The files of a screen.
#[derive(Args, Clone, Debug)]
pub(super) struct Outputs {
    /// One row per cell and perturbation: OUT.parquet, or a folder of Parquet parts
    #[arg(short, long, value_name = "OUT")]
    pub(super) output: PathBuf,
    /// One row per gene: CSV or Parquet [default: OUT.genes.csv]
    #[arg(long, value_name = "FILE")]
    genes_table: Option<PathBuf>,
    /// The volcano plot, SVG [default: OUT.svg]
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
}

impl Outputs {
    pub(super) fn rows(&self) -> Result<Output> {
        let output = Output::parse(&self.output)?;
        let shown = self.output.display();
        if !matches!(output.format(), Format::Parquet | Format::Dataset) {
            bail!("{shown}: rows of a screen need .parquet or a folder for -o; the table of genes is CSV");
        }
        for file in [self.output.clone(), self.table(), self.picture()] {
            need_folder(&file)?;
        }
        Ok(output)
    }

    fn table(&self) -> PathBuf {
        self.genes_table.clone().unwrap_or_else(|| self.beside("genes.csv"))
    }

    fn picture(&self) -> PathBuf {
        self.plot.clone().unwrap_or_else(|| self.beside("svg"))
    }

    fn beside(&self, ending: &str) -> PathBuf {
        let whole = PathBuf::from(self.output.to_string_lossy().trim_end_matches('/'));
        let stem =
            if whole.extension().is_some_and(|suffix| suffix == "parquet") { whole.with_extension("") } else { whole };
        PathBuf::from(format!("{}.{ending}", stem.display()))
    }

    /// Whether this run wrote all rows before and was stopped when it came to the genes.
    pub(super) fn only_genes_are_missing(&self, description: &RunDescription) -> Result<bool> {
        if !self.output.is_file() || self.table().exists() {
            return Ok(false);
        }
        Ok(metadata_agrees(&self.output, description).unwrap_or(false))
    }

    /// Writes the table of genes and the plot; says where to.
    pub(super) fn write(&self, genes: &GenesTable) -> Result<String> {
        let (table, picture) = (self.table(), self.picture());
        let svg = volcano(genes)?;
        let mut written = table.display().to_string();
        if let Some(svg) = svg {
            write_whole(&picture, svg)?;
            written = format!("{written}, {}", picture.display());
        }
        // Last, since it is what a run that was stopped looks for.
        genes.write(&table)?;
        Ok(written)
    }
}

fn metadata_agrees(path: &Path, description: &RunDescription) -> Option<bool> {
    let reader = SerializedFileReader::new(fs_err::File::open(path).ok()?.into_file()).ok()?;
    let found = reader.metadata().file_metadata().key_value_metadata()?;
    Some(
        description
            .metadata()
            .all(|(key, value)| found.iter().any(|entry| entry.key == key && entry.value.as_ref() == Some(&value))),
    )
}
