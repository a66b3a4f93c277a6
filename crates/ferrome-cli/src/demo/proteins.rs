//! Proteins: who is alike.

use std::path::Path;

use anyhow::{Context, Result};
use arrow::{
    array::{AsArray, RecordBatch},
    datatypes::{Float32Type, Int64Type},
};
use clap::Parser;
use fs_err::File;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::likeness::nearest;
use crate::{protein::embed, tell};

const PROTEINS: &str = "data/demo/proteins.fasta";
const OUTPUT: &str = "demo-out/proteins.parquet";

/// Embeds the demo's proteins, and shows the first rows of the table and nearest neighbours.
pub(super) fn show(model: &str) -> Result<()> {
    let fasta = super::file(PROTEINS)?;
    let words = ["embed".as_ref(), fasta.as_os_str(), "-m".as_ref(), model.as_ref(), "-o".as_ref(), OUTPUT.as_ref()];
    embed::run(&embed::Args::try_parse_from(words.into_iter().chain(["--overwrite".as_ref()]))?)?;

    let rows = Row::read_all(Path::new(OUTPUT))?;
    tell::answer(format_args!("{}\n", first_rows(&rows, 5)))?;
    tell::answer(neighbours(&rows))?;
    Ok(())
}

/// A row of the table.
#[derive(Debug)]
struct Row {
    id: String,
    length: i64,
    embedding: Vec<f32>,
}

impl Row {
    fn read_all(path: &Path) -> Result<Vec<Self>> {
        let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path)?.into_file())?.build()?;
        let mut rows = Vec::new();
        for batch in reader {
            Self::read(&batch?, &mut rows).with_context(|| format!("{}: not a table of embeddings", path.display()))?;
        }
        Ok(rows)
    }

    // Rejected proteins have no vector, and are left out.
    fn read(batch: &RecordBatch, rows: &mut Vec<Self>) -> Option<()> {
        let ids = batch.column_by_name("id")?.as_string_opt::<i32>()?;
        let lengths = batch.column_by_name("length")?.as_primitive_opt::<Int64Type>()?;
        let vectors = batch.column_by_name("embedding")?.as_fixed_size_list_opt()?;
        for ((id, length), vector) in ids.iter().zip(lengths).zip(vectors.iter()) {
            let Some(vector) = vector else { continue };
            let embedding = vector.as_primitive_opt::<Float32Type>()?.values().to_vec();
            rows.push(Self { id: id?.to_owned(), length: length?, embedding });
        }
        Some(())
    }
}

fn first_rows(rows: &[Row], count: usize) -> String {
    let width = rows.first().map_or(0, |row| row.embedding.len());
    let mut lines = vec![
        format!("{OUTPUT}: {} proteins, {width} numbers each", rows.len()),
        String::new(),
        format!("{:<24}{:>6}  embedding", "id", "length"),
    ];
    for Row { id, length, embedding } in rows.iter().take(count) {
        let numbers: Vec<String> = embedding.iter().take(5).map(|number| format!("{number:>7.3}")).collect();
        lines.push(format!("{id:<24}{length:>6}  {} …", numbers.join(" ")));
    }
    if rows.len() > count {
        lines.push(format!("… and {} more", rows.len() - count));
    }
    lines.join("\n")
}

fn neighbours(rows: &[Row]) -> String {
    let vectors: Vec<&[f32]> = rows.iter().map(|row| row.embedding.as_slice()).collect();
    let mut lines = vec![format!("{:<24}{:<24}{:>6}", "protein", "nearest neighbour", "cosine")];
    for (row, found) in rows.iter().zip(nearest(&vectors)) {
        let Some((cosine, other)) = found.and_then(|(other, cosine)| Some((cosine, rows.get(other)?))) else {
            continue;
        };
        lines.push(format!("{:<24}{:<24}{cosine:>6.3}", row.id, other.id));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: &str, embedding: &[f32]) -> Row {
        Row { id: id.to_owned(), length: 7, embedding: embedding.to_vec() }
    }

    #[test]
    fn tables_are_aligned() {
        let rows = [row("a", &[1.0, 0.0]), row("b", &[0.0, 2.0]), row("c", &[1.0, 0.5])];
        let expected = "\
demo-out/proteins.parquet: 3 proteins, 2 numbers each

id                      length  embedding
a                            7    1.000   0.000 …
… and 2 more";
        assert_eq!(first_rows(&rows, 1), expected);
        let expected = "\
protein                 nearest neighbour       cosine
a                       c                        0.894
b                       c                        0.447
c                       a                        0.894";
        assert_eq!(neighbours(&rows), expected);
    }
}
