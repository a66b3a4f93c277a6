//! Small random drug-target models.

use std::collections::BTreeMap;
use std::path::Path;

use ferrome_drug::checkpoint::{
    Calibration, CheckpointConfig, FingerprintKind, Label, ModelKind, Objective, RowKind, TrainingMolecule, save,
};
use ferrome_drug::featurize::{ATOM_SIZES, BOND_SIZES};
use ferrome_drug::inputs::Reference;
use ferrome_drug::model::{
    AttentionConfig, FingerprintConfig, GraphConfig, HeadConfig, LayerPlan, MessageKind, NormKind, PairConfig,
    PairModel, Pooling, RowsConfig, Weights,
};
use ferrome_drug::molecule::{MolSource, Molecule};
use tch::{Device, Kind};

/// Proteins that targets are compared with.
pub(crate) const REFERENCES: [(&str, &str); 3] = [
    ("ABL1", "MLEICLKLVGCKSKKGLSSSSSCYLEEALQR"),
    ("EGFR", "MRPSGTAGAALLALLAALCPASRALEEKKV"),
    ("SRC", "MGSNKSKPKDASQRRRSLEPAENVHGAGGG"),
];

/// Molecules that the models say they were trained on.
pub(crate) const TRAINED: [&str; 2] = ["CC(=O)Oc1ccccc1C(=O)O", "Cn1cnc2c1c(=O)n(C)c(=O)n2C"];

/// A model that looks at fingerprints and similarity rows.
pub(crate) fn fast() -> CheckpointConfig {
    CheckpointConfig {
        ferrome: ModelKind::DrugTarget,
        label: Label { name: "pKd".into(), unit: "-log10(M)".into(), center: 5.5, scale: 0.9 },
        objective: Objective::Regression,
        variance: true,
        model: PairConfig {
            graph: None,
            fingerprints: Some(FingerprintConfig { bits: 2048, hidden: vec![32, 16], dropout: 0.1 }),
            protein_rows: Some(RowsConfig { width: 6, standardized: false, hidden: vec![16], dropout: 0.1 }),
            convolution: None,
            head: HeadConfig::Bilinear { rank: 8 },
        },
        members: 2,
        others: Vec::new(),
        fingerprints: vec![FingerprintKind::Ecfp4],
        protein_rows: vec![RowKind::Kmer { k: 2 }, RowKind::SmithWaterman],
        calibration: Calibration::of_affinities(
            &(0..99).map(|i| f64::from(i) / 50.0).collect::<Vec<_>>(),
            &[1.0; 99],
            &[0.5; 99],
        ),
        trained: BTreeMap::new(),
    }
}

/// The same with a graph transformer that has every encoding of positions, and a perceptron for a head.
pub(crate) fn full() -> CheckpointConfig {
    let graph = GraphConfig {
        node_sizes: ATOM_SIZES.map(|n| n as i64).into(),
        edge_sizes: BOND_SIZES.map(|n| n as i64).into(),
        hidden_size: 24,
        num_attention_heads: 3,
        random_walk_steps: 4,
        laplacian: true,
        position_size: 4,
        layers: LayerPlan::Parallel { layers: 2 },
        message: MessageKind::GatedGcn,
        attention: AttentionConfig::Plain,
        norm: NormKind::Batch,
        dropout: 0.1,
        attention_dropout: 0.1,
        pooling: Pooling::Mean,
    };
    let fast = fast();
    CheckpointConfig {
        model: PairConfig {
            graph: Some(graph),
            fingerprints: Some(FingerprintConfig { bits: 4096, hidden: vec![16], dropout: 0.1 }),
            head: HeadConfig::Mlp { hidden: vec![24, 12], dropout: 0.1 },
            ..fast.model
        },
        fingerprints: vec![FingerprintKind::Ecfp4, FingerprintKind::Fcfp4],
        ..fast
    }
}

/// A graph transformer that does not look at eigenvectors, so that graphs are made from the spelling at hand.
pub(crate) fn without_eigenvectors() -> CheckpointConfig {
    let mut config = full();
    if let Some(graph) = config.model.graph.as_mut() {
        (graph.laplacian, graph.message, graph.norm) = (false, MessageKind::Gine, NormKind::Layer);
    }
    config
}

/// Writes the folder of a model with random weights.
pub(crate) fn write(folder: &Path, config: &CheckpointConfig) {
    let member =
        |seed| PairModel::load(Weights::random(seed, Device::Cpu), config.architecture(seed as usize)).unwrap();
    let members: Vec<PairModel> = (0..config.members as i64).map(member).collect();
    let parts: Vec<_> = members.iter().map(PairModel::parts).collect();
    let molecules = TRAINED.map(|smiles| {
        let molecule = Molecule::parse(smiles).unwrap();
        TrainingMolecule {
            smiles: smiles.into(),
            canonical_smiles: molecule.canonical_smiles(),
            ecfp4: molecule.ecfp4().unwrap(),
        }
    });
    let proteins = REFERENCES.map(|(id, sequence)| Reference {
        id: id.into(),
        sequence: sequence.into(),
        embedding: config.protein_rows.iter().any(|kind| matches!(kind, RowKind::Table { .. })).then(|| vec![0.5; 4]),
    });
    save(folder, config, &parts, (&molecules, &proteins), Kind::Float).unwrap();
}
