//! Block by block against what fair-esm and transformers computed (`tests/golden`, made by
//! `scripts/make_protein_goldens.py`). A golden that cannot be read fails.

use std::path::{Path, PathBuf};

use ferrome_core::weights::Checkpoint;
use tch::{Device, Kind, Tensor};

use super::{Batch, Esm};
use crate::model::open;

const TOLERANCE: f64 = 1e-5;

fn golden_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden")
}

struct Golden(Checkpoint);

impl Golden {
    fn tensor(&self, name: &str) -> Option<Tensor> {
        let info = self.0.info(name)?;
        let shape: Vec<i64> = info.shape.iter().map(|&n| n as i64).collect();
        let kind = if name.starts_with("tokens") { Kind::Int64 } else { Kind::Float };
        self.0.with_bytes(name, |bytes| Tensor::f_from_data_size(bytes, &shape, kind).unwrap()).ok()
    }

    fn sequences(&self) -> Vec<Vec<u8>> {
        let tokens = (0..).map_while(|i| self.tensor(&format!("tokens.{i}")));
        tokens.map(|t| Vec::<i64>::try_from(t).unwrap().into_iter().map(|id| id as u8).collect()).collect()
    }
}

fn close(found: &Tensor, expected: &Tensor, what: &str) {
    assert_eq!(found.size(), expected.size(), "{what}");
    let scale = expected.abs().clamp_min(1.0);
    let worst = ((found - expected).abs() / scale).max().double_value(&[]);
    assert!(worst <= TOLERANCE, "{what}: differs by {worst:e}");
}

// Layers and logits of every sequence, run together as one packed batch of `picked`.
fn compare(model: &Esm, golden: &Golden, sequences: &[Vec<u8>], picked: &[usize], case: &str) -> usize {
    let chosen: Vec<&[u8]> = picked.iter().map(|&i| sequences[i].as_slice()).collect();
    let batch = Batch::new(&chosen, model.config(), Device::Cpu).unwrap();
    let spans: Vec<_> = batch.sequences.spans().collect();
    let mut compared = 0;
    let mut check = |kind: &str, x: &Tensor| {
        for (&i, &(start, length)) in picked.iter().zip(&spans) {
            if let Some(expected) = golden.tensor(&format!("{kind}.{i}")) {
                close(&x.narrow(0, start, length), &expected, &format!("{case}: {kind}.{i}"));
                compared += 1;
            }
            let mean = kind.strip_prefix("layer").and_then(|layer| golden.tensor(&format!("mean{layer}.{i}")));
            if let Some(expected) = mean {
                let found = x.narrow(0, start + 1, length - 2).mean_dim([0_i64].as_slice(), false, Kind::Float);
                close(&found, &expected, &format!("{case}: mean of {kind}.{i}"));
            }
        }
    };
    let blocks = model.config().num_hidden_layers;
    let last = model.forward(&batch, blocks, |layer, x| {
        check(&format!("layer.{layer}"), x);
        Ok(())
    });
    check("logits", &model.logits(&last.unwrap()).unwrap());
    compared
}

#[test]
fn every_checkpoint_layout_agrees_with_the_reference_packages() {
    let _guard = tch::no_grad_guard();
    let cases = fs_err::read_to_string(golden_folder().join("cases.json")).unwrap();
    let cases: Vec<serde_json::Value> = serde_json::from_str(&cases).unwrap();
    assert!(cases.len() >= 10);
    for case in cases {
        let text = |key: &str| case[key].as_str().unwrap();
        let golden = Golden(Checkpoint::open(&golden_folder().join(text("golden"))).unwrap());
        let opened = open(&golden_folder().join(text("checkpoint"))).unwrap();
        assert_eq!(opened.config.hidden_size, case["width"].as_i64().unwrap());
        assert_eq!(opened.config.num_attention_heads, case["heads"].as_i64().unwrap());
        let model = opened.load(Kind::Float, Device::Cpu).unwrap();
        let sequences = golden.sequences();
        assert!(sequences.len() >= 7, "{}", text("checkpoint"));
        let all: Vec<usize> = (0..sequences.len()).collect();
        let name = format!("{} (together)", text("checkpoint"));
        let compared = compare(&model, &golden, &sequences, &all, &name);
        assert!(compared >= 7 * 2, "{name}: only {compared} values were compared");
        for &i in &all {
            compare(&model, &golden, &sequences, &[i], &format!("{} (alone)", text("checkpoint")));
        }
    }
}

#[test]
fn first_block_agrees_step_by_step() {
    let _guard = tch::no_grad_guard();
    for (checkpoint, golden) in [
        ("esm2_hf", "esm2_hf"),
        ("esm2_fair/esm2_t2_tiny.pt", "esm2_fair"),
        ("esm1b_fair/esm1b_t2_tiny.pt", "esm1b_fair"),
        ("esm1v_hf", "esm1v_fair"),
    ] {
        let model = open(&golden_folder().join(checkpoint)).unwrap().load(Kind::Float, Device::Cpu).unwrap();
        let golden = Golden(Checkpoint::open(&golden_folder().join(golden).join("golden.safetensors")).unwrap());
        let expect = |name: &str, found: &Tensor| {
            let expected = golden.tensor(&format!("block0.{name}.4")).unwrap();
            close(found, &expected, &format!("{checkpoint}: block0.{name}"));
        };
        let tokens = golden.sequences();
        let batch = Batch::new(&[tokens[4].as_slice()], model.config(), Device::Cpu).unwrap();
        let rotary = model.rotary.as_ref().map(|r| r.tables(batch.sequences.positions()).unwrap());
        let rotary = rotary.as_ref().map(|(cos, sin)| (cos, sin));
        let block = &model.layers[0];
        let x = model.embeddings.forward(&batch).unwrap();
        expect("attention_norm", &block.attention_layer_norm.forward(&x).unwrap());
        let attention = block.attend(&x, &batch.sequences, rotary).unwrap();
        expect("attention", &attention);
        expect("residual", &(&attention + &x));
        expect("output", &block.forward(x, &batch.sequences, rotary).unwrap());
    }
}

#[test]
fn logits_of_a_checkpoint_without_a_head_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let source = golden_folder().join("esm2_hf");
    fs_err::copy(source.join("config.json"), folder.path().join("config.json")).unwrap();
    let checkpoint = Checkpoint::open_folder(&source).unwrap();
    let bytes: Vec<(String, Vec<usize>, Vec<u8>)> = checkpoint
        .names()
        .filter_map(|name| Some((name.strip_prefix("esm.")?.to_owned(), checkpoint.info(name)?.shape.clone(), name)))
        .map(|(short, shape, name)| (short, shape, checkpoint.with_bytes(name, <[u8]>::to_vec).unwrap()))
        .collect();
    let views = bytes.iter().map(|(name, shape, data)| {
        (name, safetensors::tensor::TensorView::new(safetensors::Dtype::F32, shape.clone(), data).unwrap())
    });
    safetensors::serialize_to_file(views, None, &folder.path().join("model.safetensors")).unwrap();
    let model = open(folder.path()).unwrap().load(Kind::Float, Device::Cpu).unwrap();
    let refused = model.logits(&Tensor::zeros([1, 40], (Kind::Float, Device::Cpu))).unwrap_err().to_string();
    assert_eq!(
        refused,
        "the checkpoint has no language-model head (`lm_head`), which logits need: use one saved from EsmForMaskedLM"
    );
}
