//! Layer by layer against a PyTorch model on `torch.nn.TransformerEncoder` with padded batches (`tests/golden/cell/scgpt*`, made
//! by `scripts/make_scgpt_goldens.py`). A golden that cannot be read fails.

use std::path::{Path, PathBuf};

use ferrome_core::weights::Checkpoint;
use tch::{Device, Kind, Tensor};

use super::{Batch, CellTokens, Expression, OpenModel, open};
use crate::neighbours::unit_rows;

const TOLERANCE: f64 = 1e-5;

fn golden_folder(case: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/cell").join(case)
}

struct Golden(Checkpoint);

struct Cell {
    tokens: Vec<i32>,
    values: Vec<f32>,
    flags: Vec<i64>,
    label: i64,
}

impl Golden {
    fn open(case: &str) -> Self {
        Self(Checkpoint::open(&golden_folder(case).join("golden.safetensors")).unwrap())
    }

    fn tensor(&self, name: &str) -> Option<Tensor> {
        let info = self.0.info(name)?;
        let shape: Vec<i64> = info.shape.iter().map(|&n| n as i64).collect();
        let whole = ["tokens", "flags", "label"].iter().any(|key| name.starts_with(key));
        let kind = if whole { Kind::Int64 } else { Kind::Float };
        self.0.with_bytes(name, |bytes| Tensor::f_from_data_size(bytes, &shape, kind).unwrap()).ok()
    }

    fn cells(&self) -> Vec<Cell> {
        let whole = |name: String| self.tensor(&name).map(|tensor| Vec::<i64>::try_from(tensor.view(-1)).unwrap());
        let cell = |i: usize| {
            Some(Cell {
                tokens: whole(format!("tokens.{i}"))?.into_iter().map(|token| token as i32).collect(),
                values: Vec::<f32>::try_from(self.tensor(&format!("values.{i}"))?).unwrap(),
                flags: whole(format!("flags.{i}"))?,
                label: whole(format!("label.{i}"))?[0],
            })
        };
        (0..).map_while(cell).collect()
    }
}

fn close(found: &Tensor, expected: &Tensor, what: &str) {
    assert_eq!(found.size(), expected.size(), "{what}");
    let scale = expected.abs().clamp_min(1.0);
    let worst = ((found - expected).abs() / scale).max().double_value(&[]);
    assert!(worst <= TOLERANCE, "{what}: differs by {worst:e}");
}

/// The picked cells as one packed batch, and how many values of them agreed.
struct Comparison<'a> {
    golden: &'a Golden,
    picked: &'a [usize],
    batch: Batch,
    case: String,
    compared: usize,
}

impl<'a> Comparison<'a> {
    fn new(golden: &'a Golden, cells: &[Cell], picked: &'a [usize], case: &str) -> Self {
        let chosen = || picked.iter().map(|&i| &cells[i]);
        let packed: Vec<_> = chosen().map(|cell| CellTokens { tokens: &cell.tokens, values: &cell.values }).collect();
        let labels: Vec<i64> = chosen().map(|cell| cell.label).collect();
        let flags: Vec<i64> = chosen().flat_map(|cell| cell.flags.clone()).collect();
        let batch = Batch::new(&packed, Device::Cpu).unwrap().with_labels(&labels).unwrap();
        let case = format!("{case} ({} cells)", picked.len());
        Self { golden, picked, batch: batch.with_flags(&flags).unwrap(), case, compared: 0 }
    }

    fn check(&mut self, name: &str, found: &Tensor, expected: Option<Tensor>) {
        let expected = expected.unwrap_or_else(|| panic!("{}: no golden {name}", self.case));
        close(found, &expected, &format!("{}: {name}", self.case));
        self.compared += 1;
    }

    /// One row per gene.
    fn genes(&mut self, name: &str, x: &Tensor) {
        let spans: Vec<_> = self.batch.sequences.spans().collect();
        for (&i, (start, length)) in self.picked.iter().zip(spans) {
            let name = format!("{name}.{i}");
            self.check(&name, &x.narrow(0, start, length), self.golden.tensor(&name));
        }
    }

    /// One row per cell.
    fn cells(&mut self, name: &str, x: &Tensor) {
        for (row, &i) in (0..).zip(self.picked) {
            let name = format!("{name}.{i}");
            self.check(&name, &x.get(row), self.golden.tensor(&name));
        }
    }

    fn expression(&mut self, name: &str, found: &Expression) {
        self.genes(&format!("{name}.values"), &found.values);
        assert_eq!(found.expressed.is_some(), self.golden.tensor(&format!("{name}.expressed.0")).is_some());
        if let Some(expressed) = &found.expressed {
            self.genes(&format!("{name}.expressed"), expressed);
        }
    }
}

