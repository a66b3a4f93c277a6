//! `ferrome cell perturb`: what deleting, over-expressing, inhibiting or activating genes does to a cell's place among others.
//!
//! Method: in-silico perturbation as in Theodoris et al. 2023 (doi:10.1038/s41586-023-06139-9). Upstream: `InSilicoPerturber` and
//! `InSilicoPerturberStats` of ctheodoris/Geneformer, whose measures these are; inhibition and activation are missing there.
//!
//! One row per cell and perturbation. A cell before the perturbation is computed once for all of its rows.

mod cells;
mod compare;
mod genes_table;
mod kind;
mod names;
mod rows;
mod states;
pub mod statistics;
mod survey;
mod targets;
mod volcano;
mod worker;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use ferrome_core::engine::{Rejection, Task};
use ferrome_core::fingerprint::Fingerprint;

use cells::Original;

pub use cells::{Cell, Cells, StatesOf};
pub use genes_table::{GeneRow, GenesTable};
pub use kind::{Frame, Kind, Perturbed};
pub use names::{Names, token};
pub use rows::{Row, Rows};
pub use states::state_means;
pub use survey::{Survey, survey};
pub use targets::{Change, Genes, Targets};
pub use volcano::volcano;
pub use worker::{models, workers};

/// What of two cells is compared.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Measure {
    /// The vectors of `<cls>`, which V2 has.
    Cls,
    /// The vectors of the genes that were not perturbed, each with itself; the mean of their cosines. The vector of a cell is the
    /// mean of all of its genes.
    Genes,
}

impl FromStr for Measure {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "cls" => Ok(Self::Cls),
            "genes" => Ok(Self::Genes),
            _ => Err(format!("unknown measure `{text}`: expected cls or genes")),
        }
    }
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if *self == Self::Cls { "cls" } else { "genes" })
    }
}

/// What is done to each cell, and what is looked at.
#[derive(Clone, Debug)]
pub struct Screen {
    /// What is done to the genes.
    pub kind: Kind,
    /// Which genes.
    pub targets: Targets,
    /// What stands around the genes of a cell.
    pub frame: Frame,
    /// What is compared.
    pub measure: Measure,
    /// The layer whose output is compared; 0 is the embedding.
    pub layer: usize,
    /// Also the cosine of every gene that was not perturbed.
    pub per_gene: bool,
    /// States to which the distance is measured, the goal first.
    pub states: Vec<String>,
    /// What genes are called.
    pub names: Names,
}

/// A perturbed cell as the model eats it.
#[derive(Debug)]
pub struct PerturbItem {
    tokens: Vec<i32>,
    genes: Vec<i32>,
    original: Arc<Original>,
}

/// A screen as the engine runs it.
#[derive(Debug)]
pub struct PerturbTask {
    screen: Arc<Screen>,
    output: SchemaRef,
}

impl PerturbTask {
    /// A task for a screen.
    #[must_use]
    pub fn new(screen: Arc<Screen>) -> Self {
        let output = Arc::new(Schema::new(output_fields(&screen)));
        Self { screen, output }
    }
}

/// The column of the shift towards a state.
#[must_use]
pub fn shift_column(state: &str) -> String {
    format!("shift_{state}")
}

fn output_fields(screen: &Screen) -> Vec<Field> {
    let list = |item: DataType| DataType::List(Arc::new(Field::new_list_field(item, true)));
    let cosine = Field::new("cosine", DataType::Float32, true);
    let shifts = screen.states.iter().map(|state| Field::new(shift_column(state), DataType::Float32, true));
    let per_gene = [("gene_tokens", DataType::Int32), ("gene_cosines", DataType::Float32)];
    let per_gene = per_gene.into_iter().filter(|_| screen.per_gene);
    let per_gene = per_gene.map(|(name, item)| Field::new(name, list(item), true));
    [cosine].into_iter().chain(shifts).chain(per_gene).collect()
}

impl Task for PerturbTask {
    type Record = Row;
    type Item = PerturbItem;

    fn name<'r>(&self, record: &'r Row) -> &'r str {
        &record.cell.id
    }

    fn tokenize(&self, record: &Row) -> Result<PerturbItem, Rejection> {
        if let Some(problem) = &record.cell.problem {
            return Err(problem.clone());
        }
        let genes = record.change.as_ref().map(|change| change.genes.clone()).unwrap_or_default();
        let Perturbed { tokens, original } = self.screen.kind.apply(&record.cell.tokens, self.screen.frame, &genes);
        Ok(PerturbItem { tokens, genes, original: record.cell.original(original) })
    }

    fn tokens(&self, item: &PerturbItem) -> usize {
        item.tokens.len()
    }

    // The perturbed genes follow from both cells, but for some that move to where they are.
    fn identity(&self, item: &PerturbItem) -> u128 {
        let bytes = |tokens: &[i32]| tokens.iter().flat_map(|token| token.to_le_bytes()).collect::<Vec<u8>>();
        let original = item.original.identity.to_le_bytes();
        Fingerprint::new().field(&original).field(&bytes(&item.tokens)).field(&bytes(&item.genes)).finish()
    }

    fn describe(&self, records: &[&Row]) -> ferrome_core::Result<RecordBatch> {
        rows::describe(records, &self.screen.names)
    }

    fn output_schema(&self) -> SchemaRef {
        Arc::clone(&self.output)
    }
}

#[cfg(test)]
mod tests;
