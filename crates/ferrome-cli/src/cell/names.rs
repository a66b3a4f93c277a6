//! The flags that say how genes are called.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use ferrome_cell::genes::{self, GeneMap, NameKind};

/// How columns of a matrix are matched with the genes of a vocabulary.
#[derive(Args, Clone, Debug)]
pub(crate) struct Names {
    /// What the genes are called by: auto, ensembl or symbol
    #[arg(long, default_value = "auto", value_name = "KIND", help_heading = "Genes")]
    genes: NameKind,
    /// The column of var with their names [default: whichever matches most: ids, names, feature_name, gene_ids, …]
    #[arg(long, value_name = "COLUMN", help_heading = "Genes")]
    gene_column: Option<String>,
    /// Pairs of names, such as symbol and Ensembl id: tsv, csv, json or a pickle, plain or gzip
    #[arg(long, value_name = "FILE", help_heading = "Genes")]
    gene_map: Option<PathBuf>,
    /// Stop when fewer percent match, of the matrix or of the vocabulary, whichever is more
    #[arg(long, default_value = "50", value_name = "PERCENT", value_parser = percent, help_heading = "Genes")]
    min_matched: f64,
}

impl Names {
    pub(crate) fn options(&self) -> Result<genes::Options> {
        Ok(genes::Options {
            kind: self.genes,
            column: self.gene_column.clone(),
            map: self.gene_map.as_deref().map(GeneMap::open).transpose()?,
            min_matched: self.min_matched / 100.0,
        })
    }
}

fn percent(text: &str) -> Result<f64, String> {
    let number = text.trim_end_matches('%').trim().parse::<f64>().ok();
    number.filter(|number| (0.0..=100.0).contains(number)).ok_or_else(|| "expected 0 to 100".to_owned())
}
