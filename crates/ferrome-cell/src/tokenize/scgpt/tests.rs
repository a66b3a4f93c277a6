use arrow::array::{AsArray, StringArray};
use arrow::datatypes::{Float32Type, Int32Type, Int64Type};

use super::*;
use crate::cells::{Genes, Values, no_columns};
use crate::genes;
use crate::normalize::Normalization;
use crate::tokenize::binning::{Binning, Draw};
use crate::vocabulary::{Gene, Parts};

/// Genes `G0` to `G99` with tokens 0 to 99, then `<pad>`, `<cls>`, `<eoc>`.
pub(super) fn vocabulary() -> Vocabulary {
    let genes = (0..100).map(|token| Gene { id: format!("G{token}"), token, median: None }).collect();
    let specials = ["<pad>", "<cls>", "<eoc>"].map(str::to_owned).into_iter().zip(100..).collect();
    let (symbols, former_ids, sources) = (Vec::new(), Vec::new(), Vec::new());
    Vocabulary::new(Parts { style: Style::ScGpt, specials, genes, symbols, former_ids, sources }).unwrap()
}

/// One cell for each row; each row holds columns and counts.
pub(super) fn cells(rows: &[Vec<(u32, i32)>]) -> Cells {
    let ends = rows.iter().scan(0, |end, row| {
        *end += row.len();
        Some(*end)
    });
    Cells {
        first: 0,
        ids: (0..rows.len()).map(|row| Some(row.to_string())).collect(),
        obs: no_columns(rows.len()),
        starts: [0].into_iter().chain(ends).collect(),
        genes: rows.iter().flatten().map(|entry| entry.0).collect(),
        values: Values::Counts(rows.iter().flatten().map(|entry| entry.1).collect()),
        rejected: Vec::new(),
        rounded: 0,
    }
}

/// A tokenizer for the columns `G0` to `G99`, or those named.
pub(super) fn scgpt(names: Option<&[&str]>, options: Options) -> ScGpt {
    let vocabulary = vocabulary();
    let all = || (0..100).map(|gene| Some(format!("G{gene}"))).collect::<StringArray>();
    let ids = names.map_or_else(all, |names| StringArray::from(names.to_vec()));
    let matching = Matching::new(&Genes::from_ids(ids), &vocabulary, &genes::Options::default()).unwrap();
    ScGpt::new(&vocabulary, &matching, options).unwrap()
}

/// Tokens and values of each cell.
fn rows(tokens: &Tokens) -> Vec<(Vec<i32>, Vec<f32>)> {
    let (ids, values) = (tokens.columns[0].as_list::<i32>(), tokens.columns[2].as_list::<i32>());
    let ids = ids.iter().map(|row| row.unwrap().as_primitive::<Int32Type>().values().to_vec());
    let values = values.iter().map(|row| row.unwrap().as_primitive::<Float32Type>().values().to_vec());
    ids.zip(values).collect()
}

fn encode(scgpt: &ScGpt, cell: &[(u32, i32)]) -> (Vec<i32>, Vec<f32>) {
    rows(&scgpt.tokenize(&cells(&[cell.to_vec()])).unwrap()).remove(0)
}

fn zero_shot(change: impl FnOnce(&mut Options)) -> Options {
    let mut options = Options::of(Path::ZeroShot);
    change(&mut options);
    options
}

fn bins(bins: u16, draw: Draw) -> Option<Binning> {
    Some(Binning { bins, draw })
}

/// A cell of 100 genes with many equal counts.
fn large() -> Vec<(u32, i32)> {
    (0..100).map(|gene| (gene, 1 + (gene as i32 * 7) % 5 * i32::from(gene % 3 == 0))).collect()
}

#[test]
fn genes_of_the_vocabulary_follow_cls() {
    let scgpt =
        scgpt(Some(&["G7", "unknown", "G3", "G9", "G1"]), zero_shot(|options| options.binning = bins(5, Draw::Middle)));
    let block = cells(&[vec![(0, 4), (1, 50), (2, 1), (3, 2), (4, 3)], vec![(1, 5)], vec![]]);
    let tokens = scgpt.tokenize(&block).unwrap();
    // The edges are 1, 2, 3, 4.
    let first = (vec![101, 7, 3, 9, 1], vec![-2.0, 4.0, 1.0, 2.0, 3.0]);
    assert_eq!(rows(&tokens), [first, (vec![], vec![]), (vec![], vec![])]);
    assert_eq!(tokens.columns[1].as_primitive::<Int64Type>().values(), &[5, 0, 0]);
    assert_eq!(tokens.tokens, 5);
}

