//! `ferrome cell annotate`: the class of each cell by a model that was fine-tuned to classify cells.

mod worker;

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use ferrome_core::engine::{Rejection, Task};

pub use worker::workers;

use crate::model::{Classes, Classified, Family, OpenGeneformer, OpenModel};
use crate::read::tokens::TokenCell;
use crate::task::embed::{EmbedItem, EmbedTask};
use crate::{Error, Result};

/// What a cell is called whose most probable class is less probable than the threshold.
pub const UNASSIGNED: &str = "unassigned";

/// Annotation as the engine runs it: cells are read and described as for their embedding.
#[derive(Debug)]
pub struct AnnotateTask {
    cells: EmbedTask,
    classes: Classes,
    threshold: f64,
    output: SchemaRef,
}

/// The classes of a model that classifies cells.
///
/// # Errors
///
/// [`Error::File`]: it is no Geneformer, has no `config.json`, is no classifier, or one of genes.
pub fn classes(model: &OpenModel) -> Result<Classes> {
    let model = geneformer(model)?;
    let file = ferrome_core::weights::beside(&model.path, "config.json")
        .ok_or_else(|| Error::file(&model.path, "no config.json beside the weights"))?;
    let classes = Classes::parse(&fs_err::read_to_string(&file)?, &file.display().to_string())?;
    if classes.classified == Classified::Genes {
        return Err(Error::file(file, "classifies genes (BertForTokenClassification), and cells are to be annotated"));
    }
    Ok(classes)
}

pub(super) fn geneformer(model: &OpenModel) -> Result<&OpenGeneformer> {
    match model {
        OpenModel::Geneformer(model) => Ok(model),
        other => Err(Error::file(
            other.path(),
            format!("is a checkpoint of {}; classifiers are of {} so far", other.family(), Family::Geneformer),
        )),
    }
}

impl AnnotateTask {
    /// Annotates the cells that `cells` accepts; below `threshold` a cell is [`UNASSIGNED`].
    ///
    /// # Errors
    ///
    /// The threshold is no probability.
    pub fn new(cells: EmbedTask, classes: Classes, threshold: f64) -> Result<Self> {
        if !(0.0..=1.0).contains(&threshold) {
            return Err(Error::Train(format!("--threshold is {threshold}, expected a probability from 0 to 1")));
        }
        let number = |name: &str| Field::new(name, DataType::Float32, true);
        let fields = vec![Field::new("label", DataType::Utf8, true), number("probability"), number("entropy")];
        Ok(Self { cells, classes, threshold, output: Arc::new(Schema::new(fields)) })
    }
}

impl Task for AnnotateTask {
    type Record = TokenCell;
    type Item = EmbedItem;

    fn name<'r>(&self, record: &'r TokenCell) -> &'r str {
        self.cells.name(record)
    }

    fn tokenize(&self, record: &TokenCell) -> Result<EmbedItem, Rejection> {
        self.cells.tokenize(record)
    }

    fn tokens(&self, item: &EmbedItem) -> usize {
        self.cells.tokens(item)
    }

    fn identity(&self, item: &EmbedItem) -> u128 {
        self.cells.identity(item)
    }

    fn describe(&self, records: &[&TokenCell]) -> ferrome_core::Result<RecordBatch> {
        self.cells.describe(records)
    }

    fn output_schema(&self) -> SchemaRef {
        Arc::clone(&self.output)
    }
}
