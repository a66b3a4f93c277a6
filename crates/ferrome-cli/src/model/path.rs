//! `ferrome model path`.

use anyhow::Result;

use crate::tell;

const EXAMPLES: &str = "\
Examples:
  ferrome model path ferrome-esm2-mini
  ls \"$(ferrome model path esm2_t6_8M_UR50D)\"";

/// Prints where a model lies; exit code 1, with the command that gets it, where it does not
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// A name of `ferrome model list`, or ORGANISATION/REPOSITORY
    #[arg(value_name = "NAME")]
    name: String,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    tell::answer(super::locate(&super::entry(&args.name)?)?.display())
}
