use tch::{Device, Kind, Tensor};

use super::*;
use crate::graph::{GraphBatch, PackedGraphs};

fn graph() -> GraphConfig {
    GraphConfig {
        node_sizes: vec![5],
        edge_sizes: vec![2],
        hidden_size: 12,
        num_attention_heads: 3,
        random_walk_steps: 0,
        laplacian: false,
        position_size: 0,
        layers: LayerPlan::Parallel { layers: 2 },
        message: MessageKind::GatedGcn,
        attention: AttentionConfig::Plain,
        norm: NormKind::Layer,
        dropout: 0.0,
        attention_dropout: 0.0,
        pooling: Pooling::Sum,
    }
}

fn config(head: HeadConfig) -> PairConfig {
    PairConfig {
        graph: Some(graph()),
        fingerprints: Some(FingerprintConfig { bits: 64, hidden: vec![16, 8], dropout: 0.0 }),
        protein_rows: Some(RowsConfig { width: 4, standardized: true, hidden: vec![10], dropout: 0.0 }),
        convolution: Some(ConvolutionConfig {
            letters: 28,
            embedding_size: 6,
            channels: vec![8, 9],
            kernels: vec![3, 5],
            dropout: 0.0,
        }),
        head,
    }
}

fn heads() -> [HeadConfig; 2] {
    [HeadConfig::Bilinear { rank: 5 }, HeadConfig::Mlp { hidden: vec![20, 10], dropout: 0.0 }]
}

const BITS: [&[u16]; 3] = [&[1, 5, 63], &[], &[7]];
const SEQUENCES: [&[u8]; 2] = [b"MKTAYIAKQR", b"MSEQ"];

// Three molecules of 2, 1 and 3 atoms; `only` picks one of them.
fn drugs(only: Option<usize>) -> DrugBatch {
    let sizes = [2_u32, 1, 3];
    let picked: Vec<usize> = only.map_or_else(|| (0..3).collect(), |i| vec![i]);
    let mut graphs = PackedGraphs { starts: vec![0], ..PackedGraphs::default() };
    for &i in &picked {
        let start = graphs.nodes() as u32;
        for atom in 0..sizes[i] {
            graphs.node_features.push((i as u8 + atom as u8) % 5);
            if atom > 0 {
                graphs.edges.extend([[start + atom - 1, start + atom], [start + atom, start + atom - 1]]);
                graphs.edge_features.extend([atom as u8 % 2; 2]);
            }
        }
        graphs.starts.push(start + sizes[i]);
    }
    DrugBatch {
        graphs: Some(GraphBatch::new(&graphs, Device::Cpu).unwrap()),
        fingerprints: Some(Fingerprints::new(picked.iter().map(|&i| BITS[i]), Device::Cpu).unwrap()),
    }
}

fn proteins(only: Option<usize>) -> ProteinBatch {
    let picked: Vec<usize> = only.map_or_else(|| (0..2).collect(), |i| vec![i]);
    let rows: Vec<f32> = picked.iter().flat_map(|&i| [i as f32, 1.0, -0.5, 0.25 * i as f32]).collect();
    ProteinBatch {
        rows: Some(Tensor::from_slice(&rows).view([picked.len() as i64, 4])),
        residues: Some(Residues::new(picked.iter().map(|&i| SEQUENCES[i]), Device::Cpu).unwrap()),
    }
}

fn score(model: &PairModel, drugs: &DrugBatch, proteins: &ProteinBatch, pairs: &[(i64, i64)]) -> Tensor {
    let (x, y) = (model.drugs(drugs, false).unwrap(), model.proteins(proteins, false).unwrap());
    let (of_drug, of_protein): (Vec<i64>, Vec<i64>) = pairs.iter().copied().unzip();
    let (of_drug, of_protein) = (Tensor::from_slice(&of_drug), Tensor::from_slice(&of_protein));
    let Predicted { mean, log_variance, logit } = model.pairs(&x, &y, (&of_drug, &of_protein), false).unwrap();
    Tensor::stack(&[mean, log_variance, logit], 1)
}

