//! On generated cells and the small model of `tests/golden/cell/scgpt_torch`.

use std::path::{Path, PathBuf};

use ferrome_core::interrupt::Interrupt;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tch::{Device, Kind, Tensor};

use super::loss::{self, Hidden};
use super::order::Split;
use super::*;
use crate::model::scgpt::{self, Integrator, OpenModel};

const GENES: usize = 20;

/// Cells of two types in three batches, over the first genes of the golden model.
fn corpus(cells: usize) -> Corpus {
    let mut random = ChaCha8Rng::seed_from_u64(3);
    let (batch, kind): (Vec<usize>, Vec<usize>) = (0..cells).map(|cell| (cell % 3, cell / 3 % 2)).unzip();
    let mut bins = Vec::new();
    for &kind in &kind {
        bins.extend((0..GENES).map(|gene| if gene % 2 == kind { random.random_range(1..51) as f32 } else { 0.0 }));
    }
    Corpus {
        ids: (0..cells).map(|cell| format!("c{cell}")).collect(),
        places: (0..cells).map(Ok).collect(),
        genes: (0..GENES).map(|gene| format!("GENE{gene}")).collect(),
        tokens: (0..GENES as i32).collect(),
        cls: 31,
        batches: ["a", "b", "c"].map(str::to_owned).to_vec(),
        batch,
        types: ["B", "T"].map(str::to_owned).to_vec(),
        kind: kind.into_iter().map(Some).collect(),
        logs: bins.iter().map(|bin| bin / 10.0).collect(),
        bins,
        frozen: vec![(vec![31, 0], vec![-2.0, 5.0]); cells],
    }
}

/// Set in the process of a test that has it for itself.
const ALONE: &str = "FERROME_TEST_ALONE";

fn golden() -> OpenModel {
    scgpt::open(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/cell/scgpt_torch")).unwrap()
}

fn config() -> IntegrateConfig {
    IntegrateConfig {
        epochs: 2,
        batch_cells: 8,
        checkpoint_every: 3,
        learning_rate: 1e-3,
        ..IntegrateConfig::default()
    }
}

fn model(config: &IntegrateConfig) -> Integrator {
    golden().new_integrator(config.objectives(), 3, config.seed, Device::Cpu).unwrap()
}

/// Trains into `folder`, stopping after `stop` steps; the tensors in the end.
fn run(folder: &Path, config: &IntegrateConfig, stop: Option<u64>) -> Result<Vec<(String, Tensor)>, String> {
    tch::set_num_threads(1);
    let (corpus, model, interrupt) = (corpus(60), model(config), Interrupt::default());
    let start = Start {
        config,
        corpus: &corpus,
        from: "golden",
        folder,
        kind: Kind::Float,
        device: Device::Cpu,
        overwrite: false,
        interrupt: interrupt.clone(),
    };
    let done = train(&start, &model, &mut |progress| {
        if Some(progress.step) == stop {
            interrupt.raise();
        }
    });
    done.map_err(|error| error.to_string())?;
    Ok(model.tensors().into_iter().map(|(name, tensor)| (name, tensor.detach().copy())).collect())
}

fn folder(root: &Path, name: &str) -> PathBuf {
    root.join(name)
}

#[test]
fn stopped_run_goes_on_to_the_same_bits() {
    // libtorch's generator is one for the process, and other tests draw from it: this one runs in a process of its own.
    if std::env::var_os(ALONE).is_none() {
        let name = "task::integrate::tests::stopped_run_goes_on_to_the_same_bits";
        let mut command = std::process::Command::new(std::env::current_exe().unwrap());
        let ended = command.args(["--exact", name, "--test-threads=1"]).env(ALONE, "1").output().unwrap();
        let said = String::from_utf8_lossy(&ended.stdout);
        assert!(ended.status.success() && said.contains("1 passed"), "{said}");
        return;
    }
    let root = tempfile::tempdir().unwrap();
    let whole = run(&folder(root.path(), "whole"), &config(), None).unwrap();
    let broken = folder(root.path(), "broken");
    // Between two checkpoints of the first epoch, and in the second.
    for stop in [4, 13] {
        let refused = run(&broken, &config(), Some(stop)).unwrap_err();
        assert!(
            refused.starts_with("interrupted: ") && refused.ends_with("run the same command again to go on"),
            "{refused}"
        );
    }
    let again = run(&broken, &config(), None).unwrap();
    assert!(whole.iter().any(|(name, _)| name == "dsbn.bns.2.running_var"));
    for ((name, one), (_, other)) in whole.iter().zip(&again) {
        assert_eq!(one, other, "{name}");
    }
    let read = |name: &str| fs_err::read_to_string(folder(root.path(), name).join("metrics.csv")).unwrap();
    assert_eq!(read("whole"), read("broken"));
    let header = "epoch,step,learning_rate,loss,gep,gep_zero,mvc,mvc_zero,ecs,dab,validation_gep\n";
    assert!(read("whole").starts_with(header), "{}", read("whole"));
}

#[test]
fn another_run_into_the_same_folder_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let out = folder(root.path(), "out");
    run(&out, &config(), Some(2)).unwrap_err();
    let refused = run(&out, &IntegrateConfig { dab_weight: 0.5, ..config() }, None).unwrap_err();
    assert!(refused.contains("dab_weight was `1.0`, now `0.5`"), "{refused}");
    // When checkpoints are written changes nothing.
    run(&out, &IntegrateConfig { checkpoint_every: 2, ..config() }, None).unwrap();
}

