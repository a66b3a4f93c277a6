use std::path::PathBuf;

use arrow::array::StringArray;
use arrow::datatypes::Schema;

use super::*;
use crate::cells::{Cells, Genes, ValueKind, Values, no_columns};
use crate::genes::Options as GeneOptions;
use crate::read::{self, Header, ReadOptions};
use crate::tokenize::geneformer::{self, Geneformer};
use crate::tokenize::scgpt::{self, ScGpt};
use crate::tokenize::totals::Totals as CellTotals;
use crate::tokenize::{Style, Tokenizer};
use crate::vocabulary::{Gene, Parts};

/// A file of the shared cells, or `None` (said on stderr) where it is not at hand; CI must have it.
pub(super) fn shared(name: &str) -> Option<PathBuf> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/cells").join(name);
    if path.exists() {
        return Some(path);
    }
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{} is missing", path.display());
    eprintln!("skipped: {} is missing", path.display());
    None
}

/// The text of a shared gzip file.
pub(super) fn shared_text(name: &str) -> Option<String> {
    let bytes = fs_err::read(shared(name)?).unwrap();
    let mut text = String::new();
    std::io::Read::read_to_string(&mut flate2::read::MultiGzDecoder::new(bytes.as_slice()), &mut text).unwrap();
    Some(text)
}

/// Blocks at hand.
struct Blocks {
    header: Header,
    blocks: std::vec::IntoIter<Cells>,
}

impl CellReader for Blocks {
    fn header(&self) -> &Header {
        &self.header
    }

    fn next_cells(&mut self, _: usize) -> Result<Option<Cells>> {
        Ok(self.blocks.next())
    }
}

fn block(first: u64, ids: &[&str], rows: &[&[(u32, i32)]], rejected: Vec<(usize, String)>) -> Cells {
    let mut starts = vec![0];
    starts.extend(rows.iter().scan(0, |end, row| {
        *end += row.len();
        Some(*end)
    }));
    Cells {
        first,
        ids: StringArray::from(ids.to_vec()),
        obs: no_columns(ids.len()),
        starts,
        genes: rows.iter().flat_map(|row| row.iter().map(|entry| entry.0)).collect(),
        values: Values::Counts(rows.iter().flat_map(|row| row.iter().map(|entry| entry.1)).collect()),
        rejected,
        rounded: 1,
    }
}

fn reader(genes: &[&str], blocks: Vec<Cells>) -> Blocks {
    let header = Header {
        genes: Genes::from_ids(StringArray::from(genes.to_vec())),
        cells: None,
        nonzeros: None,
        obs: Schema::empty().into(),
        layer: "X".to_owned(),
        kind: ValueKind::Counts,
        format: "test",
    };
    Blocks { header, blocks: blocks.into_iter() }
}

fn small() -> Blocks {
    let reason = || "count -1 of gene `b`".to_owned();
    let first = block(0, &["c1", "<c2>"], &[&[(0, 3), (1, 1)], &[]], vec![(1, reason())]);
    let second = block(2, &["c3", "c4"], &[&[(1, 4), (2, 4)], &[]], Vec::new());
    reader(&["MT-ND1", "B", "C"], vec![first, second])
}

fn vocabulary(style: Style, names: &[&str]) -> Vocabulary {
    let gene = |(i, id): (usize, &&str)| Gene { id: (*id).to_owned(), token: i as i32 + 9, median: Some(1.0) };
    let special = |(i, name): (usize, &&str)| ((*name).to_owned(), i as i32);
    Vocabulary::new(Parts {
        style,
        specials: ["<pad>", "<mask>", "<cls>", "<eos>"].iter().enumerate().map(special).collect(),
        genes: names.iter().enumerate().map(gene).collect(),
        symbols: Vec::new(),
        former_ids: Vec::new(),
        sources: Vec::new(),
    })
    .unwrap()
}

#[test]
fn every_number_of_a_small_matrix() {
    let vocabulary = vocabulary(Style::GeneformerV2, &["B", "D", "C"]);
    let mut reader = small();
    let matching = Matching::new(&reader.header().genes, &vocabulary, &GeneOptions::default()).unwrap();
    let options = Options { max_length: Some(3), quiet: true, ..Options::default() };
    let report = survey(&mut reader, Some((&vocabulary, &matching)), &options).unwrap();
    let numbers = report.numbers();
    for (key, expected) in [
        ("cells", 4.into()),
        ("genes", 3.into()),
        ("entries", 4.into()),
        ("rejected", 1.into()),
        ("rounded", 2.into()),
        ("empty_cells", 1.into()),
        ("genes_in_1_cell", 3.into()),
        ("genes_in_3_cells", 0.into()),
        ("rejected_first", serde_json::json!([{"cell": "<c2>", "reason": "count -1 of gene `b`"}])),
    ] {
        assert_eq!(numbers[key], expected, "{key}");
    }
    assert_eq!(numbers["counts_per_cell"]["quantiles"]["0.5"], 4.0);
    assert_eq!(numbers["counts_per_cell"]["mean"], 4.0);
    assert_eq!(numbers["genes_per_cell"]["quantiles"]["1"], 2.0);
    assert_eq!(numbers["mitochondrial_share"]["quantiles"]["1"], 0.75);
    assert_eq!(numbers["mitochondrial_share"]["mean"], 0.375);
    // c1: B; c3: B and C, of which one fits between <cls> and <eos>; c4: nothing.
    assert_eq!(numbers["token_length"]["mean"], 2.0);
    assert_eq!(numbers["vocabulary"]["cells_truncated"], 1);
    assert_eq!(numbers["vocabulary"]["cells_without_known_gene"], 0);
    assert_eq!(numbers["vocabulary"]["columns_matched"], 2);
    let top: Vec<(&str, f64)> = report.top.iter().map(|gene| (gene.id.as_str(), gene.mean_share)).collect();
    assert_eq!(top, [("MT-ND1", 0.375), ("B", 0.375), ("C", 0.25)]);
}

