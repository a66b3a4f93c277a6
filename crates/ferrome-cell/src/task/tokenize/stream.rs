use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use ferrome_core::engine::{Conversion, Converted};
use ferrome_core::fingerprint::hex;

use super::blocks::{Blocks, Counts};
use super::obs::ObsColumns;
use super::table::TokenTable;
use crate::genes::Matching;
use crate::read::CellReader;
use crate::read::tokens::{self, TokenReader};
use crate::tokenize::Tokenizer;
use crate::vocabulary::Vocabulary;
use crate::{Error, Result};

/// Stored entries that are tokenized at a time.
const PIECE: usize = 1 << 18;

/// The tokens of all cells of `reader`, made as they are read, for jobs that go on with them: the rows that
/// [`super::tokenize`] would write. All columns of obs go along under their names.
///
/// # Errors
///
/// Too few genes match, or the input is damaged; `path` names it.
pub fn stream(
    path: &Path,
    mut reader: Box<dyn CellReader>,
    matching: &Matching,
    tokenizer: Box<dyn Tokenizer>,
    vocabulary: &Vocabulary,
) -> Result<TokenReader> {
    let header = reader.header().clone();
    let first = reader.next_cells(PIECE)?;
    matching.check(first.as_ref())?;
    let taken =
        |name: &str| ["cell_id", "error"].contains(&name) || tokenizer.fields().iter().any(|f| f.name() == name);
    let names: Vec<&str> = header.obs.fields().iter().map(|field| field.name().as_str()).collect();
    let names: Vec<&str> = names.into_iter().filter(|name| !taken(name)).collect();
    let obs = ObsColumns::new(&names, &header.obs)?;
    let table = TokenTable::new(&*tokenizer, obs.clone(), &header.obs).schema();
    let fields = table.fields().iter().cloned().chain([Arc::new(Field::new("error", DataType::Utf8, true))]);
    let metadata = HashMap::from([
        ("ferrome.style".to_owned(), vocabulary.style().to_string()),
        ("ferrome.vocabulary".to_owned(), format!("{}, xxh3 {}", vocabulary.style(), hex(vocabulary.fingerprint()))),
        ("ferrome.names_of_tokens".to_owned(), format!("xxh3 {}", hex(vocabulary.tokens_fingerprint()))),
    ]);
    let schema = Arc::new(Schema::new_with_metadata(fields.collect::<Vec<_>>(), metadata));
    let blocks = Blocks::new(reader, first, matching, PIECE, &Arc::new(Counts::default()));
    let pieces = Pieces { path: path.to_owned(), blocks, tokenizer, obs, columns: header.obs, schema: schema.clone() };
    tokens::made(path, header.cells, schema, Box::new(pieces))
}

/// The tokens of the blocks of a reader.
struct Pieces {
    path: std::path::PathBuf,
    blocks: Blocks,
    tokenizer: Box<dyn Tokenizer>,
    obs: ObsColumns,
    columns: SchemaRef,
    schema: SchemaRef,
}

impl Iterator for Pieces {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        let cells = self.blocks.next()?;
        let table = TokenTable::new(&*self.tokenizer, self.obs.clone(), &self.columns);
        let wrong = |error: Box<dyn std::error::Error + Send + Sync>| Error::file(&self.path, error.to_string());
        let converted = cells.and_then(|cells| Conversion::convert(&table, cells));
        Some(converted.map_err(wrong).and_then(|converted| self.with_reasons(&converted)))
    }
}

impl Pieces {
    fn with_reasons(&self, converted: &Converted) -> Result<RecordBatch> {
        let mut reasons = vec![None; converted.table.num_rows()];
        for rejected in &converted.rejected {
            if let Some(reason) = reasons.get_mut(rejected.row) {
                *reason = Some(rejected.rejection.reason.as_str());
            }
        }
        let reasons: ArrayRef = Arc::new(StringArray::from(reasons));
        let columns = converted.table.columns().iter().cloned().chain([reasons]).collect();
        Ok(RecordBatch::try_new(Arc::clone(&self.schema), columns)?)
    }
}