#[test]
fn objectives_that_are_left_out_have_no_tensors() {
    let config = IntegrateConfig {
        mvc: false,
        dab_weight: 0.0,
        dsbn: false,
        zero_probability: false,
        ecs_threshold: 0.0,
        ..config()
    };
    let root = tempfile::tempdir().unwrap();
    let tensors = run(&folder(root.path(), "out"), &config, None).unwrap();
    let has = |part: &str| tensors.iter().any(|(name, _)| name.contains(part));
    assert!(!has("mvc") && !has("grad_reverse") && !has("dsbn") && !has("zero_logit") && has("batch_encoder"));
    let metrics = fs_err::read_to_string(root.path().join("out/metrics.csv")).unwrap();
    assert!(metrics.starts_with("epoch,step,learning_rate,loss,gep,validation_gep\n"), "{metrics}");
}

#[test]
fn foundation_gives_genes_blocks_and_what_fits_of_decoders() {
    let (new, old) = (model(&config()), golden().load(Kind::Float, Device::Cpu).unwrap());
    let old = old.parameters();
    let of = |name: &str| old.iter().find(|(found, _)| found == name).map(|(_, tensor)| *tensor).unwrap();
    let new = new.tensors();
    let now = |name: &str| new.iter().find(|(found, _)| found == name).map(|(_, tensor)| *tensor).unwrap();
    for name in ["encoder.embedding.weight", "transformer_encoder.layers.1.linear2.weight", "decoder.fc.2.weight"] {
        assert_eq!(of(name), now(name), "{name}");
    }
    // Beside the gene it now sees the batch.
    assert_eq!((of("decoder.fc.0.weight").size(), now("decoder.fc.0.weight").size()), (vec![24, 24], vec![24, 48]));
    assert_eq!(now("dsbn.bns.0.running_var"), &Tensor::ones([24], (Kind::Float, Device::Cpu)));
}

#[test]
fn steps_hold_every_cell_once_and_one_batch_each() {
    let (corpus, config) = (corpus(60), config());
    let split = Split::new(&corpus, &config);
    assert_eq!((split.train.len(), split.validation.len()), (54, 6));
    let steps = split.steps(&corpus, &config, 0);
    let mut all: Vec<usize> = steps.concat();
    all.sort_unstable();
    assert_eq!(all, split.train);
    assert!(steps.iter().all(|cells| cells.iter().all(|&cell| corpus.batch[cell] == corpus.batch[cells[0]])));
    assert_ne!(steps, split.steps(&corpus, &config, 1));
    let mixed = IntegrateConfig { one_batch_per_step: false, ..config };
    let mixed = split.steps(&corpus, &mixed, 0);
    assert!(mixed.iter().any(|cells| cells.iter().any(|&cell| corpus.batch[cell] != corpus.batch[cells[0]])));
}

#[test]
fn hidden_genes_are_a_share_of_each_cell_and_never_cls() {
    let (corpus, config) = (corpus(12), config());
    let hidden = Hidden::new((&corpus, &[0, 5, 7]), &config, -1.0, 0, Device::Cpu).unwrap();
    let values = Vec::<f32>::try_from(hidden.batch.values()).unwrap();
    for cell in values.chunks(GENES + 1) {
        assert_eq!(cell.iter().filter(|&&value| value == -1.0).count(), 8);
        assert_eq!(cell[0], 0.0);
    }
    let again = Hidden::new((&corpus, &[0, 5, 7]), &config, -1.0, 1, Device::Cpu).unwrap();
    assert_ne!(values, Vec::<f32>::try_from(again.batch.values()).unwrap());
}

#[test]
fn discriminator_turns_the_gradient_round() {
    let model = model(&config());
    let discriminator = model.discriminator.as_ref().unwrap();
    let cells = Tensor::randn([5, 24], (Kind::Float, Device::Cpu)).set_requires_grad(true);
    let loss = |logits: &Tensor| logits.square().sum(Kind::Float);
    let logits = discriminator.forward(&cells).unwrap();
    loss(&logits).backward();
    let reversed = cells.grad().copy();
    // A small step along the gradient that arrives makes the loss smaller, not larger.
    let _guard = tch::no_grad_guard();
    let moved = discriminator.forward(&(&cells + &reversed * 1e-4)).unwrap();
    assert!(loss(&moved).double_value(&[]) < loss(&logits).double_value(&[]));
}

#[test]
fn normalisation_learns_the_statistics_of_each_batch() {
    let (corpus, config) = (corpus(12), config());
    let model = model(&config);
    let hidden = Hidden::new((&corpus, &[0, 3, 4]), &config, -1.0, 0, Device::Cpu).unwrap();
    loss::parts(&model, &hidden, &config, Kind::Float).unwrap();
    let buffers = model.model.buffers();
    let moved =
        |name: &str| buffers.iter().find(|(found, _)| found == name).unwrap().1.abs().max().double_value(&[]) > 0.0;
    // Cells 0 and 3 are of the first batch, 4 of the second.
    assert!(moved("dsbn.bns.0.running_mean") && moved("dsbn.bns.1.running_mean"));
    assert!(!moved("dsbn.bns.2.running_mean"));
}
