//! What the layouts share: rows of raw entries, found to be counts or not, become blocks of cells.

use std::path::Path;

use arrow::array::{Array, RecordBatch, StringArray};
use arrow::datatypes::SchemaRef;

use crate::cells::{Cells, Genes, ValueKind};
use crate::read::blocks::{Blocks, Pieces};
use crate::read::gather::{Rows, is_count};
use crate::read::{CellReader, Header};
use crate::{Error, Result};

/// Cells as a layout gives them.
pub(super) struct RawRows {
    /// Their ids.
    pub(super) ids: StringArray,
    /// Their columns of obs.
    pub(super) obs: RecordBatch,
    /// Their entries.
    pub(super) rows: Vec<RawRow>,
}

/// Gene and value of a cell's entries, in any order; or why the cell cannot be used.
pub(super) type RawRow = Result<Vec<(u32, f64)>, String>;

/// A layout that is read from its first cell to its last.
pub(super) trait Source: Send {
    /// Some cells; `None` after the last ones.
    fn next_rows(&mut self) -> Result<Option<RawRows>>;
}

/// What a layout says before its first cell.
pub(super) struct Opened {
    pub(super) genes: Genes,
    pub(super) cells: Option<u64>,
    pub(super) obs: SchemaRef,
    pub(super) layer: String,
    pub(super) format: &'static str,
    /// Whether the values are stored as integers.
    pub(super) integers: bool,
    pub(super) source: Box<dyn Source>,
}

/// Reads any layout.
pub(super) struct SourceReader {
    header: Header,
    blocks: Blocks,
    pieces: SourcePieces,
}

impl SourceReader {
    /// Looks at the first cells of `opened`, the file at `path`, and refuses values that are no counts, unless told not to.
    pub(super) fn new(path: &Path, mut opened: Opened, allow_normalized: bool) -> Result<Self> {
        let first = opened.source.next_rows()?;
        let strange = if opened.integers { None } else { first.as_ref().and_then(strange) };
        let kind = match strange {
            None => ValueKind::Counts,
            Some(_) if allow_normalized => ValueKind::Floats,
            Some((cell, gene, value)) => {
                let (cell, gene) = (
                    name(&first.as_ref().map(|rows| rows.ids.clone()), cell),
                    name(&Some(opened.genes.ids.clone()), gene),
                );
                return Err(Error::file(
                    path,
                    format!(
                        "`{}` holds no counts (cell `{cell}`, gene `{gene}`: {value}), the values were normalised; give the file \
                         with the counts, or take them as they are with --allow-normalized",
                        opened.layer
                    ),
                ));
            }
        };
        let names = opened.genes.ids.clone();
        let Opened { genes, cells, obs, layer, format, source, .. } = opened;
        let header = Header { genes, cells, nonzeros: None, obs, layer, kind, format };
        Ok(Self { header, blocks: Blocks::new(), pieces: SourcePieces { source, first, kind, names } })
    }
}

impl CellReader for SourceReader {
    fn header(&self) -> &Header {
        &self.header
    }

    fn next_cells(&mut self, nonzeros: usize) -> Result<Option<Cells>> {
        self.blocks.next(&mut self.pieces, nonzeros)
    }
}

/// The first value that is no count: cell, gene, value.
fn strange(rows: &RawRows) -> Option<(usize, usize, f64)> {
    rows.rows.iter().enumerate().find_map(|(cell, row)| {
        let entries = row.as_ref().ok()?;
        let strange = entries.iter().find(|(_, value)| value.is_finite() && !is_count(*value));
        strange.map(|&(gene, value)| (cell, gene as usize, value))
    })
}

fn name(names: &Option<StringArray>, at: usize) -> String {
    let names = names.as_ref().filter(|names| at < names.len());
    names.map(|names| names.value(at).to_owned()).unwrap_or_default()
}

struct SourcePieces {
    source: Box<dyn Source>,
    first: Option<RawRows>,
    kind: ValueKind,
    names: StringArray,
}

impl Pieces for SourcePieces {
    fn next_piece(&mut self) -> Result<Option<Cells>> {
        let raw = match self.first.take() {
            Some(raw) => Some(raw),
            None => self.source.next_rows()?,
        };
        let Some(raw) = raw else { return Ok(None) };
        let mut rows = Rows::new(self.kind);
        for row in raw.rows {
            match row {
                Ok(mut entries) => rows.push(&mut entries, |gene| self.names.value(gene as usize).to_owned()),
                Err(reason) => rows.reject(reason),
            }
        }
        Ok(Some(rows.finish(raw.ids, raw.obs)))
    }
}
