//! `ferrome demo`.

mod cells;
mod drugs;
mod likeness;
mod proteins;

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::tell;

const OUTPUT: &str = "demo-out";
const EXAMPLES: &str = "\
Examples:
  ferrome demo
  ferrome demo -m facebook/esm2_t33_650M_UR50D

What it makes stays in demo-out/ of the working folder; every run makes it anew.";

/// Embeds twelve proteins and shows nearest neighbours; counts, tokenizes, embeds and draws ninety cells; scores twenty drugs
/// against four kinases and shows the best of each
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// A model as `ferrome protein embed` takes it
    #[arg(short, long, default_value = "ferrome-esm2-mini", value_name = "MODEL")]
    model: String,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    fs_err::create_dir_all(OUTPUT)?;
    proteins::show(&args.model)?;
    tell::answer("")?;
    cells::show(Path::new(OUTPUT))?;
    tell::answer("")?;
    drugs::show(Path::new(OUTPUT))
}

// In the working folder, and in the checkout that the binary was built in.
fn file(name: &str) -> Result<PathBuf> {
    let exe = std::env::current_exe().ok();
    let checkout = exe.as_deref().and_then(|exe| exe.parent()?.parent()?.parent());
    let candidates: Vec<PathBuf> = [Path::new("")].into_iter().chain(checkout).map(|f| f.join(name)).collect();
    match candidates.iter().find(|path| path.is_file()) {
        Some(path) => Ok(path.clone()),
        None => {
            let looked: Vec<String> = candidates.iter().map(|path| path.display().to_string()).collect();
            bail!("the demo's data was not found; looked for {}; run it in a checkout of Ferrome", looked.join(", "))
        }
    }
}
