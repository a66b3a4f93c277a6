//! What a screen computes in batches against one cell at a time, on the golden checkpoints.

use std::path::Path;

use arrow::array::{Array, AsArray, Float32Array};
use arrow::datatypes::{Float32Type, Int32Type};
use tch::{Device, Kind as DType, Tensor};

use super::*;
use crate::model::{Batch, Geneformer, OpenGeneformer};
use crate::tokenize::Style;
use crate::vocabulary::{Gene, Parts, Vocabulary};

/// Genes are the tokens from 4 to 39.
fn names() -> Names {
    let genes = (4..40).map(|token| Gene { id: format!("ENSG{token:011}"), token, median: None }).collect();
    let parts = Parts {
        style: Style::GeneformerV2,
        specials: vec![("<cls>".into(), 2), ("<eos>".into(), 3)],
        genes,
        symbols: Vec::new(),
        former_ids: Vec::new(),
        sources: Vec::new(),
    };
    Names::new(&Vocabulary::new(parts).unwrap())
}

fn screen(kind: Kind, measure: Measure, framed: bool) -> Screen {
    let ends = usize::from(framed);
    Screen {
        kind,
        targets: Targets { genes: Genes::All, together: false, anchor: None, random: 0, seed: 0 },
        frame: Frame { head: ends, tail: ends, limit: 40 },
        measure,
        layer: 2,
        per_gene: measure == Measure::Genes,
        states: vec!["goal".into(), "start".into()],
        names: names(),
    }
}

fn model(name: &str) -> Geneformer {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/cell").join(name);
    OpenGeneformer::open(&folder).unwrap().load(DType::Float, Device::Cpu).unwrap()
}

/// Two cells of different lengths, in the frame of V2 or without.
fn cells(framed: bool) -> Vec<Arc<Cell>> {
    let genes = [(4..30).rev().collect::<Vec<i32>>(), vec![9, 39, 4, 17, 30, 22, 12]];
    let frame = |genes: Vec<i32>| if framed { [vec![2], genes, vec![3]].concat() } else { genes };
    genes.into_iter().map(|genes| Arc::new(Cell::plain("c", frame(genes)))).collect()
}

fn rows(cells: &[Arc<Cell>], screen: &Screen) -> Vec<Row> {
    let of_cell = |cell: &Arc<Cell>| {
        let changes = screen.targets.of_cell(screen.frame.genes(&cell.tokens), screen.kind);
        changes.into_iter().map(|change| Row::new(cell, change)).collect::<Vec<_>>()
    };
    cells.iter().flat_map(of_cell).collect()
}

/// All layers, one cell alone, in f64 from there on: `[t][d]`.
fn alone(model: &Geneformer, tokens: &[i32], layer: usize) -> Vec<Vec<f64>> {
    let batch = Batch::new(&[tokens], Device::Cpu).unwrap();
    let x = model.forward(&batch, layer, |_, _| Ok(())).unwrap();
    Vec::<Vec<f64>>::try_from(x.to_kind(DType::Double)).unwrap()
}

