//! What the journal keeps of a run: everything that changes its result.

use anyhow::Result;
use ferrome_cell::task::{Resident, embed::EmbedOptions};
use ferrome_core::{device::kind_name, journal::RunDescription};
use tch::{Device, Kind};

use super::Args;
use crate::options::device_kind;

pub(super) fn run(
    args: &Args,
    model: &Resident,
    options: &EmbedOptions,
    (kind, device): (Kind, Device),
    input: RunDescription,
) -> Result<RunDescription> {
    let specials = options.specials.map_or_else(|| "none".to_owned(), |specials| format!("{specials:?}"));
    Ok(input
        .with("model", &args.model)
        .with("model.fingerprint", model.fingerprint()?)
        .with("pool", options.pool)
        .with("layer", format!("{} of {}", options.layer, model.open.blocks()))
        .with("specials", specials)
        .with("long", options.long)
        .with("carried", args.obs.join(","))
        .with("batch", args.batch.as_deref().unwrap_or("none"))
        .with("dtype", kind_name(kind))
        .with("device", device_kind(device)))
}