fn compare_model(opened: &OpenModel, comparison: &mut Comparison) {
    let model = opened.load(Kind::Float, Device::Cpu).unwrap().share();
    let mut layers = Vec::new();
    let last = model.forward(&comparison.batch, opened.config.nlayers, |layer, x| {
        layers.push((layer, x.shallow_clone()));
        Ok(())
    });
    let last = last.unwrap();
    for (layer, x) in layers {
        comparison.genes(&format!("layer.{layer}"), &x);
    }
    let cells = model.cell_embeddings(&last, &comparison.batch).unwrap();
    comparison.cells("cell", &cells);
    comparison.cells("unit", &unit_rows(&cells).unwrap());
    let expression = model.expression(&last, &comparison.batch).unwrap();
    comparison.expression("expression", &expression);
    if comparison.golden.tensor("mvc.values.0").is_some() {
        let expression = model.expression_of_cells(&cells, &comparison.batch).unwrap();
        comparison.expression("mvc", &expression);
    }
    if comparison.golden.tensor("classes.0").is_some() {
        comparison.cells("classes", &model.classes(&cells).unwrap());
    }
}

fn compare_generator(opened: &OpenModel, comparison: &mut Comparison) {
    let model = opened.load_generator(Kind::Float, Device::Cpu).unwrap();
    let mut layers = Vec::new();
    let after = model.forward(&comparison.batch, |layer, x| {
        layers.push((layer, x.shallow_clone()));
        Ok(())
    });
    for (layer, x) in layers {
        comparison.genes(&format!("layer.{layer}"), &x);
    }
    comparison.expression("after", &after.unwrap());
}

fn compare(case: &str) {
    let _guard = tch::no_grad_guard();
    let opened = open(&golden_folder(case)).unwrap();
    let golden = Golden::open(case);
    let cells = golden.cells();
    let all: Vec<usize> = (0..cells.len()).collect();
    assert_eq!(all.len(), 5);
    let layers = opened.config.nlayers;
    for picked in std::iter::once(all.as_slice()).chain(all.chunks(1)) {
        let mut comparison = Comparison::new(&golden, &cells, picked, case);
        match opened.is_generator() {
            true => compare_generator(&opened, &mut comparison),
            false => compare_model(&opened, &mut comparison),
        }
        assert!(comparison.compared >= picked.len() * (layers + 2), "{case}: only {} values", comparison.compared);
    }
}

#[test]
fn names_of_flash_attention() {
    compare("scgpt_flash");
}

#[test]
fn names_of_torch() {
    compare("scgpt_torch");
}

#[test]
fn fine_tuned_with_batches_zeros_and_classes() {
    compare("scgpt_fine_tuned");
}

#[test]
fn bins_by_table_and_mean_over_genes() {
    compare("scgpt_category");
}

#[test]
fn cells_asked_by_queries_beside_and_upon_them() {
    compare("scgpt_concat_query");
    compare("scgpt_sum_query");
}

#[test]
fn values_that_scale_and_weigh() {
    compare("scgpt_scaling");
}

#[test]
fn generator_of_perturbations() {
    compare("scgpt_generator");
    compare("scgpt_generator_zero");
}

#[test]
fn both_names_give_the_same_fingerprint() {
    let print = |case: &str| open(&golden_folder(case)).unwrap().fingerprint().unwrap();
    assert_eq!(print("scgpt_flash"), print("scgpt_torch"));
}

#[test]
fn every_parameter_is_a_tensor_of_the_checkpoint() {
    for case in ["scgpt_fine_tuned", "scgpt_category", "scgpt_scaling", "scgpt_flash"] {
        let opened = open(&golden_folder(case)).unwrap();
        let model = opened.load(Kind::Float, Device::Cpu).unwrap();
        let named: Vec<String> = model.parameters().into_iter().map(|(name, _)| name).collect();
        let buffers = ["running_mean", "running_var", "num_batches_tracked", "flag_encoder.weight"];
        let stored = opened.checkpoint.names().filter(|name| !buffers.iter().any(|buffer| name.ends_with(buffer)));
        let mut found = named.clone();
        found.sort();
        assert_eq!(found, stored.collect::<Vec<_>>(), "{case}");
    }
}