#[test]
fn columns_of_one_gene_are_summed() {
    let scgpt = scgpt(Some(&["G7", "G3", "G7"]), zero_shot(|options| options.binning = None));
    assert_eq!(encode(&scgpt, &[(0, 4), (1, 1), (2, 2)]), (vec![101, 3, 7], vec![-2.0, 1.0, 6.0]));
}

#[test]
fn equal_counts_get_the_middle_bin() {
    let scgpt = scgpt(None, Options::of(Path::ZeroShot));
    // Forty of the fifty edges are 1: bins 1 to 40.
    let cell: Vec<(u32, i32)> = (0..100).map(|gene| (gene, if gene < 80 { 1 } else { 2 + gene as i32 })).collect();
    let (_, values) = encode(&scgpt, &cell);
    assert_eq!((values[1], values[80], values[100]), (20.0, 20.0, 50.0));
}

#[test]
fn sampled_bins_are_uniform_over_the_choice() {
    // 80 of 100 genes have one molecule, whose bins are 1 to 40, each of them with the same chance.
    let cell: Vec<(u32, i32)> = (0..100).map(|gene| (gene, if gene < 80 { 1 } else { 2 + gene as i32 })).collect();
    let mut tally = [0_u32; 51];
    for seed in 0..500 {
        let scgpt = scgpt(None, zero_shot(|options| (options.binning, options.seed) = (bins(51, Draw::Uniform), seed)));
        let (_, values) = encode(&scgpt, &cell);
        values[1..=80].iter().for_each(|&bin| tally[bin as usize] += 1);
        assert_eq!(values[100], 50.0);
    }
    let choices = tally.iter().filter(|&&n| n > 0).count();
    assert_eq!((tally[0], choices, tally[choices]), (0, 40, tally[40]));
    let expected = 500.0 * 80.0 / 40.0;
    let chi_square: f64 = tally[1..=40].iter().map(|&n| (f64::from(n) - expected).powi(2) / expected).sum();
    // 39 degrees of freedom: 1 in 1,000 is beyond 72, and 1 in 1,000 below 16.
    assert!((16.0..72.0).contains(&chi_square), "{chi_square}");
}

#[test]
fn sampled_bins_hardly_depend_on_each_other() {
    let scgpt = scgpt(None, zero_shot(|options| options.binning = bins(51, Draw::Uniform)));
    let (_, values) = encode(&scgpt, &(0..100).map(|gene| (gene, 1)).collect::<Vec<_>>());
    let distinct: std::collections::BTreeSet<i32> = values.iter().map(|&bin| bin as i32).collect();
    assert!(distinct.len() > 30, "{distinct:?}");
}

#[test]
fn cell_beyond_the_limit_is_sampled_behind_cls() {
    let scgpt = scgpt(None, zero_shot(|options| (options.max_length, options.binning) = (31, None)));
    let cell = large();
    let (ids, values) = encode(&scgpt, &cell);
    assert_eq!((ids.len(), ids[0], values[0]), (31, 101, -2.0));
    let mut genes = ids[1..].to_vec();
    assert!(!genes.is_sorted());
    genes.sort_unstable();
    genes.dedup();
    assert_eq!(genes.len(), 30);
    assert!(ids[1..].iter().zip(&values[1..]).all(|(&gene, &value)| value == cell[gene as usize].1 as f32));
}

