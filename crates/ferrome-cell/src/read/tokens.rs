//! Tables of tokens, row by row, whoever wrote them.
//!
//! | what | how it is known |
//! |---|---|
//! | a folder of `datasets.save_to_disk`, or ours | `state.json`, which names Arrow streams |
//! | Parquet, or a folder of Parquet files | `input_ids` among the columns |
//! | an Arrow file or stream | `input_ids` among the columns |
//!
//! `input_ids` is a list of whole numbers of any width. Optional columns: `values` (or `expr`), one number for each token, as
//! scGPT needs them; `length`, which must be the length of the list; `cell_id`; `error`, the reason of a row without tokens.
//! All others that are not nested go along as columns of obs.

mod columns;
mod source;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use crate::tokenize::Style;
use crate::{Error, Result};
use columns::{Block, Layout};
use source::Source;

pub(crate) use source::Made;
pub use source::is_tokens;

/// What a table of tokens says before its first row.
#[derive(Clone, Debug)]
pub struct Header {
    /// Number of rows, where the files say it.
    pub rows: Option<u64>,
    /// The columns that go along, by name.
    pub obs: SchemaRef,
    /// Whether each token has a value.
    pub values: bool,
    /// Whose tokens they are, where ferrome wrote them.
    pub style: Option<Style>,
    /// The style and fingerprint of the vocabulary that they were made with, where ferrome wrote them.
    pub vocabulary: Option<String>,
    /// What its writer said of it, by key; ferrome's keys begin with `ferrome.`.
    pub metadata: HashMap<String, String>,
    /// What kind of file it is, for messages.
    pub format: &'static str,
}

/// A cell's tokens.
#[derive(Clone, Debug)]
pub struct TokenCell {
    /// Its row in the table, from 1.
    pub row: u64,
    /// Its id; the row's number from 0 where the table has none.
    pub id: String,
    /// Its tokens, or why it has none that can be used.
    pub tokens: Result<Vec<i32>, String>,
    /// The value of each token, where the table has values.
    pub values: Option<Vec<f32>>,
    /// Columns that go along, of this cell and its neighbours.
    pub obs: Arc<RecordBatch>,
    /// Its row in `obs`.
    pub place: usize,
}

/// The rows of a table of tokens, in order.
///
/// ```no_run
/// use ferrome_cell::read::tokens;
///
/// for cell in tokens::open("tokens".as_ref())? {
///     let cell = cell?;
///     println!("{}: {:?}", cell.id, cell.tokens);
/// }
/// # Ok::<(), ferrome_cell::Error>(())
/// ```
pub struct TokenReader {
    header: Header,
    layout: Layout,
    source: Source,
    block: Option<Block>,
    next: usize,
    rows: u64,
    failed: bool,
}

/// Opens a table of tokens.
///
/// # Errors
///
/// The path holds no tokens, or is damaged.
pub fn open(path: &Path) -> Result<TokenReader> {
    read(Source::open(path)?)
}

/// A table of tokens that is made while it is read: batches of the columns in `schema`, from what lies at `path`.
///
/// # Errors
///
/// The schema is not that of tokens.
pub(crate) fn made(path: &Path, rows: Option<u64>, schema: SchemaRef, batches: Made) -> Result<TokenReader> {
    read(Source::made(path, rows, schema, batches))
}

fn read(source: Source) -> Result<TokenReader> {
    let layout = Layout::of(&source.schema, &source.path)?;
    let metadata = |key: &str| source.metadata.get(&format!("ferrome.{key}")).cloned();
    let header = Header {
        rows: source.rows,
        obs: layout.obs.clone(),
        values: layout.values.is_some(),
        style: metadata("style").and_then(|style| style.parse().ok()),
        vocabulary: metadata("vocabulary"),
        metadata: source.metadata.clone(),
        format: source.format,
    };
    Ok(TokenReader { header, layout, source, block: None, next: 0, rows: 0, failed: false })
}

impl TokenReader {
    /// What is known before the first row.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The file or folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.source.path
    }

    /// Passes over the next `rows` rows; whole batches of them are not looked at.
    ///
    /// # Errors
    ///
    /// A file is damaged.
    pub fn pass_over(&mut self, rows: u64) -> Result<()> {
        let end = self.rows.saturating_add(rows);
        while self.rows < end {
            let left = usize::try_from(end - self.rows).unwrap_or(usize::MAX);
            if let Some(block) = self.block.as_ref().filter(|block| self.next < block.len()) {
                let passed = left.min(block.len() - self.next);
                self.next += passed;
                self.rows += passed as u64;
                continue;
            }
            let Some((path, rows)) = self.source.next()? else { return Ok(()) };
            if rows.num_rows() <= left {
                self.rows += rows.num_rows() as u64;
            } else {
                self.block = Some(self.layout.read(&rows, &path)?);
                self.next = 0;
            }
        }
        Ok(())
    }

    /// The number of rows of a table of which none was read yet.
    ///
    /// # Errors
    ///
    /// Where the files do not say it, all batches are read; a file is damaged.
    pub fn count(mut self) -> Result<u64> {
        if let Some(rows) = self.header.rows {
            return Ok(rows);
        }
        self.pass_over(u64::MAX)?;
        Ok(self.rows)
    }

    fn read(&mut self) -> Result<Option<TokenCell>> {
        loop {
            if let Some(block) = self.block.as_ref().filter(|block| self.next < block.len()) {
                let cell = block.cell(self.next, self.rows);
                (self.next, self.rows) = (self.next + 1, self.rows + 1);
                return Ok(Some(cell));
            }
            let Some((path, rows)) = self.source.next()? else { return Ok(None) };
            self.block = Some(self.layout.read(&rows, &path)?);
            self.next = 0;
        }
    }
}

impl Iterator for TokenReader {
    type Item = Result<TokenCell>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let cell = self.read().transpose();
        self.failed = !matches!(cell, Some(Ok(_)));
        cell
    }
}

fn trouble(path: &Path, error: impl std::fmt::Display) -> Error {
    let text = error.to_string();
    Error::file(path, text.lines().next().unwrap_or_default())
}

/// Where a table lies: the file that was opened last, for messages.
type Piece = (PathBuf, RecordBatch);

#[cfg(test)]
mod tests;
