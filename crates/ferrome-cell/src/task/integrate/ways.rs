use super::IntegrateConfig;
use super::cells::Open;
use crate::cells::ValueKind;
use crate::genes::Matching;
use crate::hvg::Flavor;
use crate::normalize::Normalization;
use crate::tokenize::binning::Binning;
use crate::tokenize::scgpt::{Options, Panel, Path, ScGpt, Variable, survey};
use crate::vocabulary::Vocabulary;
use crate::{Error, Result};

/// The three ways in which cells become tokens, over one panel.
pub(super) struct Ways {
    /// Bins of all genes of the panel, for a model that integrates.
    pub(super) bins: ScGpt,
    /// Their logarithms.
    pub(super) logs: ScGpt,
    /// Genes that are expressed, for a model as it is given.
    pub(super) frozen: ScGpt,
    /// The panel, as places in the vocabulary.
    chosen: Vec<u32>,
}

impl Ways {
    pub(super) fn new(
        open: Open,
        (vocabulary, matching): (&Vocabulary, &Matching),
        batch: &str,
        (config, kind): (&IntegrateConfig, ValueKind),
    ) -> Result<Self> {
        let options = options(config, kind, batch);
        let all = ScGpt::new(vocabulary, matching, options.clone())?;
        // Where all genes are wanted there is nothing to choose.
        let variable = options.variable.clone().filter(|wanted| all.slots().genes().len() > wanted.genes);
        let panel = match (variable, options.min_counts) {
            (None, 0) => Panel::all(all.slots().genes().len()),
            (variable, _) => survey(all.slots(), &Options { variable, ..options.clone() }, open)?,
        };
        if panel.len() < 2 {
            let found = panel.len();
            return Err(Error::Train(format!("expected two genes of the vocabulary or more, found {found}")));
        }
        let way = |options: Options| {
            let options = Options { max_length: panel.len() + 1, ..options };
            Ok::<_, Error>(ScGpt::new(vocabulary, matching, options)?.with_panel(panel.clone()))
        };
        let genes = all.slots().genes();
        Ok(Self {
            bins: way(options.clone())?,
            logs: way(Options { binning: None, ..options.clone() })?,
            frozen: way(Options { binning: options.binning, ..Options::of(Path::ZeroShot) })?,
            chosen: panel.slots().filter_map(|slot| genes.get(slot).copied()).collect(),
        })
    }

    /// Keys and tokens of the panel's genes.
    pub(super) fn panel(&self, vocabulary: &Vocabulary) -> (Vec<String>, Vec<i32>) {
        let genes = self.chosen.iter().filter_map(|&gene| vocabulary.genes().get(gene as usize));
        genes.map(|gene| (gene.id.clone(), gene.token)).unzip()
    }
}

/// How cells become tokens of a model that integrates; values that are no counts are taken as logarithms already.
fn options(config: &IntegrateConfig, kind: ValueKind, batch: &str) -> Options {
    let counts = kind == ValueKind::Counts;
    let usual = if counts { Flavor::SeuratV3 } else { Flavor::CellRanger };
    let flavor = config.flavor.map_or(usual, Flavor::from);
    let published = Options::of(Path::FineTune);
    Options {
        normalization: if counts { published.normalization } else { Normalization::NONE },
        min_counts: if counts { published.min_counts } else { 0 },
        binning: Some(Binning { bins: config.bins, ..Binning::default() }),
        zero_genes: true,
        variable: Some(Variable { genes: config.genes, flavor, batch: Some(batch.to_owned()) }),
        ..published
    }
}
