//! Layer by layer against PyTorch models written from the published formulas (`tests/golden/drug`, made by
//! `scripts/make_drug_goldens.py`). A golden that cannot be read fails.

use std::path::{Path, PathBuf};

use ferrome_core::{nn::Loader, weights::Checkpoint};
use tch::{Device, Kind, Tensor};

use super::{GraphConfig, GraphTransformer, Parts, Weights};
use crate::graph::{GraphBatch, PackedGraphs};

const TOLERANCE: f64 = 1e-5;
/// Of a training step: statistics of the batch carry the rounding of one node into all, and many gradients are sums that
/// cancel.
const TRAINING_TOLERANCE: f64 = 5e-5;
const CASES: [&str; 9] = [
    "gps_gine",
    "gps_gated",
    "gps_gated_batch",
    "on_top",
    "alternating",
    "sat",
    "graphit_diffusion",
    "graphit_walk",
    "graphit_none",
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/drug")
}

fn tensor(golden: &Checkpoint, name: &str, kind: Kind) -> Tensor {
    let info = golden.info(name).unwrap_or_else(|| panic!("no golden {name}"));
    let shape: Vec<i64> = info.shape.iter().map(|&n| n as i64).collect();
    golden.with_bytes(name, |bytes| Tensor::f_from_data_size(bytes, &shape, kind).unwrap()).unwrap()
}

fn numbers<T: TryFrom<Tensor, Error = tch::TchError>>(golden: &Checkpoint, name: &str, kind: Kind) -> T {
    tensor(golden, name, kind).view(-1).try_into().unwrap()
}

fn graphs() -> PackedGraphs {
    let golden = Checkpoint::open(&folder().join("graphs.safetensors")).unwrap();
    let edges: Vec<i32> = numbers(&golden, "edges", Kind::Int);
    let starts: Vec<i32> = numbers(&golden, "starts", Kind::Int);
    PackedGraphs {
        node_features: numbers(&golden, "node_features", Kind::Uint8),
        edges: edges.chunks(2).map(|edge| [edge[0] as u32, edge[1] as u32]).collect(),
        edge_features: numbers(&golden, "edge_features", Kind::Uint8),
        starts: starts.iter().map(|&start| start as u32).collect(),
        random_walks: numbers(&golden, "random_walks", Kind::Float),
        laplacian: numbers(&golden, "laplacian", Kind::Float),
    }
}

/// Only the graph at `place`.
fn alone(graphs: &PackedGraphs, place: usize) -> PackedGraphs {
    let (start, end) = (graphs.starts[place] as usize, graphs.starts[place + 1] as usize);
    let rows = |width: usize| start * width..end * width;
    let inside = |edge: &&[u32; 2]| (start..end).contains(&(edge[0] as usize));
    let n = graphs.nodes();
    let features = graphs.edge_features.len() / graphs.edges.len();
    let edges = graphs.edges.iter().zip(graphs.edge_features.chunks(features)).filter(|(edge, _)| inside(edge));
    PackedGraphs {
        node_features: graphs.node_features[rows(graphs.node_features.len() / n)].to_vec(),
        edges: graphs.edges.iter().filter(inside).map(|edge| edge.map(|node| node - start as u32)).collect(),
        edge_features: edges.flat_map(|(_, row)| row.iter().copied()).collect(),
        starts: vec![0, (end - start) as u32],
        random_walks: graphs.random_walks[rows(graphs.random_walks.len() / n)].to_vec(),
        laplacian: graphs.laplacian[rows(graphs.laplacian.len() / n)].to_vec(),
    }
}

fn open(case: &str) -> (GraphTransformer, Parts, Checkpoint) {
    let folder = folder().join(case);
    let config = fs_err::read_to_string(folder.join("config.json")).unwrap();
    let config: GraphConfig = serde_json::from_str(&config).unwrap();
    let checkpoint = Checkpoint::open(&folder.join("model.safetensors")).unwrap();
    // Read by name, so that the tests see strict loading: what is left over is an error.
    let weights = Weights::read(Loader::new(&checkpoint, Kind::Float, Device::Cpu));
    let model = GraphTransformer::load(&weights, &config).unwrap();
    let parts = weights.finish().unwrap();
    (model, parts, Checkpoint::open(&folder.join("golden.safetensors")).unwrap())
}

fn close(found: &Tensor, expected: &Tensor, what: &str) {
    within(TOLERANCE, found, expected, what);
}

fn within(tolerance: f64, found: &Tensor, expected: &Tensor, what: &str) {
    assert_eq!(found.size(), expected.size(), "{what}");
    let worst = ((found - expected).abs() / expected.abs().clamp_min(1.0)).max().double_value(&[]);
    assert!(worst <= tolerance, "{what}: differs by {worst:e}");
}

#[test]
fn every_layer_of_every_arrangement_agrees_with_the_formulas() {
    let _guard = tch::no_grad_guard();
    let graphs = graphs();
    for case in CASES {
        let (model, _, golden) = open(case);
        let config = model.config();
        assert_eq!(graphs.check(&config.node_sizes, &config.edge_sizes), Ok(()));
        let batch = GraphBatch::new(&graphs, Device::Cpu).unwrap();
        let mut compared = 0;
        let check = |i: usize, x: &Tensor| {
            close(x, &tensor(&golden, &format!("layer.{i}"), Kind::Float), &format!("{case}: layer {i}"));
            compared += 1;
            Ok(())
        };
        let last = model.nodes(&batch, false, check).unwrap();
        assert_eq!(last.size(), [graphs.nodes() as i64, config.hidden_size]);
        assert_eq!(compared, config.layers.steps().len() + 1);
        let pooled = model.forward(&batch, false).unwrap();
        close(&pooled, &tensor(&golden, "pooled", Kind::Float), &format!("{case}: pooled"));
    }
}

