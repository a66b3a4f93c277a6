//! `ferrome cell embed`: one vector per cell, or one per gene, from any layer of a transcriptome model.

mod batches;
mod layer;
mod long;
mod pool;
mod records;
mod worker;

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, new_empty_array};
use arrow::compute::interleave;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, ToByteSlice};
use ferrome_core::engine::{Rejection, Task};
use ferrome_core::fingerprint::Fingerprint;
use ferrome_core::table::vector;

pub use batches::Batches;
pub use layer::{Compat, Layer};
pub use long::Long;
pub use pool::Pool;
pub(crate) use records::{LOOK, specials};
pub use records::{Records, records};
pub use worker::workers;

use crate::model::{Specials, scgpt::CellTokens};
use crate::read::tokens::TokenCell;
use crate::task::perturb::Names;
use crate::task::tokenize::ObsColumns;

/// What is computed for each cell.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EmbedOptions {
    /// How the genes' vectors become one, or that they do not.
    pub pool: Pool,
    /// The layer, as transformers counts `hidden_states`: 0 is the embedding.
    pub layer: usize,
    /// What happens to cells with more tokens than the model has positions.
    pub long: Long,
    /// Most tokens of a cell, where there is a limit.
    pub positions: Option<usize>,
    /// `<cls>` and `<eos>`, where the model's cells have them.
    pub specials: Option<Specials>,
    /// Whether the vector of `<cls>` is brought to length 1, as scGPT's `embed_data` does.
    pub unit: bool,
    /// How the model's batches are called, where it normalises them apart.
    pub batches: Option<Arc<Batches>>,
}

/// A cell as the model eats it.
#[derive(Debug)]
pub struct EmbedItem {
    tokens: Vec<i32>,
    /// One for each token, where the model takes them.
    values: Vec<f32>,
    /// The tokens that are genes.
    genes: std::ops::Range<usize>,
    /// The number of its batch, where the model normalises batches apart.
    batch: Option<i64>,
}

impl EmbedItem {
    /// Its tokens, `<cls>` and `<eos>` among them, with their values.
    pub(crate) fn cell(&self) -> CellTokens<'_> {
        CellTokens { tokens: &self.tokens, values: &self.values }
    }
}

/// Embedding as the engine runs it.
#[derive(Debug)]
pub struct EmbedTask {
    options: EmbedOptions,
    obs: ObsColumns,
    described: SchemaRef,
    output: SchemaRef,
    names: Option<Arc<Names>>,
}

impl EmbedTask {
    /// A task for a model of this width; `obs` are columns of the tokens' table, whose schema is `columns`.
    ///
    /// # Errors
    ///
    /// A column would have a name that the output has already.
    pub fn new(options: EmbedOptions, width: i64, obs: ObsColumns, columns: &Schema) -> crate::Result<Self> {
        let output = output_fields(options.pool, width);
        let own = [Field::new("cell_id", DataType::Utf8, false), Field::new("length", DataType::Int64, true)];
        obs.check(&own.iter().chain(&output).cloned().collect::<Vec<_>>())?;
        let described: Vec<Field> = own.into_iter().chain(obs.fields(columns)).collect();
        let (described, output) = (Arc::new(Schema::new(described)), Arc::new(Schema::new(output)));
        Ok(Self { options, obs, described, output, names: None })
    }

    /// The same task; where each gene has its vector, it also has its id, and its symbol where the vocabulary has symbols.
    ///
    /// # Errors
    ///
    /// As [`EmbedTask::new`].
    pub fn with_names(self, names: Names) -> crate::Result<Self> {
        if self.options.pool != Pool::Gene {
            return Ok(self);
        }
        let list = |name: &str| Arc::new(Field::new(name, DataType::new_list(DataType::Utf8, true), true));
        let columns = ["genes", "symbols"].into_iter().take(if names.has_symbols() { 2 } else { 1 }).map(list);
        let mut fields: Vec<_> = self.output.fields().iter().cloned().collect();
        fields.splice(1..1, columns); // behind the tokens
        let output = Arc::new(Schema::new(fields));
        self.obs.check(&output.fields().iter().map(|field| field.as_ref().clone()).collect::<Vec<_>>())?;
        Ok(Self { output, names: Some(Arc::new(names)), ..self })
    }

    /// The options.
    #[must_use]
    pub fn options(&self) -> &EmbedOptions {
        &self.options
    }

