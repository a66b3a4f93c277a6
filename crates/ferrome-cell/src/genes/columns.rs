use std::borrow::Cow;

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;

use crate::cells::Genes;

/// Columns of `var` that hold names of genes, as tools call them; compared without case.
const KNOWN: [&str; 18] = [
    "ensembl_id",
    "ensembl_ids",
    "ensembl",
    "ensembl_gene_id",
    "gene_id",
    "gene_ids",
    "feature_id",
    "feature_name",
    "gene_name",
    "gene_names",
    "gene_symbol",
    "gene_symbols",
    "symbol",
    "symbols",
    "gene_short_name",
    "hgnc_symbol",
    "name",
    "gene",
];

/// A column of text, whatever way it is stored; `None` when it is no text.
#[must_use]
pub fn text(column: &ArrayRef) -> Option<StringArray> {
    let is_text = |kind: &DataType| matches!(kind, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
    let holds_text = match column.data_type() {
        DataType::Dictionary(_, values) => is_text(values),
        kind => is_text(kind),
    };
    let plain = if holds_text { cast(column, &DataType::Utf8).ok()? } else { return None };
    plain.as_string_opt::<i32>().cloned()
}

/// A column that may hold the names of genes.
pub(super) struct Candidate<'a> {
    /// How messages call it.
    pub(super) name: Cow<'a, str>,
    pub(super) names: Cow<'a, StringArray>,
}

/// The ids, the names, and the columns of `var` that hold names of genes by what they are called, in this order.
pub(super) fn candidates(genes: &Genes) -> Vec<Candidate<'_>> {
    let ids = Candidate { name: Cow::Borrowed("ids"), names: Cow::Borrowed(&genes.ids) };
    let names = genes.names.iter().map(|names| Candidate { name: "names".into(), names: Cow::Borrowed(names) });
    let known = genes.columns.schema_ref().fields().iter().zip(genes.columns.columns());
    let known = known.filter(|(field, _)| KNOWN.contains(&field.name().to_ascii_lowercase().as_str()));
    let known = known.filter_map(|(field, column)| {
        Some(Candidate { name: field.name().clone().into(), names: Cow::Owned(text(column)?) })
    });
    [ids].into_iter().chain(names).chain(known).collect()
}

/// All columns that may hold the names of genes, ids first, each with what messages call it.
pub(crate) fn name_columns(genes: &Genes) -> Vec<(Cow<'_, str>, Cow<'_, StringArray>)> {
    candidates(genes).into_iter().map(|candidate| (candidate.name, candidate.names)).collect()
}

/// The column that someone named; `None` when there is none of that name that holds text.
pub(super) fn named<'a>(genes: &'a Genes, name: &str) -> Option<Candidate<'a>> {
    if let Some(column) = genes.columns.column_by_name(name) {
        return Some(Candidate { name: name.to_owned().into(), names: Cow::Owned(text(column)?) });
    }
    candidates(genes).into_iter().find(|candidate| candidate.name == name)
}
