//! Against numbers that can be worked out by hand; `tests/python/test_cell_integrate.py` compares with scikit-learn.

use tch::{Device, Kind, Tensor};

use super::*;

/// Two types far apart, each of two batches side by side.
fn cells(between_batches: f64) -> (Tensor, Vec<usize>, Vec<Option<usize>>) {
    tch::manual_seed(4);
    let (batches, types): (Vec<usize>, Vec<usize>) = (0..240).map(|i| (i % 2, i / 2 % 2)).unzip();
    let shift = |x: f64, y: f64| Tensor::from_slice(&[x, y]).view([1, 2]);
    let rows: Vec<Tensor> = (batches.iter().zip(&types))
        .map(|(&batch, &kind)| shift(20.0 * kind as f64, between_batches * batch as f64))
        .collect();
    let noise = Tensor::randn([240, 2], (Kind::Double, Device::Cpu));
    (Tensor::cat(&rows, 0) + noise, batches, types.into_iter().map(Some).collect())
}

#[test]
fn mixed_batches_score_higher_and_types_stay() {
    let score = |apart: f64| {
        let (rows, batches, types) = cells(apart);
        score(&rows, &batches, &types).unwrap().0
    };
    let (mixed, apart) = (score(0.0), score(12.0));
    assert!(mixed.batch_entropy.unwrap() > 0.95 && apart.batch_entropy.unwrap() < 0.05, "{mixed:?} {apart:?}");
    assert!(mixed.batch_asw.unwrap() > 0.9 && apart.batch_asw.unwrap() < 0.3, "{mixed:?} {apart:?}");
    assert!(mixed.avg_batch.unwrap() > apart.avg_batch.unwrap());
    assert!((mixed.graph_connectivity.unwrap() - 1.0).abs() < 1e-12);
    assert!((apart.graph_connectivity.unwrap() - 0.5).abs() < 1e-12);
    assert!(mixed.nmi.unwrap() > 0.999 && mixed.ari.unwrap() > 0.999 && mixed.clusters == Some(2), "{mixed:?}");
}

#[test]
fn silhouettes_of_points_on_a_line() {
    let rows = Tensor::from_slice(&[0.0, 1.0, 5.0, 9.0]).view([4, 1]);
    let found = silhouettes(&rows, &[7, 7, 3, 1]).unwrap().unwrap();
    let expected = [(5.0 - 1.0) / 5.0, (4.0 - 1.0) / 4.0, 0.0, 0.0];
    assert!(found.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 1e-7), "{found:?}");
    assert_eq!(silhouettes(&rows, &[1, 1, 1, 1]).unwrap(), None);
    assert_eq!(silhouettes(&rows, &[1, 2, 3, 4]).unwrap(), None);
}

#[test]
fn type_of_one_batch_says_nothing_of_batches() {
    let rows = Tensor::from_slice(&[0.0, 1.0, 5.0, 9.0]).view([4, 1]);
    assert_eq!(batch_silhouette(&rows, &[0, 0, 1, 1], &[0, 0, 1, 1]).unwrap(), None);
}

#[test]
fn without_types_only_batches_are_scored() {
    let (rows, batches, _) = cells(0.0);
    let scores = score(&rows, &batches, &vec![None; 240]).unwrap().0;
    assert!(scores.batch_entropy.is_some() && scores.batch_asw.is_some());
    assert_eq!((scores.nmi, scores.cell_type_asw, scores.avg_batch, scores.overall), (None, None, None, None));
}

#[test]
fn cells_without_a_type_are_around_the_others() {
    let (rows, batches, mut types) = cells(0.0);
    types[..40].fill(None);
    let scores = score(&rows, &batches, &types).unwrap().0;
    assert!(scores.nmi.unwrap() > 0.999 && scores.graph_connectivity.unwrap() > 0.999, "{scores:?}");
}

#[test]
fn one_batch_has_no_entropy() {
    let rows = Tensor::from_slice(&[0.0, 1.0, 5.0, 9.0]).view([4, 1]);
    assert_eq!(batch_entropy(&rows, &[2, 2, 2, 2], 3).unwrap(), None);
}
