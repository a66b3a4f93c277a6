//! The kernel baseline on Davis, with the published folds, and what a training step costs there.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "tests")]

use std::path::{Path, PathBuf};

use ferrome_core::interrupt::Interrupt;
use ferrome_drug::{
    baseline::{Grid, KernelRidge, Observations, exponential, similarity_matrix, tanimoto_matrix},
    metrics,
    molecule::{MolSource, Molecule},
};

/// The data; none where it is not there and need not be.
fn folder() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/dti/davis_kiba");
    if folder.is_dir() {
        return Some(folder);
    }
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{} is missing", folder.display());
    eprintln!("skipped: {} is missing", folder.display());
    None
}

fn rows(path: PathBuf) -> Vec<Vec<String>> {
    let text = fs_err::read_to_string(path).unwrap();
    text.lines().skip(1).map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}

// Half a minute of two idle cores.
#[test]
#[ignore = "run by hand: minutes on a busy machine"]
fn kernel_ridge_on_davis_reaches_the_floor() {
    let Some(folder) = folder() else { return };
    let drugs = rows(folder.join("davis_drugs.tsv"));
    let ecfp: Vec<Vec<u16>> = drugs.iter().map(|row| Molecule::parse(&row[2]).unwrap().ecfp4().unwrap()).collect();
    let proteins = rows(folder.join("davis_proteins.tsv"));
    let began = std::time::Instant::now();
    let mut distinct: Vec<&str> = proteins.iter().map(|row| row[2].as_str()).collect();
    distinct.sort_unstable();
    distinct.dedup();
    let bytes: Vec<&[u8]> = distinct.iter().map(|sequence| sequence.as_bytes()).collect();
    let aligned = similarity_matrix(&bytes);
    eprintln!("Smith-Waterman of {} sequences: {:.1} s", distinct.len(), began.elapsed().as_secs_f64());
    let place: Vec<usize> = proteins.iter().map(|row| distinct.binary_search(&row[2].as_str()).unwrap()).collect();
    let similar = ferrome_drug::baseline::Matrix::symmetric(place.len(), |i| {
        place[i..].iter().map(|&j| aligned.at(place[i], j)).collect()
    });
    let alike = tanimoto_matrix(&ecfp);
    let pairs = rows(folder.join("davis_pairs.tsv"));
    let of_folds = |keep: &dyn Fn(u8) -> bool| {
        let mut chosen = Observations::default();
        for row in pairs.iter().filter(|row| keep(row[3].parse().unwrap())) {
            chosen.pairs.push((row[0].parse().unwrap(), row[1].parse().unwrap()));
            chosen.values.push(row[2].parse().unwrap());
        }
        chosen
    };
    let (train, validation) = (of_folds(&|fold| (1..5).contains(&fold)), of_folds(&|fold| fold == 0));
    let began = std::time::Instant::now();
    let choice = Grid::default().choose((&alike, &similar), &train, &validation, &Interrupt::default()).unwrap();
    eprintln!("{choice:?}: {:.1} s", began.elapsed().as_secs_f64());
    let model = KernelRidge {
        drugs: exponential(&alike, choice.drug_width),
        proteins: exponential(&similar, choice.protein_width),
    };
    let (all, test) = (of_folds(&|fold| fold < 5), of_folds(&|fold| fold == 5));
    let fit = model.fit(&all, choice.ridge, &test.pairs, &Interrupt::default()).unwrap();
    let found = &fit.predictions;
    let (mse, ci) = (metrics::mse(&test.values, found).unwrap(), metrics::concordance(&test.values, found).unwrap());
    eprintln!(
        "test: MSE {mse:.4}, CI {ci:.4}, rm2 {:.4}, {} steps",
        metrics::rm2(&test.values, found).unwrap(),
        fit.steps
    );
    assert_eq!(test.values.len(), 5010);
    assert!(mse < 0.32 && ci > 0.875, "{mse} {ci}");
}

