//! Block by block against what transformers computed (`tests/golden/cell`, made by `scripts/make_cell_goldens.py`). A golden
//! that cannot be read fails.

use std::path::{Path, PathBuf};

use ferrome_core::weights::Checkpoint;
use serde_json::Value;
use tch::{Device, Kind, Tensor};

use super::{Batch, Dropout, Geneformer, OpenGeneformer};

const TOLERANCE: f64 = 1e-5;

fn golden_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/cell")
}

fn cases() -> Vec<Value> {
    serde_json::from_str(&fs_err::read_to_string(golden_folder().join("cases.json")).unwrap()).unwrap()
}

fn load(checkpoint: &str, kind: Kind) -> Geneformer {
    OpenGeneformer::open(&golden_folder().join(checkpoint)).unwrap().load(kind, Device::Cpu).unwrap()
}

struct Golden(Checkpoint);

impl Golden {
    fn open(case: &Value) -> Self {
        Self(Checkpoint::open(&golden_folder().join(case["golden"].as_str().unwrap())).unwrap())
    }

    fn tensor(&self, name: &str) -> Option<Tensor> {
        let info = self.0.info(name)?;
        let shape: Vec<i64> = info.shape.iter().map(|&n| n as i64).collect();
        let kind = if name.starts_with("tokens") { Kind::Int64 } else { Kind::Float };
        self.0.with_bytes(name, |bytes| Tensor::f_from_data_size(bytes, &shape, kind).unwrap()).ok()
    }

    fn cells(&self) -> Vec<Vec<i32>> {
        let tokens = (0..).map_while(|i| self.tensor(&format!("tokens.{i}")));
        tokens.map(|t| Vec::<i64>::try_from(t).unwrap().into_iter().map(|id| id as i32).collect()).collect()
    }
}

fn close(found: &Tensor, expected: &Tensor, what: &str) {
    assert_eq!(found.size(), expected.size(), "{what}");
    let scale = expected.abs().clamp_min(1.0);
    let worst = ((found - expected).abs() / scale).max().double_value(&[]);
    assert!(worst <= TOLERANCE, "{what}: differs by {worst:e}");
}

/// Every layer, and the logits where there is a head, of the cells `picked`, run together as one packed batch.
fn outputs(model: &Geneformer, cells: &[Vec<i32>], picked: &[usize], head: bool) -> Vec<(String, Tensor)> {
    let chosen: Vec<&[i32]> = picked.iter().map(|&i| cells[i].as_slice()).collect();
    let batch = Batch::new(&chosen, Device::Cpu).unwrap();
    let spans: Vec<_> = batch.sequences.spans().collect();
    let mut all = Vec::new();
    let mut keep = |kind: &str, x: &Tensor| {
        for (i, &(start, length)) in picked.iter().zip(&spans) {
            all.push((format!("{kind}.{i}"), x.narrow(0, start, length).copy()));
        }
    };
    let last = model.forward(&batch, model.config().num_hidden_layers, |layer, x| {
        keep(&format!("layer.{layer}"), x);
        Ok(())
    });
    if head {
        keep("logits", &model.logits(&last.unwrap()).unwrap());
    }
    all
}

#[test]
fn every_checkpoint_layout_agrees_with_transformers() {
    let _guard = tch::no_grad_guard();
    assert!(cases().len() >= 5);
    for case in cases() {
        let name = case["checkpoint"].as_str().unwrap();
        let (golden, model) = (Golden::open(&case), load(name, Kind::Float));
        assert_eq!(model.config().hidden_size, case["width"].as_i64().unwrap());
        let (cells, head) = (golden.cells(), case["head"].as_bool().unwrap());
        assert!(cells.len() >= 5, "{name}");
        let all: Vec<usize> = (0..cells.len()).collect();
        let values = cells.len() * (model.config().num_hidden_layers + 1 + usize::from(head));
        let together = outputs(&model, &cells, &all, head);
        assert_eq!(together.len(), values, "{name}");
        let alone = all.iter().flat_map(|&i| outputs(&model, &cells, &[i], head));
        for (what, found) in together.into_iter().chain(alone) {
            close(&found, &golden.tensor(&what).unwrap(), &format!("{name}: {what}"));
        }
    }
}

