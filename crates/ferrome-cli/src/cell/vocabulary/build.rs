//! `ferrome cell vocabulary build`.

use std::path::{Path, PathBuf};

use anyhow::Result;
use ferrome_cell::{
    Error,
    cells::ValueKind,
    genes::NameKind,
    read::memory::Data,
    tokenize::{Style, totals::Totals},
    vocabulary::build::Builder,
};
use ferrome_core::interrupt::Interrupt;

use super::{check_output, written};
use crate::cell::go_on;
use crate::cell::input::{Reading, found};
use crate::tell;

const EXAMPLES: &str = "\
Examples:
  ferrome cell vocabulary build zebrafish.h5ad -o zebrafish.json
  ferrome cell vocabulary build corpus/*.h5ad --style geneformer-v1 \\
      --min-cells 50 -o new.json

The median of a gene is taken over the cells that have it, of counts / total * 10,000.
Up to 256 cells it is exact; beyond, it is estimated by a t-digest, whose largest
possible error is printed. Genes get their tokens in the order of their ids.";

/// About how many stored entries are held at a time.
const BLOCK: usize = 4 << 20;

/// Reads every cell once; the memory it needs grows with the genes, not with the cells
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Datasets: h5ad, 10x, loom or Parquet
    #[arg(required = true, value_name = "DATASET")]
    datasets: Vec<PathBuf>,
    /// The vocabulary
    #[arg(short, long, value_name = "VOCAB.json")]
    output: PathBuf,
    /// geneformer-v1 or geneformer-v2
    #[arg(long, default_value = "geneformer-v2", value_name = "STYLE")]
    style: Style,
    /// Leave out genes that fewer cells have
    #[arg(long, default_value_t = 1, value_name = "N")]
    min_cells: u64,
    /// What the genes are called by: auto, ensembl or symbol
    #[arg(long, default_value = "auto", value_name = "KIND")]
    genes: NameKind,
    /// Total counts of a cell: a column of obs, or sum [default: n_counts where obs has it, else sum]
    #[arg(long, value_name = "COLUMN")]
    n_counts: Option<String>,
    #[command(flatten)]
    reading: Reading,
    /// Replace a vocabulary that exists
    #[arg(long)]
    overwrite: bool,
    /// No summary
    #[arg(long, short)]
    quiet: bool,
}

pub(crate) fn run(args: &Args, given: Option<&Data>) -> Result<()> {
    check_output(&args.output, args.overwrite)?;
    let interrupt = Interrupt::on_signal()?;
    let mut builder = Builder::new();
    for path in &args.datasets {
        args.add(&mut builder, (path, given), &interrupt)?;
    }
    let (vocabulary, report) = builder.finish(args.style, args.min_cells)?;
    vocabulary.save(&args.output)?;
    if !args.quiet {
        eprintln!("{report}");
        eprintln!("{}", written(&vocabulary, &args.output));
    }
    Ok(())
}

impl Args {
    fn add(&self, builder: &mut Builder, (path, given): (&Path, Option<&Data>), interrupt: &Interrupt) -> Result<()> {
        let mut reader = self.reading.open((path, &self.output), given)?;
        let header = reader.header();
        if !self.quiet {
            eprintln!("{}", found(path, header));
        }
        if header.kind == ValueKind::Floats {
            tell::warn(&format!("{}: medians of values that are no counts", path.display()));
        }
        let totals = Totals::asked(self.n_counts.as_deref(), &header.obs)?;
        let name =
            path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned());
        let columns = builder.begin(&name, &header.genes, self.genes)?;
        let (genes, total) = (header.genes.len(), header.cells);
        while let Some(cells) = reader.next_cells(BLOCK)? {
            go_on(interrupt, Error::Stopped)?;
            tell::progress(cells.first + cells.len() as u64, total, &name);
            cells.check(genes)?;
            builder.add(&columns, &cells, &totals)?;
        }
        Ok(())
    }
}
