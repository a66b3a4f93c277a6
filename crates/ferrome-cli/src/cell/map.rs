//! `ferrome cell map`.

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::ValueEnum;
use ferrome_cell::{
    reduction::UmapOptions,
    task::map::{self, Map, Method},
};

use crate::options::refuse_existing;

const EXAMPLES: &str = "\
Examples:
  ferrome cell map embedded.parquet -o map.svg --color cell_type
  ferrome cell map embedded.parquet -o pca.svg --method pca --color cell_type \\
      --labels labelled.parquet";

/// Writes an SVG, and with --table the points as CSV
#[derive(clap::Parser, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// What `ferrome cell embed -o x.parquet` wrote: one vector per cell
    #[arg(value_name = "EMBEDDINGS")]
    embeddings: PathBuf,
    /// The picture
    #[arg(short, long, value_name = "OUT.svg")]
    output: PathBuf,
    /// umap, or pca
    #[arg(long, default_value = "umap", value_name = "HOW")]
    method: How,
    /// The column that gives the colour
    #[arg(long, value_name = "COLUMN")]
    color: Option<String>,
    /// Where that column is: Parquet, CSV or TSV with `cell_id` [default: EMBEDDINGS]
    #[arg(long, value_name = "TABLE", requires = "color")]
    labels: Option<PathBuf>,
    /// Also write `cell_id`, `x`, `y` and the column
    #[arg(long, value_name = "OUT.csv")]
    table: Option<PathBuf>,
    /// UMAP: neighbours that a cell is held together with
    #[arg(long, default_value_t = 15, value_name = "N")]
    neighbours: usize,
    /// UMAP: seed of everything random
    #[arg(long, default_value_t = 1, value_name = "N")]
    seed: u64,
    /// Replace a picture that exists
    #[arg(long)]
    overwrite: bool,
    /// No summary
    #[arg(long, short)]
    quiet: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum How {
    Umap,
    Pca,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    for path in [Some(&args.output), args.table.as_ref()].into_iter().flatten() {
        refuse_existing(path, args.overwrite)?;
    }
    if args.output.extension().is_none_or(|suffix| suffix != "svg") {
        bail!("{}: pictures are SVG; choose a name with .svg for -o", args.output.display());
    }
    let method = match args.method {
        How::Pca => Method::Pca,
        How::Umap => {
            Method::Umap(UmapOptions { neighbours: args.neighbours, seed: args.seed, ..UmapOptions::default() })
        }
    };
    let (drawn, without) = map::map(&Map {
        embeddings: &args.embeddings,
        colour: args.color.as_deref(),
        labels: args.labels.as_deref(),
        method,
        picture: args.output.clone(),
        table: args.table.clone(),
    })?;
    if !args.quiet {
        let left_out = if without > 0 { format!(", {without} without a vector") } else { String::new() };
        eprintln!("{drawn} cells{left_out} -> {}", args.output.display());
    }
    Ok(())
}
