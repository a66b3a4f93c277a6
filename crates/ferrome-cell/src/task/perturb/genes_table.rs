//! From rows of cells to one row per gene: read back from the finished table, so that a run that was stopped gives the same.

mod write;

use std::path::Path;

use arrow::array::{Array, AsArray, Float32Array};
use arrow::datatypes::Float32Type;
use hashbrown::HashMap;

use super::statistics::{Reference, benjamini_hochberg, mean};
use super::{Screen, shift_column};
use crate::read::parquet::files::{Batch, Files, list};
use crate::{Error, Result};

/// Rows that are read at a time.
const ROWS: usize = 8192;

/// The shifts of one gene, or of genes that were perturbed together.
#[derive(Clone, Debug, PartialEq)]
pub struct GeneRow {
    /// Its id.
    pub gene: String,
    /// Its symbol.
    pub symbol: Option<String>,
    /// In how many cells it was perturbed.
    pub cells: u64,
    /// The mean cosine of the cells with themselves.
    pub cosine: f64,
    /// One for each of [`GenesTable::columns`].
    pub shifts: Vec<Shift>,
}

/// How far a gene moves cells in one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Shift {
    /// The mean over cells.
    pub mean: f64,
    /// Of the rank-sum test against the reference, positive where the gene's shifts are larger; `None` without a reference.
    pub z: Option<f64>,
    /// Of the test, both sides.
    pub p: Option<f64>,
    /// Adjusted after Benjamini and Hochberg, over all genes.
    pub fdr: Option<f64>,
}

/// All genes of a screen, those that shift most first.
#[derive(Clone, Debug)]
pub struct GenesTable {
    /// What is called a shift: `shift`, which is 1 - cosine, or `shift_STATE` for each state.
    pub columns: Vec<String>,
    /// The genes.
    pub rows: Vec<GeneRow>,
    /// What genes are compared with, for people.
    pub reference: String,
    /// The mean shift of the reference, for each column.
    pub reference_means: Vec<Option<f64>>,
}

#[derive(Default)]
struct Gathered {
    symbol: Option<String>,
    cosines: Vec<f32>,
    shifts: Vec<Vec<f32>>,
}

impl GenesTable {
    /// Reads the finished table at `path`, a file or a folder of parts. Genes are compared with the random ones where there are
    /// some, otherwise with all perturbations together; a single gene is then compared with nothing.
    ///
    /// # Errors
    ///
    /// The table cannot be read.
    pub fn read(path: &Path, screen: &Screen) -> Result<Self> {
        let states: Vec<String> = screen.states.iter().map(|state| shift_column(state)).collect();
        let columns = if states.is_empty() { vec!["shift".to_owned()] } else { states.clone() };
        let named = ["gene", "symbol", "random", "cosine"].map(str::to_owned);
        let roots = named.into_iter().chain(states.clone()).collect();
        let mut files = Files::new(&list(path)?, Some(roots), ROWS);
        let (mut genes, mut random): (HashMap<String, Gathered>, Vec<Vec<f32>>) = Default::default();
        random.resize(columns.len(), Vec::new());
        while let Some(batch) = files.next()? {
            gather(&batch, &states, &mut genes, &mut random)?;
        }
        Ok(Self::new(columns, genes, random))
    }

    fn new(columns: Vec<String>, genes: HashMap<String, Gathered>, random: Vec<Vec<f32>>) -> Self {
        let drawn = random.first().map_or(0, Vec::len);
        let pooled = |column: usize| -> Vec<f32> {
            genes.values().filter_map(|gene| gene.shifts.get(column)).flatten().copied().collect()
        };
        let references: Vec<Reference> = match (drawn, genes.len()) {
            (0, 0 | 1) => columns.iter().map(|_| Reference::default()).collect(),
            (0, _) => (0..columns.len()).map(|column| Reference::new(pooled(column))).collect(),
            _ => random.into_iter().map(Reference::new).collect(),
        };
        let reference = match (drawn, genes.len()) {
            (0, 0 | 1) => "nothing".to_owned(),
            (0, _) => format!("all {} perturbations", references.first().map_or(0, Reference::len)),
            (drawn, _) => format!("{drawn} perturbations of random genes"),
        };
        let mut rows: Vec<GeneRow> = genes.into_iter().map(|(gene, found)| row(gene, found, &references)).collect();
        for column in 0..columns.len() {
            let p: Vec<_> = rows.iter().map(|row| row.shifts.get(column).and_then(|shift| shift.p)).collect();
            for (row, fdr) in rows.iter_mut().zip(benjamini_hochberg(&p)) {
                if let Some(shift) = row.shifts.get_mut(column) {
                    shift.fdr = fdr;
                }
            }
        }
        let first = |row: &GeneRow| row.shifts.first().map_or(0.0, |shift| shift.mean);
        rows.sort_by(|a, b| first(b).total_cmp(&first(a)).then_with(|| a.gene.cmp(&b.gene)));
        let reference_means = references.iter().map(Reference::mean).collect();
        Self { columns, rows, reference, reference_means }
    }
}

fn row(gene: String, found: Gathered, references: &[Reference]) -> GeneRow {
    let shift = |(shifts, reference): (&Vec<f32>, &Reference)| {
        let test = reference.rank_sum(shifts);
        Shift { mean: mean(shifts).unwrap_or(f64::NAN), z: test.map(|t| t.0), p: test.map(|t| t.1), fdr: None }
    };
    GeneRow {
        gene,
        symbol: found.symbol,
        cells: found.cosines.len() as u64,
        cosine: mean(&found.cosines).unwrap_or(f64::NAN),
        shifts: found.shifts.iter().zip(references).map(shift).collect(),
    }
}

/// Adds the rows of a batch that could be computed.
fn gather(
    batch: &Batch,
    states: &[String],
    genes: &mut HashMap<String, Gathered>,
    random: &mut [Vec<f32>],
) -> Result<()> {
    let numbers = |name: &str| Ok::<Float32Array, Error>(batch.column(name)?.as_primitive::<Float32Type>().clone());
    let (names, symbols) = (batch.column("gene")?.as_string::<i32>(), batch.column("symbol")?.as_string::<i32>());
    let (drawn, cosines) = (batch.column("random")?.as_boolean(), numbers("cosine")?);
    let shifts: Vec<Float32Array> = states.iter().map(|state| numbers(state)).collect::<Result<_>>()?;
    for place in (0..names.len()).filter(|&place| names.is_valid(place) && cosines.is_valid(place)) {
        let cosine = cosines.value(place);
        let mut values = shifts.iter().map(|shift| shift.value(place)).collect::<Vec<_>>();
        if states.is_empty() {
            values.push(1.0 - cosine);
        }
        if drawn.value(place) {
            random.iter_mut().zip(values).for_each(|(all, value)| all.push(value));
            continue;
        }
        let gene = genes.entry_ref(names.value(place)).or_default();
        if gene.symbol.is_none() && symbols.is_valid(place) {
            gene.symbol = Some(symbols.value(place).to_owned());
        }
        gene.cosines.push(cosine);
        gene.shifts.resize(values.len(), Vec::new());
        gene.shifts.iter_mut().zip(values).for_each(|(all, value)| all.push(value));
    }
    Ok(())
}
