//! What the journal keeps of a run: everything that changes its result.

use std::path::Path;

use anyhow::Result;
use ferrome_core::{device::kind_name, fingerprint, journal::RunDescription};
use ferrome_protein::{model::OpenModel, task::embed::EmbedOptions};
use tch::{Device, Kind};

use super::Args;

pub(super) fn run(
    args: &Args,
    model: &OpenModel,
    options: &EmbedOptions,
    (kind, device): (Kind, Device),
) -> Result<RunDescription> {
    let mut description = RunDescription::new();
    for (i, path) in args.inputs.iter().enumerate() {
        description.set(format!("input.{i}"), input(path)?);
    }
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
        .with("device", if device == Device::Cpu { "cpu" } else { "cuda" }))
}

// What comes through a pipe has no content that could be looked at beforehand.
fn input(path: &Path) -> Result<String> {
    if !fs_err::metadata(path).is_ok_and(|metadata| metadata.is_file()) {
        return Ok(path.display().to_string());
    }
    let file = fingerprint::file(path)?;
    Ok(format!("{} ({} bytes, xxh3 {})", path.display(), file.bytes, fingerprint::hex(file.hash)))
}
