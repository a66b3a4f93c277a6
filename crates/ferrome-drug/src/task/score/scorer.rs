use std::sync::Arc;

use arrow::array::RecordBatch;
use ferrome_core::engine::{BoxError, Conversion, Converted, RejectedRow, Rejection};
use rayon::ThreadPoolBuilder;
use rayon::prelude::*;
use tch::Device;

use super::block::{Block, PairTargets};
use super::floor::Floors;
use super::lanes::{self, Lane, Lanes};
use super::molecules::Molecules;
use super::nearest::Nearest;
use super::proteins::Proteins;
use super::scored::{Places, Scored};
use super::shape::{Rank, Row, Shape, by_target};
use super::table::Table;
use super::{Model, Target};
use crate::checkpoint::{CheckpointConfig, Scores};
use crate::inputs::{Drug, Inputs, Rows};
use crate::{Error, Result};

/// Scores blocks with one model.
pub(super) struct Scorer {
    config: CheckpointConfig,
    inputs: Inputs,
    lanes: Lanes,
    nearest: Arc<Nearest>,
    rows: Option<Arc<Rows>>,
    pub(super) targets: Vec<Target>,
    pub(super) shape: Shape,
    floors: Floors,
}

impl Scorer {
    /// Loads `model` on `devices` and encodes `targets`, which are none where each row has its own.
    pub(super) fn new(
        model: Model,
        targets: Vec<Target>,
        shape: Shape,
        devices: &[Device],
        threads: usize,
    ) -> Result<Self> {
        let mut lanes = Lanes::load(&model, devices, threads)?;
        let nearest = model.nearest()?;
        let Model { folder, rows, .. } = model;
        if !targets.is_empty() {
            let row = |target: &Target| lanes::row(rows.as_deref(), &target.id, &target.sequence).map_err(Error::Model);
            let pool = ThreadPoolBuilder::new().num_threads(threads).build();
            let pool = pool.map_err(|error| Error::Model(format!("no threads: {error}")))?;
            let numbers: Vec<Vec<f32>> = pool.install(|| targets.par_iter().map(row).collect::<Result<_>>())?;
            let sequences: Vec<&[u8]> = targets.iter().map(|target| target.sequence.as_slice()).collect();
            lanes.set_targets(&numbers, &sequences)?;
        }
        Ok(Self {
            inputs: Inputs::new(&folder.config)?,
            nearest,
            config: folder.config.clone(),
            lanes,
            rows,
            floors: Floors::new(targets.len(), shape.best()),
            targets,
            shape,
        })
    }

    /// The columns of the output, but for `error`.
    pub(super) fn written(&self) -> Vec<arrow::datatypes::FieldRef> {
        self.shape.written(&self.config)
    }

    /// Scores the rows of a block.
    pub(super) fn score(&self, block: &Block) -> Result<Scored> {
        let molecules = Molecules::new(&block.entries, &self.inputs, &self.nearest);
        match &block.pairs {
            None => self.against_all(molecules),
            Some(pairs) => self.against_own(pairs, molecules),
        }
    }

    /// Every molecule with every target: one product of matrices.
    fn against_all(&self, molecules: Molecules) -> Result<Scored> {
        let drugs: Vec<&Drug> = molecules.unique.iter().collect();
        let scores = if drugs.is_empty() {
            Scores::default()
        } else {
            let lane = self.lanes.lane()?;
            lane.ensemble.cross(&lane.drugs(&drugs)?, lane.targets()?)?
        };
        Ok(Scored::new(scores, molecules, Places::Crossed(self.targets.len())))
    }

    /// Every molecule of a block with one of the targets of the run, by its place.
    pub(super) fn score_chosen(&self, block: &Block, targets: &[usize]) -> Result<Scored> {
        let molecules = Molecules::new(&block.entries, &self.inputs, &self.nearest);
        let (wanted, places) = wanted(&molecules, targets.iter().map(|&target| Ok(target)));
        let scores = if wanted.is_empty() {
            Scores::default()
        } else {
            let drugs: Vec<&Drug> = molecules.unique.iter().collect();
            let lane = self.lanes.lane()?;
            lane.ensemble.pairs(&lane.drugs(&drugs)?, lane.targets()?, &wanted)?
        };
        Ok(Scored::new(scores, molecules, places))
    }