#[test]
fn a_graph_does_not_see_its_neighbours_in_the_batch() {
    let _guard = tch::no_grad_guard();
    let graphs = graphs();
    for case in CASES {
        let (model, _, golden) = open(case);
        let expected = tensor(&golden, "pooled", Kind::Float);
        for place in 0..graphs.graphs() {
            let batch = GraphBatch::new(&alone(&graphs, place), Device::Cpu).unwrap();
            let found = model.forward(&batch, false).unwrap();
            close(&found.get(0), &expected.get(place as i64), &format!("{case}: graph {place} alone"));
        }
    }
}

#[test]
fn a_training_step_has_the_gradients_and_statistics_of_the_formulas() {
    for case in CASES {
        let (model, parts, golden) = open(case);
        if model.config().laplacian {
            continue; // signs are flipped at random
        }
        for (_, parameter) in parts.trained() {
            let _ = parameter.set_requires_grad(true);
        }
        let batch = GraphBatch::new(&graphs(), Device::Cpu).unwrap();
        let pooled = model.forward(&batch, true).unwrap();
        let expected = tensor(&golden, "train.pooled", Kind::Float);
        within(TRAINING_TOLERANCE, &pooled, &expected, &format!("{case}: pooled in training"));
        (pooled * tensor(&golden, "train.weights", Kind::Float)).sum(Kind::Float).backward();
        let expected = golden.names().filter(|name| name.starts_with("gradient.")).count();
        assert_eq!(parts.trained().len(), expected, "{case}");
        for (name, parameter) in parts.trained() {
            let gradient = tensor(&golden, &format!("gradient.{name}"), Kind::Float);
            let what = format!("{case}: gradient of {name}");
            let scale = gradient.abs().max().clamp_min(1.0); // by the largest of the tensor: the others are sums that cancel
            within(TRAINING_TOLERANCE, &(parameter.grad() / &scale), &(gradient / &scale), &what);
        }
        for (name, tensor_after) in parts.all().into_iter().filter(|(name, _)| name.contains("running")) {
            close(tensor_after, &tensor(&golden, &format!("after.{name}"), Kind::Float), &format!("{case}: {name}"));
        }
    }
}

#[test]
fn kernel_of_attention_without_gradients_agrees_with_the_differentiable_path() {
    let graphs = graphs();
    let batch = GraphBatch::new(&graphs, Device::Cpu).unwrap();
    let (model, parts, golden) = open("gps_gine");
    for (_, parameter) in parts.trained() {
        let _ = parameter.set_requires_grad(true);
    }
    let found = model.forward(&batch, false).unwrap();
    assert!(found.requires_grad());
    close(&found.detach(), &tensor(&golden, "pooled", Kind::Float), "with gradients");
}

#[test]
fn graphs_without_the_positions_that_a_model_needs() {
    let mut graphs = graphs();
    graphs.random_walks.clear();
    let batch = GraphBatch::new(&graphs, Device::Cpu).unwrap();
    let refused = open("gps_gine").0.forward(&batch, false).unwrap_err().to_string();
    assert_eq!(refused, "model: the graphs have no random-walk positions, which this model needs");
    graphs.random_walks = vec![0.0; graphs.nodes() * 3];
    let batch = GraphBatch::new(&graphs, Device::Cpu).unwrap();
    let refused = open("gps_gine").0.forward(&batch, false).unwrap_err().to_string();
    assert_eq!(refused, "model: the graphs have 3 steps of random walks, expected 5");
}

#[test]
fn dropout_only_in_training_and_the_same_for_the_same_seed() {
    let config = GraphConfig { dropout: 0.3, attention_dropout: 0.3, ..open("gps_gated").0.config().clone() };
    let model = GraphTransformer::load(&Weights::random(1, Device::Cpu), &config).unwrap();
    let batch = GraphBatch::new(&graphs(), Device::Cpu).unwrap();
    let run = |train: bool, seed: i64| {
        tch::manual_seed(seed);
        model.forward(&batch, train).unwrap()
    };
    assert!(run(false, 1).equal(&run(false, 2)));
    assert!(run(true, 1).equal(&run(true, 1)));
    assert!(!run(true, 1).equal(&run(true, 2)));
}

#[test]
fn a_molecule_of_a_thousand_atoms_and_a_lone_atom_in_one_batch() {
    let _guard = tch::no_grad_guard();
    let chain = 1000_u32;
    let edges: Vec<[u32; 2]> = (1..chain).flat_map(|i| [[i - 1, i], [i, i - 1]]).collect();
    let graphs = PackedGraphs {
        node_features: vec![0; 3 * (chain as usize + 1)],
        edge_features: vec![0; 2 * edges.len()],
        edges,
        starts: vec![0, chain, chain + 1],
        random_walks: vec![0.0; 5 * (chain as usize + 1)],
        laplacian: vec![0.0; 8 * (chain as usize + 1)],
    };
    for case in CASES {
        let pooled = open(case).0.forward(&GraphBatch::new(&graphs, Device::Cpu).unwrap(), false).unwrap();
        assert!(pooled.isfinite().all().int64_value(&[]) == 1, "{case}");
    }
}