#[test]
fn every_gene_has_the_same_chance_to_be_sampled() {
    let mut tally = [0_u32; 100];
    for seed in 0..2000 {
        let scgpt = scgpt(None, zero_shot(|options| (options.max_length, options.seed) = (26, seed)));
        encode(&scgpt, &large()).0[1..].iter().for_each(|&gene| tally[gene as usize] += 1);
    }
    // 2,000 draws of 25 of 100; the variance of each count is that of a draw without replacement.
    let (expected, variance) = (500.0, 2000.0 * 0.25 * 0.75 * 100.0 / 99.0);
    let chi_square: f64 = tally.iter().map(|&n| (f64::from(n) - expected).powi(2) / variance).sum();
    // 99 degrees of freedom.
    assert!((58.0..149.0).contains(&chi_square), "{chi_square}");
}

#[test]
fn cell_at_the_limit_keeps_the_order_of_its_genes() {
    let scgpt = scgpt(None, zero_shot(|options| options.max_length = 101));
    assert!(encode(&scgpt, &large()).0[1..].is_sorted());
}

#[test]
fn tokens_depend_on_the_cell_and_the_seed_only() {
    let options = |seed| {
        zero_shot(|options| (options.max_length, options.binning, options.seed) = (31, bins(51, Draw::Uniform), seed))
    };
    let (first, other) = (large(), large()[..90].to_vec());
    let together =
        rows(&scgpt(None, options(7)).tokenize(&cells(&[first.clone(), other.clone(), first.clone()])).unwrap());
    let alone = encode(&scgpt(None, options(7)), &first);
    assert_eq!([&together[0], &together[2]], [&alone, &alone]);
    assert_ne!(together[1], alone);
    assert_ne!(encode(&scgpt(None, options(8)), &first), alone);
}

#[test]
fn sample_does_not_depend_on_binning() {
    let ids = |binning| {
        encode(&scgpt(None, zero_shot(|options| (options.max_length, options.binning) = (31, binning))), &large()).0
    };
    assert_eq!(ids(bins(51, Draw::Uniform)), ids(bins(51, Draw::Middle)));
    assert_eq!(ids(bins(51, Draw::Uniform)), ids(None));
}

#[test]
fn fine_tuning_normalises_over_counted_genes_and_has_zero_genes() {
    let mut options = Options::of(Path::FineTune);
    (options.binning, options.zero_genes) = (None, true);
    let scgpt = scgpt(Some(&["G0", "G1", "G2", "G3"]), options);
    // G2 is left out of the total; G0, G1 and G3 count; G0 and G3 become tokens.
    let panel = Panel::of_counted(vec![true, true, false, true]).choose([3, 0]);
    let scgpt = scgpt.with_panel(panel);
    let (ids, values) = encode(&scgpt, &[(0, 1), (1, 3), (2, 100)]);
    assert_eq!((ids, values), (vec![101, 0, 3], vec![0.0, 2501.0_f32.ln(), 0.0]));
}

#[test]
fn zero_genes_are_not_binned() {
    let mut options = Options::of(Path::FineTune);
    (options.zero_genes, options.binning) = (true, bins(5, Draw::Middle));
    let scgpt = scgpt(Some(&["G0", "G1", "G2", "G3", "G4", "G5"]), options);
    let (_, values) = encode(&scgpt, &[(1, 1), (2, 2), (4, 3), (5, 4)]);
    assert_eq!(values, [0.0, 0.0, 1.0, 2.0, 0.0, 3.0, 4.0]);
}

#[test]
fn normalisation_does_not_change_bins() {
    let normalised = zero_shot(|options| options.normalization = Normalization::LOG_10_000);
    assert_eq!(encode(&scgpt(None, normalised), &large()), encode(&scgpt(None, Options::of(Path::ZeroShot)), &large()));
}

#[test]
fn vocabulary_without_cls() {
    let genes = vec![Gene { id: "G0".into(), token: 0, median: None }];
    let (specials, symbols, former_ids, sources) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let vocabulary =
        Vocabulary::new(Parts { style: Style::ScGpt, specials, genes, symbols, former_ids, sources }).unwrap();
    let columns = Genes::from_ids(StringArray::from(vec!["G0"]));
    let matching = Matching::new(&columns, &vocabulary, &genes::Options::default()).unwrap();
    let message = ScGpt::new(&vocabulary, &matching, Options::of(Path::ZeroShot)).unwrap_err().to_string();
    assert_eq!(message, "the vocabulary is of the style scgpt and lacks the token `<cls>`");
}
