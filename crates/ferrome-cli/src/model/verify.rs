//! `ferrome model verify`.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use ferrome_core::{
    page::grouped,
    weights::{self, Entry},
};
use ferrome_hub::{FileReport, Source};
use ferrome_protein::{
    model,
    task::verify::{self, Compared, Golden},
};
use tch::{Device, Kind};

use super::{list::aligned, root};
use crate::tell;

const EXAMPLES: &str = "\
Examples:
  ferrome model verify ferrome-geneformer-mini
  ferrome model verify my-esm2/ --goldens goldens.json

Files are compared with the checksums of the registry, or with those that the hub
named them by. Numbers are computed in f32 on the CPU. Where none were published,
only the files are checked, and that is said.";

/// Compares a model's files and results with what was published; exit code 1 when they differ
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// A name of `ferrome model list`, ORGANISATION/REPOSITORY, or a folder or file
    #[arg(value_name = "MODEL")]
    model: String,
    /// Numbers of your own for an ESM model: a list in JSON, as docs/models.md has it
    #[arg(long, value_name = "FILE")]
    goldens: Option<PathBuf>,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let given = Path::new(&args.model);
    let (entry, path) = if given.exists() {
        (named_like(given).cloned(), given.to_owned())
    } else {
        let entry = super::entry(&args.model)?;
        let path = super::locate(&entry)?;
        (Some(entry), path)
    };
    let goldens = match (&args.goldens, &entry) {
        (Some(file), _) => verify::parse(&fs_err::read_to_string(file)?, &file.display().to_string())?,
        (None, Some(entry)) => verify::published(&entry.name),
        (None, None) => {
            bail!("{}: nothing was published for a model of this name; give numbers with --goldens", path.display())
        }
    };
    // A single file, as fair-esm has them, has no list.
    let listed = entry.filter(|_| path.is_dir()).map(|entry| (root(&entry, &path), entry));
    let files = listed.as_ref().map(|(root, entry)| ferrome_hub::verify(entry, root)).transpose()?.unwrap_or_default();
    if !files.is_empty() {
        tell::answer(format_args!("{}\n", table_of_files(&files)))?;
    }
    // Of a part nothing can be computed.
    let is_whole = listed.is_none_or(|(root, entry)| entry.is_whole_in(&root));
    let compared = if is_whole { compare(&path, &goldens)? } else { Vec::new() };
    if !compared.is_empty() {
        tell::answer(format_args!("{}\n", table_of_numbers(&goldens, &compared)))?;
    }
    conclude(&args.model, &files, &compared)
}

// A folder or file that has the name of a published model.
fn named_like(path: &Path) -> Option<&'static Entry> {
    let names = [path.file_name(), path.file_stem()];
    names.into_iter().flatten().find_map(|name| weights::registered(name.to_str()?))
}

fn compare(path: &Path, goldens: &[Golden]) -> Result<Vec<Compared>> {
    if goldens.is_empty() {
        return Ok(Vec::new());
    }
    let esm = model::open(path)?.load(Kind::Float, Device::Cpu)?;
    Ok(goldens.iter().map(|golden| verify::compare(&esm, golden)).collect::<Result<_, _>>()?)
}

fn table_of_files(files: &[FileReport]) -> String {
    let mut rows = vec![["file", "bytes", "compared with", "verdict"].map(str::to_owned)];
    for file in files {
        let source = match file.source {
            Source::Registry => "Ferrome's registry",
            Source::Hub => "the hub's name for it",
            Source::Nothing => "nothing that is known",
        };
        let verdict = file.trouble.as_ref().map_or("ok".to_owned(), |trouble| format!("WRONG: {trouble}"));
        rows.push([file.path.clone(), grouped(file.bytes), source.to_owned(), verdict]);
    }
    aligned(&rows)
}

fn table_of_numbers(goldens: &[Golden], compared: &[Compared]) -> String {
    let header = ["published by", "what", "numbers", "largest difference", "of what is allowed", "verdict"];
    let mut rows = vec![header.map(str::to_owned)];
    for (golden, compared) in goldens.iter().zip(compared) {
        rows.push([
            golden.source.clone(),
            format!("{} of {}", golden.what.name(), golden.input()),
            compared.numbers.to_string(),
            format!("{:.2e}", compared.difference),
            format!("{:.0} %", 100.0 * compared.share),
            if compared.holds() { "ok" } else { "WRONG" }.to_owned(),
        ]);
    }
    aligned(&rows)
}

fn conclude(model: &str, files: &[FileReport], compared: &[Compared]) -> Result<()> {
    let wrong_files = files.iter().filter(|file| file.trouble.is_some()).count();
    let wrong_numbers = compared.iter().filter(|compared| !compared.holds()).count();
    if wrong_files + wrong_numbers > 0 {
        bail!(
            "{model}: {wrong_files} of {} files and {wrong_numbers} of {} published results differ",
            files.len(),
            compared.len()
        );
    }
    if files.is_empty() && compared.is_empty() {
        bail!("{model}: nothing was published that a single file could be compared with; give numbers with --goldens");
    }
    let checked = files.iter().filter(|file| file.source != Source::Nothing).count();
    if compared.is_empty() {
        tell::answer(format_args!(
            "{model}: no numbers were published for it; only its files were checked: {checked} of {} are right",
            files.len()
        ))
    } else {
        tell::answer(format_args!(
            "{model}: {checked} of {} files were checked and are right; {} published results hold",
            files.len(),
            compared.len()
        ))
    }
}
