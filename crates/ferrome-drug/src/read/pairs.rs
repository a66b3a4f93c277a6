use std::path::{Path, PathBuf};

use arrow::array::{Array, RecordBatch, StringArray};
use arrow::datatypes::{FieldRef, Schema, SchemaRef};

use super::columns::{missing, place};
use super::table::{Rows, Table};
use super::{Columns, Entry, Source, parquet};
use crate::{Error, Result};

/// A table of pairs of drug and target: columns `drug_id`, `smiles`, `target_id`, `sequence`, and any others. Ids that are not
/// there are the number of the row.
pub struct Pairs {
    path: PathBuf,
    table: Table,
    places: Places,
    others: SchemaRef,
    rows: u64,
}

/// Some rows of a table of pairs.
#[derive(Clone, Debug)]
pub struct PairRows {
    /// The molecules.
    pub entries: Vec<Entry>,
    /// The targets: id, and sequence where there is one.
    pub targets: Vec<(String, Option<String>)>,
    /// The columns that are none of the four.
    pub others: RecordBatch,
}

/// A protein of a table of targets.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TargetRow {
    /// Its id; the number of the row where there is none.
    pub id: String,
    /// Its residues as given.
    pub sequence: String,
}

struct Places {
    drug: Option<usize>,
    smiles: usize,
    target: Option<usize>,
    sequence: usize,
}

impl Pairs {
    /// Opens a CSV, TSV or Parquet table, to be read in blocks of `size` rows; `columns` may name those of the drug's id and
    /// SMILES.
    ///
    /// # Errors
    ///
    /// The file is missing, of an unknown kind, or lacks a column.
    pub fn open(path: &Path, columns: &Columns, size: usize) -> Result<Self> {
        Self::of(path, Table::open(path, size)?, columns)
    }

    pub(super) fn of(path: &Path, table: Table, columns: &Columns) -> Result<Self> {
        let names = names(&table.schema);
        let smiles = columns.smiles.as_deref();
        let needed = |named: Option<&str>, usual: &str, flag| {
            place(&names, named, usual).ok_or_else(|| missing(path, &names, named.unwrap_or(usual), flag))
        };
        let drug = match columns.id.as_deref() {
            Some(named) => Some(needed(Some(named), named, Some("--id-column"))?),
            None => place(&names, None, "drug_id"),
        };
        let places = Places {
            drug,
            smiles: needed(smiles, "smiles", Some("--smiles-column"))?,
            target: place(&names, None, "target_id"),
            sequence: needed(None, "sequence", None)?,
        };
        let fields: Vec<FieldRef> = places.others(&table.schema).map(|i| table.schema.fields()[i].clone()).collect();
        Ok(Self { path: path.to_owned(), table, places, others: Schema::new(fields).into(), rows: 0 })
    }

    /// The columns that are none of the four.
    #[must_use]
    pub fn others(&self) -> &SchemaRef {
        &self.others
    }

    fn block(&mut self, Rows { batch, mut defects }: Rows) -> Result<PairRows> {
        let text = |place: usize| parquet::text(&batch, batch.schema().field(place).name(), &self.path);
        let (smiles, sequences) = (text(self.places.smiles)?, text(self.places.sequence)?);
        let (drugs, targets) = (self.places.drug.map(text).transpose()?, self.places.target.map(text).transpose()?);
        let (mut entries, mut proteins) = (Vec::new(), Vec::new());
        defects.reverse();
        for row in 0..batch.num_rows() {
            self.rows += 1;
            let id = |ids: &Option<StringArray>| {
                let given = ids.as_ref().and_then(|ids| value(ids, row)).filter(|id| !id.is_empty());
                given.unwrap_or_else(|| self.rows.to_string())
            };
            let source = match defects.pop_if(|(defect, _)| *defect == row) {
                Some((_, reason)) => Source::Missing(reason),
                None => value(&smiles, row)
                    .map_or_else(|| Source::Missing("the cell of the SMILES is null".into()), Source::Smiles),
            };
            entries.push(Entry { id: id(&drugs), source });
            proteins.push((id(&targets), value(&sequences, row)));
        }
        let columns = self.places.others(&batch.schema()).map(|i| batch.column(i).clone()).collect();
        let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let others = RecordBatch::try_new_with_options(self.others.clone(), columns, &options)?;
        Ok(PairRows { entries, targets: proteins, others })
    }
}

