//! What the journal keeps of a run: everything that changes its result.

use anyhow::Result;
use ferrome_core::journal::RunDescription;

use super::Args;
use crate::options::describe_input;

pub(super) fn run(args: &Args) -> Result<RunDescription> {
    let options = args.options()?;
    let mut description = RunDescription::new();
    describe_input(&mut description, "input", &args.input)?;
    let tags = options.tags;
    for (key, tag) in [
        ("cell_tag", Some(tags.cell)),
        ("umi_tag", Some(tags.umi)),
        ("gene_tag", Some(tags.gene)),
        ("status_tag", tags.status),
    ] {
        if let Some(tag) = tag {
            description.set(key, tag.escape_ascii());
        }
    }
    description.set("umi_from", format!("{:?}", options.source));
    description.set("umi_separator", options.separator.escape_ascii());
    description.set("reads", format!("{:?}", options.reads));
    description.set("dedup", options.dedup);
    description.set("drop_suffix", options.drop_suffix);
    description.set("skip_gene_regex", &args.skip_gene_regex);
    description.set("min_umis_per_cell", options.min_umis);
    if let Some(mapq) = options.mapq {
        description.set("mapq", mapq);
    }
    if let Some(list) = &args.whitelist {
        describe_input(&mut description, "whitelist", list)?;
    }
    Ok(description)
}
