//! `ferrome drug featurize`.

use std::{
    num::NonZeroUsize,
    path::{Path, PathBuf},
};

use anyhow::Result;
use ferrome_core::journal::RunDescription;
use ferrome_drug::{
    molecule::Standardize,
    read::{self, Columns, Memory},
    task::featurize::{self, What},
};

use crate::options::{self, ROW_STATS, Running, describe_input};

const EXAMPLES: &str = "\
Examples:
  ferrome drug featurize library.smi -o features.parquet
  ferrome drug featurize vendor.csv -o features/ \\
      --smiles-column SMILES --id-column catalog_number \\
      --what ecfp4,scaffold --standardize largest-fragment,neutralize

A row that is no molecule keeps its place, with nulls and the reason.
Killed at any moment, the same command goes on where it was.";

/// Writes `id`, `smiles`, the columns asked for and `error`, one row per row of the library, in its order
#[derive(clap::Parser, Debug)]
#[command(after_help = EXAMPLES, mut_arg("stats", |stats| stats.help(ROW_STATS)))]
pub(crate) struct Args {
    /// .smi, .csv, .tsv, .parquet or .sdf, plain or gzip; `-` is standard input (.smi)
    #[arg(value_name = "LIBRARY")]
    library: PathBuf,
    /// OUT.parquet, .arrow, .csv (without lists), or a folder of Parquet parts
    #[arg(short, long, value_name = "OUT")]
    output: PathBuf,
    /// Any of canonical, scaffold, ecfp4, fcfp4, descriptors, atoms; canonical SMILES go with all but fingerprints alone
    #[arg(long, default_value = "ecfp4,scaffold,descriptors,atoms", value_name = "WHAT")]
    what: What,
    /// What is done to a molecule first: largest-fragment, neutralize, or both with a comma between
    #[arg(long, value_name = "STEPS")]
    standardize: Option<Standardize>,
    #[command(flatten)]
    columns: LibraryColumns,
    /// CPU threads [default: all]
    #[arg(long, value_name = "N", help_heading = "Compute")]
    threads: Option<NonZeroUsize>,
    #[command(flatten)]
    running: Running,
}

/// Which columns or fields of a library hold what.
#[derive(clap::Args, Clone, Debug)]
#[command(next_help_heading = "Library")]
pub(crate) struct LibraryColumns {
    /// The column of SMILES [default: smiles]
    #[arg(long, value_name = "NAME")]
    smiles_column: Option<String>,
    /// The column of ids [default: id; the number of the row where there is none]
    #[arg(long, value_name = "NAME")]
    id_column: Option<String>,
    /// The data field of an SDF file that holds the id [default: its title line]
    #[arg(long, value_name = "NAME")]
    id_field: Option<String>,
}

impl LibraryColumns {
    pub(crate) fn columns(&self) -> Columns {
        Columns { id: self.id_column.clone(), smiles: self.smiles_column.clone(), id_field: self.id_field.clone() }
    }

    /// What of it changes the result.
    pub(crate) fn describe(&self, description: &mut RunDescription) {
        let name = |name: &Option<String>| name.clone().unwrap_or_default();
        description.set("columns.smiles", name(&self.smiles_column));
        description.set("columns.id", name(&self.id_column));
        description.set("columns.id_field", name(&self.id_field));
    }
}

/// Adds what the journal keeps of a file, or of the table that is given instead.
pub(crate) fn describe_given(
    description: &mut RunDescription,
    key: &str,
    path: &Path,
    given: Option<&Memory>,
) -> Result<()> {
    match given {
        Some(table) => description.set(key, table.describe()?),
        None => describe_input(description, key, path)?,
    }
    Ok(())
}

pub(crate) fn run(args: &Args, given: Option<&Memory>) -> Result<()> {
    let output = options::table(&args.output)?;
    let threads = options::threads(args.threads);
    let columns = args.columns.columns();
    let library = given.map_or_else(|| read::open(&args.library, &columns), |table| table.library(&columns))?;
    let mut description = RunDescription::new();
    describe_given(&mut description, "library", &args.library, given)?;
    args.columns.describe(&mut description);
    let options = args.running.engine(0, threads)?;
    let standardize = args.standardize.unwrap_or_default();
    let summary = featurize::featurize(library, args.what, standardize, options, output, description)?;
    args.running.report_rows(&summary)
}
