//! Writes a drug-target model with random weights, and in it a fast one: what it costs to score does not depend on weights.
//!
//! ```text
//! cargo run --release -p ferrome-drug --example random_model -- MOLECULES.smi OUT
//! ```
//!
//! The molecules are those that the model says it was trained on.

#![allow(clippy::print_stderr, reason = "a program for benchmarks")]

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;

use ferrome_drug::checkpoint::{
    Calibration, CheckpointConfig, FAST, FingerprintKind, Label, ModelKind, Objective, RowKind, TrainingMolecule, save,
};
use ferrome_drug::featurize::{ATOM_SIZES, BOND_SIZES};
use ferrome_drug::inputs::Reference;
use ferrome_drug::model::{
    AttentionConfig, FingerprintConfig, GraphConfig, HeadConfig, LayerPlan, MessageKind, NormKind, PairConfig,
    PairModel, Pooling, RowsConfig, Weights,
};
use ferrome_drug::molecule::MolSource;
use ferrome_drug::read::{Columns, open};
use tch::{Device, Kind};

/// Reference proteins: as many as Davis has.
const REFERENCES: usize = 379;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [library, out] = arguments.as_slice() else {
        return Err("expected MOLECULES.smi OUT".into());
    };
    let mut molecules = Vec::new();
    for entry in open(Path::new(library), &Columns::default())? {
        let entry = entry?;
        let molecule = entry.molecule()?;
        molecules.push(TrainingMolecule {
            smiles: entry.text().to_owned(),
            canonical_smiles: molecule.canonical_smiles(),
            ecfp4: molecule.ecfp4()?,
        });
    }
    let proteins: Vec<Reference> = (0..REFERENCES).map(reference).collect();
    for (folder, config) in [(Path::new(out).to_owned(), full()), (Path::new(out).join(FAST), fast())] {
        let model = PairModel::load(Weights::random(1, Device::Cpu), &config.model)?;
        save(&folder, &config, &[model.parts()], (&molecules, &proteins), Kind::Float)?;
    }
    eprintln!("{out}: {} molecules, {} proteins", molecules.len(), proteins.len());
    Ok(())
}

/// A sequence of 300 to 900 residues.
fn reference(number: usize) -> Reference {
    let letter = |place: usize| b"ACDEFGHIKLMNPQRSTVWY"[(number * 7919 + place * place * 31 + place / 7) % 20];
    let sequence = (0..300 + number * 37 % 600).map(letter).collect();
    Reference { id: format!("r{number}"), sequence, embedding: None }
}

fn fast() -> CheckpointConfig {
    let width = REFERENCES as i64;
    CheckpointConfig {
        ferrome: ModelKind::DrugTarget,
        label: Label { name: "pKd".into(), unit: "-log10(M)".into(), center: 5.5, scale: 0.9 },
        objective: Objective::Regression,
        variance: true,
        model: PairConfig {
            graph: None,
            fingerprints: Some(FingerprintConfig { bits: 2048, hidden: vec![512, 256], dropout: 0.1 }),
            protein_rows: Some(RowsConfig { width, standardized: false, hidden: vec![512, 256], dropout: 0.1 }),
            convolution: None,
            head: HeadConfig::Bilinear { rank: 128 },
        },
        members: 1,
        others: Vec::new(),
        fingerprints: vec![FingerprintKind::Ecfp4],
        protein_rows: vec![RowKind::SmithWaterman],
        calibration: Calibration::of_affinities(&[1.0; 99], &[0.5; 99], &[0.5; 99]),
        trained: BTreeMap::new(),
    }
}

fn full() -> CheckpointConfig {
    let graph = GraphConfig {
        node_sizes: ATOM_SIZES.map(|n| n as i64).into(),
        edge_sizes: BOND_SIZES.map(|n| n as i64).into(),
        hidden_size: 64,
        num_attention_heads: 4,
        random_walk_steps: 16,
        laplacian: false,
        position_size: 16,
        layers: LayerPlan::Parallel { layers: 4 },
        message: MessageKind::Gine,
        attention: AttentionConfig::Plain,
        norm: NormKind::Layer,
        dropout: 0.1,
        attention_dropout: 0.1,
        pooling: Pooling::Mean,
    };
    let fast = fast();
    CheckpointConfig { model: PairConfig { graph: Some(graph), ..fast.model }, ..fast }
}
