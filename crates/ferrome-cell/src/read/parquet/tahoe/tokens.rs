//! Which gene a token number stands for.

use std::path::{Path, PathBuf};

use arrow::array::{Array, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use parquet::file::statistics::Statistics;

use super::{GENES, TokenGenes, by_token, list};
use crate::read::parquet::files::{self, Files};
use crate::read::parquet::names::texts;
use crate::{Error, Result};

/// The columns of `gene_metadata.parquet`.
const TOKEN: &str = "token_id";
const ENSEMBL: &str = "ensembl_id";
const SYMBOL: &str = "gene_symbol";

/// More tokens than any vocabulary of genes has.
const MOST_TOKENS: i64 = 10_000_000;

/// `gene_metadata.parquet` in the file's folder, in the one above, or in `metadata/` of either.
pub(super) fn beside(file: &Path) -> Option<PathBuf> {
    let folder = file.parent()?;
    let folders = [folder.to_owned(), folder.join("metadata"), folder.join(".."), folder.join("../metadata")];
    folders.iter().map(|folder| folder.join("gene_metadata.parquet")).find(|path| path.is_file())
}

/// Reads a table of tokens.
pub(super) fn read(path: &Path) -> Result<TokenGenes> {
    let mut rows = Vec::new();
    let schema = files::open(path)?.schema().clone();
    if let Some(missing) = [TOKEN, ENSEMBL, SYMBOL].iter().find(|name| schema.index_of(name).is_err()) {
        let found = files::show(&schema);
        return Err(Error::file(path, format!("is no table of tokens: it has no column `{missing}`; found {found}")));
    }
    let columns = [TOKEN, ENSEMBL, SYMBOL].map(str::to_owned).to_vec();
    let mut files = Files::new(&[path.to_owned()], Some(columns), 8192);
    while let Some(batch) = files.next()? {
        let tokens = cast(batch.column(TOKEN)?, &DataType::Int64)?;
        let tokens = tokens.as_primitive::<Int64Type>();
        let (ids, names) = (texts(batch.column(ENSEMBL)?)?, texts(batch.column(SYMBOL)?)?);
        for (row, token) in tokens.iter().enumerate() {
            let token = token.ok_or_else(|| batch.trouble(row, format!("`{TOKEN}` is null")))?;
            let name = names.is_valid(row).then(|| names.value(row).to_owned());
            let id = ids.is_valid(row).then(|| ids.value(row).to_owned());
            let id = id.filter(|id| !id.is_empty()).or_else(|| name.clone()).unwrap_or_else(|| token.to_string());
            rows.push((token, id, name));
        }
    }
    Ok(by_token(rows))
}

/// One gene for each number from 0 to the highest token, called by its number.
pub(super) fn numbers(paths: &[PathBuf]) -> Result<TokenGenes> {
    let mut highest = -1;
    for path in paths {
        highest = highest.max(match from_statistics(path)? {
            Some(token) => token,
            None => from_rows(path)?,
        });
        if highest > MOST_TOKENS {
            return Err(Error::file(path, format!("`{GENES}` holds {highest}, which is no token of a gene")));
        }
    }
    Ok(by_token((0..=highest).map(|token| (token, token.to_string(), None)).collect()))
}

fn from_statistics(path: &Path) -> Result<Option<i64>> {
    let builder = files::open(path)?;
    let mut highest = -1;
    for group in builder.metadata().row_groups() {
        let column = group
            .columns()
            .iter()
            .find(|column| column.column_path().parts().first().is_some_and(|name| name == GENES));
        let largest = match column.and_then(|column| column.statistics()) {
            Some(Statistics::Int64(numbers)) => numbers.max_opt().copied(),
            Some(Statistics::Int32(numbers)) => numbers.max_opt().copied().map(i64::from),
            _ => None,
        };
        let Some(largest) = largest else { return Ok(None) };
        highest = highest.max(largest);
    }
    Ok(Some(highest))
}

fn from_rows(path: &Path) -> Result<i64> {
    let mut files = Files::new(&[path.to_owned()], Some(vec![GENES.to_owned()]), 4096);
    let mut highest = -1;
    while let Some(batch) = files.next()? {
        let lists = list(&batch, GENES, &DataType::Int64)?;
        let tokens = lists.values().as_primitive::<Int64Type>();
        highest = highest.max(arrow::compute::max(tokens).unwrap_or(-1));
    }
    Ok(highest)
}
