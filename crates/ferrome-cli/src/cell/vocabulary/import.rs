//! `ferrome cell vocabulary import`.

use std::path::PathBuf;

use anyhow::Result;
use ferrome_cell::{
    tokenize::Style,
    vocabulary::{self, Files},
};

use super::{check_output, written};

const EXAMPLES: &str = "\
Examples:
  ferrome cell vocabulary import --tokens token_dictionary.pkl \\
      --medians gene_median_dictionary.pkl --symbols gene_name_id_dict.pkl \\
      -o v1.json
  ferrome cell vocabulary import --tokens vocab.json -o scgpt_human.json

Pickles are read by a reader that builds numbers and text and executes nothing.";

/// Reads published dictionaries, says by their sha256 which they are, and writes one JSON file
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Genes with their tokens: a pickle, vocab.json, or vocab.txt with one name per line
    #[arg(long, value_name = "FILE")]
    tokens: PathBuf,
    /// Genes with their medians; Geneformer only
    #[arg(long, value_name = "FILE")]
    medians: Option<PathBuf>,
    /// Symbols with their ids, so that matrices with symbols can be read
    #[arg(long, value_name = "FILE")]
    symbols: Option<PathBuf>,
    /// Former ids with the current ones: Geneformer's ensembl_mapping_dict
    #[arg(long, value_name = "FILE")]
    mapping: Option<PathBuf>,
    /// geneformer-v1, geneformer-v2 or scgpt [default: as the files say]
    #[arg(long, value_name = "STYLE")]
    style: Option<Style>,
    /// The vocabulary
    #[arg(short, long, value_name = "VOCAB.json")]
    output: PathBuf,
    /// Replace a vocabulary that exists
    #[arg(long)]
    overwrite: bool,
    /// No summary
    #[arg(long, short)]
    quiet: bool,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    check_output(&args.output, args.overwrite)?;
    let files = Files {
        tokens: args.tokens.clone(),
        medians: args.medians.clone(),
        symbols: args.symbols.clone(),
        former_ids: args.mapping.clone(),
    };
    let vocabulary = vocabulary::import(&files, args.style)?;
    vocabulary.save(&args.output)?;
    if !args.quiet {
        vocabulary.sources().iter().for_each(|source| eprintln!("{source}"));
        eprintln!("{}", written(&vocabulary, &args.output));
    }
    Ok(())
}