#[test]
fn first_block_agrees_step_by_step() {
    let _guard = tch::no_grad_guard();
    for case in cases() {
        let name = case["checkpoint"].as_str().unwrap();
        let (golden, model) = (Golden::open(&case), load(name, Kind::Float));
        let cell = &golden.cells()[case["block"].as_u64().unwrap() as usize];
        let batch = Batch::new(&[cell.as_slice()], Device::Cpu).unwrap();
        let expect = |step: &str, found: &Tensor| {
            close(found, &golden.tensor(&format!("block0.{step}")).unwrap(), &format!("{name}: block0.{step}"));
        };
        let (x, layer) = (model.embeddings.forward(&batch).unwrap(), &model.layers[0]);
        let attention = layer.attend(&x, &batch.sequences, Dropout::NONE).unwrap();
        expect("attention", &attention);
        let normed = layer.attention_layer_norm.forward(&(&attention + &x)).unwrap();
        expect("attention_norm", &normed);
        expect("intermediate", &layer.intermediate.forward_relu(&normed).unwrap());
        expect("output", &layer.forward(&x, &batch.sequences, Dropout::NONE).unwrap());
    }
}

#[test]
fn bf16_points_the_same_way() {
    let _guard = tch::no_grad_guard();
    for case in cases() {
        let name = case["checkpoint"].as_str().unwrap();
        let (golden, model) = (Golden::open(&case), load(name, Kind::BFloat16));
        let (cells, blocks) = (golden.cells(), model.config().num_hidden_layers);
        let all: Vec<usize> = (0..cells.len()).collect();
        for (what, found) in outputs(&model, &cells, &all, false) {
            if !what.starts_with(&format!("layer.{blocks}.")) {
                continue;
            }
            let expected = golden.tensor(&what).unwrap();
            let cosine = Tensor::cosine_similarity(&found.to_kind(Kind::Float), &expected, 1, 1e-8).min();
            assert!(cosine.double_value(&[]) > 0.999, "{name}: {what}: cosine {cosine:?}");
        }
    }
}

#[test]
fn layers_after_the_one_asked_for_are_not_visited() {
    let _guard = tch::no_grad_guard();
    let model = load("geneformer_v1", Kind::Float);
    let batch = Batch::new(&[&[5, 6, 7]], Device::Cpu).unwrap();
    let mut visited = Vec::new();
    let _ = model
        .forward(&batch, 1, |layer, _| {
            visited.push(layer);
            Ok(())
        })
        .unwrap();
    assert_eq!(visited, [0, 1]);
}

#[test]
fn logits_of_a_checkpoint_without_a_head_are_refused() {
    let model = load("geneformer_encoder", Kind::Float);
    let refused = model.logits(&Tensor::zeros([1, 24], (Kind::Float, Device::Cpu))).unwrap_err().to_string();
    assert_eq!(
        refused,
        "the checkpoint has no masked-gene head (`cls.predictions`), which logits need: use one saved from BertForMaskedLM"
    );
}

#[test]
fn checkpoint_that_does_not_fit_its_configuration_lists_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let source = golden_folder().join("geneformer_encoder");
    fs_err::copy(source.join("model.safetensors"), folder.path().join("model.safetensors")).unwrap();
    let opened = || OpenGeneformer::open(folder.path());
    let refused = opened().unwrap_err().to_string();
    let reason = "no config.json beside the weights; expected a Hugging Face folder (config.json and weights)";
    assert_eq!(refused, format!("{}: {reason}", folder.path().display()));
    let config = fs_err::read_to_string(source.join("config.json")).unwrap();
    fs_err::write(
        folder.path().join("config.json"),
        config.replace(r#""num_hidden_layers": 2"#, r#""num_hidden_layers": 1"#),
    )
    .unwrap();
    let refused = opened().unwrap().load(Kind::Float, Device::Cpu).unwrap_err().to_string();
    assert!(refused.contains("16 left over: `bert.encoder.layer.1.attention.output.LayerNorm.bias`, "), "{refused}");
    fs_err::write(folder.path().join("config.json"), config.replace(r#""vocab_size": 40"#, r#""vocab_size": 41"#))
        .unwrap();
    let refused = opened().unwrap().load(Kind::Float, Device::Cpu).unwrap_err().to_string();
    assert!(
        refused
            .ends_with("1 of another shape: `bert.embeddings.word_embeddings.weight` is [40, 24], expected [41, 24]"),
        "{refused}"
    );
}
