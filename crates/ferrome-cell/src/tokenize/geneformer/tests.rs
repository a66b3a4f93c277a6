use arrow::array::{AsArray, StringArray};
use arrow::datatypes::{DataType, Float64Type, Int16Type, Int64Type};

use super::*;
use crate::cells::{Genes, Values, no_columns};
use crate::genes;
use crate::vocabulary::{Gene, Parts};

/// Genes `A` to `E` with tokens from 4 and medians 1, 2, 4, 8, 16.
fn vocabulary(style: Style) -> Vocabulary {
    let gene = |(id, token): (&str, i32)| Gene { id: id.into(), token, median: Some(f64::from(1 << (token - 4))) };
    let genes = ["A", "B", "C", "D", "E"].into_iter().zip(4..).map(gene).collect();
    let specials = ["<pad>", "<mask>", "<cls>", "<eos>"].map(str::to_owned).into_iter().zip(0..).collect();
    let (symbols, former_ids, sources) = (Vec::new(), Vec::new(), Vec::new());
    Vocabulary::new(Parts { style, specials, genes, symbols, former_ids, sources }).unwrap()
}

fn cells(rows: &[&[(u32, i32)]]) -> Cells {
    let starts = rows.iter().scan(0, |at, row| {
        *at += row.len();
        Some(*at)
    });
    Cells {
        first: 0,
        ids: (0..rows.len()).map(|row| Some(row.to_string())).collect(),
        obs: no_columns(rows.len()),
        starts: [0].into_iter().chain(starts).collect(),
        genes: rows.iter().flat_map(|row| row.iter().map(|entry| entry.0)).collect(),
        values: Values::Counts(rows.iter().flat_map(|row| row.iter().map(|entry| entry.1)).collect()),
        rejected: Vec::new(),
        rounded: 0,
    }
}

fn geneformer(style: Style, names: &[&str], change: fn(&mut Options)) -> Geneformer {
    let vocabulary = vocabulary(style);
    let genes = Genes::from_ids(StringArray::from(names.to_vec()));
    let matching = Matching::new(&genes, &vocabulary, &genes::Options::default()).unwrap();
    let mut options = Options { totals: Totals::Sum, keep_uncropped: false, keep_counts: false };
    change(&mut options);
    Geneformer::new(&vocabulary, &matching, options).unwrap()
}

fn lists(tokens: &Tokens, column: usize) -> Vec<Vec<i32>> {
    let list = tokens.columns[column].as_list::<i32>();
    list.iter().map(|row| row.unwrap().as_primitive::<Int16Type>().iter().flatten().map(i32::from).collect()).collect()
}

#[test]
fn genes_are_ranked_by_expression_over_median() {
    let geneformer = geneformer(Style::GeneformerV1, &["A", "X", "B", "C"], |_| ());
    // A 3/1, B 8/2, C 8/4; X is in no vocabulary but in the total.
    let block = cells(&[&[(0, 3), (1, 9), (2, 8), (3, 8)], &[(1, 5)], &[]]);
    let tokens = geneformer.tokenize(&block).unwrap();
    assert_eq!(lists(&tokens, 0), [vec![5, 4, 6], vec![], vec![]]);
    assert_eq!(tokens.columns[1].as_primitive::<Int64Type>().values(), &[3, 0, 0]);
    assert_eq!((tokens.tokens, tokens.rejected.len()), (3, 0));
}

#[test]
fn second_version_frames_cells_that_have_genes() {
    let geneformer = geneformer(Style::GeneformerV2, &["A", "B"], |options| options.keep_counts = true);
    let tokens = geneformer.tokenize(&cells(&[&[(0, 1), (1, 3)], &[]])).unwrap();
    assert_eq!(lists(&tokens, 0), [vec![2, 5, 4, 3], vec![]]);
    let counts = tokens.columns[2].as_list::<i32>().value(0);
    assert_eq!(counts.as_primitive::<Float64Type>().values(), &[0.0, 7500.0, 2500.0, 0.0]);
}

#[test]
fn ties_keep_the_order_of_the_columns_with_summed_genes_behind() {
    // All are 1 relative to their median once the two columns of `A` are summed.
    let geneformer = geneformer(Style::GeneformerV1, &["A", "C", "B", "A"], |_| ());
    let tokens = geneformer.tokenize(&cells(&[&[(0, 1), (1, 8), (2, 4), (3, 1)], &[(0, 3)]])).unwrap();
    assert_eq!(lists(&tokens, 0), [vec![6, 5, 4], vec![4]]);
}

