//! The mean, kernel ridge over similarities, and a two-tower perceptron.

use ferrome_core::journal::write_whole;
use serde::{Deserialize, Serialize};

use super::{Start, identity, scored};
use crate::{
    Error, Result,
    baseline::{
        self, Grid, KernelRidge, Matrix, Observations, exponential, kmer_similarities, similarity_matrix,
        tanimoto_matrix,
    },
    checkpoint::{Calibration, FingerprintKind, Folder, RowKind, Scores},
    molecule::MolSource,
    task::train::{self, Data, Part, Progress, Split, Store, TrainConfig},
};

/// Above so many proteins their likeness is that of their counts of three residues.
const ALIGNED: usize = 1000;
/// Epochs of the perceptron.
const EPOCHS: u64 = 60;

/// What kernel ridge said, so that it need not be fitted again.
#[derive(Debug, Deserialize, Serialize)]
struct Fitted {
    identity: String,
    chosen: String,
    scores: Vec<f64>,
}

type Baseline = (String, Scores, Option<Calibration>);

/// All three, for the pairs `which`.
pub(super) fn all(
    start: &Start,
    data: &Data,
    split: &Split,
    which: &[usize],
    tell: &mut dyn FnMut(&Progress),
) -> Result<Vec<Baseline>> {
    fs_err::create_dir_all(start.baselines)?;
    // What is trained before the test may use the pairs that chose; what is evaluated may not.
    let all: Vec<usize> = match start.on {
        Part::Test => split.train.iter().chain(&split.validation).copied().collect(),
        _ => split.train.clone(),
    };
    let mean = baseline::mean(&observations(start.config, data, &all).values).unwrap_or_default();
    let constant = Scores { score: vec![mean; which.len()], ..Scores::default() };
    let ridge = kernel_ridge(start, data, split, (&all, which))?;
    let ridge_scores = Scores { score: ridge.scores, ..Scores::default() };
    let (tower, calibration) = two_tower(start, data, which, tell)?;
    Ok(vec![
        ("two-tower perceptron".into(), tower, calibration),
        (format!("kernel ridge ({})", ridge.chosen), ridge_scores, None),
        ("mean of the training values".into(), constant, None),
    ])
}

fn observations(config: &TrainConfig, data: &Data, which: &[usize]) -> Observations {
    let value = |pair: &train::Pair| {
        let label = f64::from(u8::from(pair.positive == Some(true)));
        if config.objective.has_affinity() { pair.value.unwrap_or(label) } else { label }
    };
    let pairs = || which.iter().filter_map(|&i| data.pairs.get(i));
    Observations {
        pairs: pairs().map(|pair| (pair.drug, pair.protein)).collect(),
        values: pairs().map(value).collect(),
    }
}

fn kernel_ridge(start: &Start, data: &Data, split: &Split, (all, which): (&[usize], &[usize])) -> Result<Fitted> {
    let (path, identity) = (start.baselines.join("kernel_ridge.json"), identity(start, data, split));
    let before = fs_err::read_to_string(&path).ok().and_then(|text| serde_json::from_str::<Fitted>(&text).ok());
    if let Some(before) = before.filter(|before| before.identity == identity && before.scores.len() == which.len()) {
        return Ok(before);
    }
    let bits = data.drugs.iter().map(|drug| drug.molecule.ecfp4()).collect::<Result<Vec<_>, _>>()?;
    let (drugs, (proteins, how)) = (tanimoto_matrix(&bits), likeness(data));
    let of = |which: &[usize]| observations(start.config, data, which);
    let (learn, choose) = (of(&split.train), of(&split.validation));
    let choice = Grid::default().choose((&drugs, &proteins), &learn, &choose, &start.interrupt)?;
    let model = KernelRidge {
        drugs: exponential(&drugs, choice.drug_width),
        proteins: exponential(&proteins, choice.protein_width),
    };
    let scores = model.fit(&of(all), choice.ridge, &of(which).pairs, &start.interrupt)?.predictions;
    let chosen = format!("Tanimoto {}, {how} {}, ridge {}", choice.drug_width, choice.protein_width, choice.ridge);
    let fitted = Fitted { identity, chosen, scores };
    let json = serde_json::to_string(&fitted).map_err(|e| Error::file(&path, e.to_string()))?;
    write_whole(&path, json + "\n")?;
    Ok(fitted)
}

/// How alike proteins are, and by what.
fn likeness(data: &Data) -> (Matrix, &'static str) {
    let sequences: Vec<&[u8]> = data.proteins.iter().map(|protein| protein.sequence.as_slice()).collect();
    if sequences.len() <= ALIGNED {
        return (similarity_matrix(&sequences), "alignment");
    }
    let values = kmer_similarities(&sequences, &sequences, 3).into_iter().map(f64::from).collect();
    (Matrix { rows: sequences.len(), columns: sequences.len(), values }, "3-mers")
}

fn two_tower(
    start: &Start,
    data: &Data,
    which: &[usize],
    tell: &mut dyn FnMut(&Progress),
) -> Result<(Scores, Option<Calibration>)> {
    let given = start.config;
    let tower = serde_json::json!({"hidden": [512, 256], "dropout": 0.2});
    let rows = serde_json::json!({"hidden": [512, 256], "standardized": true, "dropout": 0.2});
    let config = TrainConfig {
        data: given.data.clone(),
        split: given.split.clone(),
        label: given.label.clone(),
        objective: given.objective,
        batches: given.batches,
        seed: given.seed,
        fingerprints: vec![FingerprintKind::Ecfp4, FingerprintKind::Fcfp4],
        protein_rows: vec![RowKind::Kmer { k: 3 }],
        model: serde_json::json!({
            "fingerprints": tower, "protein_rows": rows,
            "head": {"kind": "mlp", "hidden": [512, 256], "dropout": 0.2},
        }),
        epochs: EPOCHS.min(given.epochs),
        refit: given.refit,
        store: Store::F32,
        ..TrainConfig::default()
    };
    let folder = start.baselines.join("two-tower");
    let run = train::Start {
        config: &config,
        folder: &folder,
        device: start.device,
        overwrite: false,
        interrupt: start.interrupt.clone(),
    };
    train::train(&run, data, tell)?;
    let model = Folder::open(&folder)?;
    Ok((scored::predict(&model, &config, data, which, start.device)?, model.config.calibration.clone()))
}
