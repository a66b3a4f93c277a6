//! `ferrome protein embed`: one vector per protein, or one per residue, from any layers of a model; logits too.

mod layers;
mod pool;
mod windows;
mod worker;

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, Int64Array, RecordBatch, StringArray},
    datatypes::{DataType, Field, Schema, SchemaRef},
};
use ferrome_core::{
    engine::{Rejection, Task},
    fingerprint::Fingerprint,
    table::vector,
};

pub use layers::resolve as resolve_layers;
pub use pool::Pool;
pub use windows::{Long, LongPolicy};
pub use worker::workers;

use self::windows::Window;
use crate::{
    model::Config,
    read::Protein,
    tokenize::{self, NotTokens},
};

/// What is computed for each protein.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EmbedOptions {
    /// How residues become one vector, or that they do not.
    pub pool: Pool,
    /// Layers, counted as fair-esm's `representations`; none when only logits are asked for.
    pub layers: Vec<usize>,
    /// Logits over the 33 tokens for every residue.
    pub logits: bool,
    /// What happens to proteins that are longer than the model or the user allows.
    pub long: LongPolicy,
}

/// A protein as the model eats it.
#[derive(Debug)]
pub struct EmbedItem {
    windows: Vec<Window>,
    residues: usize,
}

/// Embedding as the engine runs it.
#[derive(Debug)]
pub struct EmbedTask {
    options: EmbedOptions,
    output: SchemaRef,
}

impl EmbedTask {
    /// A task for a model of this configuration.
    #[must_use]
    pub fn new(options: EmbedOptions, config: &Config) -> Self {
        let output = Arc::new(Schema::new(output_fields(&options, config)));
        Self { options, output }
    }

    /// The options.
    #[must_use]
    pub fn options(&self) -> &EmbedOptions {
        &self.options
    }
}

// One layer is called `embedding`; several carry their number.
fn output_fields(options: &EmbedOptions, config: &Config) -> Vec<Field> {
    let list = |item: DataType| DataType::List(Arc::new(Field::new_list_field(item, true)));
    let column = match options.pool {
        Pool::Residue => list(vector(config.hidden_size)),
        Pool::Mean | Pool::Max | Pool::Cls => vector(config.hidden_size),
    };
    let name = |layer: &usize| match options.layers.as_slice() {
        [_] => "embedding".to_owned(),
        _ => format!("embedding_{layer}"),
    };
    let layers = options.layers.iter().map(|layer| Field::new(name(layer), column.clone(), true));
    let logits = options.logits.then(|| Field::new("logits", list(vector(config.vocab_size)), true));
    layers.chain(logits).collect()
}

impl Task for EmbedTask {
    type Record = Protein;
    type Item = EmbedItem;

    fn name<'r>(&self, record: &'r Protein) -> &'r str {
        &record.id
    }

    fn tokenize(&self, record: &Protein) -> Result<EmbedItem, Rejection> {
        let reject = |kind: &str, reason: String| Rejection { kind: kind.to_owned(), reason };
        if let Some(problem) = &record.problem {
            return Err(reject("cannot be translated", problem.clone()));
        }
        let residues = tokenize::residues(&record.sequence).map_err(|e| match e {
            NotTokens::Empty => reject("no sequence", e.to_string()),
            NotTokens::Letter { .. } => reject("letter outside the alphabet", e.to_string()),
        })?;
        let windows =
            self.options.long.cut(&residues).map_err(|reason| reject("too long for the model, see --long", reason))?;
        let residues = windows.iter().map(Window::end).max().unwrap_or(0);
        Ok(EmbedItem { windows, residues })
    }

    fn tokens(&self, item: &EmbedItem) -> usize {
        item.windows.iter().map(|window| window.tokens.len()).sum()
    }

    fn identity(&self, item: &EmbedItem) -> u128 {
        // The windows follow from the residues and the options, so the tokens of all windows tell items apart.
        let windows = item.windows.iter();
        windows.fold(Fingerprint::new(), |fingerprint, window| fingerprint.field(&window.tokens)).finish()
    }

    fn describe(&self, records: &[&Protein]) -> ferrome_core::Result<RecordBatch> {
        let ids: StringArray = records.iter().map(|record| Some(record.id.as_str())).collect();
        let length = |record: &&Protein| i64::try_from(tokenize::length(&record.sequence)).unwrap_or(i64::MAX);
        let lengths: Int64Array = records.iter().map(length).map(Some).collect();
        let schema =
            Schema::new(vec![Field::new("id", DataType::Utf8, false), Field::new("length", DataType::Int64, false)]);
        Ok(RecordBatch::try_new(Arc::new(schema), vec![Arc::new(ids) as ArrayRef, Arc::new(lengths)])?)
    }

    fn output_schema(&self) -> SchemaRef {
        Arc::clone(&self.output)
    }
}
