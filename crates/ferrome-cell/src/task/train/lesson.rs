//! What is learnt from which cells.

mod evaluate;
mod genes;
mod step;
mod values;

use std::collections::BTreeSet;
use std::path::Path;

use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use xxhash_rust::xxh3::xxh3_64;

use super::config::{ClassWeights, Objective, TrainConfig};
use super::mask::{self, Cover, Masked, MaskedValues, Tokens};
use super::split::Items;
use super::{Corpus, CorpusCell, Split, Start};
use crate::model::scgpt::ValueStyle;
use crate::model::{Classes, Classified, Family, Shape, scgpt::CellTokens};
use crate::{Error, Result};

pub(super) use evaluate::Predictions;
use genes::GeneClasses;

/// The items of a training, split.
#[derive(Debug)]
pub(super) struct Lesson<'a> {
    pub(super) corpus: &'a Corpus,
    pub(super) goal: Goal,
    /// Of cells, or of genes where these are classified.
    pub(super) split: Split,
    config: &'a TrainConfig,
    max_length: usize,
    mask_share: f64,
    pub(super) family: Family,
    /// What each class counts.
    weights: Vec<f32>,
}

/// What is learnt.
#[derive(Debug)]
pub(super) enum Goal {
    /// Hidden genes.
    Hidden(Tokens),
    /// Hidden values of genes.
    Values(Tokens),
    /// The class of each cell.
    Cells { classes: Classes, class: Vec<usize> },
    /// The class of genes.
    Genes(GeneClasses),
}

/// Which items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Train,
    Validation,
    Test,
}

impl<'a> Lesson<'a> {
    pub(super) fn new(start: &'a Start, corpus: &'a Corpus, shape: &Shape) -> Result<Self> {
        let config = start.config;
        corpus.check(shape, start.from, config.max_length)?;
        let max_length = config.max_length.or(shape.positions()).unwrap_or(usize::MAX);
        let goal = match (config.objective, &config.label, &config.genes) {
            (Objective::Mlm, ..) => hidden(start, shape)?,
            (Objective::Classify, Some(label), None) => cells(corpus, label)?,
            (Objective::Classify, None, Some(table)) => {
                Goal::Genes(GeneClasses::read(table, start.vocabulary, corpus, max_length)?)
            }
            _ => {
                let what = "the objective classify needs either a column of obs with the class of each cell (--label), or a \
                            table with the class of genes (--genes)";
                return Err(Error::Train(what.into()));
            }
        };
        let split = split(config, corpus, &goal)?;
        let family = shape.family();
        let mask_share = config.mask_share(family);
        let mut lesson = Self { corpus, goal, split, config, max_length, mask_share, family, weights: Vec::new() };
        lesson.weights = lesson.class_weights();
        Ok(lesson)
    }

    /// Names of the classes, where there are classes.
    pub(super) fn classes(&self) -> Option<&Classes> {
        match &self.goal {
            Goal::Hidden(_) | Goal::Values(_) => None,
            Goal::Cells { classes, .. } => Some(classes),
            Goal::Genes(genes) => Some(&genes.classes),
        }
    }

    /// The class of each item: each cell, or each gene.
    pub(super) fn class(&self) -> &[usize] {
        match &self.goal {
            Goal::Hidden(_) | Goal::Values(_) => &[],
            Goal::Cells { class, .. } => class,
            Goal::Genes(genes) => &genes.class,
        }
    }

    pub(super) fn items(&self, part: Part) -> &[usize] {
        match part {
            Part::Train => &self.split.train,
            Part::Validation => &self.split.validation,
            Part::Test => &self.split.test,
        }
    }

    /// The name of an item.
    pub(super) fn name(&self, item: usize) -> &str {
        match &self.goal {
            Goal::Genes(genes) => genes.ids.get(item).map_or("", String::as_str),
            _ => self.corpus.cells.get(item).map_or("", |cell| cell.id.as_str()),
        }
    }

