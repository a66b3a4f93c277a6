//! Cells: from tagged reads to counts, tokens, the genes that stand out in each cell, and a map of all cells.

use std::{collections::HashMap, path::Path};

use anyhow::{Context, Result};
use arrow::{
    array::{AsArray, RecordBatch},
    compute::cast,
    datatypes::{DataType, Float64Type, Int32Type, Int64Type},
};
use clap::Parser;
use ferrome_cell::vocabulary::Vocabulary;
use fs_err::File;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::{cell, tell};

const BAM: &str = "data/demo/cells.bam";
/// Whose cell each barcode is.
const TYPES: &str = "data/demo/cells.types.csv";
const MODEL: &str = "ferrome-geneformer-mini";
/// Empty droplets hold fewer molecules.
const MIN_UMIS: &str = "40";
const SHOWN: usize = 9;
const TOP_GENES: usize = 6;

/// Counts, converts and tokenizes the demo's reads, and shows the cells with their highest-ranked genes.
pub(super) fn show(output: &Path) -> Result<()> {
    let bam = super::file(BAM)?.display().to_string();
    let path = |name: &str| output.join(name).display().to_string();
    let (dataset, h5ad, vocabulary) = (path("cells"), path("cells.h5ad"), path("cells.vocabulary.json"));
    let tokens = path("cells.tokens.parquet");
    run(&["count", &bam, "-o", &dataset, "--min-umis-per-cell", MIN_UMIS, "--overwrite"])?;
    run(&["convert", &dataset, "-o", &h5ad, "--overwrite", "--quiet"])?;
    run(&["vocabulary", "build", &dataset, "--style", "geneformer-v1", "-o", &vocabulary, "--overwrite"])?;
    let style = ["--style", "geneformer-v1", "--vocabulary", &vocabulary, "--overwrite", "--quiet"];
    run(&[&["tokenize", &dataset, "-o", &tokens][..], &style].concat())?;

    let symbols = symbols(&output.join("cells/genes.parquet"), &Vocabulary::open(Path::new(&vocabulary))?)?;
    let counts = totals(&output.join("cells/cells/part-00000.parquet"))?;
    tell::answer(format_args!("{h5ad}: {} cells, {} genes; opens in scanpy\n", counts.len(), symbols.len()))?;
    tell::answer(ranked(&read(Path::new(&tokens))?, &counts, &symbols)?)?;
    draw(&h5ad, &path)
}

/// Embeds the cells and draws them as points, coloured by their type.
fn draw(h5ad: &str, path: &dyn Fn(&str) -> String) -> Result<()> {
    let (types, embeddings) = (super::file(TYPES)?.display().to_string(), path("cells.embeddings.parquet"));
    run(&["embed", h5ad, "-m", MODEL, "-o", &embeddings, "--overwrite", "--quiet"])?;
    tell::answer("")?;
    for method in ["pca", "umap"] {
        let picture = path(&format!("cells.{method}.svg"));
        let colour = ["--method", method, "--color", "type", "--labels", &types, "--overwrite", "--quiet"];
        run(&[&["map", &embeddings, "-o", &picture][..], &colour].concat())?;
        tell::answer(format_args!("{picture}: the cells as {MODEL} sees them, coloured by type"))?;
    }
    Ok(())
}

/// Runs a command of `ferrome cell`.
fn run(words: &[&str]) -> Result<()> {
    #[derive(Parser)]
    struct Words {
        #[command(subcommand)]
        command: cell::Command,
    }
    cell::run(Words::try_parse_from(["cell"].iter().chain(words))?.command)
}

fn read(path: &Path) -> Result<Vec<RecordBatch>> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path)?.into_file())?.build()?;
    Ok(reader.collect::<Result<_, _>>()?)
}

/// The symbol of each token.
fn symbols(genes: &Path, vocabulary: &Vocabulary) -> Result<HashMap<i32, String>> {
    let mut names = HashMap::new();
    for batch in read(genes)? {
        let column = |name: &str| batch.column_by_name(name).and_then(|column| column.as_string_opt::<i32>());
        let (ids, symbols) = column("gene_id").zip(column("gene_name")).context("the demo's genes have no names")?;
        names.extend(ids.iter().zip(symbols).filter_map(|(id, name)| Some((id?.to_owned(), name?.to_owned()))));
    }
    let symbol = |id: &str| names.get(id).map_or(id, String::as_str).to_owned();
    Ok(vocabulary.genes().iter().map(|gene| (gene.token, symbol(&gene.id))).collect())
}

/// Cell ids and numbers of molecules, in order.
fn totals(part: &Path) -> Result<Vec<(String, f64)>> {
    let mut cells = Vec::new();
    for batch in read(part)? {
        let ids = batch.column_by_name("cell_id").and_then(|column| column.as_string_opt::<i32>());
        let counts = batch.column_by_name("n_counts").and_then(|column| column.as_primitive_opt::<Float64Type>());
        let (ids, counts) = ids.zip(counts).context("the demo's dataset has no counts")?;
        cells.extend(ids.iter().zip(counts).filter_map(|(id, count)| Some((id?.to_owned(), count?))));
    }
    Ok(cells)
}

/// A table of cells with their first tokens, by symbol.
fn ranked(tokens: &[RecordBatch], counts: &[(String, f64)], symbols: &HashMap<i32, String>) -> Result<String> {
    let mut lines = vec![format!("{:<20}{:>10}{:>7}  genes, by rank", "cell", "molecules", "genes")];
    let mut cells = counts.iter();
    for batch in tokens {
        let lengths = batch.column_by_name("length").and_then(|column| column.as_primitive_opt::<Int64Type>());
        let ids = batch.column_by_name("input_ids").and_then(|column| column.as_list_opt::<i32>());
        let (lengths, ids) = lengths.zip(ids).context("the demo's tokens have no input_ids")?;
        for ((length, row), (cell, count)) in lengths.iter().zip(ids.iter()).zip(&mut cells) {
            let row = cast(&row.context("a cell of the demo has no tokens")?, &DataType::Int32)?;
            let top = row.as_primitive::<Int32Type>().values().iter().take(TOP_GENES);
            let top: Vec<&str> = top.filter_map(|token| symbols.get(token)).map(String::as_str).collect();
            let length = length.unwrap_or_default();
            lines.push(format!("{cell:<20}{count:>10}{length:>7}  {}", top.join(" ")));
        }
    }
    let more = lines.len().saturating_sub(SHOWN + 1);
    lines.truncate(SHOWN + 1);
    lines.push(format!("… and {more} more"));
    Ok(lines.join("\n"))
}