#[test]
fn long_cells_are_cut_and_kept_uncropped_on_demand() {
    let count = 5000_i32;
    let gene = |token: i32| Gene { id: format!("g{token}"), token, median: Some(1.0) };
    let specials = ["<pad>", "<mask>", "<cls>", "<eos>"].map(str::to_owned).into_iter().zip(0..).collect();
    let genes: Vec<Gene> = (4..4 + count).map(gene).collect();
    let names: StringArray = genes.iter().map(|gene| Some(gene.id.as_str())).collect();
    let parts =
        Parts { style: Style::GeneformerV2, specials, genes, symbols: vec![], former_ids: vec![], sources: vec![] };
    let vocabulary = Vocabulary::new(parts).unwrap();
    let matching = Matching::new(&Genes::from_ids(names), &vocabulary, &genes::Options::default()).unwrap();
    let row: Vec<(u32, i32)> = (0..count).map(|gene| (gene as u32, count - gene)).collect();
    for keep_uncropped in [false, true] {
        let options = Options { totals: Totals::Sum, keep_uncropped, keep_counts: false };
        let geneformer = Geneformer::new(&vocabulary, &matching, options).unwrap();
        let tokens = geneformer.tokenize(&cells(&[&row])).unwrap();
        let expected: Vec<i32> = [2].into_iter().chain(4..4 + 4094).chain([3]).collect();
        assert_eq!(lists(&tokens, 0), [expected]);
        assert_eq!(tokens.columns.len(), if keep_uncropped { 4 } else { 2 });
        if keep_uncropped {
            assert_eq!(lists(&tokens, 2), [(4..4 + count).collect::<Vec<_>>()]);
        }
    }
}

#[test]
fn cell_whose_total_cannot_be_divided_by_is_rejected() {
    let geneformer = geneformer(Style::GeneformerV1, &["A", "X"], |options| {
        options.totals = Totals::Column("n_counts".into());
    });
    let mut block = cells(&[&[(0, 3)], &[(0, 3)], &[(1, 2)]]);
    let totals: arrow::array::ArrayRef = std::sync::Arc::new(arrow::array::Float64Array::from(vec![3.0, 0.0, 0.0]));
    block.obs = arrow::array::RecordBatch::try_from_iter([("n_counts", totals)]).unwrap();
    let tokens = geneformer.tokenize(&block).unwrap();
    assert_eq!(tokens.rejected, [(1, "n_counts is 0, expected a positive number".to_owned())]);
    assert_eq!(lists(&tokens, 0), [vec![4], vec![], vec![]]);
}

#[test]
fn columns_are_those_that_were_promised() {
    let geneformer = geneformer(Style::GeneformerV2, &["A"], |options| {
        options.keep_counts = true;
        options.keep_uncropped = true;
    });
    let tokens = geneformer.tokenize(&cells(&[&[(0, 1)]])).unwrap();
    let kinds: Vec<_> = tokens.columns.iter().map(|column| column.data_type().clone()).collect();
    assert_eq!(geneformer.fields().iter().map(|field| field.data_type().clone()).collect::<Vec<_>>(), kinds);
}

#[test]
fn vocabulary_without_medians() {
    let mut parts = Parts {
        style: Style::GeneformerV1,
        specials: vec![],
        genes: vec![Gene { id: "A".into(), token: 2, median: None }],
        symbols: vec![],
        former_ids: vec![],
        sources: vec![],
    };
    let refused = |parts: &Parts| {
        let vocabulary = Vocabulary::new(parts.clone()).unwrap();
        let genes = Genes::from_ids(StringArray::from(vec!["A"]));
        let matching = Matching::new(&genes, &vocabulary, &genes::Options::default()).unwrap();
        let options = Options { totals: Totals::Sum, keep_uncropped: false, keep_counts: false };
        Geneformer::new(&vocabulary, &matching, options).unwrap_err().to_string()
    };
    assert_eq!(refused(&parts), "the vocabulary is of the style geneformer-v1 and lacks medians");
    parts.style = Style::GeneformerV2;
    assert_eq!(refused(&parts), "the vocabulary is of the style geneformer-v2 and lacks the token `<cls>`");
}

#[test]
fn tokens_take_as_many_bits_as_the_vocabulary_needs() {
    let item = |highest| {
        let vocabulary = vocabulary(Style::GeneformerV1);
        let genes = vocabulary.genes().iter().cloned().map(|gene| match gene.token {
            8 => Gene { token: highest, ..gene },
            _ => gene,
        });
        let (specials, symbols) = (vec![("<pad>".to_owned(), 0), ("<mask>".to_owned(), 1)], Vec::new());
        let (former_ids, sources, genes) = (Vec::new(), Vec::new(), genes.collect());
        let style = Style::GeneformerV1;
        let wide = Vocabulary::new(Parts { style, specials, genes, symbols, former_ids, sources }).unwrap();
        // The matrix has none of the high tokens.
        let columns = Genes::from_ids(StringArray::from(vec!["A", "B"]));
        let matching = Matching::new(&columns, &wide, &genes::Options::default()).unwrap();
        let options = Options { totals: Totals::Sum, keep_uncropped: false, keep_counts: false };
        let geneformer = Geneformer::new(&wide, &matching, options).unwrap();
        let tokens = geneformer.tokenize(&cells(&[&[(0, 1), (1, 3)]])).unwrap();
        assert_eq!(tokens.columns[0].data_type(), geneformer.fields()[0].data_type());
        tokens.columns[0].as_list::<i32>().value_type()
    };
    assert_eq!([item(32_767), item(32_768)], [DataType::Int16, DataType::Int32]);
}