    /// Depends on everything that is learnt.
    pub(super) fn identity(&self) -> String {
        let genes = match &self.goal {
            Goal::Genes(genes) => genes.identity(),
            _ => String::new(),
        };
        format!("{}{genes}", self.corpus.fingerprint())
    }

    /// A cell, as many tokens as are looked at.
    pub(super) fn cell(&self, cell: usize) -> CellTokens<'_> {
        self.corpus.cells.get(cell).map_or(CellTokens { tokens: &[], values: &[] }, |cell| cell.first(self.max_length))
    }

    /// Its tokens.
    pub(super) fn tokens(&self, cell: usize) -> &[i32] {
        self.cell(cell).tokens
    }

    /// Some cells.
    pub(super) fn cells(&self, cells: &[usize]) -> Vec<CellTokens<'_>> {
        cells.iter().map(|&cell| self.cell(cell)).collect()
    }

    /// Cells that items of a part are in.
    fn cells_of(&self, part: Part) -> Vec<usize> {
        match &self.goal {
            Goal::Genes(genes) => {
                let wanted: BTreeSet<usize> = self.items(part).iter().copied().collect();
                let holds = |&cell: &usize| {
                    self.tokens(cell).iter().filter_map(|t| genes.item(*t)).any(|i| wanted.contains(&i))
                };
                (0..self.corpus.cells.len()).filter(holds).collect()
            }
            _ => self.items(part).to_vec(),
        }
    }

    /// The steps of an epoch: cells in the order of the seed, cut by cells and tokens.
    pub(super) fn steps(&self, epoch: u64) -> Vec<Vec<usize>> {
        let mut cells = self.cells_of(Part::Train);
        let mut random = ChaCha8Rng::seed_from_u64(self.config.seed);
        random.set_stream(epoch);
        cells.shuffle(&mut random);
        self.batches(cells)
    }

    /// Cells in order, cut by cells and tokens.
    pub(super) fn batches(&self, cells: Vec<usize>) -> Vec<Vec<usize>> {
        let (mut batches, mut batch, mut tokens) = (Vec::new(), Vec::new(), 0);
        for cell in cells {
            let length = self.tokens(cell).len();
            let full = batch.len() >= self.config.batch_cells || tokens + length > self.config.batch_tokens;
            if full && !batch.is_empty() {
                batches.push(std::mem::take(&mut batch));
                tokens = 0;
            }
            batch.push(cell);
            tokens += length;
        }
        if !batch.is_empty() {
            batches.push(batch);
        }
        batches
    }

    /// The cells of a part with the same genes hidden every time.
    pub(super) fn masked(&self, part: Part) -> Vec<Masked> {
        let Goal::Hidden(known) = &self.goal else { return Vec::new() };
        let mut random = self.random_of(part);
        let batches = self.batches(self.cells_of(part)).into_iter();
        let hide = |batch: Vec<usize>| {
            let cells = batch.iter().map(|&cell| self.tokens(cell).to_vec()).collect();
            mask::hide(cells, known, self.mask_share, Cover::Mask, &mut random)
        };
        batches.map(hide).filter(|masked| !masked.places.is_empty()).collect()
    }

    /// The cells of a part with the same values hidden every time.
    pub(super) fn masked_values(&self, part: Part) -> Vec<MaskedValues<'_>> {
        let Goal::Values(known) = &self.goal else { return Vec::new() };
        let mut random = self.random_of(part);
        let batches = self.batches(self.cells_of(part)).into_iter();
        let hide = |batch: Vec<usize>| mask::hide_values(self.cells(&batch), known, self.mask_share, &mut random);
        batches.map(hide).filter(|masked| !masked.places.is_empty()).collect()
    }

    fn random_of(&self, part: Part) -> ChaCha8Rng {
        let mut random = ChaCha8Rng::seed_from_u64(self.config.seed);
        random.set_stream(u64::from(part == Part::Test));
        random
    }

    fn class_weights(&self) -> Vec<f32> {
        let count = self.classes().map_or(0, |classes| classes.names.len());
        let mut seen = vec![0_usize; count];
        for class in self.split.train.iter().filter_map(|&item| self.class().get(item)) {
            if let Some(seen) = seen.get_mut(*class) {
                *seen += 1;
            }
        }
        let all = self.split.train.len() as f32;
        let balanced = |&seen: &usize| if seen == 0 { 0.0 } else { all / (count as f32 * seen as f32) };
        match self.config.class_weights {
            ClassWeights::None => vec![1.0; count],
            ClassWeights::Balanced => seen.iter().map(balanced).collect(),
        }
    }
}