/// Seconds of a training step over all 25,046 training pairs, every drug and protein encoded once.
#[cfg(feature = "torch")]
#[test]
#[ignore = "a measurement, run by hand"]
fn seconds_of_a_training_step() {
    use ferrome_core::train::{AdamW, AdamWOptions};
    use ferrome_drug::{
        baseline::kmer_similarities,
        featurize::{ATOM_SIZES, BOND_SIZES, MolGraph, Positions},
        graph::{GraphBatch, PackedGraphs},
        model::{DrugBatch, Fingerprints, PairConfig, PairModel, ProteinBatch, Weights},
    };
    use tch::{Device, Kind, Tensor};

    let Some(folder) = folder() else { return };
    let molecules: Vec<Molecule> =
        rows(folder.join("davis_drugs.tsv")).iter().map(|row| Molecule::parse(&row[2]).unwrap()).collect();
    let graphs: Vec<MolGraph> = molecules.iter().map(|molecule| MolGraph::new(molecule).unwrap()).collect();
    let walks: Vec<Positions> = graphs.iter().map(|graph| Positions::random_walks(graph, 16)).collect();
    let none = Positions::default();
    let packed = PackedGraphs::new(graphs.iter().zip(&walks).map(|(graph, walks)| (graph, walks, &none)));
    let bits: Vec<Vec<u16>> = molecules
        .iter()
        .map(|molecule| {
            molecule.ecfp4().unwrap().into_iter().chain(molecule.fcfp4().iter().map(|bit| bit + 2048)).collect()
        })
        .collect();
    let drugs = DrugBatch {
        graphs: Some(GraphBatch::new(&packed, Device::Cpu).unwrap()),
        fingerprints: Some(Fingerprints::new(bits.iter().map(Vec::as_slice), Device::Cpu).unwrap()),
    };
    let proteins = rows(folder.join("davis_proteins.tsv"));
    let sequences: Vec<&[u8]> = proteins.iter().map(|row| row[2].as_bytes()).collect();
    let similar = kmer_similarities(&sequences, &sequences, 3);
    let proteins = ProteinBatch { rows: Some(Tensor::from_slice(&similar).view([442, 442])), residues: None };
    let pairs = rows(folder.join("davis_pairs.tsv"));
    let train: Vec<&Vec<String>> = pairs.iter().filter(|row| row[3] != "5").collect();
    let column = |i: usize| train.iter().map(|row| row[i].parse::<i64>().unwrap()).collect::<Vec<_>>();
    let (of_drug, of_protein) = (Tensor::from_slice(&column(0)), Tensor::from_slice(&column(1)));
    let values: Vec<f32> = train.iter().map(|row| row[2].parse().unwrap()).collect();
    let values = Tensor::from_slice(&values);
    for layers in [0, 5] {
        let graph = serde_json::json!({
            "node_sizes": ATOM_SIZES, "edge_sizes": BOND_SIZES, "hidden_size": 64, "num_attention_heads": 4,
            "random_walk_steps": 16, "position_size": 16, "layers": {"arrangement": "parallel", "layers": layers},
            "message": "gine", "norm": "batch", "dropout": 0.1, "attention_dropout": 0.1, "pooling": "sum",
        });
        let mut config = serde_json::json!({
            "fingerprints": {"bits": 4096, "hidden": [512, 256], "dropout": 0.2},
            "protein_rows": {"width": 442, "hidden": [512, 256], "dropout": 0.2},
            "head": {"kind": "mlp", "hidden": [512, 256], "dropout": 0.2},
        });
        if layers > 0 {
            config["graph"] = graph;
        }
        let config: PairConfig = serde_json::from_value(config).unwrap();
        let model = PairModel::load(Weights::random(1, Device::Cpu), &config).unwrap();
        let options = AdamWOptions { beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 1e-4, clip: 5.0 };
        let mut optimiser = AdamW::new(model.parts().trained(), options).unwrap();
        let (mut seconds, mut losses) = (Vec::new(), Vec::new());
        for _ in 0..6 {
            let began = std::time::Instant::now();
            let (x, y) = (model.drugs(&drugs, true).unwrap(), model.proteins(&proteins, true).unwrap());
            let encoded = began.elapsed().as_secs_f64();
            let found = model.pairs(&x, &y, (&of_drug, &of_protein), true).unwrap();
            let loss = (found.mean + 5.0 - &values).square().mean(Kind::Float);
            loss.backward();
            optimiser.step(1e-3).unwrap();
            losses.push(loss.double_value(&[]));
            seconds.push((encoded, began.elapsed().as_secs_f64()));
        }
        let best = seconds.iter().map(|(_, all)| *all).fold(f64::MAX, f64::min);
        eprintln!("{layers} graph layers: {best:.2} s for {} pairs, (encoding, all) {seconds:.2?}", train.len());
        assert!(losses.last() < losses.first(), "{losses:?}");
    }
}
