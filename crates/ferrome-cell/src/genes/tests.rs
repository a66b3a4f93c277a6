use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, RecordBatch, StringArray};

use super::*;
use crate::cells::{Cells, Genes, Values, no_columns};
use crate::tokenize::Style;
use crate::vocabulary::{Gene, Parts, Vocabulary};

const A: &str = "ENSG00000000001";
const B: &str = "ENSG00000000002";

fn vocabulary() -> Vocabulary {
    let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    let gene = |(id, token): (&str, i32)| Gene { id: id.into(), token, median: Some(1.0) };
    let parts = Parts {
        style: Style::GeneformerV1,
        specials: vec![],
        genes: [(A, 2), (B, 3)].map(gene).to_vec(),
        symbols: vec![pair("ENSA", A), pair("TP53", B), pair("XIST", "ENSG00000229807")],
        former_ids: vec![pair("ENSG00000000099", B)],
        sources: vec![],
    };
    Vocabulary::new(parts).unwrap()
}

fn matching(names: &[&str], options: &Options) -> Matching {
    Matching::new(&Genes::from_ids(StringArray::from(names.to_vec())), &vocabulary(), options).unwrap()
}

#[test]
fn every_way_to_a_gene() {
    let names = ["ENSG00000000001.12", "TP53", "ENSG00000000099.1", "XIST", "nope", "tp53", "ENSA"];
    let found = matching(&names, &Options::default());
    assert_eq!(found.targets, [Some(0), Some(1), Some(1), None, None, None, Some(0)]);
    assert_eq!(
        found.statistics.to_string(),
        "genes: 4 of 7 columns (57.1 %) are genes of the vocabulary, 100.0 % of it; column `ids`: 1 as they are, 2 by \
         symbol, 1 by a former id; 4 columns are summed into 2 genes; 1 known genes are not in the vocabulary; 2 unknown, \
         such as `nope`, `tp53`"
    );
}

#[test]
fn kind_decides_which_names_are_taken() {
    let names = [A, "TP53", "ENSA"];
    let targets = |kind| matching(&names, &Options { kind, ..Options::default() }).targets;
    assert_eq!(targets(NameKind::Ensembl), [Some(0), None, None]);
    assert_eq!(targets(NameKind::Symbol), [None, Some(1), Some(0)]);
}

#[test]
fn column_that_matches_best_is_taken() {
    let mut genes = Genes::from_ids(StringArray::from(vec!["g1", "g2"]));
    let text: ArrayRef = Arc::new(StringArray::from(vec![A, B]));
    let number: ArrayRef = Arc::new(Int32Array::from(vec![1, 2]));
    genes.columns =
        RecordBatch::try_from_iter([("feature_id", text.clone()), ("highly_variable", number), ("mine", text)])
            .unwrap();
    let found = Matching::new(&genes, &vocabulary(), &Options::default()).unwrap();
    assert_eq!((found.statistics.column.as_str(), found.targets), ("feature_id", vec![Some(0), Some(1)]));
    let asked = |column: &str| {
        let options = Options { column: Some(column.to_owned()), ..Options::default() };
        Matching::new(&genes, &vocabulary(), &options).map(|found| found.statistics.genes)
    };
    assert_eq!(asked("mine").unwrap(), 2);
    assert_eq!(asked("ids").unwrap(), 0);
    assert_eq!(
        asked("highly_variable").unwrap_err().to_string(),
        "there is no var column of text called `highly_variable`; there are `ids`, `feature_id`, `highly_variable`, `mine`"
    );
}

#[test]
fn map_is_read_in_both_directions_and_comes_first() {
    let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    let map: GeneMap =
        [pair("AT1", A), pair(B, "at2"), pair("TP53", A), pair("at2", A), pair("x", "y")].into_iter().collect();
    let options = Options { map: Some(map), ..Options::default() };
    let found = matching(&["AT1", "at2", "TP53", "x"], &options);
    assert_eq!(found.targets, [Some(0), Some(1), Some(0), None]);
    assert_eq!((found.statistics.by_map, found.statistics.ambiguous), (3, 1));
}

#[test]
fn too_few_genes_lists_the_most_frequent_names() {
    let names = ["n0", "n1", "n2", "n3", A];
    let found = matching(&names, &Options { min_matched: 0.8, ..Options::default() });
    let block = Cells {
        first: 0,
        ids: StringArray::from(vec!["c"]),
        obs: no_columns(1),
        starts: vec![0, 4],
        genes: vec![0, 2, 3, 4],
        values: Values::Counts(vec![1, 9, 5, 100]),
        rejected: Vec::new(),
        rounded: 0,
    };
    assert_eq!(
        found.check(Some(&block)).unwrap_err().to_string(),
        "only 1 of 5 genes are in the vocabulary of 2 (50.0 %, expected 80.0 % or more: --min-matched), looked up by \
         `ids`; most frequent unmatched: `n2`, `n3`, `n0`, `n1`; see --genes, --gene-column and --gene-map"
    );
    assert_eq!(found.most_frequent(None, 2), ["n0", "n1"]);
}

#[test]
fn share_is_that_of_the_smaller_side() {
    // A small panel of which everything matches, and a large matrix that has the whole vocabulary.
    matching(&[A], &Options { min_matched: 1.0, ..Options::default() }).check(None).unwrap();
    let many: Vec<String> = (0..50).map(|i| format!("n{i}")).collect();
    let names: Vec<&str> = many.iter().map(String::as_str).chain([A, B]).collect();
    matching(&names, &Options { min_matched: 1.0, ..Options::default() }).check(None).unwrap();
}
