//! `ferrome cell count`.

mod choice;
mod describe;
mod output;

use std::io::{IsTerminal, stderr};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::Result;
use ferrome_cell::count::{self, Dedup, Preset, UmiSource};
use ferrome_core::interrupt::Interrupt;
use indicatif::ProgressBar;

use crate::{options, tell};
use choice::Format;
use output::Written;

const EXAMPLES: &str = "\
Examples:
  ferrome cell count possorted_genome_bam.bam -o pbmc
  ferrome cell count possorted_genome_bam.bam --format umi-tools -o pbmc.tsv \\
      --dedup directional

The first writes pbmc/cells/part-*.parquet and pbmc/genes.parquet with the counts
of Cell Ranger, the second the table that `umi_tools count` writes.";

const PRESETS: &str = "\
Presets (every flag above overrides its part of one):
  cellranger  CB, UB, GX; names from GN. Primary alignments to one gene that Cell
              Ranger counts: xf with the bits 1 and 16 and without 2; mapping
              quality 255 where there is no xf. UB is corrected already, so
              molecules are distinct (CB, GX, UB). With --umi-tag UR, UMIs are
              corrected and low support is dropped as Cell Ranger does it
  starsolo    CB, UB, GX; names from GN; `-` is none. Primary alignments to one
              gene, distinct UB
  umi-tools   --umi-from read-name, gene in XT; every mapped alignment but second
              reads of pairs; directional; barcodes end before their first `-`
  sctools     CB, UB, GE. Primary alignments to one gene, without XF:Z:INTERGENIC;
              distinct UB
Without --preset it is cellranger; with --dedup unique or directional, or with
--umi-from, every mapped alignment but second reads of pairs is counted, as
`umi_tools count` does.

Methods:
  unique       distinct UMIs of a cell and gene
  directional  UMI-tools: a UMI joins one that differs in one base and has at
               least twice its reads less one
  cellranger   each UMI moves to its most frequent neighbour of one base within
               the gene; of a UMI with several genes only the most frequent stays
  cr-like      alevin-fry: no correction; of a UMI with several genes only the
               most frequent stays

