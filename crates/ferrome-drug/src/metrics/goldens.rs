//! Against scipy, scikit-learn, RDKit and DeepDTA's formulas (`tests/golden/drug`, made by
//! `scripts/make_drug_goldens.py`). A golden that cannot be read fails.

use std::path::Path;

use serde::Deserialize;

use super::*;

#[derive(Deserialize)]
struct Golden {
    truth: Vec<f64>,
    tied: Vec<f64>,
    score: Vec<f64>,
    positive: Vec<bool>,
    expected: std::collections::BTreeMap<String, f64>,
}

fn golden() -> Golden {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/drug/metrics.json");
    serde_json::from_str(&fs_err::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn every_measure_agrees_with_the_reference_packages() {
    let Golden { truth, tied, score, positive, expected } = golden();
    let found = [
        ("mse", mse(&truth, &tied)),
        ("concordance", concordance(&truth, &tied)),
        ("rm2", rm2(&truth, &tied)),
        ("pearson", pearson(&truth, &tied)),
        ("spearman", spearman(&truth, &tied)),
        ("auroc", auroc(&positive, &tied)),
        ("auprc", auprc(&positive, &tied)),
        ("bedroc_20", bedroc(&positive, &score, 20.0)),
        ("enrichment_1", enrichment(&positive, &score, 0.01)),
        ("enrichment_10", enrichment(&positive, &score, 0.1)),
    ];
    assert_eq!(found.len(), expected.len());
    for (name, value) in found {
        assert!((value.unwrap() - expected[name]).abs() < 1e-10, "{name}: {value:?}, expected {}", expected[name]);
    }
}

#[test]
fn order_of_the_input_changes_nothing() {
    let Golden { tied, positive, .. } = golden();
    let (turned, classes): (Vec<f64>, Vec<bool>) = tied.iter().zip(&positive).rev().unzip();
    assert_eq!(auprc(&positive, &tied), auprc(&classes, &turned));
    for fraction in [0.01, 0.1, 0.5] {
        assert_eq!(enrichment(&positive, &tied, fraction), enrichment(&classes, &turned, fraction));
    }
    let (one, other) = (bedroc(&positive, &tied, 20.0).unwrap(), bedroc(&classes, &turned, 20.0).unwrap());
    assert!((one - other).abs() < 1e-12);
}

#[test]
fn best_and_worst_orders_have_the_extreme_values() {
    let positive: Vec<bool> = (0..200).map(|i| i < 10).collect();
    let best: Vec<f64> = (0..200).map(|i| -f64::from(i)).collect();
    let worst: Vec<f64> = best.iter().map(|x| -x).collect();
    assert_eq!((auroc(&positive, &best), auroc(&positive, &worst)), (Some(1.0), Some(0.0)));
    assert_eq!(auprc(&positive, &best), Some(1.0));
    assert_eq!((enrichment(&positive, &best, 0.01), enrichment(&positive, &worst, 0.01)), (Some(20.0), Some(0.0)));
    assert!((bedroc(&positive, &best, 20.0).unwrap() - 1.0).abs() < 1e-12);
    assert!(bedroc(&positive, &worst, 20.0).unwrap().abs() < 1e-12);
}

#[test]
fn one_class_no_spread_and_nan_are_not_defined() {
    assert_eq!(auroc(&[true, true], &[1.0, 2.0]), None);
    assert_eq!(auprc(&[false, false], &[1.0, 2.0]), None);
    assert_eq!(enrichment(&[true, false], &[1.0, f64::NAN], 0.5), None);
    assert_eq!(enrichment(&[true, false], &[1.0, 2.0], 0.0), None);
    assert_eq!(bedroc(&[true, false], &[1.0, 2.0], 0.0), None);
    assert_eq!((pearson(&[1.0, 1.0], &[1.0, 2.0]), spearman(&[1.0, 2.0], &[3.0, 3.0])), (None, None));
    assert_eq!((rm2(&[1.0, 2.0], &[3.0, 3.0]), mse(&[], &[])), (None, None));
}