    // The columns of obs, each cell's from the batch that it was read in.
    fn obs(&self, records: &[&TokenCell]) -> crate::Result<Vec<ArrayRef>> {
        let mut batches: Vec<&Arc<RecordBatch>> = Vec::new();
        let mut places = Vec::with_capacity(records.len());
        for record in records {
            if batches.last().is_none_or(|last| !Arc::ptr_eq(last, &record.obs)) {
                batches.push(&record.obs);
            }
            places.push((batches.len() - 1, record.place));
        }
        let taken = batches.iter().map(|batch| self.obs.take(batch)).collect::<crate::Result<Vec<_>>>()?;
        let fields = self.described.fields().iter().skip(2).enumerate();
        let column = |(i, field): (usize, &Arc<Field>)| {
            let pieces: Vec<_> = taken.iter().filter_map(|columns| columns.get(i)).map(AsRef::as_ref).collect();
            if pieces.is_empty() { Ok(new_empty_array(field.data_type())) } else { Ok(interleave(&pieces, &places)?) }
        };
        fields.map(column).collect()
    }
}

fn output_fields(pool: Pool, width: i64) -> Vec<Field> {
    let list = |item: DataType| DataType::new_list(item, true);
    match pool {
        Pool::Cls | Pool::Mean => vec![Field::new("embedding", vector(width), true)],
        Pool::Gene => {
            vec![Field::new("tokens", list(DataType::Int32), true), Field::new("embedding", list(vector(width)), true)]
        }
    }
}

impl Task for EmbedTask {
    type Record = TokenCell;
    type Item = EmbedItem;

    fn name<'r>(&self, record: &'r TokenCell) -> &'r str {
        &record.id
    }

    fn tokenize(&self, record: &TokenCell) -> Result<EmbedItem, Rejection> {
        let reject = |kind: &str, reason: String| Rejection { kind: kind.to_owned(), reason };
        let tokens = record.tokens.as_ref().map_err(|reason| reject("no tokens", reason.clone()))?;
        if tokens.is_empty() {
            return Err(reject("no tokens", "has no tokens: no gene of the vocabulary".to_owned()));
        }
        let specials = self.options.specials;
        if let (Some(specials), Some(&first)) = (specials, tokens.first())
            && first != specials.cls
        {
            let reason = format!("begins with the token {first}, expected `<cls>` ({})", specials.cls);
            return Err(reject("tokens of another style", reason));
        }
        let limit = self.options.positions.unwrap_or(usize::MAX);
        let tokens = self.options.long.cut(tokens, limit, specials);
        let tokens = tokens.map_err(|reason| reject("too long for the model, see --long", reason))?;
        let genes = genes(&tokens, specials);
        if genes.is_empty() && self.options.pool != Pool::Cls {
            return Err(reject("no genes", "has no genes beside `<cls>` and `<eos>`".to_owned()));
        }
        let batch = self.options.batches.as_ref().map(|batches| batches.number(record)).transpose();
        let batch = batch.map_err(|reason| reject("no batch of the model", reason))?;
        Ok(EmbedItem { tokens, values: record.values.clone().unwrap_or_default(), genes, batch })
    }

    fn tokens(&self, item: &EmbedItem) -> usize {
        item.tokens.len()
    }

    fn identity(&self, item: &EmbedItem) -> u128 {
        let all = Fingerprint::new().field(item.tokens.to_byte_slice()).field(item.values.to_byte_slice());
        item.batch.map_or(all.clone(), |batch| all.field(&batch.to_le_bytes())).finish()
    }

    fn describe(&self, records: &[&TokenCell]) -> ferrome_core::Result<RecordBatch> {
        let ids: StringArray = records.iter().map(|record| Some(record.id.as_str())).collect();
        let length = |record: &&TokenCell| i64::try_from(record.tokens.as_ref().ok()?.len()).ok();
        let lengths: Int64Array = records.iter().map(length).collect();
        let obs = self.obs(records).map_err(|error| ferrome_core::Error::Read(error.into()))?;
        let columns = [Arc::new(ids) as ArrayRef, Arc::new(lengths)].into_iter().chain(obs).collect();
        Ok(RecordBatch::try_new(Arc::clone(&self.described), columns)?)
    }

    fn output_schema(&self) -> SchemaRef {
        Arc::clone(&self.output)
    }
}

// The tokens after `<cls>` and before `<eos>`.
fn genes(tokens: &[i32], specials: Option<Specials>) -> std::ops::Range<usize> {
    let Some(specials) = specials else { return 0..tokens.len() };
    let framed = tokens.len() > 1 && specials.eos.is_some() && tokens.last().copied() == specials.eos;
    let end = tokens.len() - usize::from(framed);
    1.min(end)..end
}

#[cfg(test)]
mod tests;