#[test]
fn vocabulary_of_other_genes_is_refused() {
    let vocabulary = vocabulary(Style::GeneformerV1, &["D", "E", "F"]);
    let mut reader = small();
    let matching = Matching::new(&reader.header().genes, &vocabulary, &GeneOptions::default()).unwrap();
    let options = Options { quiet: true, ..Options::default() };
    let error = survey(&mut reader, Some((&vocabulary, &matching)), &options).unwrap_err().to_string();
    assert!(error.starts_with("only 0 of 3 genes are in the vocabulary of 3 (0.0 %"), "{error}");
}

#[test]
fn page_is_whole_and_loads_nothing() {
    let report = survey(&mut small(), None, &Options { quiet: true, ..Options::default() }).unwrap();
    let page = report.page("a <b> & c").unwrap();
    assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>\n"));
    assert!(page.contains("<h1>a &lt;b&gt; &amp; c</h1>") && page.contains("&lt;c2&gt;") && !page.contains("<c2>"));
    assert!(page.contains("1 of 4 cells were rejected") && page.contains("Without --vocabulary"));
    assert_eq!(page.matches("<figure ").count(), 5);
    for loads in ["src=", "url(", "@import", "<link", "href="] {
        assert!(!page.contains(loads), "{loads}");
    }
}

#[test]
fn matrix_without_mitochondrial_genes_says_so() {
    let cells = block(0, &["c"], &[&[(0, 3)]], Vec::new());
    let report =
        survey(&mut reader(&["A"], vec![cells]), None, &Options { quiet: true, ..Options::default() }).unwrap();
    assert_eq!(
        report.line(),
        "1 cells x 1 genes, median 3 counts and 1 genes per cell, no mitochondrial gene recognised"
    );
    assert!(report.page("x").unwrap().contains("No mitochondrial gene was recognised"));
    assert!(report.numbers()["mitochondrial_share"].is_null());
}

#[test]
fn matrix_without_cells_has_a_page() {
    let report = survey(&mut reader(&["A"], Vec::new()), None, &Options { quiet: true, ..Options::default() }).unwrap();
    let page = report.page("x").unwrap();
    assert!(page.contains("There is no cell in this input") && !page.contains("NaN"));
}

#[test]
fn strict_stops_at_the_first_rejected_cell() {
    let options = Options { quiet: true, strict: true, ..Options::default() };
    let error = survey(&mut small(), None, &options).unwrap_err().to_string();
    assert!(error.contains("<c2>") && error.contains("count -1 of gene `b`"), "{error}");
}

#[test]
fn interrupted_survey_stops() {
    let options = Options { quiet: true, ..Options::default() };
    options.interrupt.raise();
    let error = survey(&mut small(), None, &options).unwrap_err().to_string();
    assert!(error.contains("no report is written; run the same command again"), "{error}");
}

#[test]
fn lengths_are_those_of_the_tokenizers() {
    let Some(path) = shared("derived_celltypist_ensembl/human559_ensembl_csr.h5ad") else { return };
    let open = || read::open(&path, &ReadOptions::default()).unwrap();
    let genes = open().header().genes.clone();
    let names: Vec<&str> = genes.ids.iter().flatten().step_by(2).collect();
    for style in [Style::GeneformerV1, Style::GeneformerV2, Style::ScGpt] {
        let vocabulary = vocabulary(style, &names);
        let matching = Matching::new(&genes, &vocabulary, &GeneOptions::default()).unwrap();
        let tokenizer: Box<dyn Tokenizer> = match style {
            Style::ScGpt => {
                Box::new(ScGpt::new(&vocabulary, &matching, scgpt::Options::of(scgpt::Path::ZeroShot)).unwrap())
            }
            _ => {
                let options =
                    geneformer::Options { totals: CellTotals::Sum, keep_uncropped: false, keep_counts: false };
                Box::new(Geneformer::new(&vocabulary, &matching, options).unwrap())
            }
        };
        let lengths = TokenLengths::new(&vocabulary, &matching, None);
        let cells = open().next_cells(usize::MAX).unwrap().unwrap();
        let tokens = tokenizer.tokenize(&cells).unwrap();
        let expected = tokens.columns[1].as_any().downcast_ref::<arrow::array::Int64Array>().unwrap();
        let mut scratch = crate::tokenize::slots::Row::default();
        let got: Vec<i64> = (0..cells.len()).map(|row| lengths.of(&cells, row, &mut scratch).tokens as i64).collect();
        assert_eq!(got, expected.values().to_vec(), "{style}");
    }
}