#[test]
fn a_pair_scores_the_same_alone_as_among_others() {
    let _guard = tch::no_grad_guard();
    for head in heads() {
        let model = PairModel::load(Weights::random(3, Device::Cpu), &config(head)).unwrap();
        let all: Vec<(i64, i64)> = (0..3).flat_map(|i| (0..2).map(move |j| (i, j))).rev().collect();
        let together = score(&model, &drugs(None), &proteins(None), &all);
        assert_eq!(together.size(), [6, 3]);
        for (row, &(i, j)) in (0..).zip(&all) {
            let alone = score(&model, &drugs(Some(i as usize)), &proteins(Some(j as usize)), &[(0, 0)]);
            let worst = (alone.get(0) - together.get(row)).abs().max().double_value(&[]);
            assert!(worst < 2e-6, "{i} {j}: {worst}");
        }
    }
}

#[test]
fn every_parameter_gets_a_gradient() {
    for head in heads() {
        let model = PairModel::load(Weights::random(4, Device::Cpu), &config(head)).unwrap();
        for (_, parameter) in model.parts().trained() {
            let _ = parameter.set_requires_grad(true);
        }
        score(&model, &drugs(None), &proteins(None), &[(0, 1), (2, 0), (1, 1)]).sum(Kind::Float).backward();
        for (name, parameter) in model.parts().trained() {
            assert!(parameter.grad().defined(), "{name}");
        }
    }
}

#[test]
fn what_a_model_keeps_is_what_it_loads() {
    use ferrome_core::{nn::Loader, weights::Checkpoint};
    let config = config(HeadConfig::Bilinear { rank: 5 });
    let model = PairModel::load(Weights::random(5, Device::Cpu), &config).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    Tensor::write_safetensors(&model.parts().all(), &path).unwrap();
    let checkpoint = Checkpoint::open(&path).unwrap();
    let load = |config: &PairConfig| {
        PairModel::load(Weights::read(Loader::new(&checkpoint, Kind::Float, Device::Cpu)), config)
    };
    let again = load(&config).unwrap();
    let run = |model: &PairModel| score(model, &drugs(None), &proteins(None), &[(0, 0), (2, 1)]);
    assert!(run(&model).equal(&run(&again)));
    let wider = PairConfig { head: HeadConfig::Bilinear { rank: 6 }, ..config };
    let refused = load(&wider).unwrap_err().to_string();
    assert!(refused.contains("head.drug.weight") && refused.contains("head.protein.weight"), "{refused}");
}

#[test]
fn configurations_that_make_no_model() {
    let refused = |change: fn(&mut PairConfig)| {
        let mut config = config(HeadConfig::Bilinear { rank: 1 });
        change(&mut config);
        PairModel::load(Weights::random(1, Device::Cpu), &config).unwrap_err().to_string()
    };
    assert_eq!(
        refused(|c| (c.graph, c.fingerprints) = (None, None)),
        "model: no encoder of drugs: expected `graph` or `fingerprints`"
    );
    assert_eq!(
        refused(|c| (c.protein_rows, c.convolution) = (None, None)),
        "model: no encoder of proteins: expected `protein_rows` or `convolution`"
    );
    assert_eq!(
        refused(|c| c.graph.as_mut().unwrap().num_attention_heads = 5),
        "model: num_attention_heads 5 does not divide hidden_size 12"
    );
    assert_eq!(refused(|c| c.convolution.as_mut().unwrap().kernels[0] = 4), "model: convolution: kernel 4 is not odd");
    assert_eq!(
        refused(|c| c.graph.as_mut().unwrap().random_walk_steps = 3),
        "model: position_size 0 leaves 12 of hidden_size 12 for the features"
    );
}

#[test]
fn fingerprints_with_a_bit_that_the_model_does_not_have() {
    let model = PairModel::load(Weights::random(1, Device::Cpu), &config(HeadConfig::Bilinear { rank: 1 })).unwrap();
    let fingerprints = Some(Fingerprints::new([[64_u16].as_slice(), &[], &[]], Device::Cpu).unwrap());
    let refused = model.drugs(&DrugBatch { fingerprints, ..drugs(None) }, false).unwrap_err().to_string();
    assert_eq!(refused, "model: a fingerprint bit is not among the model's 64");
}
