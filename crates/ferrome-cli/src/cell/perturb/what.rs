//! The flags that say what is done to which genes, and what is looked at.

use std::path::Path;

use anyhow::{Result, bail};
use clap::{ArgGroup, Args};
use ferrome_cell::{
    model::OpenGeneformer,
    task::{
        embed::Layer,
        perturb::{self, Frame, Genes, Kind, Measure, Names, Screen, StatesOf, Targets},
    },
    vocabulary::Vocabulary,
};
use ferrome_core::journal::RunDescription;

/// What is done to each cell.
#[derive(Args, Clone, Debug)]
#[command(group = ArgGroup::new("kind").required(true).multiple(false).args(["delete", "overexpress", "inhibit", "activate"]))]
pub(super) struct What {
    /// Take genes out of the cells that have them: `all`, names with commas, or @FILE with one name per line
    #[arg(long, value_name = "GENES", help_heading = "Perturbation")]
    delete: Option<String>,
    /// Put genes first, also into cells that do not have them
    #[arg(long, value_name = "GENES", help_heading = "Perturbation")]
    overexpress: Option<String>,
    /// Move genes down in rank by --share
    #[arg(long, value_name = "GENES", help_heading = "Perturbation")]
    inhibit: Option<String>,
    /// Move genes up in rank by --share
    #[arg(long, value_name = "GENES", help_heading = "Perturbation")]
    activate: Option<String>,
    /// Share of a cell's genes by which --inhibit and --activate move one
    #[arg(long, default_value_t = 0.25, value_name = "SHARE", value_parser = share, help_heading = "Perturbation")]
    share: f64,
    /// The genes are one perturbation, not each one of its own
    #[arg(long, help_heading = "Perturbation")]
    together: bool,
    /// Perturb this gene together with each of the others
    #[arg(long, value_name = "GENE", conflicts_with = "together", help_heading = "Perturbation")]
    anchor: Option<String>,
    /// Random genes of each cell to compare with [default: 10, and 0 for `all`, which are compared with one another]
    #[arg(long, value_name = "N", help_heading = "Perturbation")]
    random: Option<usize>,
    /// Seed of the random genes
    #[arg(long, default_value_t = 0, value_name = "N", help_heading = "Perturbation")]
    seed: u64,
    /// What is compared: cls, or genes for the mean over those not perturbed [default: cls in V2, genes in V1]
    #[arg(long, value_name = "WHAT", help_heading = "Measure")]
    measure: Option<Measure>,
    /// The layer whose output is compared: last, second-to-last, or a number from 0, the embedding
    #[arg(long, default_value = "second-to-last", value_name = "LAYER", help_heading = "Measure")]
    layer: Layer,
    /// Also write gene_tokens and gene_cosines, for every gene that was not perturbed
    #[arg(long, help_heading = "Measure")]
    per_gene: bool,
}

/// States of cells, and between which a shift is measured.
#[derive(Args, Clone, Debug)]
pub(super) struct States {
    /// A column of the tokens that holds the state of each cell
    #[arg(long, value_name = "COLUMN", requires_all = ["start", "goal"], help_heading = "States")]
    states: Option<String>,
    /// The state whose cells are perturbed
    #[arg(long, value_name = "STATE", requires = "states", help_heading = "States")]
    start: Option<String>,
    /// The state towards which shifts are measured: cos(perturbed, goal) - cos(original, goal)
    #[arg(long, value_name = "STATE", requires = "states", help_heading = "States")]
    goal: Option<String>,
    /// Further states, with commas
    #[arg(long, value_name = "STATE", value_delimiter = ',', requires = "states", help_heading = "States")]
    alternative: Vec<String>,
}

impl States {
    pub(super) fn of(&self) -> Option<StatesOf> {
        Some(StatesOf { column: self.states.clone()?, start: self.start.clone()? })
    }

    /// The goal, the alternatives, and the start.
    pub(super) fn measured(&self) -> Vec<String> {
        self.goal.iter().chain(&self.alternative).chain(&self.start).cloned().collect()
    }

