//! `ferrome model …`.

mod list;
mod path;
mod pull;
mod verify;

use std::path::{Path, PathBuf};

use anyhow::{Error, Result, anyhow, bail};
use clap::Subcommand;
use ferrome_core::weights::{self, Entry, Room};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The models that are known by name: family, size, licence, and where they lie
    List(list::Args),
    /// The folder or file of a model, for scripts
    Path(path::Args),
    /// Download a model into the Hugging Face cache, where transformers finds it, too
    Pull(pull::Args),
    /// Whether a model's files are as published, and whether it computes the published numbers
    Verify(verify::Args),
}

pub(crate) const EXAMPLES: &str = "\
Examples:
  ferrome model list
  ferrome model verify ferrome-geneformer-mini";

pub(crate) fn run(command: Command) -> Result<()> {
    match command {
        Command::List(args) => list::run(&args),
        Command::Path(args) => path::run(&args),
        Command::Pull(args) => pull::run(&args),
        Command::Verify(args) => verify::run(&args),
    }
}

/// The model that a name stands for: one of the registry, or any repository of the hub.
fn entry(name: &str) -> Result<Entry> {
    if Path::new(name).is_absolute() || name.starts_with('.') {
        bail!("{name}: no such model folder or file");
    }
    let known = weights::registered(name).cloned().or_else(|| Entry::of_hub(name));
    known.ok_or_else(|| {
        let advice = match weights::nearest(name, None).as_slice() {
            [] => "`ferrome model list` shows the names that are; ORGANISATION/REPOSITORY takes any of the Hugging Face hub"
                .to_owned(),
            names => format!("did you mean {}?", weights::or(names)),
        };
        anyhow!("model `{name}` is not known: {advice}")
    })
}

/// Where a model lies, as the commands of its room find it. A folder of the working folder that has its name, and not all of
/// its files, is something else.
fn locate(entry: &Entry) -> Result<PathBuf> {
    let found = in_room(entry)?;
    if found != Path::new(&entry.name) || entry.is_whole_in(&root(entry, &found)) {
        return Ok(found);
    }
    let shipped = weights::shipped(&entry.name).into_iter().find(|path| path.exists());
    shipped.or_else(|| entry.in_hub_cache()).ok_or_else(|| not_here(entry))
}

fn in_room(entry: &Entry) -> Result<PathBuf> {
    match (entry.room, &entry.repository) {
        (Some(Room::Cell), _) => Ok(ferrome_cell::model::locate(&entry.name)?),
        (Some(Room::Drug), _) => Ok(ferrome_drug::checkpoint::locate(&entry.name)?),
        (Some(Room::Protein), _) | (None, None) => Ok(ferrome_protein::model::locate(&entry.name)?),
        // A repository that the registry does not list, and of which no more than a part may be here.
        (None, Some(_)) => entry.in_hub_cache().ok_or_else(|| not_here(entry)),
    }
}

fn not_here(entry: &Entry) -> Error {
    anyhow!("model `{}` is not here, or not all of it: {}", entry.name, weights::how_to_get(entry))
}

/// The copy of its repository that a model at `path` is in: files of an entry have their paths there.
fn root(entry: &Entry, path: &Path) -> PathBuf {
    let depth = if entry.folder.is_empty() { 0 } else { Path::new(&entry.folder).components().count() };
    path.ancestors().nth(depth).unwrap_or(path).to_owned()
}
