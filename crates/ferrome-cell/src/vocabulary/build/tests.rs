use arrow::array::StringArray;

use super::*;
use crate::cells::{Values, no_columns};

fn cells(rows: &[Vec<(u32, i32)>]) -> Cells {
    let mut starts = vec![0];
    starts.extend(rows.iter().scan(0, |at, row| {
        *at += row.len();
        Some(*at)
    }));
    Cells {
        first: 0,
        ids: rows.iter().map(|_| Some("c")).collect(),
        obs: no_columns(rows.len()),
        starts,
        genes: rows.iter().flatten().map(|entry| entry.0).collect(),
        values: Values::Counts(rows.iter().flatten().map(|entry| entry.1).collect()),
        rejected: Vec::new(),
        rounded: 0,
    }
}

fn genes(ids: &[&str], names: Option<&[&str]>) -> Genes {
    let mut genes = Genes::from_ids(StringArray::from(ids.to_vec()));
    genes.names = names.map(|names| StringArray::from(names.to_vec()));
    genes
}

#[test]
fn medians_of_two_datasets_with_other_columns() {
    let mut builder = Builder::new();
    let ids = ["ENSG00000000002.3", "ENSG00000000001", "ENSG00000000002.4"];
    let columns = builder.begin("a", &genes(&ids, Some(&["B", "A", "B2"])), NameKind::Auto).unwrap();
    // Two columns of one gene are summed before they are normalised.
    builder.add(&columns, &cells(&[vec![(0, 1), (1, 2), (2, 1)], vec![(1, 4)]]), &Totals::Sum).unwrap();
    let columns = builder.begin("b", &genes(&["ENSG00000000001"], None), NameKind::Auto).unwrap();
    builder.add(&columns, &cells(&[vec![(0, 7)], vec![]]), &Totals::Sum).unwrap();
    let (vocabulary, report) = builder.finish(Style::GeneformerV2, 1).unwrap();
    let medians: Vec<_> = vocabulary.genes().iter().map(|gene| (gene.id.as_str(), gene.token, gene.median)).collect();
    assert_eq!(medians, [("ENSG00000000001", 4, Some(10_000.0)), ("ENSG00000000002", 5, Some(5000.0))]);
    assert_eq!(vocabulary.id_of_symbol("B"), Some("ENSG00000000002"));
    assert_eq!(vocabulary.special("<eos>"), Some(3));
    assert_eq!(report.to_string(), "2 of 2 genes from 4 cells; 2 medians are exact");
    assert_eq!(vocabulary.sources().iter().map(|source| source.file.as_str()).collect::<Vec<_>>(), ["a", "b"]);
}

#[test]
fn genes_in_too_few_cells_are_left_out() {
    let build = |min_cells| {
        let mut builder = Builder::new();
        let columns = builder.begin("a", &genes(&["YAL001C", "YAL002W"], None), NameKind::Auto).unwrap();
        builder.add(&columns, &cells(&[vec![(0, 1)], vec![(0, 1), (1, 1)]]), &Totals::Sum).unwrap();
        builder.finish(Style::GeneformerV1, min_cells)
    };
    let (vocabulary, report) = build(2).unwrap();
    assert_eq!(vocabulary.genes().iter().map(|gene| gene.id.as_str()).collect::<Vec<_>>(), ["YAL001C"]);
    assert_eq!((report.kept, report.seen, report.cells), (1, 2, 2));
    assert_eq!(build(3).unwrap_err().to_string(), "vocabulary: none of 2 genes is in 3 cells or more");
}

#[test]
fn result_does_not_depend_on_threads() {
    let rows: Vec<Vec<(u32, i32)>> = (0..3000_u32)
        .map(|cell| {
            (0..40)
                .filter(|gene| (cell * 7 + gene * 13) % 5 < 3)
                .map(|gene| (gene, 1 + ((cell * gene) % 97) as i32))
                .collect()
        })
        .collect();
    let names: Vec<String> = (0..40).map(|gene| format!("g{gene}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let build = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let mut builder = Builder::new();
            let columns = builder.begin("a", &genes(&names, None), NameKind::Auto).unwrap();
            for block in rows.chunks(170) {
                builder.add(&columns, &cells(block), &Totals::Sum).unwrap();
            }
            builder.finish(Style::GeneformerV1, 1).unwrap()
        })
    };
    let (one, report) = build(1);
    assert_eq!((one.fingerprint(), &report), (build(3).0.fingerprint(), &build(3).1));
    assert!(report.exact < report.kept && report.largest_error.0 < 0.2, "{report}");
}

#[test]
fn names_of_no_wanted_kind() {
    let message = Builder::new().begin("a.h5ad", &genes(&["TP53"], None), NameKind::Ensembl).unwrap_err().to_string();
    assert_eq!(message, "vocabulary: a.h5ad: no gene has a name of the kind `ensembl`");
}