#[test]
fn what_a_checkpoint_lacks_is_named() {
    let _guard = tch::no_grad_guard();
    let opened = open(&golden_folder("scgpt_scaling")).unwrap();
    let model = opened.load(Kind::Float, Device::Cpu).unwrap();
    let batch = Batch::new(&[CellTokens { tokens: &[31, 2], values: &[0.0, 3.0] }], Device::Cpu).unwrap();
    let refused = model.forward(&batch, 1, |_, _| Ok(())).unwrap_err().to_string();
    assert_eq!(
        refused,
        "the model treats batches apart (`dsbn` or `batch_encoder`), which needs the batch of each cell"
    );
    let cells = Tensor::zeros([1, 24], (Kind::Float, Device::Cpu));
    let refused = model.classes(&cells).unwrap_err().to_string();
    assert_eq!(refused, "the checkpoint has no `cls_decoder`, which cell types needs");
    let refused = model.query_key(4, &cells).unwrap_err().to_string();
    assert_eq!(refused, "no block 4: the model has blocks 1 to 3");
    let generator = open(&golden_folder("scgpt_generator")).unwrap().load_generator(Kind::Float, Device::Cpu).unwrap();
    let refused = generator.forward(&batch, |_, _| Ok(())).unwrap_err().to_string();
    assert_eq!(refused, "the generator needs a flag for each gene, 1 where it is perturbed");
}

#[test]
fn tensors_missing_and_left_over_are_listed() {
    let opened = open(&golden_folder("scgpt_generator")).unwrap();
    let refused = opened.load(Kind::Float, Device::Cpu).unwrap_err().to_string();
    assert!(refused.contains("left over: `decoder.bias_decoder.fc.0.bias`"), "{refused}");
    assert!(refused.contains("`pert_encoder.weight`") || refused.contains('…'), "{refused}");
    let opened = open(&golden_folder("scgpt_torch")).unwrap();
    let refused = opened.load_generator(Kind::Float, Device::Cpu).unwrap_err().to_string();
    assert!(refused.contains("missing: ") && refused.contains("`pert_encoder.weight`"), "{refused}");
}

#[test]
fn folders_without_arguments_vocabulary_or_weights() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().display();
    let refused = || open(folder.path()).unwrap_err().to_string();
    assert_eq!(refused(), format!("{path}: no weights in this folder, looked for best_model.pt and model.safetensors"));
    let golden = golden_folder("scgpt_torch");
    fs_err::copy(golden.join("best_model.pt"), folder.path().join("best_model.pt")).unwrap();
    assert_eq!(
        refused(),
        format!(
            "{path}: no args.json beside the weights; expected an scGPT folder (args.json, best_model.pt, vocab.json)"
        )
    );
    fs_err::copy(golden.join("args.json"), folder.path().join("args.json")).unwrap();
    assert!(super::holds(folder.path()));
    let opened = open(folder.path()).unwrap();
    assert_eq!(
        opened.vocabulary().unwrap_err().to_string(),
        format!("{path}: no vocab.json beside the weights, which names the model's genes")
    );
    let vocabulary = open(&golden).unwrap().vocabulary().unwrap();
    assert_eq!((vocabulary.genes().len(), vocabulary.special("<cls>")), (30, Some(31)));
    fs_err::write(folder.path().join("vocab.json"), r#"{"A": 0, "B": 40}"#).unwrap();
    assert_eq!(
        opened.vocabulary().unwrap_err().to_string(),
        format!("{path}/vocab.json: has 44 tokens, expected 33 or fewer as the model has")
    );
}

#[test]
fn new_generator_keeps_the_blocks_of_its_foundation() {
    let _guard = tch::no_grad_guard();
    let opened = open(&golden_folder("scgpt_flash")).unwrap();
    let (model, generator) =
        (opened.load(Kind::Float, Device::Cpu).unwrap(), opened.new_generator(7, Device::Cpu).unwrap());
    let of = |parameters: Vec<(String, &Tensor)>, name: &str| {
        parameters.into_iter().find(|(found, _)| found == name).map(|(_, tensor)| tensor.copy()).unwrap()
    };
    for name in
        ["encoder.embedding.weight", "value_encoder.linear2.bias", "transformer_encoder.layers.2.linear1.weight"]
    {
        assert_eq!(of(model.parameters(), name), of(generator.parameters(), name), "{name}");
    }
    let again = opened.new_generator(7, Device::Cpu).unwrap();
    let other = opened.new_generator(8, Device::Cpu).unwrap();
    let name = "decoder.coeff_decoder.fc.0.weight";
    assert_eq!(of(generator.parameters(), name), of(again.parameters(), name));
    assert_ne!(of(generator.parameters(), name), of(other.parameters(), name));
}
