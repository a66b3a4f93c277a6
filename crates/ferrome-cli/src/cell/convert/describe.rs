//! What the journal keeps of a run: everything that changes its result.

use anyhow::Result;
use ferrome_cell::read::memory::Data;
use ferrome_core::journal::RunDescription;

use super::Args;
use crate::cell::input;
use crate::options::describe_input;

pub(super) fn run(args: &Args, given: Option<&Data>) -> Result<RunDescription> {
    let mut description = RunDescription::new();
    input::describe(&mut description, &args.input, given)?;
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