impl Places {
    fn others(&self, schema: &Schema) -> impl Iterator<Item = usize> {
        let known = [self.drug, Some(self.smiles), self.target, Some(self.sequence)];
        (0..schema.fields().len()).filter(move |&i| !known.contains(&Some(i)))
    }
}

impl Iterator for Pairs {
    type Item = Result<PairRows>;

    fn next(&mut self) -> Option<Self::Item> {
        let rows = self.table.blocks.next()?;
        Some(rows.and_then(|rows| self.block(rows)))
    }
}

/// Reads a table of targets: columns `target_id` (or `id`) and `sequence`.
///
/// # Errors
///
/// The file is missing, of an unknown kind, lacks a column, or has a row without a sequence.
pub fn targets(path: &Path) -> Result<Vec<TargetRow>> {
    targets_of(path, Table::open(path, 4096)?)
}

pub(super) fn targets_of(path: &Path, table: Table) -> Result<Vec<TargetRow>> {
    let names = names(&table.schema);
    let sequence = place(&names, None, "sequence").ok_or_else(|| missing(path, &names, "sequence", None))?;
    let id = place(&names, None, "target_id").or_else(|| place(&names, None, "id"));
    let mut targets = Vec::new();
    for rows in table.blocks {
        let Rows { batch, defects } = rows?;
        if let Some((row, reason)) = defects.first() {
            return Err(Error::file(path, format!("row {}: {reason}", targets.len() + row + 1)));
        }
        let text = |place: usize| parquet::text(&batch, batch.schema().field(place).name(), path);
        let (ids, sequences) = (id.map(text).transpose()?, text(sequence)?);
        for row in 0..batch.num_rows() {
            let number = targets.len() + 1;
            let given = ids.as_ref().and_then(|ids| value(ids, row)).filter(|id| !id.is_empty());
            let sequence = value(&sequences, row)
                .ok_or_else(|| Error::file(path, format!("row {number}: the cell of the sequence is null")))?;
            targets.push(TargetRow { id: given.unwrap_or_else(|| number.to_string()), sequence });
        }
    }
    Ok(targets)
}

fn names(schema: &Schema) -> Vec<String> {
    schema.fields().iter().map(|field| field.name().clone()).collect()
}

fn value(column: &StringArray, row: usize) -> Option<String> {
    column.is_valid(row).then(|| column.value(row).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(text: &str) -> Result<Vec<PairRows>> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p.csv");
        fs_err::write(&path, text).unwrap();
        Pairs::open(&path, &Columns::default(), 2)?.collect()
    }

    #[test]
    fn pairs_keep_their_other_columns() {
        let blocks = open("note,smiles,sequence,target_id,drug_id\na,CC,MK,t,d\nb,C,MV,,\nc,N\n").unwrap();
        assert_eq!(blocks.iter().map(|block| block.entries.len()).collect::<Vec<_>>(), [2, 1]);
        let first = &blocks[0];
        assert_eq!((first.entries[0].id.as_str(), first.entries[1].id.as_str()), ("d", "2"));
        assert_eq!(first.targets, [("t".into(), Some("MK".into())), ("2".into(), Some("MV".into()))]);
        assert_eq!(first.others.schema().field(0).name(), "note");
        assert_eq!(blocks[1].entries[0].source, Source::Missing("expected 5 fields, found 2".into()));
    }

    #[test]
    fn missing_column_lists_the_nearest() {
        let message = open("drug_id,SMILES,target,seq\n1,C,t,M\n").unwrap_err().to_string();
        assert!(
            message
                .ends_with("p.csv: no column `sequence`; columns, nearest first: `seq`, `SMILES`, `drug_id`, `target`"),
            "{message}"
        );
    }
}