fn hidden(start: &Start, shape: &Shape) -> Result<Goal> {
    let vocabulary = start.vocabulary.ok_or_else(|| {
        Error::Train("hidden genes need the vocabulary that the cells were tokenized with (--vocabulary)".into())
    })?;
    let genes = vocabulary.genes().iter().map(|gene| gene.token).collect();
    match shape {
        Shape::Geneformer(_) => {
            let lacks = || Error::Train("the vocabulary has no `<mask>`".into());
            Ok(Goal::Hidden(Tokens::new(vocabulary.special("<mask>").ok_or_else(lacks)?, genes)))
        }
        Shape::ScGpt(config) if config.input_emb_style == ValueStyle::Category => Err(Error::Train(
            "values are hidden from models that take them as numbers, and this one has a table of bins (category)"
                .into(),
        )),
        Shape::ScGpt(_) => Ok(Goal::Values(Tokens::new(mask::NO_TOKEN, genes))),
    }
}

fn cells(corpus: &Corpus, label: &str) -> Result<Goal> {
    let names: BTreeSet<&str> = corpus.cells.iter().map(|cell| cell.label.as_str()).collect();
    let names: Vec<String> = names.into_iter().map(ToOwned::to_owned).collect();
    let path = corpus.paths.first().map_or(Path::new(""), |path| path.as_path());
    match names.as_slice() {
        [] => return Err(Error::file(path, format!("no cell can be used: none has both tokens and a `{label}`"))),
        [one] => {
            let n = corpus.cells.len();
            let reason =
                format!("column `{label}` has one class, `{one}`, in all {n} cells: there is nothing to learn");
            return Err(Error::file(path, reason));
        }
        _ => {}
    }
    let class = corpus.cells.iter().map(|cell| names.binary_search(&cell.label).unwrap_or(0)).collect();
    Ok(Goal::Cells { classes: Classes { classified: Classified::Cells, names }, class })
}

fn split(config: &TrainConfig, corpus: &Corpus, goal: &Goal) -> Result<Split> {
    if let Goal::Genes(genes) = goal {
        if config.split.group.is_some() {
            return Err(Error::Train("classes of genes are held out by gene; --group is for cells".into()));
        }
        let identity: Vec<u64> = (0..genes.class.len() as u64).collect();
        let items = Items { identity: &identity, class: Some(&genes.class), group: None };
        return Split::new(&config.split, items, config.seed);
    }
    let bytes = |cell: &CorpusCell| {
        let tokens = cell.tokens.iter().flat_map(|token| token.to_le_bytes());
        tokens.chain(cell.values.iter().flat_map(|value| value.to_le_bytes())).collect::<Vec<_>>()
    };
    let identity: Vec<u64> = corpus.cells.iter().map(|cell| xxh3_64(&bytes(cell))).collect();
    let groups: Vec<String> = corpus.cells.iter().map(|cell| cell.group.clone()).collect();
    let group = config.split.group.as_ref().map(|_| groups.as_slice());
    let class = if let Goal::Cells { class, .. } = goal { Some(class.as_slice()) } else { None };
    Split::new(&config.split, Items { identity: &identity, class, group }, config.seed)
}
