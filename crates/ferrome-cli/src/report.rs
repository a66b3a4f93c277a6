//! `ferrome report`.

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::ValueEnum;
use ferrome_core::page::grouped;
use ferrome_report::{Map, Request};

use crate::options::{need_folder, refuse_existing};

const EXAMPLES: &str = "\
Examples:
  ferrome protein embed proteins.fasta -m ferrome-esm2-mini -o proteins.parquet
  ferrome report proteins.parquet -o proteins.html
  ferrome report embedded.parquet -o cells.html --map pca --color cell_type

The page holds everything that it shows and loads nothing from elsewhere. Up to 20,000 rows
neighbours are exact; beyond, the page says what share of them was found. UMAP and neighbours
of a million rows take many minutes; --map pca --neighbours 0 needs only to read them.";

/// One page to look at a table of embeddings or scores: a map, neighbours, search, rows and histograms
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Parquet, a folder of Parquet parts, Arrow IPC, CSV, TSV, or h5ad with its obsm
    #[arg(value_name = "TABLE")]
    table: PathBuf,
    /// The page
    #[arg(short, long, value_name = "REPORT.html")]
    output: PathBuf,
    /// How rows get their places: umap, or pca
    #[arg(long, default_value = "umap", value_name = "HOW", help_heading = "Map")]
    map: How,
    /// The column of vectors, a name in obsm, or what columns of its numbers start with [default: `embedding`, or the first]
    #[arg(long, value_name = "COLUMN", help_heading = "Map")]
    embedding: Option<String>,
    /// Places that are there already: the column of x [default where there are no vectors: `x`]
    #[arg(long, value_name = "COLUMN", requires = "y", conflicts_with = "map", help_heading = "Map")]
    x: Option<String>,
    /// The column of y
    #[arg(long, value_name = "COLUMN", requires = "x", help_heading = "Map")]
    y: Option<String>,
    /// UMAP: neighbours that a row is held together with
    #[arg(long, default_value_t = 15, value_name = "N", help_heading = "Map", value_parser = clap::value_parser!(u16).range(2..))]
    umap_neighbours: u16,
    /// The column that gives the colour at first
    #[arg(long, value_name = "COLUMN", help_heading = "Content")]
    color: Option<String>,
    /// The column that names rows [default: id, cell_id, drug_id, or the first of text]
    #[arg(long, value_name = "COLUMN", help_heading = "Content")]
    id: Option<String>,
    /// The column whose largest values are the best [default: score]
    #[arg(long, value_name = "COLUMN", help_heading = "Content")]
    score: Option<String>,
    /// The columns that the page holds [default: all numbers and text]
    #[arg(long, value_name = "A,B,…", value_delimiter = ',', help_heading = "Content")]
    columns: Option<Vec<String>>,
    /// Nearest neighbours of each row by cosine, 0 for none
    #[arg(long, default_value_t = 10, value_name = "N", help_heading = "Content", value_parser = clap::value_parser!(u16).range(..=100))]
    neighbours: u16,
    /// Rows on the page, at most: of more, so many are drawn by chance
    #[arg(long, default_value_t = 1_000_000, value_name = "N", help_heading = "Content", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    points: u32,
    /// Seed of everything random
    #[arg(long, default_value_t = 1, value_name = "N", help_heading = "Run")]
    seed: u64,
    /// Replace a page that exists
    #[arg(long, help_heading = "Run")]
    overwrite: bool,
    /// No summary
    #[arg(long, short, help_heading = "Run")]
    quiet: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum How {
    Umap,
    Pca,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let output = &args.output;
    if output.extension().is_none_or(|suffix| suffix != "html") {
        bail!("{}: the page is HTML; choose a name with .html for -o", output.display());
    }
    refuse_existing(output, args.overwrite)?;
    need_folder(output)?;
    let request = Request {
        table: args.table.clone(),
        map: match args.map {
            How::Umap => Map::Umap,
            How::Pca => Map::Pca,
        },
        embedding: args.embedding.clone(),
        x_y: args.x.clone().zip(args.y.clone()),
        id: args.id.clone(),
        colour: args.color.clone(),
        score: args.score.clone(),
        columns: args.columns.clone(),
        neighbours: args.neighbours.into(),
        umap_neighbours: args.umap_neighbours.into(),
        points: args.points as usize,
        seed: args.seed,
    };
    let say = |line: &str| {
        if !args.quiet {
            eprintln!("{line}");
        }
    };
    let made = ferrome_report::write(&request, output, &say)?;
    let of = if made.rows < made.table_rows { format!(" of {}", grouped(made.table_rows)) } else { String::new() };
    let without = match made.left_out {
        0 => String::new(),
        rows => format!(", {} without a place left out", grouped(rows)),
    };
    let size = made.bytes as f64 / 1e6;
    say(&format!("{}{of} rows{without} -> {} ({size:.1} MB)", grouped(made.rows), output.display()));
    Ok(())
}
