//! The flags that one style has and the others lack.

use anyhow::{Result, bail};
use arrow::datatypes::Schema;
use clap::{Args, ValueEnum};
use ferrome_cell::{
    cells::ValueKind,
    hvg::Flavor,
    normalize::Normalization,
    tokenize::{
        binning::{Binning, Draw},
        geneformer,
        scgpt::{self, Options, Variable},
        totals::Totals,
    },
};

#[derive(Args, Clone, Debug)]
pub(super) struct Geneformer {
    /// Total counts of a cell: a column of obs, or sum [default: n_counts where obs has it, else sum]
    #[arg(long, value_name = "COLUMN", help_heading = "Geneformer")]
    n_counts: Option<String>,
    /// Also write input_ids_uncropped and length_uncropped: all genes, without special tokens
    #[arg(long, help_heading = "Geneformer")]
    keep_uncropped: bool,
    /// Also write counts: those of each token by its cell's total, times 10,000
    #[arg(long, help_heading = "Geneformer")]
    keep_counts: bool,
}

impl Geneformer {
    pub(super) fn options(&self, obs: &Schema) -> Result<geneformer::Options> {
        let totals = Totals::asked(self.n_counts.as_deref(), obs)?;
        Ok(geneformer::Options { totals, keep_uncropped: self.keep_uncropped, keep_counts: self.keep_counts })
    }

    /// The first flag that was given.
    pub(super) fn given(&self) -> Option<&'static str> {
        let flags = [
            (self.n_counts.is_some(), "--n-counts"),
            (self.keep_uncropped, "--keep-uncropped"),
            (self.keep_counts, "--keep-counts"),
        ];
        flags.into_iter().find_map(|(given, flag)| given.then_some(flag))
    }
}

#[derive(Args, Clone, Debug)]
pub(super) struct ScGpt {
    /// The way into the model: zero-shot or fine-tune [default: zero-shot]
    #[arg(long, value_name = "PATH", help_heading = "scGPT")]
    path: Option<Path>,
    /// What equal values get: deterministic (the middle bin), sampled, or none (values are not binned)
    #[arg(long, value_name = "RULE", help_heading = "scGPT")]
    binning: Option<Rule>,
    /// Bins, the one for zero included [default: 51]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(2..), help_heading = "scGPT")]
    bins: Option<u16>,
    /// Where chance begins, for sampled bins and for cells that are longer than the limit [default: 0]
    #[arg(long, value_name = "N", help_heading = "scGPT")]
    seed: Option<u64>,
    /// The most tokens of a cell, the special one included; longer cells are sampled [default: 1200]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..), help_heading = "scGPT")]
    max_length: Option<u64>,
    /// Genes without counts become tokens too, with value 0
    #[arg(long, help_heading = "scGPT")]
    zero_genes: bool,
    /// Leave out genes with fewer molecules over all cells [default: 0, or 3 for fine-tune]
    #[arg(long, value_name = "N", help_heading = "scGPT")]
    min_counts: Option<u64>,
    /// Keep this many highly variable genes
    #[arg(long, visible_alias = "hvg", value_name = "N", help_heading = "scGPT")]
    variable_genes: Option<usize>,
    /// How they are found: seurat_v3 or cell_ranger [default: seurat_v3, or cell_ranger for values that are no counts]
    #[arg(long, value_name = "FLAVOR", requires = "variable_genes", help_heading = "scGPT")]
    flavor: Option<Flavor>,
    /// The column of obs with each cell's batch, for highly variable genes
    #[arg(long, value_name = "COLUMN", requires = "variable_genes", help_heading = "scGPT")]
    batch: Option<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Path {
    ZeroShot,
    FineTune,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Rule {
    Deterministic,
    Sampled,
    None,
}

impl ScGpt {
    /// The options for values of a kind: those that are no counts are taken as normalised already.
    pub(super) fn options(&self, kind: ValueKind) -> Result<Options> {
        let path = match self.path {
            Some(Path::FineTune) => scgpt::Path::FineTune,
            Some(Path::ZeroShot) | None => scgpt::Path::ZeroShot,
        };
        let published = Options::of(path);
        let flavor = self.flavor(kind)?;
        let variable = |genes| Variable { genes, flavor, batch: self.batch.clone() };
        let max_length =
            self.max_length.map_or(published.max_length, |most| usize::try_from(most).unwrap_or(usize::MAX));
        let normalization = match kind {
            ValueKind::Counts => published.normalization,
            ValueKind::Floats => Normalization::NONE,
        };
        Ok(Options {
            normalization,
            binning: self.binning()?,
            zero_genes: self.zero_genes,
            max_length,
            seed: self.seed.unwrap_or(published.seed),
            min_counts: self.min_counts.unwrap_or(published.min_counts),
            variable: self.variable_genes.map(variable),
            ..published
        })
    }

    fn binning(&self) -> Result<Option<Binning>> {
        let bins = self.bins.unwrap_or(Binning::default().bins);
        Ok(match self.binning {
            Some(Rule::None) if self.bins.is_some() => bail!("--bins means nothing with --binning none"),
            Some(Rule::None) => None,
            Some(Rule::Sampled) => Some(Binning { bins, draw: Draw::Uniform }),
            Some(Rule::Deterministic) | None => Some(Binning { bins, draw: Draw::Middle }),
        })
    }

    fn flavor(&self, kind: ValueKind) -> Result<Flavor> {
        match (self.flavor, kind) {
            (Some(Flavor::SeuratV3), ValueKind::Floats) => {
                bail!("--flavor seurat_v3 needs counts, and the values are none; cell_ranger takes them")
            }
            (Some(flavor), _) => Ok(flavor),
            (None, ValueKind::Counts) => Ok(Flavor::SeuratV3),
            (None, ValueKind::Floats) => Ok(Flavor::CellRanger),
        }
    }

    /// The first flag that was given.
    pub(super) fn given(&self) -> Option<&'static str> {
        let flags = [
            (self.path.is_some(), "--path"),
            (self.binning.is_some(), "--binning"),
            (self.bins.is_some(), "--bins"),
            (self.seed.is_some(), "--seed"),
            (self.max_length.is_some(), "--max-length"),
            (self.zero_genes, "--zero-genes"),
            (self.min_counts.is_some(), "--min-counts"),
            (self.variable_genes.is_some(), "--variable-genes"),
        ];
        flags.into_iter().find_map(|(given, flag)| given.then_some(flag))
    }
}
