//! What the journal keeps of a run: everything that changes its result.

use anyhow::Result;
use ferrome_core::journal::RunDescription;

use super::Args;
use crate::options::describe_input;

pub(super) fn run(args: &Args) -> Result<RunDescription> {
    let mut description = RunDescription::new();
    describe_input(&mut description, "input", &args.input)?;
    if let Some(layer) = &args.layer {
        description.set("layer.asked", layer);
    }
    if args.allow_normalized {
        description.set("allow_normalized", true);
    }
    if let Some(map) = &args.gene_map {
        describe_input(&mut description, "gene_map", map)?;
    }
    Ok(description)
}