    /// Every molecule with the target of its row.
    fn against_own(&self, pairs: &PairTargets, molecules: Molecules) -> Result<Scored> {
        let proteins = Proteins::new(&pairs.targets, self.rows.as_deref());
        let (wanted, places) = wanted(&molecules, proteins.of_row.iter().cloned());
        let scores = if wanted.is_empty() {
            Scores::default()
        } else {
            let drugs: Vec<&Drug> = molecules.unique.iter().collect();
            let mut lane = self.lanes.lane()?;
            let lane: &mut Lane = &mut lane;
            let proteins = lane.proteins(&proteins.unique())?;
            lane.ensemble.pairs(&lane.drugs(&drugs)?, &proteins, &wanted)?
        };
        Ok(Scored::new(scores, molecules, places))
    }
}

/// Pairs to score: the molecule of each row with its protein, where there are both, and where each row's pair is.
fn wanted(
    molecules: &Molecules,
    proteins: impl Iterator<Item = Result<usize, Rejection>>,
) -> (Vec<(i64, i64)>, Places) {
    let mut wanted = Vec::new();
    let place = |(row, protein): (usize, Result<usize, Rejection>)| match (molecules.of(row), protein) {
        (Err(rejection), _) => Err(rejection.clone()),
        (_, Err(rejection)) => Err(rejection),
        (Ok(text), Ok(protein)) => {
            wanted.push((text.molecule as i64, protein as i64));
            Ok(wanted.len() - 1)
        }
    };
    let places = proteins.enumerate().map(place).collect();
    (wanted, Places::Each(places))
}

impl Conversion for Scorer {
    type Block = Block;

    fn schema(&self) -> arrow::datatypes::SchemaRef {
        self.shape.schema(&self.config)
    }

    fn rows(&self, block: &Block) -> usize {
        if block.pairs.is_some() { block.entries.len() } else { block.entries.len() * self.targets.len() }
    }

    fn keeps_rows(&self) -> bool {
        self.shape.best().is_none()
    }

    fn digest(&self, block: &Block) -> u128 {
        block.digest()
    }

    fn convert(&self, block: Block) -> Result<Converted, BoxError> {
        let scored = self.score(&block)?;
        let rows = self.ordered(&block, &scored);
        let table = self.table(&block, &scored, &rows)?;
        let rejected = match self.shape.best() {
            None => self.rejected(&block, &scored, rows.iter().map(|row| row.row).enumerate()),
            // Counted, though not written.
            Some(_) if scored.is_whole() => Vec::new(),
            Some(_) => self.rejected(&block, &scored, (0..scored.rows()).map(|row| (usize::MAX, row))),
        };
        Ok(Converted { table, tokens: block.entries.len() as u64, rejected })
    }
}

impl Scorer {
    /// A table of `rows`.
    pub(super) fn table(&self, block: &Block, scored: &Scored, rows: &[Row]) -> Result<RecordBatch> {
        Table { config: &self.config, shape: &self.shape, block, scored, rows }.build()
    }

    /// The rows that are written, in their order.
    fn ordered<'a>(&'a self, block: &'a Block, scored: &Scored) -> Vec<Row<'a>> {
        let named = |row| self.row(block, scored, row);
        match (self.shape.rank, &block.pairs) {
            (Rank::Input, _) => (0..scored.rows()).map(named).collect(),
            (rank, Some(_)) => rank.ordered(by_target((0..scored.rows()).map(named).collect())),
            (rank, None) => {
                let targets = self.targets.len();
                let of = |target: usize| {
                    let reaches = self.floors.raised(target, || {
                        (target..scored.rows()).step_by(targets).filter_map(|row| scored.written(row))
                    });
                    let rows = (target..scored.rows())
                        .step_by(targets)
                        .filter(|&row| scored.written(row).is_none_or(|score| score.total_cmp(&reaches).is_ge()));
                    rows.map(named).collect()
                };
                rank.ordered((0..targets).map(of))
            }
        }
    }

    /// What a row is of.
    pub(super) fn row<'a>(&'a self, block: &'a Block, scored: &Scored, row: usize) -> Row<'a> {
        let (place, score) = (scored.place(row).ok(), scored.written(row));
        match &block.pairs {
            Some(pairs) => Row { row, entry: row, target: &pairs.targets[row].0, target_place: None, place, score },
            None => {
                let (entry, target) = (row / self.targets.len(), row % self.targets.len());
                Row { row, entry, target: &self.targets[target].id, target_place: Some(target), place, score }
            }
        }
    }

    /// What is said of rejected rows; `rows` gives the place in the table and the row in the block.
    fn rejected(&self, block: &Block, scored: &Scored, rows: impl Iterator<Item = (usize, usize)>) -> Vec<RejectedRow> {
        let each = if block.pairs.is_some() { 1 } else { self.targets.len() };
        let rejected = rows.filter_map(|(place, row)| {
            let rejection = scored.place(row).err()?.clone();
            Some(RejectedRow { row: place, name: block.entries[row / each].id.clone(), rejection })
        });
        rejected.collect()
    }
}
