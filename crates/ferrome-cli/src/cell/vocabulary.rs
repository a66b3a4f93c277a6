//! `ferrome cell vocabulary`.

mod build;
mod import;

use std::path::Path;

use anyhow::Result;
use clap::Subcommand;
use ferrome_cell::{read::memory::Data, vocabulary::Vocabulary};

use crate::options::{need_folder, refuse_existing};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Turn published dictionaries of Geneformer or scGPT into one vocabulary
    Import(import::Args),
    /// Make a new vocabulary with the medians of a corpus, for another organism
    Build(build::Args),
}

pub(crate) fn run(command: &Command, given: Option<&Data>) -> Result<()> {
    match command {
        Command::Import(args) => import::run(args),
        Command::Build(args) => build::run(args, given),
    }
}

pub(crate) const EXAMPLES: &str = "\
Examples:
  ferrome cell vocabulary import --tokens token_dictionary.pkl \\
      --medians gene_median_dictionary.pkl --symbols gene_name_id_dict.pkl \\
      -o v1.json
  ferrome cell vocabulary build zebrafish/*.h5ad -o zebrafish.json";

/// Refuses a file that is there, and a folder that is not.
fn check_output(path: &Path, overwrite: bool) -> Result<()> {
    refuse_existing(path, overwrite)?;
    need_folder(path)
}

fn written(vocabulary: &Vocabulary, path: &Path) -> String {
    let specials: Vec<&str> = vocabulary.specials().iter().map(|(name, _)| name.as_str()).collect();
    let (style, genes) = (vocabulary.style(), vocabulary.genes().len());
    let specials = if specials.is_empty() { "no special tokens".to_owned() } else { specials.join(" ") };
    format!("{style}: {genes} genes and {specials} -> {}", path.display())
}
