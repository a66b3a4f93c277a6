//! What the journal keeps of a run: everything that changes its result.

use anyhow::Result;
use ferrome_core::{device::kind_name, journal::RunDescription};
use ferrome_protein::{model::Resident, task::embed::EmbedOptions};
use tch::{Device, Kind};

use super::{Args, input::Input};
use crate::options::device_kind;

pub(super) fn run(
    args: &Args,
    input: &Input,
    model: &Resident,
    options: &EmbedOptions,
    (kind, device): (Kind, Device),
) -> Result<RunDescription> {
    let mut description = RunDescription::new();
    input.describe(&mut description)?;
    if let Some(table) = args.translate {
        let mode = if args.orfs { format!("orfs of {} or more", args.min_orf) } else { "coding sequences".into() };
        description.set("translate", format!("table {table}, {mode}"));
    }
    let layers: Vec<String> = options.layers.iter().map(ToString::to_string).collect();
    Ok(description
        .with("model", &args.model)
        .with("model.fingerprint", model.fingerprint()?)
        .with("pool", options.pool)
        .with("layers", layers.join(","))
        .with("logits", options.logits)
        .with("long", options.long)
        .with("dtype", kind_name(kind))
        .with("device", device_kind(device)))
}
