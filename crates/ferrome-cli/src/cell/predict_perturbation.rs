//! `ferrome cell predict-perturbation …`.

mod predict;
mod train;

use std::path::Path;

use anyhow::Result;
use clap::Subcommand;
use ferrome_cell::genes::Matching;
use ferrome_cell::read::memory::Data;
use ferrome_cell::task::predict_perturbation::{Screen, Wanted};
use ferrome_cell::vocabulary::Vocabulary;

use super::input::{Reading, found};
use super::names::Names;
use crate::tell;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Learns from a screen, and reports held-out conditions beside simple predictions
    Train(Box<train::Args>),
    /// Mean expression of control cells after genes are perturbed
    Predict(Box<predict::Args>),
}

pub(crate) fn run(command: &Command, given: Option<&Data>) -> Result<()> {
    match command {
        Command::Train(args) => train::run(args, given),
        Command::Predict(args) => predict::run(args, given),
    }
}

pub(crate) const EXAMPLES: &str = "\
Examples:
  ferrome cell predict-perturbation train screen.h5ad -o generator \\
      --config steps.json --test GENE1+GENE2
  ferrome cell predict-perturbation predict screen.h5ad -m generator \\
      --perturb GENE0+GENE1,GENE3 -o predicted.csv

screen.h5ad has a column of obs that says of each cell ctrl, GENE+ctrl or
GENE1+GENE2, as GEARS has it.";

/// Where cells and the names of their genes come from.
struct Source<'a> {
    input: &'a Path,
    /// Instead of what lies at `input`.
    given: Option<&'a Data>,
    output: &'a Path,
    reading: &'a Reading,
    names: &'a Names,
    column: &'a str,
    quiet: bool,
}

impl Source<'_> {
    /// Reads the cells; without `vocabulary` the matrix's own genes make one.
    fn read(&self, vocabulary: Option<Vocabulary>, wanted: &Wanted) -> Result<(Screen, Vocabulary)> {
        let mut reader = self.reading.open((self.input, self.output), self.given)?;
        let header = reader.header().clone();
        let vocabulary = match vocabulary {
            Some(vocabulary) => vocabulary,
            None => Screen::vocabulary(&header.genes)?,
        };
        let matching = Matching::new(&header.genes, &vocabulary, &self.names.options()?)?;
        if !self.quiet {
            eprintln!("{}", found(self.input, &header));
        }
        // Every run says what share of the genes matched.
        tell::say(&matching.statistics);
        let screen = Screen::read(reader.as_mut(), (&vocabulary, &matching), self.column, wanted)?;
        if let Some((name, cells)) = screen.unknown.iter().next() {
            let count = screen.unknown.len();
            let what = format!("such as `{name}` ({cells} cells)");
            tell::note(&format!("{count} conditions with genes that are not known were left out, {what}"), false);
        }
        Ok((screen, vocabulary))
    }
}