fn cosine(a: &[f64], b: &[f64]) -> f64 {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

fn mean(rows: &[Vec<f64>]) -> Vec<f64> {
    (0..rows[0].len()).map(|i| rows.iter().map(|row| row[i]).sum::<f64>() / rows.len() as f64).collect()
}

/// Cosine, shifts and cosines by gene, straight from the definitions.
fn naive(model: &Geneformer, screen: &Screen, row: &Row, states: &[Vec<f32>]) -> (f64, Vec<f64>, Vec<(i32, f64)>) {
    let set = &row.change.as_ref().unwrap().genes;
    let Perturbed { tokens, original } = screen.kind.apply(&row.cell.tokens, screen.frame, set);
    let original = original.unwrap_or_else(|| row.cell.tokens.clone());
    let vectors = |tokens: &[i32]| alone(model, tokens, screen.layer);
    let (after, before) = (vectors(&tokens), vectors(&original));
    let (head, tail) = (screen.frame.head, screen.frame.tail);
    let cell = |x: &[Vec<f64>]| match screen.measure {
        Measure::Cls => x[0].clone(),
        Measure::Genes => mean(&x[head..x.len() - tail]),
    };
    let by_gene: Vec<(i32, f64)> = (head..tokens.len() - tail)
        .filter(|&place| !set.contains(&tokens[place]))
        .map(|place| {
            let then = original.iter().position(|token| *token == tokens[place]).unwrap();
            (tokens[place], cosine(&after[place], &before[then]))
        })
        .collect();
    let whole = match screen.measure {
        Measure::Cls => cosine(&after[0], &before[0]),
        Measure::Genes => by_gene.iter().map(|(_, cosine)| cosine).sum::<f64>() / by_gene.len() as f64,
    };
    let shift = |state: &Vec<f32>| {
        let state: Vec<f64> = state.iter().copied().map(f64::from).collect();
        cosine(&cell(&after), &state) - cosine(&cell(&before), &state)
    };
    (whole, states.iter().map(shift).collect(), by_gene)
}

fn compare(kind: Kind, measure: Measure, name: &str, framed: bool) {
    let _no_grad = tch::no_grad_guard();
    let (screen, model) = (Arc::new(screen(kind, measure, framed)), model(name));
    let task = PerturbTask::new(Arc::clone(&screen));
    let width = model.config().hidden_size;
    let states: Vec<Vec<f32>> =
        (0..2).map(|seed| (0..width).map(|i| ((i * 7 + seed * 5) % 11) as f32 - 5.0).collect()).collect();
    let cells = cells(framed);
    let rows = rows(&cells, &screen);
    let items: Vec<PerturbItem> = rows.iter().map(|row| task.tokenize(row).unwrap()).collect();
    let factory = workers(&task, vec![model.share()], 1, &states).pop().unwrap();
    let table = factory().unwrap().run(&items.iter().collect::<Vec<_>>()).unwrap();
    let column = |name: &str| table.column_by_name(name).unwrap().as_primitive::<Float32Type>().clone();
    let (cosines, shifts): (Float32Array, _) = (column("cosine"), ["shift_goal", "shift_start"].map(column));
    let close = |found: f32, expected: f64| assert!((f64::from(found) - expected).abs() < 1e-5, "{found} {expected}");
    assert!(rows.len() > 30);
    for (place, row) in rows.iter().enumerate() {
        let (whole, expected, by_gene) = naive(&model, &screen, row, &states);
        close(cosines.value(place), whole);
        for (shift, expected) in shifts.iter().zip(expected) {
            close(shift.value(place), expected);
        }
        if screen.per_gene {
            let list = |name: &str| table.column_by_name(name).unwrap().as_list::<i32>().value(place);
            assert_eq!(
                list("gene_tokens").as_primitive::<Int32Type>().values().to_vec(),
                by_gene.iter().map(|(gene, _)| *gene).collect::<Vec<_>>()
            );
            for (found, (_, expected)) in
                list("gene_cosines").as_primitive::<Float32Type>().values().iter().zip(&by_gene)
            {
                close(*found, *expected);
            }
        }
    }
    assert!(cosines.null_count() == 0 && cosines.iter().any(|cosine| cosine.unwrap() < 0.9999), "{cosines:?}");
}

#[test]
fn batches_agree_with_one_cell_at_a_time() {
    for kind in [Kind::Delete, Kind::Overexpress, Kind::Inhibit(0.3), Kind::Activate(0.3)] {
        compare(kind, Measure::Genes, "geneformer_v1", false);
        compare(kind, Measure::Cls, "geneformer_v2", true);
        compare(kind, Measure::Genes, "geneformer_v2", true);
    }
}

#[test]
fn first_tokens_of_every_layer_are_those_of_the_whole_forward() {
    let _no_grad = tch::no_grad_guard();
    let model = model("geneformer_v2");
    let cells = [(4..38).collect::<Vec<i32>>(), vec![2, 9, 3], vec![7]];
    let cells: Vec<&[i32]> = cells.iter().map(Vec::as_slice).collect();
    let batch = Batch::new(&cells, Device::Cpu).unwrap();
    for layer in 0..=model.config().num_hidden_layers {
        let whole = model.forward(&batch, layer, |_, _| Ok(())).unwrap();
        let expected = whole.index_select(0, &Tensor::from_slice(&[0_i64, 34, 37]));
        let found = model.forward_first(&batch, layer).unwrap();
        let worst = (found - expected).abs().max().double_value(&[]);
        assert!(worst < 1e-5, "layer {layer}: {worst}");
    }
}

#[test]
fn identical_perturbations_are_computed_once() {
    let screen = Arc::new(screen(Kind::Delete, Measure::Genes, false));
    let task = PerturbTask::new(Arc::clone(&screen));
    let twins: Vec<Arc<Cell>> = ["a", "b"].map(|id| Arc::new(Cell::plain(id, vec![5, 6, 7]))).into();
    let identities: Vec<u128> =
        rows(&twins, &screen).iter().map(|row| task.identity(&task.tokenize(row).unwrap())).collect();
    assert_eq!(identities.len(), 6);
    assert_eq!(identities[..3], identities[3..]);
    assert_ne!(identities[0], identities[1]);
}