    pub(super) fn describe(&self, description: &mut RunDescription) {
        if let Some(column) = &self.states {
            description.set("states", format!("{column}: {}", self.measured().join(", ")));
        }
    }
}

impl What {
    pub(super) fn screen(
        &self,
        model: &OpenGeneformer,
        vocabulary: &Vocabulary,
        states: Vec<String>,
    ) -> Result<Screen> {
        let mut seen = states.clone();
        seen.sort_unstable();
        if let Some([state, _]) = seen.windows(2).find(|pair| pair[0] == pair[1]) {
            bail!("the state `{state}` is given twice: --start, --goal and --alternative must differ");
        }
        let has = |name: &str| usize::from(vocabulary.special(name).is_some());
        let limit = usize::try_from(model.config.max_position_embeddings).unwrap_or(0);
        let frame = Frame { head: has("<cls>"), tail: has("<eos>"), limit };
        let natural = if frame.head > 0 { Measure::Cls } else { Measure::Genes };
        let measure = self.measure.unwrap_or(natural);
        if measure == Measure::Cls && frame.head == 0 {
            bail!("--measure cls needs <cls>, which the vocabulary ({}) does not have", vocabulary.style());
        }
        let (kind, genes) = self.kind();
        let targets = self.targets(genes, vocabulary)?;
        let layer = self.layer.resolve(None, model.config.num_hidden_layers)?;
        let names = Names::new(vocabulary);
        Ok(Screen { kind, targets, frame, measure, layer, per_gene: self.per_gene, states, names })
    }

    fn kind(&self) -> (Kind, &str) {
        let given = [
            (Kind::Delete, &self.delete),
            (Kind::Overexpress, &self.overexpress),
            (Kind::Inhibit(self.share), &self.inhibit),
            (Kind::Activate(self.share), &self.activate),
        ];
        // clap saw to it that there is exactly one.
        given.into_iter().find_map(|(kind, genes)| Some((kind, genes.as_deref()?))).unwrap_or((Kind::Delete, ""))
    }

    fn targets(&self, genes: &str, vocabulary: &Vocabulary) -> Result<Targets> {
        let anchor = self.anchor.as_deref().map(|name| perturb::token(vocabulary, name)).transpose()?;
        let genes = match genes {
            "all" if self.together => bail!("--together needs a list of genes, not all"),
            "all" => Genes::All,
            listed => {
                let mut tokens = Vec::new();
                for name in listed_names(listed)? {
                    let token = perturb::token(vocabulary, &name)?;
                    if !tokens.contains(&token) && Some(token) != anchor {
                        tokens.push(token);
                    }
                }
                if tokens.is_empty() {
                    bail!("`{listed}` names no gene{}", if anchor.is_some() { " beside the anchor" } else { "" });
                }
                Genes::Listed(tokens)
            }
        };
        let random = self.random.unwrap_or(if genes == Genes::All { 0 } else { 10 });
        Ok(Targets { genes, together: self.together, anchor, random, seed: self.seed })
    }

    pub(super) fn describe(&self, description: &mut RunDescription, screen: &Screen) {
        let Screen { kind, targets, measure, layer, names, .. } = screen;
        let genes = match &targets.genes {
            Genes::All => "all".to_owned(),
            Genes::Listed(genes) => names.ids(genes),
        };
        description.set("kind", kind);
        description.set("genes", genes);
        description.set("together", targets.together);
        description.set("anchor", targets.anchor.map_or_else(|| "none".to_owned(), |gene| names.ids(&[gene])));
        description.set("random", format!("{} by seed {}", targets.random, targets.seed));
        description.set("measure", measure);
        description.set("layer", layer);
        description.set("per_gene", self.per_gene);
    }
}

/// Names with commas, or those of a file.
fn listed_names(text: &str) -> Result<Vec<String>> {
    let names = match text.strip_prefix('@') {
        Some(path) => fs_err::read_to_string(Path::new(path))?,
        None => text.replace(',', "\n"),
    };
    Ok(names.lines().map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect())
}

fn share(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|number| *number > 0.0 && *number <= 1.0);
    number.ok_or_else(|| "expected a number above 0 and up to 1".to_owned())
}
