use ferrome_core::engine::{BoxError, Conversion, Converted, RejectedRow, Rejection};
use rayon::ThreadPoolBuilder;
use rayon::prelude::*;
use tch::Device;

use super::block::{Block, PairTargets};
use super::lanes::{self, Lane, Lanes};
use super::molecules::Molecules;
use super::nearest::Nearest;
use super::proteins::Proteins;
use super::shape::{Row, Shape};
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
    nearest: Nearest,
    rows: Option<Rows>,
    pub(super) targets: Vec<Target>,
    pub(super) shape: Shape,
}

/// What is known of the rows of a block.
pub(super) struct Scored {
    pub(super) scores: Scores,
    /// `[rows]`: a place in `scores`, or why there is none.
    pub(super) places: Vec<Result<usize, Rejection>>,
    pub(super) molecules: Molecules,
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
        let Model { folder, rows } = model;
        let mut lanes = Lanes::load(&folder, devices, threads)?;
        if !targets.is_empty() {
            let row = |target: &Target| lanes::row(rows.as_ref(), &target.id, &target.sequence).map_err(Error::Model);
            let pool = ThreadPoolBuilder::new().num_threads(threads).build();
            let pool = pool.map_err(|error| Error::Model(format!("no threads: {error}")))?;
            let numbers: Vec<Vec<f32>> = pool.install(|| targets.par_iter().map(row).collect::<Result<_>>())?;
            let sequences: Vec<&[u8]> = targets.iter().map(|target| target.sequence.as_slice()).collect();
            lanes.set_targets(&numbers, &sequences)?;
        }
        Ok(Self {
            inputs: Inputs::new(&folder.config)?,
            nearest: Nearest::new(&folder.molecules()?),
            config: folder.config,
            lanes,
            rows,
            targets,
            shape,
        })
    }

    /// The columns of the output, but for `error`.
    pub(super) fn written(&self) -> Vec<arrow::datatypes::FieldRef> {
        self.shape.written(&self.config)
    }

    pub(super) fn config(&self) -> &CheckpointConfig {
        &self.config
    }

    /// Scores the rows of a block.
    pub(super) fn score(&self, block: &Block) -> Result<Scored> {
        let molecules = Molecules::new(&block.entries, &self.inputs, &self.nearest);
        match &block.pairs {
            None => self.against_all(block.entries.len(), molecules),
            Some(pairs) => self.against_own(pairs, molecules),
        }
    }

    /// Every molecule with every target: one product of matrices.
    fn against_all(&self, entries: usize, molecules: Molecules) -> Result<Scored> {
        let targets = self.targets.len();
        let drugs: Vec<&Drug> = molecules.unique.iter().collect();
        let scores = if drugs.is_empty() {
            Scores::default()
        } else {
            let lane = self.lanes.lane()?;
            lane.ensemble.cross(&lane.drugs(&drugs)?, lane.targets()?)?
        };
        let place = |row: usize| match molecules.of(row / targets) {
            Ok(text) => Ok(text.molecule * targets + row % targets),
            Err(rejection) => Err(rejection.clone()),
        };
        let places = (0..entries * targets).map(place).collect();
        Ok(Scored { scores, places, molecules })
    }

    /// Every molecule of a block with one of the targets of the run, by its place.
    pub(super) fn score_chosen(&self, block: &Block, targets: &[usize]) -> Result<Scored> {
        let molecules = Molecules::new(&block.entries, &self.inputs, &self.nearest);
        let (mut wanted, mut places) = (Vec::new(), Vec::new());
        for (row, &target) in targets.iter().enumerate() {
            places.push(match molecules.of(row) {
                Err(rejection) => Err(rejection.clone()),
                Ok(text) => {
                    wanted.push((text.molecule as i64, target as i64));
                    Ok(wanted.len() - 1)
                }
            });
        }
        let scores = if wanted.is_empty() {
            Scores::default()
        } else {
            let drugs: Vec<&Drug> = molecules.unique.iter().collect();
            let lane = self.lanes.lane()?;
            lane.ensemble.pairs(&lane.drugs(&drugs)?, lane.targets()?, &wanted)?
        };
        Ok(Scored { scores, places, molecules })
    }

    /// Every molecule with the target of its row.
    fn against_own(&self, pairs: &PairTargets, molecules: Molecules) -> Result<Scored> {
        let proteins = Proteins::new(&pairs.targets, self.rows.as_ref());
        let (mut wanted, mut places) = (Vec::new(), Vec::new());
        for (row, target) in proteins.of_row.iter().enumerate() {
            places.push(match (molecules.of(row), target) {
                (Err(rejection), _) | (_, Err(rejection)) => Err(rejection.clone()),
                (Ok(text), Ok(protein)) => {
                    wanted.push((text.molecule as i64, *protein as i64));
                    Ok(wanted.len() - 1)
                }
            });
        }
        let scores = if wanted.is_empty() {
            Scores::default()
        } else {
            let drugs: Vec<&Drug> = molecules.unique.iter().collect();
            let mut lane = self.lanes.lane()?;
            let lane: &mut Lane = &mut lane;
            let proteins = lane.proteins(&proteins.unique())?;
            lane.ensemble.pairs(&lane.drugs(&drugs)?, &proteins, &wanted)?
        };
        Ok(Scored { scores, places, molecules })
    }
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
        let rows = self.shape.ordered(self.named(&block, &scored), &scored.scores);
        let table = Table { config: &self.config, shape: &self.shape, block: &block, scored: &scored, rows: &rows };
        let rejected = match self.shape.best() {
            None => self.rejected(&block, &scored, rows.iter().map(|row| row.row).enumerate()),
            // Counted, though not written.
            Some(_) => self.rejected(&block, &scored, (0..scored.places.len()).map(|row| (usize::MAX, row))),
        };
        Ok(Converted { table: table.build()?, tokens: block.entries.len() as u64, rejected })
    }
}

impl Scorer {
    /// The rows of a block in its order.
    fn named<'a>(&'a self, block: &'a Block, scored: &Scored) -> Vec<Row<'a>> {
        let targets = self.targets.len();
        let row = |(row, place): (usize, &Result<usize, Rejection>)| {
            let place = place.as_ref().ok().copied();
            match &block.pairs {
                Some(pairs) => Row { row, entry: row, target: &pairs.targets[row].0, target_place: None, place },
                None => {
                    let (entry, target) = (row / targets, row % targets);
                    Row { row, entry, target: &self.targets[target].id, target_place: Some(target), place }
                }
            }
        };
        scored.places.iter().enumerate().map(row).collect()
    }

    /// What is said of rejected rows; `rows` gives the place in the table and the row in the block.
    fn rejected(&self, block: &Block, scored: &Scored, rows: impl Iterator<Item = (usize, usize)>) -> Vec<RejectedRow> {
        let each = if block.pairs.is_some() { 1 } else { self.targets.len() };
        let rejected = rows.filter_map(|(place, row)| {
            let rejection = scored.places[row].as_ref().err()?.clone();
            Some(RejectedRow { row: place, name: block.entries[row / each].id.clone(), rejection })
        });
        rejected.collect()
    }
}