A gene on several contigs is one gene: its reads are taken together before UMIs
are compared (umi_tools keeps the last contig's count).";

/// Counts molecules: distinct UMIs per gene and cell. The file may be sorted in any way or not at all, and needs no index
#[derive(clap::Parser, Debug)]
#[command(after_help = after_help())]
pub(crate) struct Args {
    /// BAM or SAM; `-` is standard input
    #[arg(value_name = "IN")]
    input: PathBuf,
    /// A folder for the dataset, or the file of the table
    #[arg(short, long, value_name = "OUT")]
    output: PathBuf,
    /// What is written: dataset, umi-tools (gene, cell, count) or umi-tools-wide (a column for each cell)
    #[arg(long, default_value = "dataset", value_name = "FORMAT")]
    format: Format,
    /// Tags, reads and method of a program: cellranger, starsolo, umi-tools or sctools [default: cellranger]
    #[arg(long, value_name = "PRESET")]
    preset: Option<Preset>,
    /// How molecules are told apart: unique, directional, cellranger or cr-like [default: the preset's]
    #[arg(long, value_name = "METHOD")]
    dedup: Option<Dedup>,
    /// Tag of the cell barcode [default: CB]
    #[arg(long, value_name = "TAG", value_parser = choice::tag, help_heading = "Reads")]
    cell_tag: Option<[u8; 2]>,
    /// Tag of the UMI [default: UB]
    #[arg(long, value_name = "TAG", value_parser = choice::tag, help_heading = "Reads")]
    umi_tag: Option<[u8; 2]>,
    /// Tag of the gene [default: the preset's]
    #[arg(long, value_name = "TAG", value_parser = choice::tag, help_heading = "Reads")]
    gene_tag: Option<[u8; 2]>,
    /// Tag that says how the gene was assigned, such as XS of featureCounts [default: the gene's own]
    #[arg(long, value_name = "TAG", value_parser = choice::tag, help_heading = "Reads")]
    status_tag: Option<[u8; 2]>,
    /// Barcode and UMI from: tag, read-name, or one of its two styles, read-id (NAME_CELL_UMI) and umis (CELL_x:UMI_y)
    #[arg(long, value_name = "WHERE", help_heading = "Reads")]
    umi_from: Option<UmiSource>,
    /// What stands between the parts of NAME_CELL_UMI
    #[arg(long, default_value = "_", value_name = "TEXT", help_heading = "Reads")]
    umi_separator: String,
    /// Drop `-1` and what else follows the first `-` of a barcode: keep or drop [default: keep, tables: drop]
    #[arg(long, value_name = "CHOICE", value_parser = choice::suffix, help_heading = "Reads")]
    cell_suffix: Option<choice::Suffix>,
    /// Lowest mapping quality [default: the preset's]
    #[arg(long, value_name = "N", help_heading = "Reads")]
    mapq: Option<u8>,
    /// Genes (or statuses) that are none: a regular expression; empty for all genes
    #[arg(long, default_value = count::SKIP_GENES, value_name = "REGEX", help_heading = "Reads")]
    skip_gene_regex: String,
    /// Count these barcodes only: a file with one on each line, gzip or not, with or without `-1`
    #[arg(long, value_name = "FILE", help_heading = "Cells")]
    whitelist: Option<PathBuf>,
    /// Leave out cells with fewer UMIs
    #[arg(long, default_value_t = 0, value_name = "N", help_heading = "Cells")]
    min_umis_per_cell: u64,
    /// Take all reads for one cell: a table of genes, as umi_tools makes without --per-cell
    #[arg(long, help_heading = "Cells")]
    pool_cells: bool,
    /// Where the knee plot goes [default: OUT with .knee.svg]
    #[arg(long, value_name = "FILE", help_heading = "Cells")]
    knee: Option<PathBuf>,
    /// CPU threads [default: all]
    #[arg(long, value_name = "N", help_heading = "Run")]
    threads: Option<NonZeroUsize>,
    /// Replace an output that exists
    #[arg(long, help_heading = "Run")]
    overwrite: bool,
    /// No progress and no summary
    #[arg(long, short, help_heading = "Run")]
    quiet: bool,
    /// Write what the run did as JSON: run_seconds, reads, counted_reads, dropped (by reason), umis, all_umis, cells,
    /// cells_left_out, genes, median_umis_per_cell, saturation, warnings, peak_rss_bytes
    #[arg(long, value_name = "FILE", help_heading = "Run")]
    stats: Option<PathBuf>,
}

fn after_help() -> String {
    format!("{PRESETS}\n\n{EXAMPLES}")
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let started = Instant::now();
    let options = args.options()?;
    output::check(args)?;
    let interrupt = Interrupt::on_signal()?;
    let bar = if args.quiet || !stderr().is_terminal() { ProgressBar::hidden() } else { ProgressBar::new_spinner() };
    let mut watch = |reads: u64| {
        let message = format!("{reads} reads, {:.0} reads/s", reads as f64 / started.elapsed().as_secs_f64());
        tell::progress(reads, None, &message);
        bar.set_message(message);
        bar.tick();
        !interrupt.is_raised()
    };
    let counted = count::count(&args.input, &options, &mut watch)?;
    bar.finish_and_clear();
    let Written { summary, knee } = output::write(args, &options, counted, interrupt.clone())?;
    for warning in &summary.warnings {
        tell::warn(warning);
    }
    if !args.quiet {
        eprintln!("{}: {summary}", args.input.display());
        eprintln!("knee plot: {}", knee.display());
    }
    output::stats(args, &summary, started.elapsed())
}

impl Args {
    fn threads(&self) -> NonZeroUsize {
        options::threads(self.threads)
    }
}
