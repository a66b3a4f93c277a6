//! What the flags of `ferrome cell count` choose.

use std::str::FromStr;

use anyhow::{Context, Result, bail};
use ferrome_cell::count::{Dedup, Form, Options, Preset, Reads, UmiSource, Whitelist};
use regex::bytes::Regex;

use super::Args;

/// What is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Format {
    Dataset,
    UmiTools,
    UmiToolsWide,
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "dataset" => Ok(Self::Dataset),
            "umi-tools" => Ok(Self::UmiTools),
            "umi-tools-wide" => Ok(Self::UmiToolsWide),
            _ => Err(format!("unknown format `{text}`: expected dataset, umi-tools or umi-tools-wide")),
        }
    }
}

/// What becomes of `-1` behind a barcode.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Suffix {
    Keep,
    Drop,
}

pub(super) fn suffix(text: &str) -> Result<Suffix, String> {
    match text {
        "keep" => Ok(Suffix::Keep),
        "drop" => Ok(Suffix::Drop),
        _ => Err(format!("unknown choice `{text}`: expected keep or drop")),
    }
}

/// The two letters of a tag.
pub(super) fn tag(text: &str) -> Result<[u8; 2], String> {
    match text.as_bytes() {
        [first, second] if first.is_ascii_alphabetic() && second.is_ascii_alphanumeric() => Ok([*first, *second]),
        _ => Err(format!("`{text}` is not a tag: expected a letter, and a letter or digit, such as CB")),
    }
}

impl Args {
    /// What is counted: the preset, and what the flags change of it.
    pub(super) fn options(&self) -> Result<Options> {
        let mut options = Options::new(self.preset.unwrap_or(Preset::CellRanger))?;
        if let Some(dedup) = self.dedup {
            options.dedup = dedup;
        }
        self.place_barcodes(&mut options);
        let as_umi_tools = matches!(self.dedup, Some(Dedup::Unique | Dedup::Directional));
        if self.preset.is_none() && (as_umi_tools || options.source != UmiSource::Tags) {
            options.reads = Reads::Mapped;
            options.dedup = self.dedup.unwrap_or(Dedup::Directional);
        }
        options.mapq = self.mapq;
        options.drop_suffix = match self.cell_suffix {
            Some(suffix) => suffix == Suffix::Drop,
            None => options.drop_suffix || self.format != Format::Dataset,
        };
        options.skip_genes = self.skipped()?;
        options.whitelist = self.whitelist.as_deref().map(Whitelist::read).transpose()?;
        options.per_cell = !self.pool_cells;
        options.min_umis = self.min_umis_per_cell;
        options.threads = self.threads();
        Ok(options)
    }

    // A tag that is given says that it is to be read.
    fn place_barcodes(&self, options: &mut Options) {
        if self.cell_tag.is_some() || self.umi_tag.is_some() {
            options.source = UmiSource::Tags;
        }
        options.source = self.umi_from.unwrap_or(options.source);
        options.separator = self.umi_separator.as_bytes().to_vec();
        let tags = &mut options.tags;
        tags.cell = self.cell_tag.unwrap_or(tags.cell);
        tags.umi = self.umi_tag.unwrap_or(tags.umi);
        tags.gene = self.gene_tag.unwrap_or(tags.gene);
        tags.status = self.status_tag;
        if tags.gene != *b"GX" {
            tags.name = None;
        }
    }

    fn skipped(&self) -> Result<Option<Regex>> {
        if self.skip_gene_regex.is_empty() {
            return Ok(None);
        }
        let pattern = Regex::new(&self.skip_gene_regex);
        Ok(Some(pattern.with_context(|| format!("--skip-gene-regex: `{}`", self.skip_gene_regex))?))
    }

    /// The form of the table, if it is one.
    pub(super) fn form(&self) -> Result<Option<Form>> {
        match (self.format, self.pool_cells) {
            (Format::Dataset, true) => {
                bail!("--pool-cells leaves no cells for a dataset: expected --format umi-tools with it")
            }
            (Format::Dataset, false) => Ok(None),
            (_, true) => Ok(Some(Form::Genes)),
            (Format::UmiTools, false) => Ok(Some(Form::Long)),
            (Format::UmiToolsWide, false) => Ok(Some(Form::Wide)),
        }
    }
}
